"""The random numbers of neurons that fire at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim import _core
from pycosim.random import stream_of, unsigned

ESCAPE_STREAM = stream_of("escape noise")

# Philox 4x32-10: Salmon et al. 2011, as in pycosim/csrc/philox.hpp.
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
_ROUNDS = 10
_LOW = np.uint64(0xFFFFFFFF)


def noise_key(seed: int, stream: int = ESCAPE_STREAM) -> tuple[int, int]:
    """Return the two words of the key for a network's seed and a stream."""
    numbers = unsigned(seed), stream
    words = [(number >> shift) & 0xFFFFFFFF for number in numbers for shift in (0, 32)]
    return _core.philox4x32(tuple(words), (0, 0))[:2]  # type: ignore[arg-type]


def random_words(
    key: tuple[int, int], neurons: ArrayLike, step: int, lane: int = 0
) -> tuple[NDArray[np.uint64], ...]:
    """Return four random 32-bit words for each neuron: block `step` of row `neuron` in a lane.

    Parameters
    ----------
    key : tuple of int
        From `noise_key`.
    neurons : array_like of int
    step, lane : int

    Returns
    -------
    four (n,) uint64 ndarray
    """
    rows = np.asarray(neurons).astype(np.uint64)
    step = int(step)
    c = [
        np.full_like(rows, step & 0xFFFFFFFF),
        np.full_like(rows, step >> 32),
        rows,
        np.full_like(rows, lane),
    ]
    for i in range(_ROUNDS):
        low, high = (np.uint64((key[k] + i * _WEYL[k]) & 0xFFFFFFFF) for k in (0, 1))
        zero, one = _MULTIPLIERS[0] * c[0], _MULTIPLIERS[1] * c[2]
        shift = np.uint64(32)
        c = [(one >> shift) ^ c[1] ^ low, one & _LOW, (zero >> shift) ^ c[3] ^ high, zero & _LOW]
    return tuple(c)


def escape_noise(key: tuple[int, int], neurons: ArrayLike, step: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each neuron, which key, number of the neuron and step alone decide.

    It is the first 53 bits of the first words of `random_words`.
    """
    high, low, _, _ = random_words(key, neurons, step)
    return ((high << np.uint64(32) | low) >> np.uint64(11)).astype(np.float64) * 2.0**-53
