"""Random numbers that depend on a seed and a stream only: the same for every target, thread and rank.

A stream is a 64-bit number made from the names of what the numbers are for (`stream_of`), so that two
uses never share numbers and adding a use does not change the others.
"""

from __future__ import annotations

import hashlib
import operator

import numpy as np
from numpy.typing import NDArray
from pyNN.random import GSLRNG, NativeRNG, NumpyRNG, RandomDistribution

from pycosim.errors import InvalidInputError
from pycosim.parallel import hide_broken_mpi

__all__ = ["draws_itself", "evaluate_distribution", "generator", "stream_of", "unsigned"]

hide_broken_mpi()  # every random generator of PyNN asks for MPI


def stream_of(*parts: str | float | None) -> int:
    """Return the stream that belongs to a sequence of names and numbers.

    Returns
    -------
    int
        Between 0 and 2**64 - 1; the same in every process and Python version.
    """
    text = "".join(_tagged(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _tagged(part: str | float | None) -> str:
    """Return a text that differs for different parts, and whose end can be told from its start."""
    if part is None or isinstance(part, str):
        text = "none" if part is None else f"text:{part}"
    elif isinstance(part, float | np.floating):
        text = f"real:{float(part).hex()}"
    else:
        text = f"whole:{operator.index(part)}"
    return f"{len(text)}:{text};"


def unsigned(seed: int) -> int:
    """Return `seed` as the number between 0 and 2**64 - 1 with the same low 64 bits."""
    return operator.index(seed) & 0xFFFF_FFFF_FFFF_FFFF


def _philox(seed: int, stream: int) -> np.random.Philox:
    return np.random.Philox(key=np.array([unsigned(seed), unsigned(stream)], np.uint64))


def generator(seed: int, stream: int) -> np.random.Generator:
    """Return a NumPy generator that is at the start of a stream."""
    return np.random.Generator(_philox(seed, stream))


def draws_itself(rng: object) -> bool:
    """Return whether a script's random generator has numbers of its own, such as some read from a file.

    PyNN's generators stand for their seed only: the numbers come from ours.
    """
    return not isinstance(rng, NumpyRNG | GSLRNG | NativeRNG | None)


def evaluate_distribution(
    distribution: RandomDistribution, n: int, seed: int, stream: int
) -> NDArray[np.float64]:
    """Return `n` values of a PyNN distribution, (n,) float64, drawn from our own generator.

    The seed of the distribution's own generator (``NumpyRNG(seed=42)``) is part of the stream, so another
    seed gives other values; its state is neither used nor changed. Only a generator that PyNN does not
    know is asked for the values itself (`draws_itself`).

    Raises
    ------
    InvalidInputError
        If the distribution cannot be drawn with its parameters.
    """
    rng = getattr(distribution, "rng", None)
    try:
        if not draws_itself(rng):
            own = NumpyRNG(seed=0)
            own.rng = np.random.RandomState(_philox(seed, stream_of(stream, getattr(rng, "seed", None))))
            values = own.next(n, distribution.name, distribution.parameters)
        else:
            values = distribution.next(n)
    except Exception as error:  # PyNN raises plain Exception when redrawing fails
        raise InvalidInputError(
            f"Drawing {n} values of the distribution {distribution.name!r} with "
            f"{distribution.parameters}: {error}. Check its parameters."
        ) from error
    return np.asarray(values, np.float64).reshape(n)
