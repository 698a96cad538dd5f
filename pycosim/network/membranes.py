"""The membranes of composed neurons: parameters, states, and what their own spikes set off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pycosim.network import nonlinear
from pycosim.network.coefficients import Coefficients, Parameters


@dataclass(frozen=True)
class Elements:
    """What a neuron's own spikes set off: `n` quantities that jump and decay by the named parameters.

    Their sum is recorded as `name`. It follows from them, and they begin at 0: an initial value of a sum of
    several is its first sample and nothing else, as in PyNN's other simulators.
    """

    name: str
    tau: str
    jump: str
    n: int


@dataclass(frozen=True)
class Escape:
    """Firing at random: in a step, ``p = p_max (1 - exp(-rate exp((v - threshold) / width)))``.

    Attributes
    ----------
    rate : callable
        ``rate(parameters, dt_ms)`` gives the rate at the threshold, per step.
    width : str
        The parameter in mV.
    """

    rate: Callable[[Parameters, float], ArrayLike]
    width: str
    p_max: float = 1.0


@dataclass(frozen=True)
class Membrane:
    """A membrane.

    Attributes
    ----------
    parameters, states : tuple of str
        `states` besides "v".
    initial : dict of str to float
    recordables : dict of str to (state, unit)
    coefficients : callable or None
        ``coefficients(parameters, dt_ms)`` gives constants and the length of a sub-step; None is a LIF
        membrane.
    threshold : str
        For LIF membranes: the parameter that is the threshold, or the base of the moving one.
    spike_jumps : dict of str to str
    currents, thresholds : Elements or None
    escape : Escape or None
    """

    parameters: tuple[str, ...]
    states: tuple[str, ...]
    initial: Mapping[str, float]
    recordables: Mapping[str, tuple[str, str]]
    coefficients: Callable[[Parameters, float], tuple[Coefficients, float]] | None = None
    threshold: str = "v_thresh"
    spike_jumps: Mapping[str, str] | None = None
    currents: Elements | None = None
    thresholds: Elements | None = None
    escape: Escape | None = None

    @property
    def sequences(self) -> dict[str, int]:
        """Parameters that have several values for each neuron, and how many."""
        groups = [group for group in (self.currents, self.thresholds) if group and group.n > 1]
        return {name: group.n for group in groups for name in (group.tau, group.jump)}


_LIF = ("v_rest", "cm", "tau_m", "tau_refrac", "i_offset", "v_reset")
_V = {"v": ("v", "mV")}
_ADAPTATION = ("a", "b", "delta_T", "tau_w", "v_thresh")
_GIF = ("delta_v", "v_t_star", "lambda0", "tau_eta", "tau_gamma", "a_eta", "a_gamma")
# sPyNNaker's threshold_type_maass_stochastic.h: a tenth of the hazard, at most 0.8 (which it takes for all
# exponents above 5, to save time).
_STOCHASTIC = Escape(lambda p, dt: 0.1 * dt / np.asarray(p["tau_th"], np.float64), "du_th", 0.8)

MEMBRANES: dict[str, Membrane] = {
    "LIF": Membrane((*_LIF, "v_thresh"), (), {"v": -65.0}, _V),
    "AdExp": Membrane(
        (*("cm", "tau_refrac", "v_spike", "v_reset", "v_rest", "tau_m", "i_offset"), *_ADAPTATION),
        ("w",),
        {"v": -70.6},
        _V | {"w": ("w", "nA")},
        nonlinear.eif_membrane,
        spike_jumps={"w": "b"},
    ),
    "Izk": Membrane(
        ("a", "b", "c", "d", "i_offset"),
        ("u",),
        {"v": -70.0, "u": -14.0},
        _V | {"u": ("u", "mV/ms")},
        nonlinear.izhikevich_membrane,
        spike_jumps={"u": "d"},
    ),
    # Spike-triggered currents eta, moving threshold gamma, stochastic firing: Pozzorini et al. 2015.
    "GIF": Membrane(
        (*_LIF, *_GIF),
        (),
        {"v": -65.0, "v_t": -48.0},
        _V,
        threshold="v_t_star",
        currents=Elements("i_eta", "tau_eta", "a_eta", 3),
        thresholds=Elements("v_t", "tau_gamma", "a_gamma", 3),
        escape=Escape(lambda p, dt: 1e-3 * dt * np.asarray(p["lambda0"], np.float64), "delta_v"),
    ),
    # A current that follows the calcium let in by spikes: Liu & Wang 2001, as in sPyNNaker.
    "LIFCa": Membrane(
        (*_LIF, "v_thresh", "tau_ca2", "i_alpha"),
        (),
        {"v": -65.0},
        _V,
        currents=Elements("i_ca2", "tau_ca2", "i_alpha", 1),
    ),
    # A soft threshold: Habenschuss, Jonke & Maass 2013, as in sPyNNaker.
    "LIFStoc": Membrane((*_LIF, "v_thresh", "du_th", "tau_th"), (), {"v": -65.0}, _V, escape=_STOCHASTIC),
}
