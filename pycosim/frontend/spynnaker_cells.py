"""Cell types that only sPyNNaker has."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pyNN.parameters import Sequence
from pyNN.standardmodels import StandardCellType

from pycosim.errors import InvalidInputError, NotSupportedError
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

NEAREST = {
    "IFCondExpCerebellum": "IF_cond_exp",
    "IFCondExpStoc": "GIF_cond_exp, whose threshold is stochastic, or IF_cond_exp",
    "IFCurrExpCa2Adaptive": "EIF_cond_exp_isfa_ista or IF_cond_exp_gsfa_grr, which adapt",
    "IF_curr_dual_exp": "a PointNeuron with several CurrExp receptors, or IF_curr_exp",
    "IF_curr_exp_sEMD": "IF_curr_exp",
    "Izhikevich_cond": "Izhikevich",
}
"""What is nearest to cell types of sPyNNaker that are not supported."""


def _refused(name: str) -> type:
    """Return a class that says what is nearest when it is used."""
    message = f"Cell type {name} of sPyNNaker is not supported. The nearest is {NEAREST[name]}."

    def __init__(self: Any, *arguments: Any, **parameters: Any) -> None:
        raise NotSupportedError(message)

    return type(name, (), {"__init__": __init__, "__doc__": message})


REFUSED: dict[str, type] = {name: _refused(name) for name in NEAREST}

CELLS: dict[str, type] = {"SpikeSourcePoissonVariable": SpikeSourcePoissonVariable}


def _plain(values: Any) -> np.ndarray:
    return np.asarray(getattr(values, "value", values), np.float64)


def _sequences(values: np.ndarray) -> Any:
    return Sequence(values) if values.ndim == 1 else [Sequence(row) for row in values]
