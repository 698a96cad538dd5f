"""The axons that packets use, of all mappings that a run has had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.mapping.table import Mapping

__all__ = ["Routes"]

Int32 = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Routes:
    """Axons of the present mapping, after those of earlier ones, which packets under way keep.

    Attributes
    ----------
    source, core, delay, receptor, events : (n_axons,) int32
        As in `pycosim.hwmodels.mapping.axons.AxonTable`.
    relay_core, relay_place : (n_axons,) int32
        Core, and place there, of the relay that sends for the axon; -1 if there is none.
    first : (n_neurons + 1,) int64
        Axons first[s] to first[s + 1] are those that the spikes of source s take now.
    """

    source: Int32
    core: Int32
    delay: Int32
    receptor: Int32
    events: Int32
    relay_core: Int32
    relay_place: Int32
    first: NDArray[np.int64]

    @classmethod
    def of_mapping(cls, mapping: Mapping, earlier: Routes | None = None) -> Routes:
        """Return the axons of a mapping, behind those of `earlier`."""
        axons = mapping.axons
        columns = {name: getattr(axons, name) for name in ("source", "core", "delay", "receptor", "events")}
        columns |= {"relay_core": mapping.relay_core[axons.source], "relay_place": mapping.relay_place}
        if earlier is None:
            return cls(**columns, first=axons.first)
        both = {name: np.concatenate((getattr(earlier, name), column)) for name, column in columns.items()}
        return cls(**both, first=axons.first + len(earlier))

    def __len__(self) -> int:
        """Return the number of axons, those of earlier mappings included."""
        return len(self.source)
