"""Random numbers that are the same for every target, thread and rank.

A script's own generator with a seed gives the numbers that it gives with other PyNN simulators. All others
depend on a seed and a stream only. A stream is a 64-bit number made from the names of what the numbers are
for (`stream_of`), so that two uses never share numbers and adding a use does not change the others.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyNN.connectors import FixedProbabilityConnector
from pyNN.random import GSLRNG, NativeRNG, NumpyRNG, RandomDistribution

from pycosim import _core
from pycosim.compiled_numbers import (
    RoundedSteps,
    Synapses,
    delays_of_streams,
    delays_of_synapses,
    numbers_of_generator,
    numbers_of_streams,
    numbers_of_synapses,
)
from pycosim.errors import InvalidInputError
from pycosim.parallel import hide_broken_mpi

__all__ = [
    "about_to_draw",
    "draws_itself",
    "evaluate_blocks",
    "evaluate_calls",
    "evaluate_distribution",
    "evaluate_in_turn",
    "evaluate_rounded",
    "evaluate_rounded_in_turn",
    "frozen_generator",
    "generator",
    "generators_restored",
    "seed_of",
    "stream_of",
    "stream_of_first_block",
    "told_of",
    "unsigned",
]

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
    if type(part) is int:  # thousands of blocks of targets
        text = f"whole:{part}"
    elif part is None or isinstance(part, str):
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


def frozen_generator(seed: int, stream: int) -> np.random.RandomState:
    """Return a generator at the start of a stream whose distributions NumPy keeps as they are (NEP 19)."""
    return np.random.RandomState(_philox(seed, stream))


def draws_itself(rng: object) -> bool:
    """Return whether the numbers come from a script's own generator, as they do in other simulators.

    They do if the script gave it a seed, or wrote it. PyNN's own generators without a seed, `NativeRNG`, and
    generators that differ between processes (``parallel_safe=False``), of which there are several, stand for
    their seed only: the numbers come from our counter-based generator.
    """
    if rng is None or isinstance(rng, NativeRNG):
        return False
    if not isinstance(rng, NumpyRNG):
        return True
    return rng.seed is not None and (rng.parallel_safe or rng.num_processes == 1)


def is_default(rng: object) -> bool:
    """Return whether a connector has PyNN's generator for those that the script gives none."""
    return isinstance(rng, NumpyRNG) and rng.seed == _DEFAULT_SEED


def seed_of(rng: object) -> int | None:
    """Return a generator's seed, the same in all processes."""
    seed = getattr(rng, "seed", None)
    differs = isinstance(rng, NumpyRNG | GSLRNG) and seed is not None and not rng.parallel_safe
    return seed - rng.mpi_rank if differs else seed


# Of the generator that PyNN gives to connectors without one.
_DEFAULT_SEED = FixedProbabilityConnector(0.0).rng.seed

_used: list[dict[int, tuple[NumpyRNG, Any]]] = []


@contextmanager
def generators_restored() -> Iterator[None]:
    """At the end, put the generators that were drawn from back into the state in which they were found.

    So a function that uses a generator from outside builds the same network each time it is run.
    """
    _used.append({})
    try:
        yield
    finally:
        for rng, state in _used.pop().values():
            rng.rng.set_state(state)


def about_to_draw(rng: object) -> None:
    """Remember the state of a script's generator, for `generators_restored`."""
    if _used and isinstance(rng, NumpyRNG):
        _used[-1].setdefault(id(rng), (rng, rng.rng.get_state()))


def evaluate_distribution(
    distribution: RandomDistribution, n: int, seed: int, stream: int
) -> NDArray[np.float64]:
    """Return `n` values of a PyNN distribution, (n,) float64.

    They are the next numbers of the script's own generator (see `draws_itself`), or come from ours; then the
    seed of the distribution's generator is part of the stream, so that another seed gives other values.

    Raises
    ------
    InvalidInputError
        If the distribution cannot be drawn with its parameters.
    """
    rng = getattr(distribution, "rng", None)
    with told_of(distribution, n):
        if draws_itself(rng):
            about_to_draw(rng)
            values = numbers_of_generator(distribution, n)
            values = distribution.next(n) if values is None else values
        else:
            one_block = np.zeros(n, np.int32), 0
            streams = _streams_of_blocks(distribution, stream, 1)
            values = numbers_of_streams(distribution, *one_block, unsigned(seed), streams)
            values = _drawn(distribution, n, seed, int(streams[0])) if values is None else values
    return np.asarray(values, np.float64).reshape(n)


