"""A total number of synapses: exact, every pair equally likely, and rows that can be made one by one.

Every statistic has a fixed seed, so a test always gives the same answer. The bounds are wide: a test of
chi-square fails below a probability of 1e-4, a count or a mean beyond 5 standard deviations.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN import mock
from pyNN.random import NativeRNG
from scipy import stats

from pycosim.frontend.total_number import numbers_of_allowed, split_total
from pycosim.random import frozen_generator

from .expanding import cells, expanded, sources_of


def total(n, replace, allow_self=True, rng=None):
    keywords = {"with_replacement": replace, "allow_self_connections": allow_self}
    return mock.FixedTotalNumberConnector(n, rng=rng or NativeRNG(seed=1), **keywords)


def counts(pre, post, connector, seed=1):
    """Return how often each pair is connected, (n_pre, n_post)."""
    result = expanded(pre, post, connector, seed=seed)
    pairs = sources_of(result) * post.size + result.targets
    return np.bincount(pairs, minlength=pre.size * post.size).reshape(pre.size, post.size)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 200),
    st.integers(0, 6),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_the_number_is_exact_and_pairs_are_as_even_as_they_can_be(
    n_pre, n_post, n, first, replace, allow_self, seed
):
    both = cells(30)
    pre, post = both[first : first + n_pre], both[:n_post]
    may_be = np.ones((n_pre, n_post), bool)
    if not allow_self:
        may_be = np.arange(first, first + n_pre)[:, None] != np.arange(n_post)
    n = n if may_be.any() else 0
    made = counts(pre, post, total(n, replace, allow_self), seed)
    assert made.sum() == n
    assert np.all(made[~may_be] == 0)
    if not replace and may_be.any():
        assert np.ptp(made[may_be]) <= (n % may_be.sum() > 0)


@pytest.mark.parametrize("replace", [False, True])
def test_full_density_is_every_pair_and_nothing_is_nothing(replace):
    pre, post = cells(37), cells(29)
    assert not counts(pre, post, total(0, replace)).any()
    assert counts(pre, post, total(37 * 29, False)).min() == 1
    own = counts(pre, pre, total(37 * 36, False, allow_self=False))
    assert np.array_equal(own, 1 - np.eye(37))


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("n", [9, 20])  # of 26 pairs; more than half of them are others than those left out
def test_every_pair_and_every_two_pairs_are_equally_likely(n, replace):
    n_drawn, both = 2000, cells(9)
    pre, post = both[2:8], both[4:9]
    may_be = np.arange(2, 8)[:, None] != np.arange(4, 9)
    made = [counts(pre, post, total(n, replace, False), seed)[may_be] for seed in range(n_drawn)]
    n_pairs, made = may_be.sum(), np.array(made)
    # moments of the multinomial and of the multivariate hypergeometric distribution
    share = 1 / n_pairs
    left = 1.0 if replace else (n_pairs - n) / (n_pairs - 1)
    deviation = np.sqrt(n * share * (1 - share) * left / n_drawn)
    assert np.all(np.abs(made.mean(axis=0) - n * share) < 5 * deviation)
    one, other = np.triu_indices(n_pairs, 1)
    products = made[:, one] * made[:, other]
    expected = n * (n - 1) * (share**2 if replace else share / (n_pairs - 1))
    of_mean = products.std(axis=0) / np.sqrt(n_drawn)
    assert np.all(np.abs(products.mean(axis=0) - expected) < 5 * of_mean)
    assert replace or made.max() == 1


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("n", [30_000, 300_000])
def test_numbers_of_rows_and_of_columns_vary_as_they_should(replace, n):
    both = cells(601)
    made = counts(both[:600], both, total(n, replace, allow_self=False))
    # each source may reach 600 targets; target 600 is nobody's self and is reached by one source more
    share = np.append(np.full(600, 599), 600) / (600 * 600)
    # without replacement they vary less by the share of pairs that is left
    left = 1.0 if replace else 1 - n / (600 * 600)
    for found, expected in ((made.sum(axis=1), np.full(600, n / 600)), (made.sum(axis=0), n * share)):
        dispersion = np.sum((found - expected) ** 2 / expected) / left
        assert stats.chi2.sf(dispersion, len(found) - 1) > 1e-4
        assert stats.chi2.cdf(dispersion, len(found) - 1) > 1e-4


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("n", [3, 40, 110, 120 + 70])
def test_the_number_of_a_row_is_binomial_or_hypergeometric(n, replace):
    n_allowed, n_drawn = np.array([30, 0, 1, 59, 30, 0]), 4000
    random = frozen_generator(3, n)
    made = np.array([split_total(random, n, n_allowed, replace) for _ in range(n_drawn)])
    assert np.all(made.sum(axis=1) == n)
    assert not made[:, [1, 5]].any()
    for row in (0, 2, 3, 4):
        share, all_of_it = n_allowed[row] / 120, n // 120 * n_allowed[row]
        exact = (
            stats.binom(n, share) if replace else stats.hypergeom(120, n_allowed[row], n % 120, loc=all_of_it)
        )
        possible = np.arange(n + 1)
        expected, found = n_drawn * exact.pmf(possible), np.bincount(made[:, row], minlength=n + 1)
        often = expected >= 5  # for fewer, the distribution of chi-square is another; they are taken together
        columns = [np.append(x[often], x[~often].sum()) for x in (found, expected)]
        columns = [x if columns[1][-1] >= 5 else x[:-1] for x in columns]
        if len(columns[0]) > 1:
            assert stats.chisquare(*(x / x.sum() * n_drawn for x in columns)).pvalue > 1e-4
    expected = -n * 0.25 * 0.25 if replace else -(n % 120) * 0.25 * 0.25 * (120 - n % 120) / 119
    # of products of two nearly normal numbers
    spread = np.sqrt((made[:, 0].var() * made[:, 4].var() + expected**2) / n_drawn)
    assert abs(np.cov(made[:, 0], made[:, 4])[0, 1] - expected) < 5 * max(spread, 1e-9)


@pytest.mark.parametrize("replace", [False, True])
def test_ten_billion_pairs_are_split_without_rounding(replace):
    n_rows, n = 50_000, 2_000_000_001
    made = split_total(frozen_generator(1, 2), n, np.full(n_rows, 200_000), replace)
    assert made.sum() == n
    variance = n / n_rows * (1.0 if replace else 0.8)
    # the mean square of so many numbers, and the sum of half of them
    assert abs(np.mean((made - n / n_rows) ** 2) / variance - 1) < 5 * np.sqrt(2 / n_rows)
    assert abs(made[::2].sum() - n / 2) < 5 * np.sqrt(variance * n_rows / 4)


def test_a_cell_may_not_be_connected_to_itself_wherever_it_is():
    pre, post = np.array([3, 50, 7]), np.array([7, 8, 3, 50, 7])
    assert numbers_of_allowed(pre, post, False).tolist() == [4, 4, 3]
    assert numbers_of_allowed(pre, post, True).tolist() == [5, 5, 5]


def test_numbers_of_rows_stay_what_they_are():
    # NumPy promises that for the distributions of RandomState; networks would change otherwise
    n_allowed = np.array([400, 399, 0, 1000, 1])
    drawn = [
        split_total(frozen_generator(11, 5), 900, n_allowed, replace).tolist() for replace in (False, True)
    ]
    assert drawn == [[209, 202, 0, 488, 1], [205, 197, 0, 498, 0]]
