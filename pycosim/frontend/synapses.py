"""PyNN's synapse types: those that pycosim runs, and placeholders that name the others."""

from __future__ import annotations

from typing import Any

from pyNN.standardmodels import StandardModelType, synapses

from pycosim.frontend.cells import placeholder, same_names
from pycosim.frontend.dialects import WeightAndDelay
from pycosim.frontend.neuromodulation import Neuromodulation
from pycosim.frontend.plastic_synapses import COMPONENTS, SHORT_TERM, STDPMechanism
from pycosim.frontend.simulator import state
from pycosim.frontend.synapse_values import distance_function


class StaticSynapse(WeightAndDelay, synapses.StaticSynapse):
    """Synapse with constant weight and delay; without a delay it has the smallest one."""

    translations = same_names(synapses.StaticSynapse)

    def __init__(self, **parameters: Any):
        super().__init__(
            **{
                name: distance_function(value) if isinstance(value, str) else value
                for name, value in parameters.items()
            }
        )

    def _get_minimum_delay(self) -> float:
        return state.default_delay


SUPPORTED: dict[str, type] = {
    "StaticSynapse": StaticSynapse,
    "STDPMechanism": STDPMechanism,
    "Neuromodulation": Neuromodulation,
    **SHORT_TERM,
}


def synapse_types() -> dict[str, type]:
    """Return all of PyNN's synapse types and their components by name."""
    found: dict[str, type] = {}
    for name, base in vars(synapses).items():
        if (
            isinstance(base, type)
            and issubclass(base, StandardModelType)
            and base.__module__ == synapses.__name__
        ):
            found[name] = placeholder("Synapse model", name, list(SUPPORTED))
    return found | SUPPORTED | COMPONENTS
