"""The constants of one step of the models whose membranes are linear: exact or second-order propagators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Parameters = Mapping[str, ArrayLike]
Coefficients = dict[str, NDArray[np.float64]]


def decay(tau_ms: ArrayLike, dt_ms: float) -> NDArray[np.float64]:
    """Return the factor by which a quantity with time constant `tau_ms` decays in one step."""
    return np.exp(-dt_ms / np.asarray(tau_ms, np.float64))


def mean_decay(tau_ms: ArrayLike, dt_ms: float) -> NDArray[np.float64]:
    """Return the mean over one step of what begins at 1 and decays with time constant `tau_ms`."""
    x = dt_ms / np.asarray(tau_ms, np.float64)
    return -np.expm1(-x) / x


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


def mean_response(tau_rise: ArrayLike, tau_decay: ArrayLike, dt_ms: float) -> NDArray[np.float64]:
    """Return the mean over one step, in ms, of a response that begins at 0 and rises at a rate of 1 per ms.

    The rate decays with `tau_rise`, the response with `tau_decay`; by quadrature as in `alpha_response`.
    """
    rise, fall = (np.asarray(tau, np.float64)[..., np.newaxis] for tau in (tau_rise, tau_decay))
    return np.sum(exponential_response(fall, rise, 1.0, dt_ms * _NODES) * _WEIGHTS, axis=-1)


def membrane(p: Parameters, dt_ms: float) -> Coefficients:
    """Return what every integrate-and-fire model needs: resting, reset, threshold, refractory steps."""
    return {
        "v_rest": np.asarray(p["v_rest"], np.float64),
        "v_reset": np.asarray(p["v_reset"], np.float64),
        "v_thresh": np.asarray(p["v_thresh"], np.float64),
        "refractory_steps": np.round(np.asarray(p["tau_refrac"], np.float64) / dt_ms),
    }


def current_membrane(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of ``v - v_rest -> (v - v_rest) * decay_m + drive`` for a constant current.

    An injected current adds ``drive_per_na`` times its value in nA to ``drive``, here and everywhere.
    """
    decay_m = decay(p["tau_m"], dt_ms)
    tau_over_cm = np.asarray(p["tau_m"], np.float64) / np.asarray(p["cm"], np.float64)
    charged = -np.expm1(-dt_ms / np.asarray(p["tau_m"]))
    return membrane(p, dt_ms) | {
        "decay_m": decay_m,
        "drive": np.asarray(p["i_offset"], np.float64) * tau_over_cm * charged,
        "drive_per_na": tau_over_cm * charged,
    }


def curr_delta(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of `current_membrane`."""
    return current_membrane(p, dt_ms)


def curr_exp(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients; a current `i` adds ``i v_per_i`` to the membrane and decays."""
    return current_membrane(p, dt_ms) | {
        "decay_e": decay(p["tau_syn_E"], dt_ms),
        "decay_i": decay(p["tau_syn_I"], dt_ms),
        "v_per_i_e": exponential_response(p["tau_m"], p["tau_syn_E"], p["cm"], dt_ms),
        "v_per_i_i": exponential_response(p["tau_m"], p["tau_syn_I"], p["cm"], dt_ms),
    }


def alpha_slope(tau_ms: ArrayLike) -> NDArray[np.float64]:
    """Return the initial slope per ms of an alpha response ``w (t/tau) e^(1 - t/tau)`` per w, its peak."""
    return np.e / np.asarray(tau_ms, np.float64)


def curr_alpha(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients; ``i -> (i + di rise) decay``; `di` adds ``di v_per_di`` to the membrane."""
    coefficients = curr_exp(p, dt_ms)
    for r in "EI":
        tau = p[f"tau_syn_{r}"]
        response = alpha_response(p["tau_m"], tau, p["cm"], dt_ms)
        coefficients[f"v_per_di_{r.lower()}"] = response * alpha_slope(tau)
        coefficients[f"rise_{r.lower()}"] = dt_ms * alpha_slope(tau)
    return coefficients


def cond_exp(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of the exponential rule with the mean conductances of the step.

    ``g_mean = g * mean``; ``g_total = g_leak + sum g_mean``; ``v_inf = (drive + sum g_mean * e_rev) /
    g_total``; ``v -> v_inf + (v - v_inf) * exp(-g_total * dt_over_cm)``; ``g -> g * decay``. It is the first
    term of Magnus's series (Blanes et al. 2009, Phys Rep 470:151).
    """
    g_leak = np.asarray(p["cm"], np.float64) / np.asarray(p["tau_m"], np.float64)
    return membrane(p, dt_ms) | {
        "g_leak": g_leak,
        "drive": g_leak * np.asarray(p["v_rest"]) + np.asarray(p["i_offset"]),
        "drive_per_na": np.asarray(1.0),
        "dt_over_cm": dt_ms / np.asarray(p["cm"], np.float64),
        "e_rev_e": np.asarray(p["e_rev_E"], np.float64),
        "e_rev_i": np.asarray(p["e_rev_I"], np.float64),
        "decay_e": decay(p["tau_syn_E"], dt_ms),
        "decay_i": decay(p["tau_syn_I"], dt_ms),
        "mean_e": mean_decay(p["tau_syn_E"], dt_ms),
        "mean_i": mean_decay(p["tau_syn_I"], dt_ms),
    }


def cond_alpha(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients; ``g_mean = g mean + dg mean_rise``, ``g -> (g + dg rise) decay``."""
    coefficients = cond_exp(p, dt_ms)
    for r in "EI":
        tau = p[f"tau_syn_{r}"]
        coefficients[f"mean_rise_{r.lower()}"] = mean_response(tau, tau, dt_ms) * alpha_slope(tau)
        coefficients[f"rise_{r.lower()}"] = dt_ms * alpha_slope(tau)
    return coefficients


def facets_hardware1(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of `cond_exp` with the constants that PyNN gives for this hardware.

    They are cm = 0.2 nF, tau_refrac = 1 ms, e_rev_E = 0 mV; ``g_leak`` is in nS.
    """
    fixed = {"cm": 0.2, "tau_refrac": 1.0, "e_rev_E": 0.0, "i_offset": 0.0}
    return cond_exp(dict(p) | fixed | {"tau_m": 200.0 / np.asarray(p["g_leak"], np.float64)}, dt_ms)


def cond_exp_gsfa_grr(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of `cond_exp` with two more conductances, `g_s` and `g_r`, in nS.

    A spike adds ``q_sfa`` and ``q_rr`` to them; ``mean_s`` and ``mean_r`` give their means over the step,
    in uS.
    """
    coefficients = cond_exp(p, dt_ms)
    for short, name in (("s", "sfa"), ("r", "rr")):
        coefficients |= {
            f"e_rev_{short}": np.asarray(p[f"e_rev_{name}"], np.float64),
            f"decay_{short}": decay(p[f"tau_{name}"], dt_ms),
            f"mean_{short}": 1e-3 * mean_decay(p[f"tau_{name}"], dt_ms),
            f"q_{short}": np.asarray(p[f"q_{name}"], np.float64),
        }
    return coefficients
