"""The neuron and source models, and their update over one step in terms of constant coefficients.

Every backend advances a neuron from step k-1 to step k in the same four moves:

1. integrate membrane and synapses over one step, with the synaptic state of step k-1;
2. add the weights of the spikes that arrive at step k;
3. if the neuron is refractory hold it at ``v_reset``, else compare ``v >= v_thresh``: it fires at the
   time of step k, is reset, and stays refractory for ``refractory_steps`` steps;
4. sample the recorded variables.

So a spike that arrives at 6.0 ms moves a synaptic current at 6.0 ms and the membrane one step later,
while a delta synapse moves the membrane at 6.0 ms (and is ignored while the neuron is refractory).

Current-based models are integrated exactly (Rotter & Diesmann 1999, Biol Cybern 81:381); conductance-
based ones by the exponential midpoint rule: conductances, which are known exactly, are frozen at the
middle of the step, which makes the membrane equation linear (error of second order in dt).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import NotSupportedError

Parameters = Mapping[str, ArrayLike]
Coefficients = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class NeuronModel:
    """A model with dynamics.

    Attributes
    ----------
    name : str
        PyNN's name.
    parameters : tuple of str
    states : tuple of str
        State variables, "v" first. Units: mV, nA for "i_*", uS for "g_*"; "di_*" and "dg_*" are the
        rates of rise of alpha-shaped responses (nA/ms, uS/ms).
    receptors : dict of str to str
        Name of a receptor to the state variable that a spike's weight is added to (after
        multiplication with the coefficient of `jumps`, where the receptor has one).
    jumps : dict of str to str
        Name of a receptor to the coefficient that turns a weight into a jump of the state.
    recordables : dict of str to (state, unit)
    initial : dict of str to float
        Initial values, where not 0.
    coefficients : callable
        ``coefficients(parameters, dt_ms)`` gives the constants of one step by name.
    """

    name: str
    parameters: tuple[str, ...]
    states: tuple[str, ...]
    receptors: dict[str, str]
    recordables: dict[str, tuple[str, str]]
    coefficients: Callable[[Parameters, float], Coefficients]
    jumps: dict[str, str] = field(default_factory=dict)
    initial: dict[str, float] = field(default_factory=lambda: {"v": -65.0})


@dataclass(frozen=True)
class SourceModel:
    """A model that only emits spikes."""

    name: str
    parameters: tuple[str, ...]
    initial: dict[str, float] = field(default_factory=dict)


def decay(tau_ms: ArrayLike, dt_ms: float) -> NDArray[np.float64]:
    """Return the factor by which a quantity with time constant `tau_ms` decays in one step."""
    return np.exp(-dt_ms / np.asarray(tau_ms, np.float64))


def exponential_response(
    tau_m: ArrayLike, tau_s: ArrayLike, cm: ArrayLike, dt_ms: float
) -> NDArray[np.float64]:
    """Return the membrane's change in mV after one step per nA of an exponentially decaying current.

    It is ``(exp(-dt/tau_s) - exp(-dt/tau_m)) / (1/tau_m - 1/tau_s) / cm``, written so that it stays
    exact where the two time constants are equal.
    """
    tau_m, tau_s, cm = (np.asarray(x, np.float64) for x in (tau_m, tau_s, cm))
    x = dt_ms * (1 / tau_m - 1 / tau_s)
    safe = np.where(x == 0, 1.0, x)
    ratio = np.where(x == 0, 1.0, -np.expm1(-safe) / safe)
    return dt_ms * np.exp(-dt_ms / tau_s) * ratio / cm


# Nodes and weights on [0, 1]; with 40 nodes the integral below is exact to rounding for dt < 20 tau.
_NODES, _WEIGHTS = (
    (np.polynomial.legendre.leggauss(40)[0] + 1) / 2,
    np.polynomial.legendre.leggauss(40)[1] / 2,
)


def alpha_response(tau_m: ArrayLike, tau_s: ArrayLike, cm: ArrayLike, dt_ms: float) -> NDArray[np.float64]:
    """Return the membrane's change in mV after one step per nA/ms of an alpha current's rate of rise.

    It is the integral of ``exp(-(dt - s)/tau_m) * s * exp(-s/tau_s) / cm`` over s from 0 to dt, by
    Gauss-Legendre quadrature (the closed form cancels where the time constants are close).
    """
    tau_m, tau_s, cm = (np.asarray(x, np.float64)[..., np.newaxis] for x in (tau_m, tau_s, cm))
    s = dt_ms * _NODES
    integrand = np.exp(-(dt_ms - s) / tau_m - s / tau_s) * s / cm
    return dt_ms * np.sum(integrand * _WEIGHTS, axis=-1)


def _membrane(p: Parameters, dt_ms: float) -> Coefficients:
    """Return what every integrate-and-fire model needs: resting, reset, threshold, refractory steps."""
    return {
        "v_rest": np.asarray(p["v_rest"], np.float64),
        "v_reset": np.asarray(p["v_reset"], np.float64),
        "v_thresh": np.asarray(p["v_thresh"], np.float64),
        "refractory_steps": np.round(np.asarray(p["tau_refrac"], np.float64) / dt_ms),
    }


def _current_membrane(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of ``v - v_rest -> (v - v_rest) * decay_m + drive`` for a constant current."""
    decay_m = decay(p["tau_m"], dt_ms)
    tau_over_cm = np.asarray(p["tau_m"], np.float64) / np.asarray(p["cm"], np.float64)
    drive = np.asarray(p["i_offset"], np.float64) * tau_over_cm * -np.expm1(-dt_ms / np.asarray(p["tau_m"]))
    return _membrane(p, dt_ms) | {"decay_m": decay_m, "drive": drive}


