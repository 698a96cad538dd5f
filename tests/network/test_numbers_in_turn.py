"""Numbers that a script's generator gives to synapses are those that NumPy draws when PyNN asks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim import _core

UNIFORM, NORMAL, CLIPPED, TAILS = (
    (0, 0.0, 0.0, 0.5, 2.5),
    (1, 1.5, 0.1, 0.0, 0.0),
    (2, 1.5, 0.75, 0.1, 10.0),
    (2, 1.5, 0.75, 2.4, 2.6),  # nine in ten are drawn again
)
DT_MS = 0.1


def generator(seed, n_words, has_spare):
    """Return a generator that has already given some words, and has a spare normal number or not."""
    rng = np.random.RandomState(seed)
    rng.randint(0, 2**32, n_words, dtype=np.uint32)
    if has_spare:
        rng.normal()
    return rng


def given_state(rng):
    state = rng.get_state(legacy=False)
    spare = bool(state["has_gauss"]), float(state["gauss"])
    return state["state"]["key"], state["state"]["pos"], spare


def has_state(rng, state, spare):
    words, position, expected = given_state(rng)
    same = np.array_equal(state[0], words) and state[1] == position
    return same and spare[0] == expected[0] and (not spare[0] or spare[1] == expected[1])


def called(rng, distribution, n):
    """Return what one call of PyNN's distribution gives."""
    kind, mu, sigma, low, high = distribution
    if kind == 0:
        return rng.uniform(low, high, n)
    values = rng.normal(mu, sigma, n)
    wrong = np.flatnonzero((values > high) | (values < low)) if kind == 2 else []
    while len(wrong):
        values[wrong] = rng.normal(mu, sigma, len(wrong))
        wrong = wrong[(values[wrong] > high) | (values[wrong] < low)]
    return values


def rows(connected):
    """Return (indptr, targets) of a matrix of how many synapses a pair has, and the target of each."""
    sources, targets = np.nonzero(connected)
    n = connected[sources, targets]
    indptr = np.concatenate([[0], np.cumsum(connected.sum(axis=1))])
    return indptr.astype(np.int64), np.repeat(targets, n).astype(np.int32)


states = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 1300), st.booleans())


@settings(max_examples=60, deadline=None)
@given(
    states,
    st.sampled_from([UNIFORM, NORMAL, CLIPPED, TAILS]),
    st.lists(st.one_of(st.integers(0, 12), st.integers(0, 3000)), max_size=12),
)
def test_calls_give_the_numbers_of_numpy_and_leave_its_state(start, distribution, counts):
    rng = generator(*start)
    words, position, spare = given_state(rng)
    values, state, spare = _core.drawn_numbers(
        words, position, spare, distribution, np.array(counts, np.int64)
    )
    expected = [called(rng, distribution, n) for n in counts]
    assert np.array_equal(values, np.concatenate([np.empty(0), *expected]))
    assert has_state(rng, state, spare)


@settings(max_examples=60, deadline=None)
@given(
    states,
    st.sampled_from([UNIFORM, NORMAL, CLIPPED, TAILS]),
    st.tuples(st.integers(1, 70), st.integers(1, 300)),
    st.sampled_from([0.0, 0.02, 0.3, 1.0, 1.7]),
    st.booleans(),
)
def test_synapses_get_a_call_for_each_target_that_has_some(start, distribution, shape, density, in_order):
    connected = (
        np.random.default_rng(start[0]).poisson(density, shape) if density % 1 else np.ones(shape, int)
    )
    connected = connected * (density > 0)
    indptr, targets = rows(connected)
    by_target = np.argsort(targets, kind="stable")
    if in_order:  # those of a target in any order
        by_target = np.lexsort((np.random.default_rng(1).random(len(targets)), targets))
    synapses = indptr, targets, shape[1], by_target if in_order else None, None
    rng = generator(*start)
    words, position, spare = given_state(rng)
    values, state, new_spare = _core.numbers_of_synapses(words, position, spare, distribution, synapses)
    expected = np.empty(len(targets))
    expected[by_target] = np.concatenate(
        [np.empty(0), *(called(rng, distribution, n) for n in np.bincount(targets) if n)]
    )
    assert np.array_equal(values, expected)
    assert has_state(rng, state, new_spare)
    (steps, *seen), state, new_spare = _core.delays_of_synapses(
        words, position, spare, distribution, synapses, DT_MS
    )
    assert np.array_equal(steps, np.maximum(1, np.floor(expected / DT_MS + 0.5)))
    assert has_state(rng, state, new_spare)
    if len(targets):
        assert seen == [True, expected.min(), expected.max(), np.abs(steps * DT_MS - expected).max()]


