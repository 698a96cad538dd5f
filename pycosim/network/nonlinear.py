"""The constants of one step of the models whose membranes are not linear.

A step is cut into equal sub-steps of at most the lengths below. With PyNN's default parameters the membranes
of Izhikevich and EIF are then within 2e-6 mV of the solution until they run away to a spike (Izhikevich's
within 0.01 mV when it rises by 190 mV/ms), and that of HH within 0.03 mV but for its spikes, which are 2 us
early or late (tests/backends/test_adaptive_cells.py).
Synaptic conductances are known exactly at every point of a sub-step.

- Izhikevich and EIF: the classical Runge-Kutta rule of fourth order. Slopes are taken at min(v, v_thresh),
  and a neuron whose membrane has reached the threshold stays as it is until the end of the step: beyond it
  the solution goes to infinity.
- HH: gates and membrane in turn, half a sub-step apart: the membrane over half a sub-step, the gates over a
  sub-step, the membrane over a sub-step, ..., the gates, the membrane over half a sub-step. While one of them
  goes on the other is frozen, and the linear equation that is left is solved exactly, with the means of the
  synaptic conductances, so that the rule is stable for any step, and of second order.
"""

from __future__ import annotations

import math

import numpy as np

from pycosim.network.coefficients import Coefficients, Parameters, alpha_slope, decay, mean_decay

IZHIKEVICH_SUBSTEP_MS = 0.1
EIF_SUBSTEP_MS = 0.05
HH_SUBSTEP_MS = 0.01

IZHIKEVICH_PEAK_MV = 30.0
HH_SPIKE_MV = 10.0
"""A Hodgkin-Huxley neuron emits a spike when its membrane rises through this potential."""


def _substeps(dt_ms: float, longest_ms: float) -> tuple[Coefficients, float]:
    """Return number and length of the sub-steps as coefficients, and the length."""
    n = max(1, math.ceil(dt_ms / longest_ms - 1e-9))
    return {"substeps": np.asarray(float(n)), "substep_ms": np.asarray(dt_ms / n)}, dt_ms / n


def _columns(p: Parameters, *names: str) -> Coefficients:
    return {name: np.asarray(p[name], np.float64) for name in names}


def _reversal(p: Parameters) -> Coefficients:
    return {f"e_rev_{r.lower()}": np.asarray(p[f"e_rev_{r}"], np.float64) for r in "EI"}


def izhikevich_membrane(p: Parameters, dt_ms: float, drive_per_na: float = 1.0) -> tuple[Coefficients, float]:
    """Return the coefficients, and the length of a sub-step, of Izhikevich's neuron.

    It is ``v' = 0.04 v^2 + slope v + 140 - u + drive``, ``u' = a (b v - u)``. `drive_per_na` is the inverse
    of the capacitance in nF.
    """
    substeps, h = _substeps(dt_ms, IZHIKEVICH_SUBSTEP_MS)
    coefficients = _columns(p, "a", "b", "d") | {
        "v_reset": np.asarray(p["c"], np.float64),
        "v_thresh": np.asarray(IZHIKEVICH_PEAK_MV),
        "refractory_steps": np.asarray(0.0),
        "slope": np.asarray(5.0),
        "drive": drive_per_na * np.asarray(p["i_offset"], np.float64),
        "drive_per_na": np.asarray(drive_per_na),
    }
    return substeps | coefficients, h