def _curr_delta(p: Parameters, dt_ms: float) -> Coefficients:
    return _current_membrane(p, dt_ms)


def _curr_exp(p: Parameters, dt_ms: float) -> Coefficients:
    return _current_membrane(p, dt_ms) | {
        "decay_e": decay(p["tau_syn_E"], dt_ms),
        "decay_i": decay(p["tau_syn_I"], dt_ms),
        "v_per_i_e": exponential_response(p["tau_m"], p["tau_syn_E"], p["cm"], dt_ms),
        "v_per_i_i": exponential_response(p["tau_m"], p["tau_syn_I"], p["cm"], dt_ms),
    }


def _alpha_jumps(p: Parameters) -> Coefficients:
    """Return rise rates per weight, which is the peak of an alpha response ``w (t/tau) e^(1 - t/tau)``."""
    return {f"jump_{r.lower()}": np.e / np.asarray(p[f"tau_syn_{r}"], np.float64) for r in "EI"}


def _curr_alpha(p: Parameters, dt_ms: float) -> Coefficients:
    return (
        _curr_exp(p, dt_ms)
        | _alpha_jumps(p)
        | {
            "v_per_di_e": alpha_response(p["tau_m"], p["tau_syn_E"], p["cm"], dt_ms),
            "v_per_di_i": alpha_response(p["tau_m"], p["tau_syn_I"], p["cm"], dt_ms),
            "dt": np.asarray(dt_ms),
        }
    )


def _cond_exp(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of the exponential midpoint rule.

    ``g_mid = g * half_decay``; ``g_total = g_leak + sum g_mid``; ``v_inf = (drive + sum g_mid * e_rev) /
    g_total``; ``v -> v_inf + (v - v_inf) * exp(-g_total * dt_over_cm)``; ``g -> g * decay``.
    """
    g_leak = np.asarray(p["cm"], np.float64) / np.asarray(p["tau_m"], np.float64)
    return _membrane(p, dt_ms) | {
        "g_leak": g_leak,
        "drive": g_leak * np.asarray(p["v_rest"]) + np.asarray(p["i_offset"]),
        "dt_over_cm": dt_ms / np.asarray(p["cm"], np.float64),
        "e_rev_e": np.asarray(p["e_rev_E"], np.float64),
        "e_rev_i": np.asarray(p["e_rev_I"], np.float64),
        "decay_e": decay(p["tau_syn_E"], dt_ms),
        "decay_i": decay(p["tau_syn_I"], dt_ms),
        "half_decay_e": decay(p["tau_syn_E"], dt_ms / 2),
        "half_decay_i": decay(p["tau_syn_I"], dt_ms / 2),
    }


def _cond_alpha(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients; ``g_mid = (g + dg half_dt) half_decay``, ``g -> (g + dg dt) decay``."""
    return _cond_exp(p, dt_ms) | _alpha_jumps(p) | {"dt": np.asarray(dt_ms), "half_dt": np.asarray(dt_ms / 2)}


_MEMBRANE = ("v_rest", "cm", "tau_m", "tau_refrac", "i_offset", "v_reset", "v_thresh")
_SYNAPSES = ("tau_syn_E", "tau_syn_I")
_REVERSAL = ("e_rev_E", "e_rev_I")
_V = {"v": ("v", "mV")}
_GSYN = {"gsyn_exc": ("g_e", "uS"), "gsyn_inh": ("g_i", "uS")}
_ISYN = {"isyn_exc": ("i_e", "nA"), "isyn_inh": ("i_i", "nA")}
_ALPHA_JUMPS = {"excitatory": "jump_e", "inhibitory": "jump_i"}

MODELS: dict[str, NeuronModel | SourceModel] = {
    model.name: model
    for model in (
        NeuronModel(
            "IF_curr_delta",
            _MEMBRANE,
            ("v",),
            {"excitatory": "v", "inhibitory": "v"},
            _V,
            _curr_delta,
        ),
        NeuronModel(
            "IF_curr_exp",
            _MEMBRANE + _SYNAPSES,
            ("v", "i_e", "i_i"),
            {"excitatory": "i_e", "inhibitory": "i_i"},
            _V | _ISYN,
            _curr_exp,
        ),
        NeuronModel(
            "IF_curr_alpha",
            _MEMBRANE + _SYNAPSES,
            ("v", "i_e", "i_i", "di_e", "di_i"),
            {"excitatory": "di_e", "inhibitory": "di_i"},
            _V | _ISYN,
            _curr_alpha,
            jumps=_ALPHA_JUMPS,
        ),
        NeuronModel(
            "IF_cond_exp",
            _MEMBRANE + _SYNAPSES + _REVERSAL,
            ("v", "g_e", "g_i"),
            {"excitatory": "g_e", "inhibitory": "g_i"},
            _V | _GSYN,
            _cond_exp,
        ),
        NeuronModel(
            "IF_cond_alpha",
            _MEMBRANE + _SYNAPSES + _REVERSAL,
            ("v", "g_e", "g_i", "dg_e", "dg_i"),
            {"excitatory": "dg_e", "inhibitory": "dg_i"},
            _V | _GSYN,
            _cond_alpha,
            jumps=_ALPHA_JUMPS,
        ),
        SourceModel("SpikeSourcePoisson", ("rate", "start", "duration")),
        SourceModel("SpikeSourceArray", ()),
    )
}


def model_named(name: str) -> NeuronModel | SourceModel:
    """Return the model called `name`.

    Raises
    ------
    NotSupportedError
        If there is no such model.
    """
    try:
        return MODELS[name]
    except KeyError:
        raise NotSupportedError(
            f"Cell type {name} is not supported yet. Supported: {', '.join(sorted(MODELS))}."
        ) from None
