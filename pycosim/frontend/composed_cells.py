"""PyNN's composed neurons: a neuron component and a post-synaptic response for each receptor."""

from __future__ import annotations

from typing import Any

from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import cells, receptors

from pycosim.errors import InvalidInputError
from pycosim.frontend.cells import same_names
from pycosim.network.composed import Composition


def _component(base: type) -> type:
    return type(base.__name__, (base,), {"__doc__": base.__doc__, "translations": same_names(base)})


NEURONS = {base.__name__: _component(base) for base in (cells.LIF, cells.AdExp)}
"""Neuron components by name, which is that of the membrane (`pycosim.network.membranes.MEMBRANES`)."""


def _response(base: type) -> type:
    contents = {
        "__doc__": base.__doc__,
        "translations": same_names(base),
        "recordable": list(base.units),
        "scale_factors": dict.fromkeys(base.units, 1.0),
        "kind": base.__name__.removesuffix("PostSynapticResponse"),
    }
    return type(base.__name__, (base,), contents)


RESPONSES = {
    name: _response(base)
    for name, base in vars(receptors).items()
    if name.endswith("PostSynapticResponse") and name != "StandardPostSynapticResponse"
}
"""Post-synaptic responses by PyNN's names."""

ALIASES = {
    "ExpPSR": RESPONSES["CondExpPostSynapticResponse"],
    "AlphaPSR": RESPONSES["CondAlphaPostSynapticResponse"],
    "BetaPSR": RESPONSES["CondBetaPostSynapticResponse"],
}


class PointNeuron(cells.PointNeuron):
    """A neuron component with any number of receptors, each with a response of its own.

    Parameters
    ----------
    neuron : LIF or AdExp
    **post_synaptic_receptors
        Name of a receptor, and a post-synaptic response. Currents and conductances may be mixed.
    """

    def __init__(self, neuron: Any, **post_synaptic_receptors: Any):
        wrong = [
            f"{name}={value!r}"
            for name, value in post_synaptic_receptors.items()
            if not isinstance(value, tuple(RESPONSES.values()))
        ]
        if not isinstance(neuron, tuple(NEURONS.values())) or wrong or not post_synaptic_receptors:
            raise InvalidInputError(
                f"PointNeuron({', '.join([repr(neuron), *wrong])}): it takes a neuron component "
                f"({', '.join(NEURONS)}) and, under names of receptors, at least one post-synaptic response "
                f"({', '.join((*RESPONSES, *ALIASES))})."
            )
        super().__init__(neuron, **post_synaptic_receptors)

    @property
    def model(self) -> str:
        """Name of the composed model."""
        parts = tuple((name, self.post_synaptic_receptors[name].kind) for name in self.receptor_types)
        return Composition(type(self.neuron).__name__, parts).text

    @property
    def conductance_based(self) -> bool:
        """Whether all receptors are; see `takes_conductance` for one of them."""
        return all(response.conductance_based for response in self.post_synaptic_receptors.values())

    @property
    def default_parameters(self) -> dict[str, Any]:
        """Default values by name, those of a receptor as in "AMPA.tau_syn"."""
        return self.neuron.default_parameters | {
            f"{name}.{key}": value
            for name, response in self.post_synaptic_receptors.items()
            for key, value in response.default_parameters.items()
            if key != "locations"
        }

    def has_parameter(self, name: str) -> bool:
        """Return whether there is a parameter called `name`."""
        return name in self.default_parameters

    def get_parameter_names(self) -> list[str]:
        """Return the names of the parameters."""
        return list(self.default_parameters)

    @property
    def native_parameters(self) -> ParameterSpace:
        """The parameters of neuron and receptors in one space."""
        return self.translate(self.parameter_space)

    def translate(self, parameters: ParameterSpace, copy: bool = True) -> ParameterSpace:
        """Return parameters in one space; those of a receptor may be given as "AMPA.tau_syn" or in a dict."""
        flat: dict[str, Any] = {}
        for name, value in parameters.items():
            if isinstance(value, ParameterSpace):
                flat |= {f"{name}.{key}": part for key, part in value.items() if key != "locations"}
            else:
                flat[name] = value
        return ParameterSpace(flat, shape=parameters.shape)

    def get_schema(self) -> dict[str, Any]:
        """Return the types of all parameters."""
        schema: dict[str, Any] = dict.fromkeys(self.default_parameters, float)
        return schema | {
            name: response.get_schema() for name, response in self.post_synaptic_receptors.items()
        }

    def get_native_names(self, *names: str) -> list[str]:
        """Return the names under which the description has parameters: PyNN's."""
        return list(names or self.default_parameters)

    def __repr__(self) -> str:
        """Say of what the neuron is made."""
        return f"PointNeuron({self.model})"


def components() -> dict[str, type]:
    """Return all that composed neurons are made of, by name."""
    return NEURONS | RESPONSES | ALIASES | {"PointNeuron": PointNeuron}
