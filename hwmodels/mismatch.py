"""How analogue devices of one kind differ from each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pycosim.network.coefficients import Parameters
from pycosim.network.noise import noise_key, random_words
from pycosim.random import stream_of

__all__ = ["log_normal"]

_MISMATCH = stream_of("device mismatch")


def log_normal(biases: Sequence[str]) -> Callable[[Parameters, int, NDArray[np.int64]], Parameters]:
    """Return the rule by which devices multiply some currents by log-normal factors of mean 1.

    The parameter `mismatch` is their coefficient of variation (standard deviation over mean). A factor
    depends on seed, number of the neuron and current (its place in `biases`) alone.

    Parameters
    ----------
    biases : sequence of str
        Parameters, in the order of their random numbers.
    """

    def mismatched(p: Parameters, seed: int, neurons: NDArray[np.int64]) -> Parameters:
        variation = np.asarray(p["mismatch"], np.float64)
        if not np.any(variation > 0):
            return p
        sigma = np.sqrt(np.log1p(variation**2))
        key = noise_key(seed, _MISMATCH)
        own = dict(p)
        for lane, name in enumerate(biases):
            a, b, c, d = (word.astype(np.float64) for word in random_words(key, neurons, 0, lane))
            first, second = (a * 2.0**32 + b + 0.5) * 2.0**-64, (c * 2.0**32 + d) * 2.0**-64
            normal = np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
            own[name] = np.asarray(p[name]) * np.exp(sigma * normal - sigma**2 / 2)
        return own

    return mismatched
