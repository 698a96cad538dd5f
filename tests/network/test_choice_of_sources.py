"""Different sources for each target, from pseudo-random permutations: exact, and like random choices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pycosim import _core
from pycosim.network import RowRule


def choice(n_pre, n_post, n, *, first_post=0, allow_self=True, wanted=None, seed=1):
    """Sources and targets, by index, ordered by source."""
    ids = np.arange(n_pre), first_post + np.arange(n_post)
    n = np.broadcast_to(n, n_post).astype(np.int64)
    indptr, targets = _core.fixed_number_of_sources(seed, 2, *ids, n, allow_self, wanted)
    return np.repeat(np.arange(n_pre), np.diff(indptr)), targets


@settings(deadline=None, max_examples=30)
@given(
    n_pre=st.one_of(st.integers(2, 70), st.integers(71, 2500)),
    n_post=st.integers(1, 40),
    n=st.integers(0, 3000),
    allow_self=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_every_target_has_its_number_of_sources_each_as_often_as_must_be(n_pre, n_post, n, allow_self, seed):
    first = max(0, n_pre - n_post // 2)  # half of the targets are sources themselves
    sources, targets = choice(n_pre, n_post, n, first_post=first, allow_self=allow_self, seed=seed)
    assert np.all(np.bincount(targets, minlength=n_post) == n)
    assert np.all(np.diff(sources * n_post + targets) >= 0)
    times = np.bincount(sources * n_post + targets, minlength=n_pre * n_post).reshape(n_pre, n_post)
    n_allowed = np.full(n_post, n_pre)
    if not allow_self:
        own = np.arange(first, n_pre)
        assert not np.any(times[own, own - first])
        n_allowed[: len(own)] -= 1
    assert np.all(times.max(axis=0) == -(-n // n_allowed))


@settings(deadline=None, max_examples=20)
@given(
    n_pre=st.one_of(st.integers(2, 70), st.integers(71, 1500)),
    n=st.lists(st.integers(0, 1600), min_size=1, max_size=30),
    allow_self=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_rows_that_are_drawn_one_by_one_are_those_of_the_columns(n_pre, n, allow_self, seed):
    n = np.array(n)
    post = n_pre - len(n) // 2 + np.arange(len(n))
    rule = RowRule("number of sources", seed, 2, np.arange(n_pre), post, n=n, allow_self=allow_self)
    wanted = (np.random.default_rng(seed).random(len(n)) < 0.5).view(np.uint8)
    for mask in (None, wanted):
        targets = rule.rows(mask)[1]
        asked = n if mask is None else n * mask
        assert np.array_equal(np.bincount(targets, minlength=len(n)), asked)
        # rows are drawn here to be counted, columns above
        assert _core.count_rows(rule.for_engine(), mask) == asked.sum()
    starts = rule.starts(None)
    assert np.array_equal(starts.starts, rule.rows(None)[0][:-1])


@pytest.mark.parametrize("n_pre", [1024, 1031, 1800])  # 32 x 32; a prime, of which no product is; 36 x 50
def test_sources_are_chosen_as_if_at_random(n_pre):
    """The bounds are 5 standard deviations of what independent choices give."""
    n, n_post = 30, 40_000
    sources, targets = choice(n_pre, n_post, n)
    p = n / n_pre
    # how many targets a source has: chi-squared, with n_pre - 1 degrees of freedom
    chi = np.sum((np.bincount(sources, minlength=n_pre) - n_post * p) ** 2) / (n_post * p * (1 - p))
    assert abs(chi - n_pre) < 5 * np.sqrt(2 * n_pre)
    # how often two sources a distance apart have the same target
    chosen = np.zeros((n_post, n_pre), np.float32)
    chosen[targets, sources] = 1
    together = (chosen.T @ chosen)[np.triu_indices(n_pre, 1)]
    expected = n_post * p * (n - 1) / (n_pre - 1)
    apart = np.subtract(*np.triu_indices(n_pre, 1)[::-1])
    n_pairs = np.bincount(apart)[1:]
    z = (np.bincount(apart, together)[1:] / n_pairs - expected) * np.sqrt(n_pairs / expected)
    assert np.abs(z).max() < 5
    assert abs(np.mean(z**2) - 1) < 5 * np.sqrt(2 / len(z))
    # how many sources two targets share: hypergeometric
    for step in (1, 2, 1024):
        shared = np.sum(chosen[:-step] * chosen[step:], axis=1)
        variance = n * p * (1 - p) * (n_pre - n) / (n_pre - 1)
        assert abs(shared.mean() - n * p) < 5 * np.sqrt(variance / len(shared))
        # the fourth moment is near 3 variance^2 + variance, that of a Poisson number
        assert abs(shared.var() - variance) < 5 * np.sqrt((2 * variance**2 + variance) / len(shared))


@pytest.mark.parametrize(
    ("n_pre", "n"),
    [(n_pre, n) for n_pre in range(2, 10) for n in range(1, n_pre)]
    + [(n_pre, n) for n_pre in (12, 16, 25, 35, 36, 37, 60, 97) for n in (1, 2, 3)]
    + [(n_pre, n) for n_pre in (128, 300, 700, 1023) for n in (1, 2)],
)
def test_all_choices_among_few_sources_are_equally_frequent(n_pre, n):
    """Chi-squared of all choices of n, with one degree of freedom less than there are: p > 1e-6."""
    n_choices = math.comb(n_pre, n)
    n_post = max(100_000, 3 * n_choices)
    sources, targets = choice(n_pre, n_post, n)
    by_target = sources[np.argsort(targets, kind="stable")].reshape(n_post, n)  # ascending for each
    number = sum(binomials(n_pre, k + 1)[by_target[:, k]] for k in range(n))  # combinatorial number system
    counts = np.bincount(number, minlength=n_choices)
    assert len(counts) == n_choices
    expected = n_post / n_choices
    assert stats.chi2.sf(np.sum((counts - expected) ** 2) / expected, n_choices - 1) > 1e-6


def binomials(n_pre, k):
    return np.array([math.comb(i, k) for i in range(n_pre)])


def test_the_first_of_few_sources_besides_the_target_is_any_other():
    """Places of a permutation, of which one is passed over; p as above."""
    for n_pre in (3, 5, 11, 40):
        counts = np.zeros((n_pre, n_pre), int)
        for seed in range(4000):
            sources, targets = choice(n_pre, n_pre, 1, allow_self=False, seed=seed)
            counts[sources, targets] += 1
        others = counts[~np.eye(n_pre, dtype=bool)]
        expected = 4000 / (n_pre - 1)
        assert stats.chi2.sf(np.sum((others - expected) ** 2) / expected, n_pre * (n_pre - 2)) > 1e-6


def test_choices_of_other_seeds_and_streams_are_others():
    ids = np.arange(1200), np.arange(1000)
    n = np.full(1000, 60)
    of = [_core.fixed_number_of_sources(*key, *ids, n, True)[1] for key in ((1, 2), (1, 3), (2, 2))]
    assert all(np.any(of[0] != other) for other in of[1:])


@pytest.mark.parametrize(
    ("n_pre", "n", "message"),
    [(0, 5, "no neuron"), (1024, -1, "must not be negative")],
)
def test_what_cannot_be_chosen_is_refused(n_pre, n, message):
    with pytest.raises(ValueError, match=message):
        choice(n_pre, 3, n)