def izhikevich(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of PyNN's neuron, which has a capacitance of 1 pF: 1 nA is 1000 mV/ms."""
    return izhikevich_membrane(p, dt_ms, 1000.0)[0]


def eif_membrane(p: Parameters, dt_ms: float) -> tuple[Coefficients, float]:
    """Return the coefficients of an exponential membrane with adaptation, and the length of a sub-step.

    ``cm v' = drive + g_leak delta_t exp((v - v_rise) / delta_t) - w - g_leak v + sum g (e_rev - v)`` and
    ``tau_w w' = a (v - v_rest) - w``, with `v_rise` for PyNN's v_thresh, and `v_thresh` for its v_spike.
    Without a slope factor there is no exponential, and the threshold is v_rise.
    """
    cm, delta_t = np.asarray(p["cm"], np.float64), np.asarray(p["delta_T"], np.float64)
    g_leak = cm / np.asarray(p["tau_m"], np.float64)
    substeps, h = _substeps(dt_ms, EIF_SUBSTEP_MS)
    smooth = delta_t > 0
    coefficients = {
        "v_reset": np.asarray(p["v_reset"], np.float64),
        "v_thresh": np.where(smooth, np.asarray(p["v_spike"], np.float64), p["v_thresh"]),
        "refractory_steps": np.round(np.asarray(p["tau_refrac"], np.float64) / dt_ms),
        "g_leak": g_leak,
        "g_rise": g_leak * delta_t,
        "v_rise": np.asarray(p["v_thresh"], np.float64),
        "per_delta_t": np.where(smooth, 1.0, 0.0) / np.where(smooth, delta_t, 1.0),
        "per_cm": 1.0 / cm,
        "drive": g_leak * np.asarray(p["v_rest"]) + np.asarray(p["i_offset"]),
        "drive_per_na": np.asarray(1.0),
        "v_rest": np.asarray(p["v_rest"], np.float64),
        "a": 1e-3 * np.asarray(p["a"], np.float64),
        "b": np.asarray(p["b"], np.float64),
        "per_tau_w": 1.0 / np.asarray(p["tau_w"], np.float64),
    }
    return substeps | coefficients, h


def _half_decays(p: Parameters, h_ms: float) -> Coefficients:
    return {f"half_decay_{r.lower()}": decay(p[f"tau_syn_{r}"], h_ms / 2) for r in "EI"}


def eif_cond_exp(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients; a conductance is ``g half_decay`` in the middle of a sub-step."""
    coefficients, h = eif_membrane(p, dt_ms)
    return coefficients | _reversal(p) | _half_decays(p, h)


def eif_cond_alpha(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients; in half a sub-step ``g -> (g + dg half_rise) half_decay``."""
    coefficients, h = eif_membrane(p, dt_ms)
    rises = {f"half_rise_{r.lower()}": h / 2 * alpha_slope(p[f"tau_syn_{r}"]) for r in "EI"}
    return coefficients | _reversal(p) | _half_decays(p, h) | rises


def hh_cond_exp(p: Parameters, dt_ms: float) -> Coefficients:
    """Return the coefficients of the model of Traub & Miles (1991) as PyNN has it.

    ``cm v' = drive - g_leak v + gbar_na m^3 h (e_rev_na - v) + gbar_k n^4 (e_rev_k - v) + sum g (e_rev - v)``
    """
    substeps, h = _substeps(dt_ms, HH_SUBSTEP_MS)
    cm, g_leak = (np.asarray(p[name], np.float64) for name in ("cm", "g_leak"))
    coefficients = {
        "v_thresh": np.asarray(HH_SPIKE_MV),
        "g_leak": g_leak,
        "gbar_na": np.asarray(p["gbar_Na"], np.float64),
        "gbar_k": np.asarray(p["gbar_K"], np.float64),
        "e_rev_na": np.asarray(p["e_rev_Na"], np.float64),
        "e_rev_k": np.asarray(p["e_rev_K"], np.float64),
        "v_offset": np.asarray(p["v_offset"], np.float64),
        "drive": g_leak * np.asarray(p["e_rev_leak"]) + np.asarray(p["i_offset"]),
        "drive_per_na": np.asarray(1.0),
    }
    for length, of_ms in (("half", h / 2), ("whole", h)):
        coefficients[f"{length}_over_cm"] = of_ms / cm
        for r in "EI":
            coefficients[f"{length}_mean_{r.lower()}"] = mean_decay(p[f"tau_syn_{r}"], of_ms)
            coefficients[f"{length}_decay_{r.lower()}"] = decay(p[f"tau_syn_{r}"], of_ms)
    return substeps | coefficients | _reversal(p)
