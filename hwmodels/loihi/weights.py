"""Loihi's weights: mantissas of up to 8 bits and a sign, and one exponent for all synapses of a projection.

A synapse adds ``64 * floor(mantissa * 2^exponent)`` to q, at most 2^21 - 64 in magnitude. With `bits` bits
the mantissas are multiples of ``2^(8 - bits)``, or of twice that in a projection with weights of both signs,
which spends a bit on the sign: 0 to 255, -255 to 0, or even numbers from -256 to 254 with all 8 bits. The
rules are those of the emulator brian2_loihi (Michaelis et al. 2022, Front Neuroinform 16:1015624). Weights
here, as in PyNN, are in units of 64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["MAX_BITS", "MAX_EXPONENT", "HeldWeights", "SynapticWeights", "actual_weights", "hold"]

Float = NDArray[np.float64]

MAX_BITS, MIN_EXPONENT, MAX_EXPONENT = 8, -8, 7
LIMIT = 2.0**15 - 1
"""Largest magnitude of a weight, in units of 64: q has 21 bits and a sign."""


@dataclass(frozen=True, eq=False)
class HeldWeights:
    """Weights as the synapses of a projection hold them.

    Attributes
    ----------
    mantissas : (n,) float64 ndarray
    exponent : int
    is_mixed : bool
        Whether there are weights of both signs.
    bits : int
    """

    mantissas: Float
    exponent: int
    is_mixed: bool
    bits: int = MAX_BITS

    @property
    def weights(self) -> Float:
        """What the synapses add, in units of 64."""
        return actual_weights(self.mantissas, self.exponent, self.bits, is_mixed=self.is_mixed)


def granularity(bits: int = MAX_BITS, *, is_mixed: bool = False) -> int:
    """Return the distance between mantissas."""
    return 2 ** (MAX_BITS - bits + is_mixed)


def actual_weights(
    mantissas: ArrayLike, exponent: int, bits: int = MAX_BITS, *, is_mixed: bool = False
) -> Float:
    """Return what synapses with given mantissas add, in units of 64: whole numbers.

    Mantissas are cut to the weight's bits toward zero, what the exponent shifts out is cut downwards.
    """
    step = granularity(bits, is_mixed=is_mixed)
    cut = np.trunc(np.asarray(mantissas, np.float64) / step) * step
    return np.clip(np.floor(cut * 2.0**exponent), -LIMIT, LIMIT)


def hold(weights: ArrayLike, bits: int = MAX_BITS) -> HeldWeights | None:
    """Return the nearest weights that synapses with one exponent hold, None if the largest is too large.

    The exponent is the smallest that holds the largest weight.

    Parameters
    ----------
    weights : array_like
        In units of 64.
    bits : int
        1 to 8.
    """
    weights = np.asarray(weights, np.float64)
    low, high = float(weights.min(initial=0)), float(weights.max(initial=0))
    is_mixed = low < 0 < high
    step = granularity(bits, is_mixed=is_mixed)
    # Finer steps than one would be cut off.
    for exponent in range(-step.bit_length() + 1, MAX_EXPONENT + 1):
        unit = step * 2.0**exponent
        first, last = np.rint(low / unit) * step, np.rint(high / unit) * step
        if first >= (-256 if is_mixed else step - 256) and last <= 256 - step:
            return HeldWeights(np.rint(weights / unit) * step, exponent, is_mixed, bits)
    return None


@dataclass(frozen=True)
class SynapticWeights:
    """What the weights of a projection may be; takes the place of a `Register` for each single weight."""

    bits: int = MAX_BITS

    def __str__(self) -> str:
        """Return the rule in words."""
        return (
            f"mantissa * 2^exponent, with mantissas from 0 to {256 - granularity(self.bits)} or the negative "
            f"of that (of both signs: even, -256 to 254) and one exponent up to {MAX_EXPONENT} for all "
            "synapses of a projection"
        )

    def problems(self, what: str, values: ArrayLike) -> Iterator[str]:
        """Say what synapses that share an exponent cannot hold."""
        values = np.atleast_1d(np.asarray(values, np.float64))
        held = hold(values, self.bits)
        if held is None:
            yield f"{what} is {values[np.argmax(np.abs(values))]:g}; the register holds {self}"
            return
        wrong = held.weights != values
        if np.any(wrong):
            number = f" in {np.count_nonzero(wrong)} of {values.size} places" if values.size > 1 else ""
            nearest = held.weights[wrong][0]
            yield (
                f"{what} is {values[wrong][0]:g}{number}; the register holds {self}: the nearest is "
                f"{nearest:g}, with the exponent {held.exponent} that the largest weight needs"
            )
