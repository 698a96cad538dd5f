"""PyNN's plastic synapse types, and what they say in the network description."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar

import numpy as np
from pyNN.standardmodels import build_translations, synapses

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend.cells import same_names
from pycosim.frontend.simulator import state
from pycosim.frontend.synapse_values import Values, distance_function
from pycosim.network.plasticity import (
    ALL_SITES,
    SHARED,
    SHORT_TERM_RULES,
    TIMING_RULES,
    WEIGHT_DEPENDENCES,
    Plasticity,
)


def _component(name: str) -> type:
    """Return one of PyNN's parts of an STDP mechanism; all of them can be combined."""
    base = getattr(synapses, name)
    body = {
        "__doc__": base.__doc__,
        "__module__": __name__,
        "translations": same_names(base),
        "possible_models": frozenset({"stdp"}),
    }
    return type(name, (base,), body)


COMPONENTS: dict[str, type] = {name: _component(name) for name in (*TIMING_RULES, *WEIGHT_DEPENDENCES)}


class STDPMechanism(synapses.STDPMechanism):
    """Spike-timing-dependent plasticity; `pycosim.network.plasticity` has the equations.

    Parameters
    ----------
    timing_dependence : SpikePairRule or Vogels2011Rule
    weight_dependence
        One of the four weight dependences.
    voltage_dependence : None
    dendritic_delay_fraction : float
        Share of the delay that lies behind the synapse.
    weight, delay
        As for StaticSynapse.
    """

    base_translations = build_translations(
        ("weight", "weight"),
        ("delay", "delay"),
        ("dendritic_delay_fraction", "dendritic_delay_fraction"),
    )

    def __init__(
        self,
        timing_dependence: Any = None,
        weight_dependence: Any = None,
        voltage_dependence: Any = None,
        dendritic_delay_fraction: float = 1.0,
        weight: Any = 0.0,
        delay: Any = None,
    ):
        if voltage_dependence is not None:
            raise NotSupportedError(
                "STDPMechanism(voltage_dependence=...) is not supported: there is no model of it in PyNN."
            )
        for name, part in (("timing", timing_dependence), ("weight", weight_dependence)):
            if type(part).__name__ not in COMPONENTS:
                raise NotSupportedError(
                    f"STDPMechanism({name}_dependence={part!r}): give one of "
                    f"{', '.join(TIMING_RULES if name == 'timing' else WEIGHT_DEPENDENCES)}."
                )
        if not 0 <= dendritic_delay_fraction <= 1:
            raise InvalidInputError(
                f"STDPMechanism(dendritic_delay_fraction={dendritic_delay_fraction!r}): give a number "
                "between 0 and 1."
            )
        super().__init__(timing_dependence, weight_dependence, None, dendritic_delay_fraction)
        self.weight = distance_function(weight) if isinstance(weight, str) else weight
        self.delay = distance_function(delay) if isinstance(delay, str) else delay
        if delay is None:
            self.delay = self._get_minimum_delay()

    def _build_translations(self) -> None:
        self.translations = copy(self.base_translations)
        for part in (self.timing_dependence, self.weight_dependence):
            self.translations |= part.translations

    def _get_minimum_delay(self) -> float:
        return state.min_delay

    def plasticity(self, values: Callable[[str], Values | None], label: str) -> Plasticity:
        """Return the description; `values` gives a parameter's values at the synapses."""
        names = (*self.timing_dependence.default_parameters, *self.weight_dependence.default_parameters)
        return Plasticity(
            rule=type(self.timing_dependence).__name__,
            weight_dependence=type(self.weight_dependence).__name__,
            parameters={name: shared(name, values(name), label) for name in names},
            dendritic_delay_fraction=float(self.dendritic_delay_fraction),
        )


class TextValues:
    """Lets functions of the distance be given as text, as StaticSynapse does."""

    def __init__(self, **parameters: Any):
        super().__init__(
            **{
                name: distance_function(value) if isinstance(value, str) else value
                for name, value in parameters.items()
            }
        )

    def _get_minimum_delay(self) -> float:
        return state.min_delay


class _ShortTermSynapse(TextValues):
    """What synapses that depend on presynaptic spikes only have in common.

    `rule` and `initial` are those of the description.
    """

    rule = ""
    initial: ClassVar[dict[str, float]] = {"u": 0.0}

    def get_schema(self) -> dict[str, type]:
        """Return the type of each parameter; that of a whole number would refuse arrays with gaps."""
        return dict.fromkeys(self.default_parameters, float)

    def plasticity(self, values: Callable[[str], Values | None], label: str) -> Plasticity:
        """Return the description; `values` gives a parameter's values at the synapses."""
        parameters = {name: values(name) for name in SHORT_TERM_RULES[self.rule]}
        return Plasticity(self.rule, parameters=parameters, initial=dict(self.initial))


def _short_term(name: str, rule: str) -> type:
    base = getattr(synapses, name)
    doc = f"PyNN's {name}; `pycosim.network.plasticity` has the equations under {rule!r}."
    body = {"__doc__": doc, "__module__": __name__, "translations": same_names(base), "rule": rule}
    if rule == "Quantal":
        body["initial"] = {"u": 0.0, "a": ALL_SITES}
    return type(name, (_ShortTermSynapse, base), body)


SHORT_TERM: dict[str, type] = {
    name: _short_term(name, rule)
    for name, rule in {
        "TsodyksMarkramSynapse": "TsodyksMarkram",
        "MultiQuantalSynapse": "Quantal",
        "StochasticTsodyksMarkramSynapse": "StochasticTsodyksMarkram",
        "SimpleStochasticSynapse": "SimpleStochastic",
    }.items()
}


def shared(name: str, value: Values | None, label: str) -> Values:
    """Return a parameter's values; one number where all synapses must share it."""
    if name not in SHARED or np.ndim(value) == 0:
        return value
    if len(value) and np.any(value != value[0]):
        raise NotSupportedError(
            f"Projection {label!r}: {name} differs between synapses. The time constants of an STDP rule are "
            "shared by all synapses of a projection; split the projection."
        )
    return float(value[0]) if len(value) else 0.0
