"""Counter-based random numbers (Philox 4x32-10) and random connectivity.

The functions ``drawn_...`` take and return a state of NumPy's RandomState instead: 624 words and the
position of the next one. Everything is a pure function of its arguments. Seeds and streams are between 0 and
2**64 - 1. Connectivity comes as compressed sparse rows by presynaptic index, ``(indptr, targets)``, targets
ascending in a row; ``pre_ids`` and ``post_ids`` are global neuron numbers, by which a connection of a neuron
to itself is known.
"""

import numpy as np
from numpy.typing import NDArray

_Rows = tuple[NDArray[np.int64], NDArray[np.int32]]

def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the four 32-bit words of Philox 4x32-10 for a counter and a key."""

def poisson_spikes(
    seed: int,
    stream: int,
    rate_per_step: NDArray[np.float64],
    first_step: NDArray[np.int64],
    last_step: NDArray[np.int64],
    begin: int,
    end: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the spikes of Poisson sources in the steps begin to end, both included.

    Source i emits in the steps first_step[i] to last_step[i]; its number of spikes in step k is drawn from
    (i, k) alone. Returns steps and indices, ordered by (step, index), one entry for each spike.

    Raises
    ------
    ValueError
        If a rate is not between 0 and 1e6, or the lengths differ.
    """

def fixed_probability(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    p: float,
    allow_self: bool,
) -> _Rows:
    """Connect every pair with probability p, all pairs if it is 1 or more."""

def fixed_number_post(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    n: NDArray[np.int64],
    with_replacement: bool,
    allow_self: bool,
) -> _Rows:
    """Connect presynaptic neuron i to n[i] targets.

    Without replacement every target is taken once (or more often) before the rest is chosen among them.

    Raises
    ------
    ValueError
        If a number is negative, or there is nothing to connect to.
    """

def fixed_number_pre(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    n: NDArray[np.int64],
    with_replacement: bool,
    allow_self: bool,
) -> _Rows:
    """Connect n[j] sources to postsynaptic neuron j; otherwise as `fixed_number_post`."""

def fixed_total_number(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    n: int,
    with_replacement: bool,
    allow_self: bool,
) -> _Rows:
    """Make n synapses between pairs drawn from all that are allowed; otherwise as `fixed_number_post`."""

def bernoulli(seed: int, stream: int, first_row: int, probability: NDArray[np.float64]) -> _Rows:
    """Connect (first_row + i, j) with probability[i, j]; the result has the rows of `probability`."""

def csr_from_pairs(
    rows: NDArray[np.int32], columns: NDArray[np.int32], n_rows: int, n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Sort pairs by (row, column), equal ones in their given order; return (indptr, columns, order).

    Raises
    ------
    IndexError
        If a row or a column is out of range.
    ValueError
        If the lengths differ.
    """

_State = tuple[NDArray[np.uint32], int]

def drawn_pairs(
    words: NDArray[np.uint32],
    next: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    p: float,
    allow_self: bool,
    wanted: NDArray[np.uint8] | None = None,
) -> tuple[_Rows, _State]:
    """Connect pairs as PyNN's FixedProbabilityConnector does."""

def drawn_rows(
    words: NDArray[np.uint32],
    next: int,
    n: NDArray[np.int64],
    n_items: int,
    with_replacement: bool,
    same_cells: bool,
) -> tuple[NDArray[np.int32], _State]:
    """Draw n[row] of `n_items` items for each row as PyNN's fixed-number connectors do.

    Raises
    ------
    ValueError
        If a number is negative, or there is nothing to draw.
    """

def drawn_total(
    words: NDArray[np.uint32], next: int, n: int, n_pre: int, n_post: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], _State]:
    """Draw the sources and targets of n synapses as PyNN's FixedTotalNumberConnector does."""
