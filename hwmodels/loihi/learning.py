"""Pair STDP in Loihi's integers.

The chip adds up products of traces, spikes and constants, ``dw = S1 x1 y0 + S2 y1 x0``: x1 and y1 are traces
of 7 bits that spikes increase by an impulse and that decay with random rounding, x0 and y0 stand for a spike
in the learning epoch (here one step), S1 and S2 are mantissas of 4 bits with a sign times powers of two. The
change is rounded at random to what the weight's bits hold (Davies et al. 2018, IEEE Micro 38(1):82; the
emulators brian2_loihi and nengo_loihi, whose widths these are; the width of S is assumed). Each synapse draws
by itself; on the chip synapses of one axon share x1, and those of one compartment y1. The one more step of
delay of synapses onto IF_curr_exp counts in learning as well.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import NotSupportedError
from pycosim.hwmodels.loihi.weights import HeldWeights, granularity, hold
from pycosim.network import Plasticity

__all__ = ["IMPULSE", "hold_plastic", "is_translated", "learning_in_integers"]

Float = NDArray[np.float64]

# A quarter of the largest trace: four spikes within a time constant do not saturate it.
IMPULSE = 32.0
_LARGEST_MANTISSA = 7.0


def is_translated(plasticity: Plasticity) -> bool:
    """Return whether the chip has the rule."""
    return (plasticity.rule, plasticity.weight_dependence) == ("SpikePairRule", "AdditiveWeightDependence")


def hold_plastic(weights: Float, plasticity: Plasticity, scale: Float, bits: int) -> HeldWeights | None:
    """Return weights, followed by w_min and w_max of each synapse, held with one exponent."""
    bounds = [
        np.broadcast_to(plasticity.parameters[name] * scale, weights.shape) for name in ("w_min", "w_max")
    ]
    return hold(np.concatenate([weights * scale, *bounds]), bits)


def learning_in_integers(
    plasticity: Plasticity, held: HeldWeights, scale: Float | float, label: str
) -> tuple[Plasticity, Float, Float]:
    """Return the rule in the chip's units, and the constants A_plus and A_minus that it comes to.

    Parameters
    ----------
    plasticity : Plasticity
    held : HeldWeights
        From `hold_plastic`.
    scale : float or (n_synapses,) float64 ndarray
        Units of 64 in a weight of 1.
    label : str
        Of the projection.

    Raises
    ------
    NotSupportedError
        If a bound has no place among the weights.
    """
    p = plasticity.parameters
    _, w_min, w_max = np.split(held.weights, 3)
    if np.any(w_min == w_max):
        raise NotSupportedError(
            f"projection {label!r}: w_min and w_max come to the same weight of the chip, whose weights are "
            "multiples of 1/255 of the largest: set them further apart"
        )
    step = granularity(held.bits, is_mixed=held.is_mixed) * 2.0**held.exponent * np.sign(p["w_max"])
    per_unit = np.abs(np.asarray(p["w_max"]) * scale) / (np.abs(step) * IMPULSE)
    constants = {name: _constant(np.asarray(p[name]) * per_unit) for name in ("A_plus", "A_minus")}
    made = replace(
        plasticity,
        rule="IntegerPairRule",
        parameters=dict(p) | constants | {"w_min": w_min, "w_max": w_max, "impulse": IMPULSE, "w_step": step},
    )
    return made, constants["A_plus"] / per_unit, constants["A_minus"] / per_unit


def _constant(values: Float) -> Float:
    """Return the nearest mantissas of 3 bits and a sign times powers of two."""
    size = np.abs(values)
    exponent = np.ceil(np.log2(np.where(size > 0, size, 1.0) / (_LARGEST_MANTISSA + 0.5)))
    return np.rint(values / 2.0**exponent) * 2.0**exponent
