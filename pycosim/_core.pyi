"""Counter-based random numbers (Philox 4x32-10) and random connectivity.

The functions ``drawn_...`` take and return a state of NumPy's RandomState instead: 624 words and the
position of the next one. Everything is a pure function of its arguments. Seeds and streams are between 0 and
2**64 - 1. Connectivity comes as compressed sparse rows by presynaptic index, ``(indptr, targets)``, targets
ascending in a row; ``pre_ids`` and ``post_ids`` are global neuron numbers, by which a connection of a neuron
to itself is known.
"""

from typing import overload

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

def normal_numbers(seed: int, stream: int, first: int, n: int) -> NDArray[np.float64]:
    """Return the standard normal numbers first to first + n - 1 of a stream."""

def fixed_probability(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    p: float,
    allow_self: bool,
    wanted: NDArray[np.uint8] | None = None,
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
    wanted: NDArray[np.uint8] | None = None,
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
    wanted: NDArray[np.uint8] | None = None,
) -> _Rows:
    """Connect n[j] sources to postsynaptic neuron j; otherwise as `fixed_number_post`."""

def fixed_number_of_sources(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    n: NDArray[np.int64],
    allow_self: bool,
    wanted: NDArray[np.uint8] | None = None,
) -> _Rows:
    """Connect n[j] different sources to postsynaptic neuron j, so that rows can be drawn without the others.

    There are up to 2^28 sources; otherwise as `fixed_number_post`.
    """

def drawn_sources(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    n: NDArray[np.int64],
    allow_self: bool,
    wanted: NDArray[np.uint8] | None = None,
) -> _Rows:
    """Connect n[j] sources, each drawn among all, to postsynaptic neuron j.

    Raises
    ------
    ValueError
        If a number is negative or above 2^28, or there is nothing to connect to.
    """

def slot_table(
    seed: int,
    stream: int,
    pre_ids: NDArray[np.int64],
    post_ids: NDArray[np.int64],
    n: NDArray[np.int64],
    allow_self: bool,
    wanted: NDArray[np.uint8] | None = None,
) -> tuple[int, int, NDArray[np.uint32], NDArray[np.int32], NDArray[np.int32]]:
    """Return what makes rows of `drawn_sources` without the others, of blocks with any wanted target.

    The first block, their number, where the slots of each source begin in each block and, behind the last
    source, end, (n_pre + 1) * n_blocks, and the sources and targets of synapses that stand for those of
    neurons onto themselves, (n_others,) each. `n` may have one number for all targets. Errors are those of
    `drawn_sources`.
    """

def bernoulli(seed: int, stream: int, first_row: int, probability: NDArray[np.float64]) -> _Rows:
    """Connect (first_row + i, j) with probability[i, j]; the result has the rows of `probability`."""

def chosen(numbers: NDArray[np.float64], probability: NDArray[np.float64]) -> _Rows:
    """Connect (i, j) where the number i * n_columns + j is below probability[i, j]."""

_Candidates = tuple[_Rows, NDArray[np.float64], NDArray[np.float64]]

class ThinnedRows:
    """Draws pairs of points that may be connected, each independently of all others, with our own numbers.

    Parameters
    ----------
    seed, stream : int
    pre, post : (n_axes, n) float64 ndarray
        Places of the points; `period` has the period of each axis, infinity where there is none.
    base, most : int and (n_entries,) float64 ndarray
        ``most[e]`` is an upper bound of the probability where the bits of a squared distance, without the
        lower 46, are ``base + e``; the first entry also for smaller, the last for larger distances.
    wanted : (n_post,) uint8 ndarray, optional
        The targets whose synapses are asked for; the others do not change them.
    """

    def __init__(
        self,
        seed: int,
        stream: int,
        pre: NDArray[np.float64],
        post: NDArray[np.float64],
        period: NDArray[np.float64],
        base: int,
        most: NDArray[np.float64],
        wanted: NDArray[np.uint8] | None = None,
    ) -> None: ...
    def draw(self, n_enough: int) -> NDArray[np.float64]:
        """Return the distances of the next candidates, at least so many as long as there are sources; (n,).

        They are read before the next call. No other pair of these sources is connected.
        """

    def keep(
        self,
        probability: NDArray[np.float64],
        selves: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    ) -> None:
        """Connect those of these candidates with a number below their probability; (n,).

        `selves` are the neurons of all sources and targets: no neuron is connected to itself.
        """

    def connected(self) -> _Rows:
        """Return what was kept of all sources."""

class DrawnCandidates:
    """Draws pairs for which a number of RandomState, one for each source of a target, is below a bound."""

    def __init__(
        self,
        words: NDArray[np.uint32],
        next: int,
        pre: NDArray[np.float64],
        post: NDArray[np.float64],
        period: NDArray[np.float64],
        base: int,
        most: NDArray[np.float64],
        wanted: NDArray[np.uint8] | None = None,
    ) -> None: ...
    def draw(self, n_enough: int) -> _Candidates:
        """Return candidates for the next targets, up to that with which there are `n_enough`."""

