"""Properties and statistics of the compiled random numbers and connectivity.

Every statistic has a fixed seed, so a test always gives the same answer. The bounds are wide: a test of
chi-square fails below a probability of 1e-4, a count beyond 5 standard deviations.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pycosim import _core
from pycosim.network.noise import noise_key

SIZES = st.integers(1, 40)
SEEDS = st.integers(0, 2**64 - 1)


def pairs(csr):
    """Return sources and targets of compressed sparse rows."""
    indptr, targets = csr
    return np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), targets


def rows_ascend(csr):
    sources, targets = pairs(csr)
    return np.array_equal(np.lexsort((targets, sources)), np.arange(len(targets))) and csr[0][-1] == len(
        targets
    )


def ids(n, first=0):
    return np.arange(first, first + n)


def is_plausible(observed, expected):
    return stats.chisquare(observed, expected).pvalue > 1e-4


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_known_answers(counter, key, words):
    # "philox4x32 10" in tests/kat_vectors of the Random123 library (Salmon et al. 2011)
    assert _core.philox4x32(counter, key) == words


@given(SIZES, SIZES, st.floats(0, 1.5), st.booleans(), SEEDS)
def test_pairs_connected_by_probability_are_distinct_and_in_order(n_pre, n_post, p, allow_self, seed):
    csr = _core.fixed_probability(seed, 7, ids(n_pre), ids(n_post, 5), p, allow_self)
    sources, targets = pairs(csr)
    assert rows_ascend(csr)
    assert len(set(zip(sources, targets))) == len(sources)
    assert np.all((targets >= 0) & (targets < n_post))
    if not allow_self:
        assert np.all(sources != targets + 5)


@given(SIZES, SIZES, st.booleans())
def test_probabilities_of_zero_and_one_connect_no_pair_and_every_pair(n_pre, n_post, allow_self):
    n_pairs = n_pre * n_post - (0 if allow_self else min(n_pre, n_post))
    for p, n_expected in ((0.0, 0), (1e-300, 0), (1.0, n_pairs), (1.5, n_pairs)):
        _, targets = _core.fixed_probability(1, 2, ids(n_pre), ids(n_post), p, allow_self)
        assert len(targets) == n_expected


@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.97])
def test_number_and_spread_of_pairs_connected_by_probability_are_binomial(p):
    n_pre, n_post = 800, 900
    sources, targets = pairs(_core.fixed_probability(3, 4, ids(n_pre), ids(n_post), p, True))
    n_pairs = n_pre * n_post
    assert abs(len(targets) - p * n_pairs) < 5 * np.sqrt(p * (1 - p) * n_pairs)
    for degree, n_rows, n_columns in ((sources, n_pre, n_post), (targets, n_post, n_pre)):
        counts = np.bincount(degree, minlength=n_rows)
        dispersion = np.sum((counts - p * n_columns) ** 2) / (p * (1 - p) * n_columns)
        assert stats.chi2.sf(dispersion, n_rows) > 1e-4
        assert stats.chi2.cdf(dispersion, n_rows) > 1e-4


def test_a_row_does_not_depend_on_how_many_others_are_drawn():
    post, n = ids(300), np.full(50, 20)
    for many, few in (
        [_core.fixed_probability(1, 2, ids(k), post, 0.1, False) for k in (50, 9)],
        [_core.fixed_number_post(1, 2, ids(k), post, n[:k], False, False) for k in (50, 9)],
        [_core.fixed_number_post(1, 2, ids(k), post, n[:k], True, True) for k in (50, 9)],
        [_core.bernoulli(1, 2, 0, np.full((k, 300), 0.3)) for k in (50, 9)],
    ):
        np.testing.assert_array_equal(many[1][: many[0][9]], few[1])


def test_other_seeds_and_streams_give_other_connections():
    drawn = [
        _core.fixed_probability(seed, stream, ids(50), ids(50), 0.5, True)[1].tobytes()
        for seed in (0, 1, 2**63)
        for stream in (0, 1, 2**63)
    ]
    assert len(set(drawn)) == len(drawn)


@given(SIZES, SIZES, st.data(), st.booleans(), st.booleans(), SEEDS)
def test_every_source_has_exactly_its_number_of_targets(n_pre, n_post, data, replace, allow_self, seed):
    first = data.draw(st.integers(0, n_pre), label="overlap of the two groups")
    n = np.array(data.draw(st.lists(st.integers(0, 90), min_size=n_pre, max_size=n_pre)), np.int64)
    if n_post == 1 and not allow_self and first < n_pre:
        n[first] = 0  # it has nobody else
    csr = _core.fixed_number_post(seed, 1, ids(n_pre), ids(n_post, first), n, replace, allow_self)
    sources, targets = pairs(csr)
    np.testing.assert_array_equal(np.diff(csr[0]), n)
    assert rows_ascend(csr)
    if not allow_self:
        assert np.all(sources != targets + first)
    if not replace:
        _assert_as_even_as_possible(sources, targets, n, n_post, first if not allow_self else None)


def _assert_as_even_as_possible(sources, targets, n, n_post, first):
    """Without replacement each allowed target is there either floor(n / allowed) times or once more."""
    for row in range(len(n)):
        counts = np.bincount(targets[sources == row], minlength=n_post)
        if first is not None and 0 <= row - first < n_post:
            counts = np.delete(counts, row - first)
        if len(counts):
            assert counts.max() - n[row] // len(counts) <= (n[row] % len(counts) > 0)
            assert counts.min() >= n[row] // len(counts)


@given(SIZES, SIZES, st.integers(0, 90), st.booleans(), SEEDS)
def test_every_target_has_exactly_its_number_of_sources(n_pre, n_post, n, replace, seed):
    csr = _core.fixed_number_pre(seed, 1, ids(n_pre), ids(n_post), np.full(n_post, n), replace, True)
    assert rows_ascend(csr)
    np.testing.assert_array_equal(np.bincount(csr[1], minlength=n_post), np.full(n_post, n))
    if not replace and n <= n_pre:
        assert len(set(zip(*pairs(csr)))) == n * n_post


def test_every_choice_of_targets_without_replacement_is_equally_likely():
    n_rows = 20_000
    csr = _core.fixed_number_post(5, 6, ids(n_rows, 10), ids(5), np.full(n_rows, 2), False, True)
    first, second = csr[1].reshape(n_rows, 2).T
    counts = np.bincount(first * 5 + second)
    assert np.count_nonzero(counts) == 10  # all pairs of 5
    assert is_plausible(counts[counts > 0], np.full(10, n_rows / 10))


@pytest.mark.parametrize("replace", [False, True])
def test_targets_of_a_fixed_number_are_uniform_and_the_self_is_left_out(replace):
    n_cells = 200
    csr = _core.fixed_number_post(8, 9, ids(n_cells), ids(n_cells), np.full(n_cells, 50), replace, False)
    sources, targets = pairs(csr)
    assert not np.any(sources == targets)
    # distance around the ring: 199 possible values, none of them preferred
    counts = np.bincount((targets - sources) % n_cells, minlength=n_cells)[1:]
    assert is_plausible(counts, np.full(n_cells - 1, 50 * n_cells / (n_cells - 1)))


def test_a_neuron_is_known_by_its_number_wherever_it_stands_in_the_two_groups():
    pre, post = np.array([3, 50, 7]), np.array([7, 8, 3, 50, 7])
    sources, targets = pairs(_core.fixed_probability(1, 2, pre, post, 1.0, False))
    assert np.all(pre[sources] != post[targets])
    assert len(targets) == 3 * 5 - 4
    sources, targets = pairs(_core.fixed_number_post(1, 2, pre, post, np.array([4, 4, 3]), False, False))
    assert np.all(pre[sources] != post[targets])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: _core.fixed_number_post(1, 2, ids(1), ids(1), np.array([1]), False, False),
        lambda: _core.fixed_number_post(1, 2, ids(1), ids(3), np.array([-1]), False, True),
        lambda: _core.fixed_number_post(1, 2, ids(2), ids(3), np.array([1]), False, True),
        lambda: _core.fixed_probability(1, 2, ids(2), ids(2), -0.1, True),
        lambda: _core.fixed_probability(1, 2, ids(2), ids(2), np.nan, True),
        lambda: _core.csr_from_pairs(np.zeros(2, np.int32), np.zeros(1, np.int32), 1, 1),
    ],
)
def test_impossible_requests_are_refused(draw):
    with pytest.raises(ValueError):
        draw()


def test_each_pair_is_connected_with_its_own_probability():
    probability = np.tile([0.0, 0.2, 0.7, 1.0, np.nan], (20_000, 1))
    _, targets = _core.bernoulli(1, 2, 0, probability)
    counts = np.bincount(targets, minlength=5)
    assert list(counts[[0, 3, 4]]) == [0, 20_000, 0]
    for column, p in ((1, 0.2), (2, 0.7)):
        assert abs(counts[column] - 20_000 * p) < 5 * np.sqrt(20_000 * p * (1 - p))


def test_blocks_of_rows_give_the_same_connections_as_all_at_once():
    probability = np.random.default_rng(1).random((30, 40))
    whole = _core.bernoulli(1, 2, 0, probability)
    parts = [_core.bernoulli(1, 2, first, probability[first : first + 7])[1] for first in range(0, 30, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole[1])


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_pairs_are_sorted_like_numpy_does(n_rows, n_columns, data):
    n = data.draw(st.integers(0, 50))
    rows, columns = (
        np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=n, max_size=n)), np.int32)
        for size in (n_rows, n_columns)
    )
    indptr, targets, order = _core.csr_from_pairs(rows, columns, n_rows, n_columns)
    np.testing.assert_array_equal(order, np.lexsort((columns, rows)))
    np.testing.assert_array_equal(targets, columns[order])
    np.testing.assert_array_equal(indptr, np.searchsorted(rows[order], np.arange(n_rows + 1)))


@pytest.mark.parametrize(("row", "column"), [(3, 0), (0, 2), (-1, 0)])
def test_pairs_outside_the_matrix_are_refused(row, column):
    with pytest.raises(IndexError):
        _core.csr_from_pairs(np.array([row], np.int32), np.array([column], np.int32), 3, 2)


def poisson(rates, begin, end, seed=1, stream=2):
    rates = np.asarray(rates, np.float64)
    always = np.zeros(len(rates), np.int64), np.full(len(rates), 2**62)
    return _core.poisson_spikes(seed, stream, rates, *always, begin, end)


@pytest.mark.parametrize("mean", [1e-4, 0.01, 0.7, 3.0, 40.0, 480.0, 1234.5])
def test_spike_counts_are_poisson_distributed(mean):
    # 1234.5 is the sum of three parts
    n_sources, n_steps = 40, max(200, int(5 / mean))
    steps, indices = poisson(np.full(n_sources, mean), 1, n_steps)
    counts = np.bincount((steps - 1) * n_sources + indices, minlength=n_sources * n_steps)
    n = counts.size
    assert abs(counts.mean() - mean) < 5 * np.sqrt(mean / n)
    # the variance of a sample variance of Poisson numbers is (mean + 2 mean^2) / n
    assert abs(counts.var() - mean) < 5 * np.sqrt((mean + 2 * mean**2) / n)
    edges = np.unique(stats.poisson.ppf(np.linspace(0.02, 0.98, 25), mean))
    expected = np.diff(np.concatenate([[0], stats.poisson.cdf(edges, mean), [1]])) * n
    observed = np.bincount(np.searchsorted(edges, counts, side="left"), minlength=len(expected))
    usable = expected > 5
    if np.count_nonzero(usable) > 1:
        assert is_plausible(
            observed[usable], expected[usable] * observed[usable].sum() / expected[usable].sum()
        )


@pytest.mark.parametrize("n_sources", [1, 15, 16, 45])
def test_counts_drawn_side_by_side_are_those_of_single_blocks(n_sources):
    seed, stream, mean, step = 2**40 + 7, 3, 2.5, 4 * 1000 + 2
    key = _core.philox4x32((seed % 2**32, seed >> 32, stream, 0), (0, 0))[:2]
    words = [_core.philox4x32((step // 4, 0, source, 0), key)[step % 4] for source in range(n_sources)]
    _, indices = poisson(np.full(n_sources, mean), step, step, seed, stream)
    counts = np.bincount(indices, minlength=n_sources)
    np.testing.assert_array_equal(counts, stats.poisson.ppf((np.array(words) + 0.5) / 2**32, mean))


@settings(max_examples=30)
@given(st.lists(st.integers(1, 400), max_size=4), st.integers(0, 5))
def test_a_run_may_be_cut_anywhere(cuts, first):
    rates = np.geomspace(1e-3, 700, 12)
    whole = poisson(rates, first, 400)
    borders = [first, *sorted(cut for cut in cuts if cut > first), 401]
    parts = [poisson(rates, begin, end - 1) for begin, end in pairwise(borders)]
    for column in (0, 1):
        np.testing.assert_array_equal(np.concatenate([part[column] for part in parts]), whole[column])


def test_a_source_does_not_depend_on_the_others():
    rates = np.geomspace(1e-3, 5, 70)
    steps, indices = poisson(rates, 0, 500)
    for n in (1, 17, 33):
        fewer = poisson(rates[:n], 0, 500)
        np.testing.assert_array_equal(steps[indices < n], fewer[0])
        np.testing.assert_array_equal(indices[indices < n], fewer[1])


def test_sources_are_independent_of_each_other_and_from_step_to_step():
    n_sources, n_steps = 30, 20_000
    steps, indices = poisson(np.full(n_sources, 0.3), 0, n_steps - 1)
    counts = np.bincount(steps * n_sources + indices, minlength=n_sources * n_steps).reshape(
        n_steps, n_sources
    )
    correlation = np.corrcoef(counts.T) - np.eye(n_sources)
    # 5 standard deviations of a correlation of 20,000 independent pairs, for 435 pairs
    assert np.abs(correlation).max() < 5 / np.sqrt(n_steps)
    for lag in (1, 2, 3, 4, 8):
        following = [np.corrcoef(column[:-lag], column[lag:])[0, 1] for column in counts.T]
        assert np.abs(following).max() < 5 / np.sqrt(n_steps)


@pytest.mark.parametrize("rate", [-1e-9, 1.1e6, np.nan, np.inf])
def test_rates_that_are_no_rates_are_refused(rate):
    with pytest.raises(ValueError, match="rate_per_step"):
        poisson([0.1, rate], 0, 10)


def test_rates_too_small_for_a_spike_give_none():
    steps, _ = poisson([0.0, 5e-324, 1e-17], 0, 10_000)
    assert len(steps) == 0


def test_normal_numbers_follow_the_normal_distribution():
    numbers = _core.normal_numbers(7, 3, 0, 200_000)
    assert stats.kstest(numbers, "norm").pvalue > 1e-4
    # Four standard errors of the fourth moment (its variance is 96 / n), and of the correlation in a pair.
    assert np.mean(numbers**4) == pytest.approx(3.0, abs=4 * np.sqrt(96 / len(numbers)))
    assert abs(np.mean(numbers[::2] * numbers[1::2])) < 4 / np.sqrt(len(numbers) / 2)


@given(first=st.integers(0, 2**40), n=st.integers(0, 1500))
def test_a_normal_number_does_not_depend_on_what_else_is_drawn(first, n):
    whole = _core.normal_numbers(1, 2, first, n + 700)
    np.testing.assert_array_equal(_core.normal_numbers(1, 2, first + 700, n), whole[700:])


def test_normal_numbers_are_those_of_box_and_muller():
    """The logarithm and the sine are our own; NumPy's differ by rounding."""
    key = noise_key(7, 3)
    words = np.array([_core.philox4x32((0, 0, pair, 0), key) for pair in range(500)], np.uint64).T
    u, v = (((words[k] << np.uint64(20)) | (words[k + 1] >> np.uint64(12))) * 2.0**-52 for k in (0, 2))
    radius, angle = np.sqrt(-2 * np.log(1 - u)), 2 * np.pi * (v - 0.5)
    numbers = _core.normal_numbers(7, 3, 0, 1000)
    # Near a node of the sine an angle's rounding, 2^-52 of 3, is all of the error.
    np.testing.assert_allclose(numbers[::2], radius * np.cos(angle), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(numbers[1::2], radius * np.sin(angle), rtol=1e-14, atol=1e-14)


def test_pairs_are_chosen_by_the_numbers_of_their_counters():
    seed, stream, first, n_rows, n_columns = 5, 2**40 + 3, 7, 5, 71
    key = _core.philox4x32((seed, 0, stream % 2**32, stream >> 32), (0, 0))[:2]
    indptr, targets = _core.bernoulli(seed, stream, first, np.full((n_rows, n_columns), 0.3))
    for row in range(n_rows):
        words = [_core.philox4x32((j // 2, 0, first + row, 0), key) for j in range(n_columns)]
        numbers = [
            (w[2 * (j % 2)] * 2**32 + w[2 * (j % 2) + 1] >> 11) * 2.0**-53 for j, w in enumerate(words)
        ]
        expected = [j for j, number in enumerate(numbers) if number < 0.3]
        assert targets[indptr[row] : indptr[row + 1]].tolist() == expected
