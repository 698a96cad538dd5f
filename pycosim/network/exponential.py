"""e^x with the same bits in NumPy and in the native engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["exponential"]

# Of e^r = 1 + r + r^2 q(r), the highest power first; as in backends/native/csrc/vectorised.hpp.
_Q = [
    float.fromhex(digits)
    for digits in (
        *("0x1.af38a9b0ec855p-26", "0x1.289185613a3d6p-22", "0x1.71de0dae63bb3p-19", "0x1.a019b90d2ae7ap-16"),
        *("0x1.a01a01a7c41d5p-13", "0x1.6c16c1788bd90p-10", "0x1.11111111109b3p-7", "0x1.5555555553d63p-5"),
        *("0x1.5555555555556p-3", "0x1.0000000000001p-1"),
    )
]
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")
_ROUND_TO_INTEGER = 1.5 * 2.0**52


def exponential(x: ArrayLike) -> NDArray[np.float64]:
    """Return e^x with the bits of the native engine's `exponential` (within 1.04 units in the last place)."""
    x = np.clip(np.asarray(x, np.float64), -708.0, 709.0)
    shifted = x * _LOG2_E + _ROUND_TO_INTEGER
    n = shifted - _ROUND_TO_INTEGER
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    q = np.full_like(r, _Q[0])
    for coefficient in _Q[1:]:
        q = q * r + coefficient
    power = np.asarray(1.0 + (r + r * r * q))
    return (power.view(np.uint64) + (np.asarray(shifted).view(np.uint64) << np.uint64(52))).view(np.float64)