@settings(max_examples=60, deadline=None)
@given(
    states,
    st.sampled_from([UNIFORM, NORMAL, CLIPPED, TAILS]),
    st.tuples(st.integers(1, 70), st.integers(1, 300)),
    st.sampled_from([0.02, 0.3, 1.7]),
    st.booleans(),
)
def test_numbers_of_targets_that_are_elsewhere_are_passed_over(start, distribution, shape, density, in_order):
    random = np.random.default_rng(start[0])
    connected = random.poisson(density, shape)
    wanted = random.random(shape[1]) < 0.4
    indptr, targets = rows(connected)
    order = np.lexsort((random.random(len(targets)), targets)) if in_order else None
    whole = indptr, targets, shape[1], order, None
    rng = generator(*start)
    expected, state, spare = _core.numbers_of_synapses(*given_state(rng), distribution, whole)
    here = wanted[targets]
    places = np.cumsum(here) - 1
    part = (*rows(connected * wanted), shape[1], None if order is None else places[order[here[order]]])
    in_all = np.bincount(targets, minlength=shape[1])
    values, *after = _core.numbers_of_synapses(*given_state(rng), distribution, (*part, in_all))
    assert np.array_equal(values, expected[here])
    assert np.array_equal(after[0][0], state[0])
    assert after[0][1] == state[1]
    assert after[1] == spare


@pytest.mark.parametrize("shape", [(300, 1024), (2, 150_000), (1024, 300)])
def test_numbers_of_many_synapses_are_handed_out_in_several_stretches(shape):
    indptr, targets = rows(np.ones(shape, int))
    rng = np.random.RandomState(8)
    synapses = indptr, targets, shape[1], None, None
    values, _, _ = _core.numbers_of_synapses(*given_state(rng), CLIPPED, synapses)
    expected = [called(rng, CLIPPED, shape[0]) for _ in range(shape[1])]
    assert np.array_equal(values.reshape(shape), np.transpose(expected))


def test_what_does_not_fit_is_refused():
    start = given_state(np.random.RandomState(8))
    indptr, targets = np.array([0, 2]), np.array([1, 0], np.int32)
    descending = np.arange(1 << 18, dtype=np.int32)[::-1].copy()  # more than fit into one stretch
    synapses = np.array([0, 1 << 18]), descending, 1 << 18, None, None
    with pytest.raises(ValueError, match="ascend"):
        _core.numbers_of_synapses(*start, UNIFORM, synapses)
    with pytest.raises(ValueError, match="offsets"):
        _core.numbers_of_synapses(*start, UNIFORM, (indptr + 1, targets, 2, None, None))
    with pytest.raises(IndexError):
        _core.numbers_of_synapses(*start, UNIFORM, (indptr, targets, 1, None, None))
    with pytest.raises(IndexError):
        _core.numbers_of_synapses(*start, UNIFORM, (indptr, targets, 2, np.array([0, 2]), None))
    with pytest.raises(ValueError, match="elsewhere"):
        _core.numbers_of_synapses(*start, UNIFORM, (indptr, targets, 2, None, np.array([1, 2])))


def logarithms_of_the_library(numbers):
    return np.array([math.log(number) for number in numbers])


def test_logarithms_are_those_of_the_library():
    rng = np.random.RandomState(9)
    numbers = np.concatenate(
        [
            rng.random_sample(100_003),
            rng.random_sample(20_000) * 0.5 ** rng.randint(0, 104, 20_000),  # of points near the middle
            1 - rng.random_sample(20_000) * 0.5 ** rng.randint(0, 53, 20_000),  # near the circle
            0.5 ** np.arange(105),
            [1 - 1 / 128, np.nextafter(1 - 1 / 128, 0), np.nextafter(1 - 1 / 128, 1)],
        ]
    )
    assert np.array_equal(_core.logarithms(numbers), logarithms_of_the_library(numbers))


@given(st.lists(st.floats(2.0**-104, 1.0), min_size=1, max_size=40))
def test_any_logarithm_is_that_of_the_library(numbers):
    numbers = np.array(numbers)
    assert np.array_equal(_core.logarithms(numbers), logarithms_of_the_library(numbers))
