"""Gap junctions: PyNN's ElectricalSynapse, and the projections that consist of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.standardmodels import synapses

from pycosim.errors import InvalidInputError
from pycosim.frontend import simulator
from pycosim.frontend.cells import same_names
from pycosim.frontend.numbering import indices_of
from pycosim.frontend.plastic_synapses import TextValues
from pycosim.frontend.projections import Projection
from pycosim.frontend.requests import numbers_of
from pycosim.network import GapJunctions


class ElectricalProjection(Projection):
    """Gap junctions between two populations; `pycosim.network.junctions` has the equations.

    Each pair that the connector gives is one junction, whichever side is called presynaptic; a connector that
    gives both (i, j) and (j, i) in one population makes two. `source` and `receptor_type` may name the place
    of the junction as pyNN.neuron asks for it ("source_section.gap"); neurons here have one.
    """

    _kind = "gap junctions"

    def __init__(
        self,
        presynaptic_population: Any,
        postsynaptic_population: Any,
        connector: Any,
        synapse_type: Any = None,
        source: str | None = None,
        receptor_type: str | None = None,
        *arguments: Any,
        **named: Any,
    ):
        for name, value in (("source", source), ("receptor_type", receptor_type)):
            if value not in (None, "default", "gap") and not str(value).endswith(".gap"):
                raise InvalidInputError(
                    f"Projection(..., ElectricalSynapse(), {name}={value!r}): a junction has no receptor; "
                    f"leave {name} out, or give 'gap' or 'source_section.gap'."
                )
        cells = presynaptic_population, postsynaptic_population
        super().__init__(*cells, connector, synapse_type, source, None, *arguments, **named)
        self.receptor_type = receptor_type or "gap"

    @staticmethod
    def _described() -> list[Any]:
        return simulator.state.network.junctions

    def _expanded(self) -> GapJunctions:
        simulator.state.require_one_process("ElectricalSynapse")
        synapses = super()._expanded()
        return GapJunctions(synapses.label, synapses.source_column(), synapses.targets, synapses.weights)

    @cached_property
    def pre_indices(self) -> NDArray[np.int32]:
        """Index of each junction's first cell in the presynaptic population, (n,) int32."""
        return indices_of(self.column.sources, numbers_of(self.pre))

    def attribute(self, name: str) -> NDArray[Any]:
        """Return one column by PyNN's name, (n,): the conductance in uS, or an index."""
        if name in ("presynaptic_index", "postsynaptic_index"):
            return self.pre_indices if name == "presynaptic_index" else self.post_indices
        if name == "weight":
            return self.column.weight_column()
        raise AttributeError(
            f"Projection {self.label!r} has no attribute {name!r}; gap junctions have weight."
        )

    def assign(self, **values: NDArray[np.float64] | float) -> None:
        """Put new conductances in uS into the description."""
        self.column.weights = values["weight"]
        simulator.state.tell("junctions_changed", self.number)


class ElectricalSynapse(TextValues, synapses.ElectricalSynapse):
    """A gap junction, `weight` is its conductance in uS; `pycosim.network.junctions` has the equations."""

    translations = same_names(synapses.ElectricalSynapse)
    projection_class = ElectricalProjection
