"""How many of a total number of synapses fall into each row; given that, rows do not depend on each other.

Pairs that are drawn one by one from all that are allowed give rows multinomial numbers, and in each row
targets that are drawn one by one. A choice of different pairs gives multivariate hypergeometric numbers, and
in each row a choice of different targets (Johnson, Kotz & Balakrishnan 1997, Discrete Multivariate
Distributions, chapters 35 and 39).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def numbers_of_allowed(
    pre: NDArray[np.int64], post: NDArray[np.int64], allow_self: bool
) -> NDArray[np.int64]:
    """Return how many of the cells `post` each of `pre` may be connected to, (n_pre,) int64."""
    if allow_self:
        return np.full(len(pre), len(post))
    ascending = np.sort(post)
    first, last = (np.searchsorted(ascending, pre, side) for side in ("left", "right"))
    return len(post) - (last - first)


def split_total(
    random: np.random.RandomState, n: int, n_allowed: NDArray[np.int64], with_replacement: bool
) -> NDArray[np.int64]:
    """Return how many of `n` synapses each row has, (n_rows,) int64.

    Parameters
    ----------
    random : numpy.random.RandomState
    n : int
        Of pairs that are all equally likely. Without replacement, all pairs are taken once (or more often)
        before the rest is chosen among them.
    n_allowed : (n_rows,) int64 ndarray
        How many targets each row may have; together at least 1 if `n` is.
    with_replacement : bool
    """
    numbers = np.zeros(len(n_allowed), np.int64)
    if n == 0:
        return numbers
    if with_replacement:
        rows = n_allowed > 0  # NumPy gives what rounding leaves over to the last one
        numbers[rows] = random.multinomial(n, n_allowed[rows] / n_allowed.sum())
        return numbers
    full_sets, rest = divmod(n, int(n_allowed.sum()))
    return full_sets * n_allowed + _numbers_of_choice(random, rest, n_allowed)


def _numbers_of_choice(
    random: np.random.RandomState, n: int, n_allowed: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many of `n` different pairs each row has.

    All choices of so many pairs are equally likely where each is taken independently with the same
    probability. They stay so if those too many are given back at random, or missing ones taken: about the
    root of `n`.
    """
    numbers = random.binomial(n_allowed, n / n_allowed.sum())
    n_missing = n - int(numbers.sum())
    if n_missing < 0:
        return numbers - _chosen_of(random, -n_missing, numbers)
    return numbers + _chosen_of(random, n_missing, n_allowed - numbers)


def _chosen_of(random: np.random.RandomState, n: int, n_in_rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Choose `n` of things of which each row has so many, one by one; return how many of each row are."""
    ends = np.cumsum(n_in_rows)
    chosen = np.empty(0, np.int64)
    while len(chosen) < n:
        more = random.randint(0, ends[-1], n - len(chosen), dtype=np.int64)
        chosen = np.unique(np.concatenate([chosen, more]))
    return np.bincount(np.searchsorted(ends, chosen, side="right"), minlength=len(n_in_rows))
