"""PyNN's plastic synapse types, and what they say in the network description."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar

import numpy as np
from pyNN.standardmodels import build_translations, synapses

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend.cells import same_names
from pycosim.frontend.dialects import WeightAndDelay
from pycosim.frontend.simulator import state
from pycosim.frontend.stdp_parts import (
    TIMING,
    WEIGHT,
    HomeostaticScaling,
    TimingPart,
    WeightPart,
    move_amplitudes,
)
from pycosim.frontend.synapse_values import Values, distance_function
from pycosim.network.plasticity import ALL_SITES, SHARED, SHORT_TERM_RULES, Plasticity

COMPONENTS: dict[str, type] = TIMING | WEIGHT | {"HomeostaticScaling": HomeostaticScaling}


class STDPMechanism(synapses.STDPMechanism):
    """Spike-timing-dependent plasticity; `pycosim.network.plasticity` has the equations.

    Parameters
    ----------
    timing_dependence : SpikePairRule, SpikeNearestPairRule, Vogels2011Rule or PfisterSpikeTriplet
    weight_dependence
        One of the four weight dependences; for PfisterSpikeTriplet WeightDependenceAdditiveTriplet.
    voltage_dependence : None
    dendritic_delay_fraction : float
        Share of the delay that lies behind the synapse.
    weight, delay
        As for StaticSynapse.
    homeostasis : HomeostaticScaling, optional
        For SpikePairRule.
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
        *,
        homeostasis: HomeostaticScaling | None = None,
    ):
        if voltage_dependence is not None:
            raise NotSupportedError(
                "STDPMechanism(voltage_dependence=...) is not supported: there is no model of it in PyNN."
            )
        _check_parts(timing_dependence, weight_dependence, homeostasis)
        move_amplitudes(timing_dependence, weight_dependence)
        if not 0 <= dendritic_delay_fraction <= 1:
            raise InvalidInputError(
                f"STDPMechanism(dendritic_delay_fraction={dendritic_delay_fraction!r}): give a number "
                "between 0 and 1."
            )
        super().__init__(timing_dependence, weight_dependence, None, dendritic_delay_fraction)
        self.homeostasis = homeostasis
        self.weight = distance_function(weight) if isinstance(weight, str) else weight
        # Without a delay it is the smallest one when the synapses are made, as for StaticSynapse.
        self.delay = distance_function(delay) if isinstance(delay, str) else delay

    def _build_translations(self) -> None:
        self.translations = copy(self.base_translations)
        for part in (self.timing_dependence, self.weight_dependence):
            self.translations |= part.translations

    def _get_minimum_delay(self) -> float:
        return state.min_delay

    def plasticity(self, values: Callable[[str], Values | None], label: str) -> Plasticity:
        """Return the description; `values` gives a parameter's values at the synapses."""
        names = (*self.timing_dependence.default_parameters, *self.weight_dependence.default_parameters)
        rule = self.timing_dependence.rule
        parameters = self.timing_dependence.described(
            {name: shared(name, values(name), label) for name in names}
        )
        if self.homeostasis is not None:
            rule, parameters = "HomeostaticPairRule", parameters | self.homeostasis.parameters
        return Plasticity(
            rule=rule,
            weight_dependence=self.weight_dependence.dependence,
            parameters=parameters,
            dendritic_delay_fraction=float(self.dendritic_delay_fraction),
        )


def _check_parts(timing: Any, weight: Any, homeostasis: Any) -> None:
    """Refuse parts of an STDP mechanism that are no such parts, or cannot be combined."""
    for name, part, kind, known in (
        ("timing", timing, TimingPart, TIMING),
        ("weight", weight, WeightPart, WEIGHT),
    ):
        if not isinstance(part, kind):
            raise NotSupportedError(
                f"STDPMechanism({name}_dependence={part!r}): give one of {', '.join(known)}."
            )
    triplets = [isinstance(timing, TIMING["PfisterSpikeTriplet"]), "A3_plus" in weight.default_parameters]
    if any(triplets) and not all(triplets):
        raise NotSupportedError(
            f"STDPMechanism({type(timing).__name__}, {type(weight).__name__}): PfisterSpikeTriplet and "
            "WeightDependenceAdditiveTriplet, which has the amplitudes of its triplets, need each other."
        )
    if homeostasis is not None and timing.rule != "SpikePairRule":
        raise NotSupportedError(
            f"STDPMechanism({type(timing).__name__}, homeostasis=...): homeostasis is for SpikePairRule only."
        )


def as_magnitudes(projection: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters in which bounds are negative where weights are: on inhibitory currents.

    In sPyNNaker weights and their bounds are magnitudes.
    """
    bounds = {name: np.asarray(parameters[name]) for name in ("w_min", "w_max") if name in parameters}
    if projection.receptor_type != "inhibitory" or projection.post.conductance_based:
        return parameters
    positive = any(np.any(bound > 0) for bound in bounds.values())
    if not positive or any(np.any(bound < 0) for bound in bounds.values()):
        return parameters
    state.warn(
        f"Projection {projection.label!r}: {' and '.join(bounds)} of weights on an inhibitory current-based "
        "receptor were taken as negative."
    )
    return parameters | {name: (-bound)[()] for name, bound in bounds.items()}


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


class _ShortTermSynapse(WeightAndDelay, TextValues):
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
