"""The natural logarithm with the same bits in NumPy and in the native engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["logarithm"]

_HALF_ROOT = 0x3FE6A09E667F3BCD  # sqrt(1/2)
_LN2_HIGH, _LN2_LOW = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")


def logarithm(x: ArrayLike) -> NDArray[np.float64]:
    """Return ln x of normal positive numbers, with the bits of backends/native/csrc/logarithm.hpp."""
    bits = np.asarray(x, np.float64).view(np.int64)
    exponent = (bits - _HALF_ROOT) >> 52
    f = (bits - (exponent << 52)).view(np.float64) - 1.0
    n = exponent.astype(np.float64)
    s = f / (2.0 + f)
    z = s * s
    q = np.full_like(z, 2.0 / 23.0)
    for k in range(21, 2, -2):
        q = q * z + 2.0 / k
    return n * _LN2_HIGH + (2.0 * s + (s * z * q + n * _LN2_LOW))
