"""Cell types that only sPyNNaker has."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pyNN.parameters import Sequence
from pyNN.standardmodels import StandardCellType

from pycosim.errors import InvalidInputError
from pycosim.frontend.cells import same_names

_LISTS = "rates", "starts", "durations"


class SpikeSourcePoissonVariable(StandardCellType):
    """Poisson sources whose rate is constant for a while, then another one.

    Parameters
    ----------
    rates : sequence of float, in Hz
    starts : sequence of float, in ms
        When each rate begins; ascending.
    durations : sequence of float, in ms, optional
        How long each rate lasts; by default, and at most, until the next one begins. Each of the three may be
        a list of such sequences, one for each source.
    """

    default_parameters: ClassVar = {name: Sequence([0.0]) for name in _LISTS}
    recordable: ClassVar = ["spikes"]
    injectable = False
    receptor_types = ()
    units: ClassVar = {"rates": "Hz", "starts": "ms", "durations": "ms"}

    def __init__(self, rates: Any = (0.0,), starts: Any = (0.0,), durations: Any = None):
        if durations is None:
            durations = np.full(np.shape(_plain(starts)), np.inf)
        given = dict(zip(_LISTS, map(_plain, (rates, starts, durations))))
        lengths = {name: values.shape[-1] if values.ndim else 0 for name, values in given.items()}
        if len(set(lengths.values())) > 1 or not lengths["rates"]:
            raise InvalidInputError(
                "SpikeSourcePoissonVariable(): rates, starts and durations need as many values each, at "
                f"least one; there are {lengths['rates']}, {lengths['starts']} and {lengths['durations']}."
            )
        super().__init__(**{name: _sequences(values) for name, values in given.items()})


SpikeSourcePoissonVariable.translations = same_names(SpikeSourcePoissonVariable)

CELLS: dict[str, type] = {"SpikeSourcePoissonVariable": SpikeSourcePoissonVariable}


def _plain(values: Any) -> np.ndarray:
    return np.asarray(getattr(values, "value", values), np.float64)


def _sequences(values: np.ndarray) -> Any:
    return Sequence(values) if values.ndim == 1 else [Sequence(row) for row in values]
