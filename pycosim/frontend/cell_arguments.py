"""What scripts for other simulators pass to cell types: initial values, and CARLsim's kind of neuron."""

from __future__ import annotations

from typing import Any

from pycosim.errors import InvalidInputError
from pycosim.frontend.simulator import state

KINDS = EXCITATORY_NEURON, INHIBITORY_NEURON = "EXCITATORY_NEURON", "INHIBITORY_NEURON"
"""CARLsim's kinds of neurons."""


class CellArguments:
    """Lets a cell type take initial values as sPyNNaker does, and `neuronType` as CARLsim does."""

    default_initial_values: dict[str, Any]
    default_parameters: dict[str, Any]

    neuron_type: str | None = None
    """CARLsim's kind of neuron, where a script says it."""

    def __init__(self, *older: Any, **parameters: Any):
        parameters = _named(self, older) | parameters
        if "neuronType" in parameters:
            self.neuron_type = _kind(type(self).__name__, parameters.pop("neuronType"))
        given = {
            name: parameters.pop(name)
            for name in tuple(parameters)
            if name not in self.default_parameters
            and name.removesuffix("_init") in self.default_initial_values
        }
        super().__init__(**parameters)
        if given:
            self.default_initial_values = self.default_initial_values | {
                name.removesuffix("_init"): value for name, value in given.items()
            }
            words = ", ".join(f"{name}={value!r}" for name, value in given.items())
            state.warn(f"{type(self).__name__}({words}) was read as initial values.")


def _named(cell: CellArguments, older: tuple[Any, ...]) -> dict[str, Any]:
    """Return CARLsim's arguments without names, the first of which is the kind of neuron."""
    names = ["neuronType", *cell.default_parameters]
    if older and (older[0] not in KINDS or len(older) > len(names)):
        raise TypeError(
            f"{type(cell).__name__}{older!r}: give parameters by name; only CARLsim's neuronType may come "
            "first."
        )
    return dict(zip(names, older))


def _kind(cell: str, kind: Any) -> str:
    if kind not in KINDS:
        raise InvalidInputError(f"{cell}(neuronType={kind!r}): it is one of {', '.join(KINDS)}.")
    state.warn(
        f"{cell}(neuronType={kind!r}) is CARLsim's: it decides about the receptor of projections that name "
        "none, and nothing else."
    )
    return kind