def connected(
    indptr: NDArray[np.int64],
    columns: NDArray[np.int32],
    numbers: NDArray[np.float64],
    probability: NDArray[np.float64],
    n_columns: int,
    selves: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> _Rows:
    """Return the candidates with a number below their probability, the columns of a row ascending.

    `selves` has a number for each row and column; where these are equal there is no connection.

    Raises
    ------
    ValueError
        If the lengths differ.
    """

def distances(
    pre: NDArray[np.float64], post: NDArray[np.float64], period: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distances of points, (n_axes, n) each, as (n_post, n_pre); no period is infinity."""

def distances_of_pairs(
    pre: NDArray[np.float64],
    post: NDArray[np.float64],
    period: NDArray[np.float64],
    sources: NDArray[np.int32],
    targets: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Return the distance of each of n pairs of points, (n,); the indices are not checked."""

def function_of_distance(function: _Program, distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of a function at some distances, (n,).

    Raises
    ------
    ValueError
        If a step needs what is not there.
    """

def rows_of_entries(indptr: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the row of each entry, (n,).

    Raises
    ------
    ValueError
        If the offsets of the rows do not ascend from 0.
    """

def transposed(indptr: NDArray[np.int64], columns: NDArray[np.int32], n_columns: int) -> _Rows:
    """Turn rows of columns into columns of rows; return (indptr, rows)."""

def rows_of_wanted(indptr: NDArray[np.int64], targets: NDArray[np.int32], wanted: NDArray[np.uint8]) -> _Rows:
    """Return (indptr, targets) of the entries on wanted targets."""

def descending_pairs(indptr: NDArray[np.int64], targets: NDArray[np.int32]) -> _Rows:
    """Return (indptr, targets) of the entries whose row is above their target."""

@overload
def values_of_wanted(
    values: NDArray[np.float64], targets: NDArray[np.int32], wanted: NDArray[np.uint8]
) -> NDArray[np.float64]: ...
@overload
def values_of_wanted(
    values: NDArray[np.int32], targets: NDArray[np.int32], wanted: NDArray[np.uint8]
) -> NDArray[np.int32]:
    """Return the values of entries on wanted targets."""

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
    wanted: NDArray[np.uint8] | None = None,
) -> tuple[_Rows, _State]:
    """Draw n[row] of `n_items` items for each row as PyNN's fixed-number connectors do; rows ascend.

    Items that are not wanted are left out.

    Raises
    ------
    ValueError
        If a number is negative, or there is nothing to draw.
    """

def drawn_columns(
    words: NDArray[np.uint32],
    next: int,
    n: NDArray[np.int64],
    n_items: int,
    with_replacement: bool,
    same_cells: bool,
    wanted: NDArray[np.uint8] | None = None,
) -> tuple[_Rows, NDArray[np.int32], _State]:
    """Draw the same, with items as rows; also return the items in the order of drawing.

    Targets that are not wanted are left out.

    Raises
    ------
    ValueError
        If a number is negative, or there is nothing to draw.
    """

def drawn_total(
    words: NDArray[np.uint32],
    next: int,
    n: int,
    n_pre: int,
    n_post: int,
    wanted: NDArray[np.uint8] | None = None,
) -> tuple[_Rows, NDArray[np.int32], _State]:
    """Draw n pairs as PyNN's FixedTotalNumberConnector does; also return their sources in PyNN's order.

    Both are those of wanted targets.
    """

def places_in_turn(rows: NDArray[np.int32], indptr: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the place of each pair in compressed sparse rows, to which pairs were added in turn.

    Raises
    ------
    IndexError
        If a row is out of range.
    ValueError
        If the lengths differ.
    """

# What slot_table returns.
_Slots = tuple[int, int, NDArray[np.uint32], NDArray[np.int32], NDArray[np.int32]]
# Constants, and an operation and three arguments for each step (pycosim.frontend.distance_programs).
_Program = tuple[NDArray[np.float64], NDArray[np.int32]]
# Places of sources and targets, (n_axes, n) each, periods; and of a rule of the distance the base of the
# table of bounds, the table, and the probability.
_Places = tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    tuple[int, NDArray[np.float64], _Program] | None,
]
_Rule = tuple[
    int,
    int,
    int,
    NDArray[np.int64],
    NDArray[np.int64],
    float,
    NDArray[np.int64],
    bool,
    bool,
    _Slots | None,
    _Places | None,
]

def rows_of_rule(
    rule: _Rule, wanted: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return all rows that a rule makes, (indptr, targets).

    A rule is: kind (0 probability, 1 number, 2 number of sources, 3 drawn sources, 4 distance), seed, stream,
    pre_ids, post_ids, p, n of each row or of all, with_replacement, allow_self, slots, places.
    """

def count_rows(rule: _Rule, wanted: NDArray[np.uint8] | None = None) -> int:
    """Return how many synapses a rule makes, without keeping them."""

def extremes_by_distance(
    rule: _Rule, wanted: NDArray[np.uint8] | None, function: _Program
) -> tuple[float, float, int]:
    """Return the smallest and the largest value of a function at a rule's synapses, and how many there are.

    Both are NaN if any value is.
    """

def delays_by_distance(
    rule: _Rule, wanted: NDArray[np.uint8] | None, function: _Program, dt_ms: float
) -> _Steps:
    """Return what `delay_steps` does of these values, without the steps."""

def row_starts(
    rule: _Rule, wanted: NDArray[np.uint8] | None, first_block: int, n_blocks: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Count the synapses of a rule in blocks of 1,024 targets, without keeping them.

    Return how many the rows before each row have in each block, (n_rows * n_blocks,), and all rows,
    (n_blocks,).
    """

# Kind (0 uniform, 1 normal, 2 normal_clipped), mu, sigma, low, high.
_Distribution = tuple[int, float, float, float, float]
# Rows, number of targets, the order of drawing, how many synapses each target has in all processes.
_Synapses = tuple[
    NDArray[np.int64], NDArray[np.int32], int, NDArray[np.integer] | None, NDArray[np.int64] | None
]
_Steps = tuple[NDArray[np.int32], bool, float, float, float]

def numbers_of_synapses(
    words: NDArray[np.uint32],
    next: int,
    spare: tuple[bool, float],
    distribution: _Distribution,
    synapses: _Synapses,
) -> tuple[NDArray[np.float64], _State, tuple[bool, float]]:
    """Return a number for each synapse, by a call for each target, as `drawn_numbers` does."""

def delays_of_synapses(
    words: NDArray[np.uint32],
    next: int,
    spare: tuple[bool, float],
    distribution: _Distribution,
    synapses: _Synapses,
    dt_ms: float,
) -> tuple[_Steps, _State, tuple[bool, float]]:
    """Return the numbers of `numbers_of_synapses` as delays in steps; see `delays_by_block`."""

def logarithms(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the C library's logarithms of numbers above 0, up to 1; (n,)."""

def drawn_numbers(
    words: NDArray[np.uint32],
    next: int,
    spare: tuple[bool, float],
    distribution: _Distribution,
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.float64], _State, tuple[bool, float]]:
    """Return what calls of RandomState for counts[0], counts[1], ... numbers give, in turn.

    `spare` is the normal number that RandomState keeps for the next call. PyNN's normal_clipped draws again
    within a call what is out of the limits.

    Raises
    ------
    ValueError
        If too many numbers are out of the limits.
    """

def extremes(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the smallest and the largest value; both NaN if any is.

    Raises
    ------
    ValueError
        If there is none.
    """

def numbers_by_block(
    seed: int,
    streams: NDArray[np.uint64],
    distribution: _Distribution,
    keys: NDArray[np.int32],
    shift: int,
) -> NDArray[np.float64]:
    """Return one number for each key; those of block b, the keys with key >> shift == b, in their order.

    They are the first numbers of streams[b]; number k depends on `seed`, the stream and k only, and is the
    same on every machine.

    Raises
    ------
    IndexError
        If a key has no block.
    ValueError
        If too many numbers are out of the limits.
    """

def counts_from(values: NDArray[np.int32], first: int, n_kinds: int) -> NDArray[np.int64]:
    """Return how often each of first, first + 1, ... is among the values, (n_kinds,).

    Raises
    ------
    IndexError
        If there is another one.
    """

def in_turn(drawn: NDArray[np.float64], keys: NDArray[np.int32], n_keys: int) -> NDArray[np.float64]:
    """Return values in the order of `keys`; `drawn` has those of key 0, then those of key 1, ...

    Raises
    ------
    IndexError
        If a key is not from 0 to n_keys - 1.
    ValueError
        If the lengths differ.
    """

def delays_by_block(
    seed: int,
    streams: NDArray[np.uint64],
    distribution: _Distribution,
    keys: NDArray[np.int32],
    shift: int,
    dt_ms: float,
) -> tuple[NDArray[np.int32], bool, float, float, float]:
    """Return what `delay_steps` makes of the numbers of `numbers_by_block`, which are not kept."""

def extremes_of_streams(
    seed: int, streams: NDArray[np.uint64], distribution: _Distribution, n: NDArray[np.int64]
) -> tuple[float, float]:
    """Return the extremes of the first n[i] numbers of each stream, of all; both nan if one is."""

def delays_of_streams(
    seed: int,
    streams: NDArray[np.uint64],
    distribution: _Distribution,
    n: NDArray[np.int64],
    dt_ms: float,
) -> tuple[NDArray[np.int32], bool, float, float, float]:
    """Return what `delay_steps` does of these numbers, without the steps."""

def delay_steps(
    delays_ms: NDArray[np.float64], dt_ms: float
) -> tuple[NDArray[np.int32], bool, float, float, float]:
    """Round delays to whole steps, at least 1.

    Also returns whether all are finite, not negative and less than 2**31 steps, the smallest and the largest
    one, and the largest error of rounding, in ms.
    """

def return_freed_memory() -> None:
    """Give the system back what was freed but is kept for later, where its C library can."""
