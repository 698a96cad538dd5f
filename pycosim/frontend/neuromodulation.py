"""sPyNNaker's neuromodulation: projections that release dopamine where pair rules learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from pyNN.standardmodels import synapses

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend.cells import same_names
from pycosim.frontend.dialects import WeightAndDelay
from pycosim.frontend.simulator import state
from pycosim.frontend.synapse_values import Values
from pycosim.network.plasticity import DOPAMINE, DOPAMINE_SIGN, Plasticity

_MODULATED = "DopaminePairRule"


class Neuromodulation(WeightAndDelay, synapses.StaticSynapse):
    """Synapses that release dopamine; all STDP onto the same populations then waits for it.

    For projections with receptor_type "reward" or "punishment". `pycosim.network.plasticity` has the
    equations under `DopaminePairRule`. What CARLsim calls DA_MOD is
    ``Neuromodulation(weight=0.04, tau_d=tauDP, baseline=baseDP)``.

    Parameters
    ----------
    weight : float or as in StaticSynapse
        Dopamine that a spike releases.
    tau_c, tau_d : float
        Time constants of eligibility and dopamine, in ms.
    w_min, w_max : float
        Bounds of the weights that learn; they replace those of the weight dependence.
    baseline : float
        Dopamine without any spike.
    delay : float or as in StaticSynapse
    """

    translations = same_names(synapses.StaticSynapse)

    def __init__(
        self,
        weight: Any = 0.0,
        tau_c: float = 1000.0,
        tau_d: float = 200.0,
        w_min: float = 0.0,
        w_max: float = 1.0,
        *,
        baseline: float = 0.0,
        delay: Any = None,
    ):
        super().__init__(weight=weight, delay=delay)
        if w_min < 0 or w_max < 0:
            raise InvalidInputError(
                f"Neuromodulation(w_min={w_min!r}, w_max={w_max!r}): give magnitudes, numbers of at least 0."
            )
        self.tau_c, self.tau_d, self.w_min, self.w_max, self.baseline = tau_c, tau_d, w_min, w_max, baseline

    def _get_minimum_delay(self) -> float:
        return state.default_delay

    def plasticity(self, values: Callable[[str], Values | None], label: str) -> Plasticity:
        """Return the description."""
        return Plasticity(DOPAMINE)

    def changed(self, plasticity: Plasticity) -> Plasticity:
        """Return what a pair rule becomes where there is dopamine."""
        sign = -1.0 if np.any(np.asarray(plasticity.parameters["w_max"]) < 0) else 1.0
        own = {"tau_c": self.tau_c, "tau_d": self.tau_d, "d_base": self.baseline}
        bounds = {"w_min": sign * self.w_min, "w_max": sign * self.w_max}
        parameters = plasticity.parameters | {name: float(value) for name, value in (own | bounds).items()}
        return replace(plasticity, rule=_MODULATED, parameters=parameters)


def split_receptor(synapse_type: Any, receptor_type: str | None) -> tuple[str | None, str | None]:
    """Return the receptor that PyNN checks, and that of dopamine or None.

    Raises
    ------
    InvalidInputError
        If neuromodulation has no receptor of dopamine.
    """
    if not isinstance(synapse_type, Neuromodulation):
        return receptor_type, None
    if receptor_type not in DOPAMINE_SIGN:
        raise InvalidInputError(
            f"Projection(..., Neuromodulation(...), receptor_type={receptor_type!r}): give "
            f"{' or '.join(map(repr, DOPAMINE_SIGN))}."
        )
    return None, receptor_type


def modulate(projection: Any) -> None:
    """Let a new projection learn from dopamine, or let the others learn from its dopamine.

    Raises
    ------
    NotSupportedError
        If these cannot: they have another rule, other parameters, or run already.
    """
    plasticity = projection.column.plasticity
    if plasticity is None:
        return
    if plasticity.rule == DOPAMINE:
        for other in state.projections:
            _modulate(other, projection)
        state.modulators.append(projection)
    else:
        for modulator in state.modulators:
            _modulate(projection, modulator)


def warn_of_unused() -> None:
    """Say which dopamine is without effect, as nothing there learns from it."""
    for modulator in state.modulators:
        learning = (p for p in state.projections if _rule(p) == _MODULATED)
        if not any(_meet(p, modulator) for p in learning):
            state.warn(
                f"Projection {modulator.label!r} releases dopamine without effect: no STDPMechanism with "
                "SpikePairRule ends on the same populations."
            )


def _modulate(projection: Any, modulator: Any) -> None:
    plasticity, synapse = projection.column.plasticity, modulator.synapse_type
    if plasticity is None or not plasticity.changes_weights or not _meet(projection, modulator):
        return
    what = f"Neuromodulation (projection {modulator.label!r}) of the plastic projection {projection.label!r}"
    if plasticity.rule not in ("SpikePairRule", _MODULATED):
        raise NotSupportedError(
            f"{what}: its rule is {plasticity.rule}. Only SpikePairRule without homeostasis can wait for "
            "dopamine."
        )
    changed = synapse.changed(plasticity)
    if plasticity.rule == _MODULATED:
        if changed.parameters != plasticity.parameters:
            raise NotSupportedError(
                f"{what}: tau_c, tau_d, w_min, w_max and baseline differ from those of another projection "
                "that releases dopamine there. Make them equal; the weights may differ."
            )
        return
    if state.simulation is not None and projection.number < state.n_known[1]:
        raise NotSupportedError(
            f"{what} after run(): its synapses have learnt without dopamine. Create both before the first "
            "run(), or call reset() first."
        )
    for name in ("w_min", "w_max"):
        if np.any(plasticity.parameters[name] != changed.parameters[name]):
            state.warn(
                f"{what}: {name}={getattr(synapse, name)!r} of Neuromodulation replaces that of the weight "
                "dependence."
            )
    projection.column.plasticity = changed


def _rule(projection: Any) -> str:
    plasticity = projection.column.plasticity
    return plasticity.rule if plasticity else ""


def _meet(projection: Any, modulator: Any) -> bool:
    """Return whether two projections end on the same population."""
    of_neuron = state.network.population_of_neuron()
    targets = (getattr(p.column, "posts", p.column.targets) for p in (projection, modulator))
    ends = (np.unique(of_neuron[neurons]) for neurons in targets)
    return bool(np.intersect1d(*ends).size)
