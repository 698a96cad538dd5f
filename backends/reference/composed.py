"""The update of composed neurons, in the notation of `pycosim.network.composed`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.reference.nonlinear import Point, eif_substep, izhikevich_substep
from pycosim.network.composed import Composition
from pycosim.network.models import Coefficients

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
States = dict[str, Float]

# Larger exponents overflow; the neuron fires for certain long before.
_LARGEST_EXPONENT = 700.0


def integrate(
    composition: Composition, s: States, c: Coefficients, arrivals: list[Float], held: Bool
) -> None:
    """Integrate one step, then add what arrives at each receptor."""
    if composition.rule == "exact":
        _exact(composition, s, c)
    elif composition.rule == "mean":
        conductance, current = _means(composition, s, c)
        g_total = c["g_leak"] + conductance
        v_inf = (c["drive"] + current) / g_total
        s["v"] = v_inf + (s["v"] - v_inf) * np.exp(-g_total * c["dt_over_cm"])
    else:
        substep = {"AdExp": eif_substep, "Izk": izhikevich_substep}[composition.rule]
        for _ in range(int(c["substeps"])):
            substep(s, c, _points(composition, s, c), held)
    for k in range(composition.n_thresholds):
        s[f"gamma_{k}"] = s[f"gamma_{k}"] * c[f"gamma_decay_{k}"]
    for k, arriving in enumerate(arrivals):
        if composition.responses[k].rises:
            s[f"rise_{k}"] = s[f"rise_{k}"] + arriving * c[f"jump_{k}"]
        else:
            s[f"syn_{k}"] = s[f"syn_{k}"] + arriving


def _exact(composition: Composition, s: States, c: Coefficients) -> None:
    v = c["v_rest"] + c["drive"] + (s["v"] - c["v_rest"]) * c["decay_m"]
    for k in range(len(composition.responses)):
        v = v + s[f"syn_{k}"] * c[f"v_per_syn_{k}"]
        s[f"syn_{k}"] = s[f"syn_{k}"] * c[f"decay_{k}"]
    s["v"] = v


def _means(composition: Composition, s: States, c: Coefficients) -> Point:
    """Advance all responses by a step; return the means of the conductance and of the current at 0 mV."""
    conductance, current = np.zeros_like(s["v"]), np.zeros_like(s["v"])
    for k, response in enumerate(composition.responses):
        x = s[f"syn_{k}"]
        mean, after = x * c[f"mean_{k}"], x * c[f"decay_{k}"]
        if response.rises:
            rise = s[f"rise_{k}"]
            mean, after = mean + rise * c[f"mean_mix_{k}"], after + rise * c[f"mix_{k}"]
            s[f"rise_{k}"] = rise * c[f"rise_decay_{k}"]
        s[f"syn_{k}"] = after
        if response.conductance:
            conductance = conductance + mean
        current = current + mean * c[f"weight_{k}"]
    return conductance, current


def _points(composition: Composition, s: States, c: Coefficients) -> tuple[Point, Point, Point]:
    """Advance all responses by a sub-step; return their sums at its start, middle and end."""
    start = _sums(composition, s, c)
    _half_substep(composition, s, c)
    middle = _sums(composition, s, c)
    _half_substep(composition, s, c)
    return start, middle, _sums(composition, s, c)


def _sums(composition: Composition, s: States, c: Coefficients) -> Point:
    """Return the conductance, and the inward current at 0 mV."""
    conductance, current = np.zeros_like(s["v"]), np.zeros_like(s["v"])
    for k, response in enumerate(composition.responses):
        if response.conductance:
            conductance = conductance + s[f"syn_{k}"]
        current = current + s[f"syn_{k}"] * c[f"weight_{k}"]
    return conductance, current


def _half_substep(composition: Composition, s: States, c: Coefficients) -> None:
    for k, response in enumerate(composition.responses):
        x = s[f"syn_{k}"] * c[f"half_decay_{k}"]
        if response.rises:
            x = x + s[f"rise_{k}"] * c[f"half_mix_{k}"]
            s[f"rise_{k}"] = s[f"rise_{k}"] * c[f"half_rise_decay_{k}"]
        s[f"syn_{k}"] = x


def threshold_of(composition: Composition, s: States, c: Coefficients) -> Float:
    """Return the threshold, which may move."""
    threshold = np.asarray(c["v_thresh"], np.float64)
    for k in range(composition.n_thresholds):
        threshold = threshold + s[f"gamma_{k}"]
    return threshold


def escapes(composition: Composition, s: States, c: Coefficients, noise: Float) -> Bool:
    """Return which neurons fire at random; `noise` is uniform between 0 and 1."""
    exponent = (s["v"] - threshold_of(composition, s, c)) * c["per_width"]
    hazard = c["rate"] * np.exp(np.minimum(exponent, _LARGEST_EXPONENT))
    return noise < c["p_max"] * (1.0 - np.exp(-hazard))


def add_up(composition: Composition, s: States, c: Coefficients) -> None:
    """Compute the states that are sums."""
    for name, (first, *others) in composition.sums.items():
        total = s[first] if first in s else c[first]
        for other in others:
            total = total + s[other]
        s[name] = total
