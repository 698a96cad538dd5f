"""Values of distributions from compiled code: NumPy's of a script's own generator, and ours of a stream."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyNN.random import NumpyRNG, RandomDistribution

from pycosim import _core

# In the order of the compiled enumeration.
_KINDS = ("uniform", "normal", "normal_clipped")
_PARAMETERS = {
    "uniform": {"low", "high"},
    "normal": {"mu", "sigma"},
    "normal_clipped": {"mu", "sigma", "low", "high"},
}
_SEED_OF_CHECK = 7

Synapses = tuple[
    NDArray[np.int64], NDArray[np.int32], int, NDArray[np.integer] | None, NDArray[np.int64] | None
]
RoundedSteps = tuple[NDArray[np.int32], bool, float, float, float]


def numbers_of_generator(distribution: RandomDistribution, counts: ArrayLike) -> NDArray[np.float64] | None:
    """Return what calls of ``distribution.next`` for counts[0], counts[1], ... numbers give, in turn.

    The generator moves on as it does in these calls. None if the distribution or its generator is another
    than those that are compiled; then nothing has changed.
    """
    counts = np.atleast_1d(np.asarray(counts, np.int64))
    return _by_generator(_core.drawn_numbers, distribution, counts)


def numbers_of_synapses(distribution: RandomDistribution, synapses: Synapses) -> NDArray[np.float64] | None:
    """Return what a call of ``distribution.next`` for each target that has synapses gives to these.

    Parameters
    ----------
    distribution : RandomDistribution
    synapses : tuple
        Rows of ascending targets, as ``indptr`` and (n,) int32, the number of targets, the synapses in
        the order in which they get their numbers, target by target: (n,), or None where those of a
        target are in the order of the rows, and how many each target has, here or in other processes, whose
        numbers are passed over: (n_targets,), or None where all are here.

    Returns
    -------
    (n,) float64 ndarray or None
        None as in `numbers_of_generator`.
    """
    return _by_generator(_core.numbers_of_synapses, distribution, synapses)


def delays_of_synapses(
    distribution: RandomDistribution,
    synapses: Synapses,
    dt_ms: float,
    are_wanted: Callable[[RoundedSteps], bool],
) -> RoundedSteps | None:
    """Return the numbers of `numbers_of_synapses` as delays in steps; see `evaluate_rounded`.

    None, with the generator as it was, also where `are_wanted` says that it would rather have the numbers.
    """
    return _by_generator(_core.delays_of_synapses, distribution, synapses, dt_ms, are_wanted=are_wanted)


def _by_generator(
    compiled: Callable[..., Any],
    distribution: RandomDistribution,
    *arguments: Any,
    are_wanted: Callable[[Any], bool] = lambda values: True,
) -> Any:
    """Return what compiled code draws with the distribution's generator, which moves on; or None."""
    described, rng = compiled_form(distribution), getattr(distribution, "rng", None)
    is_plain = type(rng) is NumpyRNG and type(distribution).next is RandomDistribution.next
    if described is None or not is_plain or not _gives_numbers_of_numpy():
        return None
    state = rng.rng.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        return None
    words, position = state["state"]["key"], state["state"]["pos"]
    has_spare, spare = bool(state["has_gauss"]), float(state["gauss"])
    try:
        drawn = compiled(words, position, (has_spare, spare), described, *arguments)
    except ValueError:  # NumPy and PyNN say what is wrong
        return None
    values, (words, position), (has_spare, spare) = drawn
    if not are_wanted(values):
        return None
    rng.rng.set_state(("MT19937", words, position, int(has_spare), spare))
    return values


def numbers_of_streams(
    distribution: RandomDistribution,
    keys: NDArray[np.int32],
    shift: int,
    seed: int,
    streams: NDArray[np.uint64],
) -> NDArray[np.float64] | None:
    """Return one number for each key; those of a block ``key >> shift`` are the first ones of its stream.

    Number k of ``streams[b]`` depends on `seed`, the stream and k only. None for distributions that are not
    compiled, and for parameters that NumPy refuses.

    Raises
    ------
    ValueError
        If too many numbers are out of the limits.
    """
    described = compiled_form(distribution)
    if described is None:
        return None
    return _core.numbers_by_block(seed, streams, described, keys, shift)


def delays_of_streams(
    distribution: RandomDistribution,
    keys: NDArray[np.int32],
    shift: int,
    seed: int,
    streams: NDArray[np.uint64],
    dt_ms: float,
) -> RoundedSteps | None:
    """Return the numbers of `numbers_of_streams` as delays in steps; see `evaluate_rounded`."""
    described = compiled_form(distribution)
    if described is None:
        return None
    return _core.delays_by_block(seed, streams, described, keys, shift, dt_ms)


def is_compiled(distribution: RandomDistribution) -> bool:
    """Return whether compiled code has the distribution, of its own numbers and of NumPy's."""
    return compiled_form(distribution) is not None


def compiled_form(distribution: RandomDistribution) -> tuple[int, float, float, float, float] | None:
    """Return kind and parameters of a distribution as compiled code takes them."""
    name, given = distribution.name, distribution.parameters
    if name not in _KINDS or given.keys() != _PARAMETERS[name] or not all(map(_is_number, given.values())):
        return None
    mu, sigma, low, high = (float(given.get(key, 0.0)) for key in ("mu", "sigma", "low", "high"))
    # NumPy tells what is wrong with these
    if not sigma >= 0 or (name == "uniform" and not np.isfinite(high - low)):
        return None
    return _KINDS.index(name), mu, sigma, low, high


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating)


@cache
def _gives_numbers_of_numpy() -> bool:
    """Return whether the logarithm, and the rounding of a product and sum, are those that NumPy uses here."""
    rng, sizes = np.random.RandomState(_SEED_OF_CHECK), (1001, 2)
    words, position = rng.get_state()[1:3]
    normal, counts = (_KINDS.index("normal"), 0.3, 1.7, 0.0, 0.0), np.array(sizes, np.int64)
    values = _core.drawn_numbers(words, position, (False, 0.0), normal, counts)[0]
    return bool(np.array_equal(values, np.concatenate([rng.normal(0.3, 1.7, n) for n in sizes])))
