"""Numbers and connections that compiled code makes many at a time are those of one at a time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim import _core

SEED, STREAM, DT_MS = 11, 12, 0.1
STREAMS = np.arange(4, dtype=np.uint64)
# Kind, mean, deviation, limits: uniform, normal, clipped, clipped so that most numbers are drawn again.
DISTRIBUTIONS = [
    (0, 0.0, 0.0, 0.5, 2.5),
    (1, 1.5, 0.1, 0.0, 0.0),
    (2, 1.5, 0.75, 0.1, 10.0),
    (2, 1.5, 0.75, 1.45, 1.55),
]


def uniform_numbers(row, lane):
    """Yield the numbers of a row: 53 bits of two words of a counter's block."""
    halves = [SEED & 0xFFFFFFFF, SEED >> 32, STREAM & 0xFFFFFFFF, STREAM >> 32]
    key = _core.philox4x32(tuple(halves), (0, 0))[:2]
    index = 0
    while True:
        words = _core.philox4x32((index, 0, row, lane), key)
        for high, low in (words[:2], words[2:]):
            yield ((high << 32 | low) >> 11) * 2.0**-53
        index += 1


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-7, 1.0, exclude_max=True), st.integers(1, 2100))
def test_gaps_between_targets_are_logarithms_of_the_numbers(p, n_post):
    indptr, targets = _core.fixed_probability(
        SEED, STREAM, np.arange(2), np.arange(10, n_post + 10), p, True, None
    )
    expected = []
    for row in range(2):
        for first in range(0, n_post, 1024):
            numbers, target = uniform_numbers(row, first // 1024), first
            while True:
                target += math.floor(min(1e9, math.log1p(-next(numbers)) / math.log1p(-p)))
                if target >= min(first + 1024, n_post):
                    break
                expected.append(target)
                target += 1
    assert targets.tolist() == expected
    assert indptr[-1] == len(expected)


def targets_of_rows(n_rows=40, n_post=3500, p=0.2):
    return _core.fixed_probability(1, 2, np.arange(n_rows), np.arange(n_post), p, True, None)[1]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("p", [0.002, 0.2])  # few and many targets of a block in each row
def test_delays_drawn_as_steps_are_the_numbers_rounded(distribution, p):
    targets = targets_of_rows(p=p)
    delays_ms = _core.numbers_by_block(SEED, STREAMS, distribution, targets, 10)
    steps, *seen = _core.delays_by_block(SEED, STREAMS, distribution, targets, 10, DT_MS)
    rounded = np.maximum(1, np.floor(delays_ms / DT_MS + 0.5))
    assert np.array_equal(steps, rounded)
    assert seen == [True, delays_ms.min(), delays_ms.max(), np.abs(steps * DT_MS - delays_ms).max()]


def test_impossible_delays_are_noticed_among_drawn_ones():
    targets = targets_of_rows()
    assert not _core.delays_by_block(SEED, STREAMS, (1, 0.0, 1.0, 0.0, 0.0), targets, 10, DT_MS)[1]


def row_of_numpy(rng, row, n, n_items, with_replacement, same_cells):
    """The items of a row as PyNN's connectors with a fixed number draw them."""
    if with_replacement:
        drawn = rng.randint(0, n_items, n)
        while same_cells and (drawn == row).any():
            drawn[drawn == row] = rng.randint(0, n_items, np.count_nonzero(drawn == row))
        return drawn
    items = np.arange(n_items)
    if same_cells and row < n_items:
        items = np.delete(items, row)
    n_sets, n_left = divmod(n, len(items))
    return np.concatenate([np.tile(items, n_sets), rng.permutation(items)[:n_left] if n_left else []]).astype(
        int
    )


@settings(max_examples=80, deadline=None)
@given(
    st.integers(2, 5000),
    st.lists(st.floats(0, 1.3), min_size=1, max_size=70),
    st.booleans(),
    st.booleans(),
    st.integers(0, 624),
    st.integers(0, 2**32 - 1),
)
def test_rows_with_a_fixed_number_are_the_beginnings_of_numpys_shuffles(
    n_items, shares, with_replacement, same_cells, position, seed
):
    if seed % 2:
        n_items = n_items % 70 + 2  # hardly more than the words that are looked at together
    counts = np.array([int(share * n_items) for share in shares])
    rng = np.random.RandomState(seed)
    words = rng.get_state()[1]
    rng.set_state(("MT19937", words, position))
    how = n_items, with_replacement, same_cells
    expected = [row_of_numpy(rng, row, n, *how) for row, n in enumerate(counts)]
    (indptr, items), state = _core.drawn_rows(words, position, counts, *how)
    assert np.array_equal(np.diff(indptr), counts)
    assert np.array_equal(items, np.concatenate([np.sort(row) for row in expected]))
    (indptr, targets), drawn, other_state = _core.drawn_columns(words, position, counts, *how)
    assert np.array_equal(drawn, np.concatenate(expected))
    order = np.argsort(drawn, kind="stable")
    assert np.array_equal(np.diff(indptr), np.bincount(drawn, minlength=n_items))
    assert np.array_equal(targets, np.repeat(np.arange(len(counts)), counts)[order])
    places = _core.places_in_turn(drawn, indptr)
    assert np.array_equal(order[places], np.arange(len(drawn)))
    for new_words, new_position in (state, other_state):
        assert np.array_equal(new_words, rng.get_state()[1])
        assert new_position == rng.get_state()[2]


def test_places_of_pairs_that_are_not_in_the_rows_are_refused():
    with pytest.raises(IndexError):
        _core.places_in_turn(np.array([0, 3], np.int32), np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="offsets"):
        _core.places_in_turn(np.array([0, 1], np.int32), np.array([0, 1]))


@pytest.mark.parametrize("p", [0.0, 0.03, 0.5, 1.0])
def test_pairs_are_those_with_a_number_of_numpy_below_the_probability(p):
    rng = np.random.RandomState(4)
    words, position = rng.get_state()[1:3]
    (indptr, targets), _ = _core.drawn_pairs(words, position, np.arange(517), np.arange(40), p, True, None)
    connected = (rng.random_sample((40, 517)) < p).T
    assert np.array_equal(np.diff(indptr), connected.sum(axis=1))
    assert np.array_equal(targets, np.nonzero(connected)[1])


@given(st.integers(1, 100), st.integers(0, 2**32 - 1))
def test_chosen_pairs_have_numbers_below_their_probability(n_columns, seed):
    rng = np.random.default_rng(seed)
    numbers, probability = rng.random((2, 3, n_columns))
    probability[rng.random((3, n_columns)) < 0.1] = np.nan
    indptr, columns = _core.chosen(numbers.ravel(), probability)
    below = numbers < probability
    assert np.array_equal(np.diff(indptr), below.sum(axis=1))
    assert np.array_equal(columns, np.nonzero(below)[1])


@given(st.lists(st.integers(-5, 40), min_size=1, max_size=300))
def test_counts_are_those_of_numpy(values):
    values = np.array(values, np.int32)
    counts = _core.counts_from(values, -5, 46)
    assert np.array_equal(counts, np.bincount(values + 5, minlength=46))
    with pytest.raises(IndexError):
        _core.counts_from(values, int(values.min()) + 1, 100)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 700), st.integers(1, 6), st.integers(1, 3)),
    st.sampled_from([1e-200, 1e-3, 1.0, 1e6, 1e150]),
    st.sampled_from([np.inf, 100.0, 1.7, 0.9, 1e-3]),
    st.integers(0, 624),
    st.integers(0, 2**32 - 1),
)
def test_candidates_are_the_pairs_with_a_number_of_numpy_below_a_bound(shape, size, period, position, seed):
    n_pre, n_post, n_axes = shape
    random = np.random.default_rng(seed)
    pre, post = (size * (random.uniform(0, 1, (n_axes, n)) + random.choice([0, 50])) for n in (n_pre, n_post))
    if seed % 3 == 0:
        pre, post = (np.round(side / size * 20) * size for side in (pre, post))
    periods = np.where(random.random(n_axes) < 0.7, size * period, np.inf)
    difference = np.abs(pre[:, np.newaxis] - post[:, :, np.newaxis])
    shorter = np.minimum(difference, periods[:, np.newaxis, np.newaxis] - difference)
    squares = np.zeros((n_post, n_pre))
    for along in shorter:
        squares += along * along
    # as in csrc/bounds.hpp: 18 bits of a squared distance have an entry
    upper = squares.view(np.int64) >> 46
    base = max(0, int(upper.max()) - int(random.integers(0, 3000)))
    most = random.choice([0.0, 1e-9, 1e-3, 0.1, 0.9, 1.0], int(random.integers(1, 3000))).repeat(32)
    bounds = most[np.clip(upper - base, 0, len(most) - 1)]
    rng = np.random.RandomState(seed)
    words = rng.get_state()[1]
    rng.set_state(("MT19937", words, position))
    numbers = rng.random_sample((n_post, n_pre))
    rows = _core.DrawnCandidates(words, position, pre, post, periods, base, most)
    first = 0
    while first < n_post:
        (indptr, columns), kept, distances = rows.draw(40)
        part = slice(first, first + len(indptr) - 1)
        expected = numbers[part] < bounds[part]
        assert np.array_equal(np.diff(indptr), expected.sum(axis=1))
        assert np.array_equal(columns, np.nonzero(expected)[1])
        assert np.array_equal(kept, numbers[part][expected])
        assert np.array_equal(distances, np.sqrt(squares[part][expected]))
        first = part.stop