@contextmanager
def told_of(distribution: RandomDistribution, n: int) -> Iterator[None]:
    """Tell a user which distribution cannot be drawn."""
    try:
        yield
    except Exception as error:  # PyNN raises plain Exception when redrawing fails
        raise InvalidInputError(
            f"Drawing {n} values of the distribution {distribution.name!r} with "
            f"{distribution.parameters}: {error}. Check its parameters."
        ) from error


def _streams_of_blocks(distribution: RandomDistribution, stream: int, n_blocks: int) -> NDArray[np.uint64]:
    """Return the streams that numbers of blocks come from: one after the other, as these are hashed again."""
    first = np.uint64(stream_of_first_block(distribution, stream))
    return first + np.arange(n_blocks, dtype=np.uint64)


def stream_of_first_block(distribution: RandomDistribution, stream: int) -> int:
    """Return the stream of the first block of `evaluate_blocks`; those of the others are the next numbers."""
    return stream_of(stream, seed_of(getattr(distribution, "rng", None)))


def evaluate_blocks(
    distribution: RandomDistribution,
    keys: NDArray[np.int32],
    shift: int,
    seed: int,
    stream: int,
    n_blocks: int,
) -> NDArray[np.float64]:
    """Return one value for each key, (n,) float64, drawn by the block ``key >> shift`` that it belongs to.

    Those of a block do not depend on the others. Those of the first one are what `evaluate_distribution`
    gives, in the order of the keys.

    Raises
    ------
    InvalidInputError
        If the distribution cannot be drawn with its parameters.
    """
    streams = _streams_of_blocks(distribution, stream, n_blocks)
    with told_of(distribution, len(keys)):
        values = numbers_of_streams(distribution, keys, shift, unsigned(seed), streams)
        if values is not None:
            return values
        counts = np.bincount(keys >> shift, minlength=n_blocks)
        drawn = [_drawn(distribution, int(n), seed, int(own)) for n, own in zip(counts, streams) if n]
    return _core.in_turn(np.concatenate([np.empty(0), *drawn]), keys >> shift, n_blocks)


def evaluate_rounded(
    distribution: RandomDistribution,
    keys: NDArray[np.int32],
    shift: int,
    seed: int,
    stream: int,
    n_blocks: int,
    dt_ms: float,
) -> tuple[NDArray[np.int32], bool, float, float, float] | None:
    """Return what `evaluate_blocks` gives as delays in whole steps of `dt_ms`, and what is to be checked.

    They are steps, whether all delays are possible, the smallest and the largest one, and by how much a step
    is off at most. None for distributions that are not compiled.

    Raises
    ------
    InvalidInputError
        If too many numbers are out of the limits of the distribution.
    """
    streams = _streams_of_blocks(distribution, stream, n_blocks)
    with told_of(distribution, len(keys)):
        return delays_of_streams(distribution, keys, shift, unsigned(seed), streams, dt_ms)


def evaluate_calls(
    distribution: RandomDistribution, counts: ArrayLike, seed: int, stream: int
) -> NDArray[np.float64]:
    """Return what `evaluate_distribution` gives for counts[0], counts[1], ... values, one after the other.

    For the script's own generators, which move on from call to call.
    """
    about_to_draw(getattr(distribution, "rng", None))
    values = numbers_of_generator(distribution, counts)
    if values is not None:
        return values
    calls = (evaluate_distribution(distribution, int(n), seed, stream) for n in np.ravel(counts))
    return np.concatenate([np.empty(0), *calls])


def evaluate_in_turn(distribution: RandomDistribution, synapses: Synapses) -> NDArray[np.float64] | None:
    """Return a number of a script's own generator for each synapse, drawn target by target as PyNN does.

    See `pycosim.compiled_numbers.numbers_of_synapses`. None for distributions that are not compiled.
    """
    about_to_draw(getattr(distribution, "rng", None))
    return numbers_of_synapses(distribution, synapses)


def evaluate_rounded_in_turn(
    distribution: RandomDistribution,
    synapses: Synapses,
    dt_ms: float,
    are_wanted: Callable[[RoundedSteps], bool],
) -> RoundedSteps | None:
    """Return what `evaluate_in_turn` gives as delays in whole steps of `dt_ms`; see `evaluate_rounded`.

    None also where `are_wanted` says that it would rather have the numbers; nothing has been drawn then.
    """
    about_to_draw(getattr(distribution, "rng", None))
    return delays_of_synapses(distribution, synapses, dt_ms, are_wanted)


def _drawn(distribution: RandomDistribution, n: int, seed: int, stream: int) -> NDArray[Any]:
    """Return `n` values that NumPy draws at the start of a stream."""
    rng = NumpyRNG(seed=0)
    rng.rng = frozen_generator(seed, stream)
    return rng.next(n, distribution.name, distribution.parameters)
