"""The update of the models whose membranes are not linear, in the notation of `pycosim.network.nonlinear`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pycosim.network.models import Coefficients

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
States = dict[str, Float]
Point = tuple[Float, Float]
"""At a point of a sub-step: the synaptic conductance, and the synaptic current into a membrane at 0 mV."""
_NO_SYNAPSES: tuple[Point, Point, Point] = ((np.zeros(()), np.zeros(())),) * 3


def izhikevich(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """A quadratic membrane, which spikes move at once."""
    for _ in range(int(c["substeps"])):
        izhikevich_substep(s, c, _NO_SYNAPSES, held)
    s["v"] = s["v"] + e + i


def izhikevich_substep(s: States, c: Coefficients, points: tuple[Point, Point, Point], held: Bool) -> None:
    """Advance a quadratic membrane and its recovery with the synapses at the start, middle and end."""

    def slopes_with(conductance: Float, current: Float) -> Callable[[Float, Float], tuple[Float, Float]]:
        def slopes(v: Float, u: Float) -> tuple[Float, Float]:
            v = np.minimum(v, c["v_thresh"])
            inward = (0.04 * v + c["slope"]) * v + (140.0 + c["drive"]) - u
            dv = inward + (current - conductance * v)
            return dv, c["a"] * (c["b"] * v - u)

        return slopes

    moves = s["v"] < c["v_thresh"]
    v, u = _runge_kutta(s["v"], s["u"], c["substep_ms"], tuple(slopes_with(*point) for point in points))
    s["v"], s["u"] = np.where(moves, v, s["v"]), np.where(moves, u, s["u"])


def _point(c: Coefficients, g_e: Float, g_i: Float) -> Point:
    return g_e + g_i, g_e * c["e_rev_e"] + g_i * c["e_rev_i"]


def eif_cond_exp(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """An exponential membrane with conductances that decay exponentially."""
    for _ in range(int(c["substeps"])):
        middle = s["g_e"] * c["half_decay_e"], s["g_i"] * c["half_decay_i"]
        end = middle[0] * c["half_decay_e"], middle[1] * c["half_decay_i"]
        points = ((s["g_e"], s["g_i"]), middle, end)
        eif_substep(s, c, tuple(_point(c, *point) for point in points), held)
        s["g_e"], s["g_i"] = end
    s["g_e"], s["g_i"] = s["g_e"] + e, s["g_i"] + i


def eif_cond_alpha(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """An exponential membrane with conductances that rise and decay."""
    for _ in range(int(c["substeps"])):
        points = [_point(c, s["g_e"], s["g_i"])]
        for _ in range(2):
            for r in "ei":
                s[f"g_{r}"] = (s[f"g_{r}"] + s[f"dg_{r}"] * c[f"half_rise_{r}"]) * c[f"half_decay_{r}"]
                s[f"dg_{r}"] = s[f"dg_{r}"] * c[f"half_decay_{r}"]
            points.append(_point(c, s["g_e"], s["g_i"]))
        eif_substep(s, c, tuple(points), held)
    s["dg_e"], s["dg_i"] = s["dg_e"] + e, s["dg_i"] + i


def eif_substep(s: States, c: Coefficients, points: tuple[Point, Point, Point], held: Bool) -> None:
    """Advance membrane and adaptation with the synapses at the start, middle and end of the sub-step."""
    free = np.where(held, 0.0, 1.0)

    def slopes_with(conductance: Float, current: Float) -> Callable[[Float, Float], tuple[Float, Float]]:
        def slopes(v: Float, w: Float) -> tuple[Float, Float]:
            v = np.minimum(v, c["v_thresh"])
            rise = c["g_rise"] * np.exp((v - c["v_rise"]) * c["per_delta_t"])
            inward = c["drive"] + rise + current
            dv = (inward - w - (c["g_leak"] + conductance) * v) * c["per_cm"] * free
            return dv, (c["a"] * (v - c["v_rest"]) - w) * c["per_tau_w"]

        return slopes

    moves = held | (s["v"] < c["v_thresh"])
    v, w = _runge_kutta(s["v"], s["w"], c["substep_ms"], tuple(slopes_with(*point) for point in points))
    s["v"], s["w"] = np.where(moves, v, s["v"]), np.where(moves, w, s["w"])


def _runge_kutta(
    x: Float, y: Float, h: Float, slopes: tuple[Callable[[Float, Float], tuple[Float, Float]], ...]
) -> tuple[Float, Float]:
    """Return two variables after `h`; `slopes` are those at the start, middle and end."""
    start, middle, end = slopes
    half = 0.5 * h
    x1, y1 = start(x, y)
    x2, y2 = middle(x + half * x1, y + half * y1)
    x3, y3 = middle(x + half * x2, y + half * y2)
    x4, y4 = end(x + h * x3, y + h * y3)
    sixth = h * (1.0 / 6.0)
    return x + sixth * (x1 + 2.0 * (x2 + x3) + x4), y + sixth * (y1 + 2.0 * (y2 + y3) + y4)


def hh_cond_exp(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> Bool:
    """Sodium and potassium channels with gates, and conductances that decay exponentially.

    Returns which membranes have risen to the threshold.
    """
    n = int(c["substeps"])
    risen = _hh_membrane(s, c, "half")
    for k in range(n):
        _hh_gates(s, c)
        risen |= _hh_membrane(s, c, "whole" if k < n - 1 else "half")
    s["g_e"], s["g_i"] = s["g_e"] + e, s["g_i"] + i
    return risen


def _hh_membrane(s: States, c: Coefficients, length: str) -> Bool:
    """Advance membrane and synapses by half a sub-step or a whole one; return which rise to the threshold."""
    was_above = s["v"] >= c["v_thresh"]
    g_e, g_i = s["g_e"] * c[f"{length}_mean_e"], s["g_i"] * c[f"{length}_mean_i"]
    g_na = c["gbar_na"] * (s["m"] * s["m"] * s["m"]) * s["h"]
    squared = s["n"] * s["n"]
    g_k = c["gbar_k"] * (squared * squared)
    g_total = c["g_leak"] + g_na + g_k + g_e + g_i
    inward = c["drive"] + g_na * c["e_rev_na"] + g_k * c["e_rev_k"] + g_e * c["e_rev_e"] + g_i * c["e_rev_i"]
    v_inf = inward / g_total
    s["v"] = v_inf + (s["v"] - v_inf) * np.exp(-g_total * c[f"{length}_over_cm"])
    s["g_e"], s["g_i"] = s["g_e"] * c[f"{length}_decay_e"], s["g_i"] * c[f"{length}_decay_i"]
    return ~was_above & (s["v"] >= c["v_thresh"])


def _hh_gates(s: States, c: Coefficients) -> None:
    """Advance the gates by a sub-step."""
    u = s["v"] - c["v_offset"]
    rates = {
        "m": (1.28 * _ramp((13.0 - u) * 0.25), 1.4 * _ramp((u - 40.0) * 0.2)),
        "h": (0.128 * np.exp((17.0 - u) * (1.0 / 18.0)), 4.0 / (1.0 + np.exp((40.0 - u) * 0.2))),
        "n": (0.16 * _ramp((15.0 - u) * 0.2), 0.5 * np.exp((10.0 - u) * 0.025)),
    }
    for gate, (opens, closes) in rates.items():
        total = opens + closes
        limit = opens / total
        s[gate] = limit + (s[gate] - limit) * np.exp(-total * c["substep_ms"])


def _ramp(x: Float) -> Float:
    """Return ``x / (exp(x) - 1)``, near 0 as a series, where the difference would lose digits."""
    small = np.abs(x) < 0.01
    series = 1.0 - 0.5 * x + x * x * (1.0 / 12.0 - x * x * (1.0 / 720.0))
    return np.where(small, series, x / (np.exp(np.where(small, 1.0, x)) - 1.0))
