"""The parts of an STDP mechanism: PyNN's, those of sPyNNaker's extra_models, and our own homeostasis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pyNN.standardmodels import synapses
from pyNN.standardmodels.base import STDPTimingDependence, STDPWeightDependence

from pycosim.errors import InvalidInputError
from pycosim.frontend.cells import same_names
from pycosim.frontend.simulator import state
from pycosim.network.plasticity import ALL_TO_ALL_RULES, WEIGHT_DEPENDENCES

_AMPLITUDES = ("A_plus", "A_minus")


class TimingPart:
    """What all timing dependences have: the rule of the description, and its parameters."""

    rule = ""

    def described(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the rule's parameters for those of timing and weight dependence together."""
        return parameters


class WeightPart:
    """What all weight dependences have; PyNN 0.7 gave them the amplitudes, which are the timing's today."""

    dependence = ""

    def __init__(self, **parameters: Any):
        self.amplitudes = {name: parameters.pop(name) for name in _AMPLITUDES if name in parameters}
        super().__init__(**parameters)


def _pynn_part(name: str, mixin: type, **attributes: str) -> type:
    """Return one of PyNN's parts; all of them can be combined."""
    base = getattr(synapses, name)
    body = {"__doc__": base.__doc__, "__module__": __name__, "translations": same_names(base)}
    return type(name, (mixin, base), body | {"possible_models": frozenset({"stdp"})} | attributes)


def _own_part(mixin: type, base: type, defaults: dict[str, float]) -> tuple[type, type]:
    """Return the bases of a part that PyNN does not have."""
    body = {"default_parameters": defaults, "possible_models": frozenset({"stdp"}), "__module__": __name__}
    standard = type("_Standard", (base,), body)
    standard.translations = same_names(standard)
    return mixin, standard


_PAIR = {"tau_plus": 20.0, "tau_minus": 20.0, "A_plus": 0.01, "A_minus": 0.01}
# Pfister & Gerstner 2006, table 4: visual cortex, all-to-all.
_TRIPLET = {
    "tau_plus": 16.8,
    "tau_minus": 33.7,
    "tau_x": 101.0,
    "tau_y": 125.0,
    "A_plus": 5e-10,
    "A_minus": 7e-3,
}
_TRIPLET_WEIGHT = {"w_min": 0.0, "w_max": 1.0, "A3_plus": 0.01, "A3_minus": 0.01}


class SpikeNearestPairRule(*_own_part(TimingPart, STDPTimingDependence, _PAIR)):
    """sPyNNaker's rule that pairs neighbouring spikes only; parameters as those of SpikePairRule."""

    rule = "SpikeNearestPairRule"


class PfisterSpikeTriplet(*_own_part(TimingPart, STDPTimingDependence, _TRIPLET)):
    """The triplet rule of Pfister & Gerstner (2006), for WeightDependenceAdditiveTriplet."""

    rule = "PfisterSpikeTriplet"


class Vogels2011Rule(
    *_own_part(
        TimingPart, STDPTimingDependence, {"alpha": 0.12, "tau": 20.0, "A_plus": 0.01, "A_minus": 0.01}
    )
):
    """sPyNNaker's form of Vogels2011Rule: eta = A_plus |w_max|, rho = alpha / (2 tau), A_minus not used."""

    rule = "Vogels2011Rule"

    def described(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters of PyNN's form."""
        alpha, gain = parameters.pop("alpha"), parameters.pop("A_plus")
        del parameters["A_minus"]
        rate_hz = alpha / (2e-3 * parameters["tau"])
        return parameters | {"eta": gain * np.abs(parameters["w_max"]), "rho": rate_hz}


class WeightDependenceAdditiveTriplet(*_own_part(WeightPart, STDPWeightDependence, _TRIPLET_WEIGHT)):
    """The additive weight dependence of PfisterSpikeTriplet, with the amplitudes of its triplets."""

    dependence = "AdditiveWeightDependence"


TIMING: dict[str, type] = {
    **{name: _pynn_part(name, TimingPart, rule=name) for name in ALL_TO_ALL_RULES},
    "SpikeNearestPairRule": SpikeNearestPairRule,
    "PfisterSpikeTriplet": PfisterSpikeTriplet,
}
WEIGHT: dict[str, type] = {
    **{name: _pynn_part(name, WeightPart, dependence=name) for name in WEIGHT_DEPENDENCES},
    "WeightDependenceAdditiveTriplet": WeightDependenceAdditiveTriplet,
}
EXTRA_PARTS: dict[str, type] = {
    "SpikeNearestPairRule": SpikeNearestPairRule,
    "PfisterSpikeTriplet": PfisterSpikeTriplet,
    "Vogels2011Rule": Vogels2011Rule,
    "WeightDependenceAdditiveTriplet": WeightDependenceAdditiveTriplet,
}
"""The parts that sPyNNaker has in extra_models."""


@dataclass(frozen=True)
class HomeostaticScaling:
    """CARLsim's homeostasis for an STDPMechanism, `HomeostaticPairRule` of `pycosim.network.plasticity`.

    Parameters
    ----------
    base_rate : float
        Firing rate in Hz that the postsynaptic neurons are led to; CARLsim's baseFiring.
    homeo_scale : float
        Strength relative to STDP; CARLsim's homeoScale.
    time_constant : float
        Of the mean rate, in ms; CARLsim's avgTimeScale (there in s).
    update_interval : float
        From one change of the weights to the next, in ms, rounded to whole steps.
    """

    base_rate: float
    homeo_scale: float = 0.1
    time_constant: float = 10_000.0
    update_interval: float = 1_000.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        InvalidInputError
            If one of them cannot be.
        """
        for name in ("base_rate", "time_constant", "update_interval"):
            if not getattr(self, name) > 0:
                raise InvalidInputError(
                    f"HomeostaticScaling({name}={getattr(self, name)!r}): give a number above 0."
                )

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of the rule, besides those of the pair rule."""
        return {
            "base_rate": float(self.base_rate),
            "homeo_scale": float(self.homeo_scale),
            "tau_rate": float(self.time_constant),
            "update_interval": float(self.update_interval),
        }


def move_amplitudes(timing: Any, weight: Any) -> None:
    """Give a timing dependence the amplitudes that a script of PyNN 0.7 gave to the weight dependence."""
    given = weight.amplitudes
    if not given:
        return
    names = ", ".join(f"{name}={value!r}" for name, value in given.items())
    if not set(given) <= set(timing.default_parameters):
        raise InvalidInputError(
            f"{type(weight).__name__}({names}): {type(timing).__name__} has no such amplitudes; leave them "
            "out."
        )
    state.warn(
        f"{type(weight).__name__}({names}) is PyNN 0.7's form; these were read as parameters of "
        f"{type(timing).__name__}."
    )
    timing.parameter_space.update(**given)
