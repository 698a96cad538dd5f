"""The simulator's own random numbers, for scripts that ask for them."""

from __future__ import annotations

import numpy as np
from pyNN import random

from pycosim.errors import InvalidInputError
from pycosim.random import stream_of, unsigned


class NativeRNG(random.NumpyRNG, random.NativeRNG):
    """Random numbers of the counter-based generator that pycosim draws networks from.

    Connectors and distributions use its seed; `next` gives numbers to the script itself.

    Parameters
    ----------
    seed : int, optional
        Without one the numbers are the same in every run, too.
    parallel_safe : bool
        Has no meaning here: the numbers do not depend on how work is divided.
    """

    def __init__(self, seed: int | None = None, parallel_safe: bool = True):
        if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
            raise InvalidInputError(f"NativeRNG(seed={seed!r}): the seed must be a whole number from 0 on.")
        super().__init__(seed=seed, parallel_safe=True)
        key = np.array([unsigned(seed or 0), stream_of("native rng", seed)], np.uint64)
        self.rng = np.random.RandomState(np.random.Philox(key=key))

    def __str__(self) -> str:
        """Return class and seed."""
        return f"NativeRNG(seed={self.seed})"
