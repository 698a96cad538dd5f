"""Values that are functions of seed, stream and number: their distributions, and what they depend on."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN.random import NativeRNG, RandomDistribution
from scipy import stats

from pycosim import _core
from pycosim.errors import InvalidInputError
from pycosim.random import evaluate_blocks, evaluate_distribution, evaluate_rounded

SEED, STREAM, DT_MS = 11, 12, 0.1
UNIFORM, NORMAL = (0, 0.0, 0.0, 0.0, 1.0), (1, 0.0, 1.0, 0.0, 0.0)
# Kind, mean, deviation, limits: few and most numbers are drawn again.
CLIPPED, NARROW = (2, 1.5, 0.75, 0.1, 10.0), (2, 1.5, 0.75, 1.45, 1.55)
MANY = 2**18


def numbers(kind, n=MANY, seed=SEED, stream=STREAM):
    return _core.numbers_by_block(seed, np.array([stream], np.uint64), kind, np.zeros(n, np.int32), 0)


def words(pair, seed=SEED, stream=STREAM):
    """Return the four random words that numbers of a stream are made of."""
    halves = [seed & 0xFFFFFFFF, seed >> 32, stream & 0xFFFFFFFF, stream >> 32]
    return _core.philox4x32((0, 0, pair, 0), _core.philox4x32(tuple(halves), (0, 0))[:2])


def fraction(high, low):
    return (high << 32 | low) >> 12


def places(pair):
    """Return the numbers of the two values of a pair: in groups of 16 first ones, then 16 second ones."""
    first = pair // 16 * 32 + pair % 16
    return first, first + 16


@pytest.mark.parametrize("pair", [0, 1, 15, 16, 511, 512, 1000])
def test_numbers_are_two_of_each_four_words_of_philox(pair):
    uniform, normal = numbers((0, 0.0, 0.0, -1.0, 3.0), 2100), numbers((1, -2.0, 0.5, 0.0, 0.0), 2100)
    w = words(pair)
    for place, half in zip(places(pair), (w[:2], w[2:])):
        assert uniform[place] == -1.0 + 4.0 * (fraction(*half) * 2.0**-52)
    radius = math.sqrt(-2 * math.log(1 - fraction(*w[:2]) * 2.0**-52))
    angle = 2 * math.pi * (fraction(*w[2:]) * 2.0**-52 - 0.5)
    # a few roundings of numbers near 1, and the angle's own
    for place, expected in zip(places(pair), (radius * math.cos(angle), radius * math.sin(angle))):
        assert normal[place] == pytest.approx(-2.0 + 0.5 * expected, abs=1e-14)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (UNIFORM, stats.uniform()),
        (NORMAL, stats.norm()),
        (CLIPPED, stats.truncnorm(-1.4 / 0.75, 8.5 / 0.75, 1.5, 0.75)),
        (NARROW, stats.truncnorm(-0.05 / 0.75, 0.05 / 0.75, 1.5, 0.75)),
        ((2, 0.0, 1.0, 2.0, 3.0), stats.truncnorm(2.0, 3.0)),
    ],
)
def test_numbers_have_the_distribution_that_is_asked_for(kind, expected):
    values = numbers(kind)
    # less likely than 1e-4 by chance: once for a fixed seed
    assert stats.kstest(values, expected.cdf).pvalue > 1e-4
    low, high = expected.support()
    assert low <= values.min()
    assert values.max() <= high
    mean, variance, kurtosis = (float(x) for x in expected.stats(moments="mvk"))
    # five standard deviations of the mean and of the variance
    assert abs(values.mean() - mean) < 5 * math.sqrt(variance / MANY)
    assert abs(values.var() - variance) < 5 * variance * math.sqrt((kurtosis + 2) / MANY)


def test_normal_numbers_have_the_tails_and_the_symmetry_of_the_normal_distribution():
    n = 2**22
    values = numbers(NORMAL, n)
    # standard errors of skewness and kurtosis of n normal numbers, five of them
    assert abs(stats.skew(values)) < 5 * math.sqrt(6 / n)
    assert abs(stats.kurtosis(values)) < 5 * math.sqrt(24 / n)
    for limit in (2.0, 3.0, 4.0, 4.5):
        for found in (np.count_nonzero(values > limit), np.count_nonzero(values < -limit)):
            assert 1e-5 < stats.poisson(n * stats.norm.sf(limit)).cdf(found) < 1 - 1e-5
    assert 4.5 < np.abs(values).max() < 7


@pytest.mark.parametrize("kind", [UNIFORM, NORMAL, CLIPPED])
def test_neighbours_streams_and_seeds_are_independent(kind):
    values = numbers(kind)
    others = [
        (values[:-lag], values[lag:])
        for lag in (1, 2, 15, 16, 17, 31, 32, 256, 512, 1024)  # within vectors, pairs and pieces
    ]
    others += [(values, numbers(kind, stream=STREAM + 1)), (values, numbers(kind, seed=SEED + 1))]
    for one, other in others:
        for of in (lambda x: x, lambda x: (x - x.mean()) ** 2):  # the radius of a pair is in the squares
            # 4.5 standard deviations, for 72 correlations
            assert abs(np.corrcoef(of(one), of(other))[0, 1]) < 4.5 / math.sqrt(len(one))


def test_pairs_of_numbers_of_one_radius_fill_the_plane_evenly():
    values = numbers(NORMAL, 2**20).reshape(-1, 2, 16)
    at = stats.norm.cdf([values[:, 0].ravel(), values[:, 1].ravel()])
    counts = np.histogram2d(*at, bins=64, range=[[0, 1], [0, 1]])[0].ravel()
    assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


KINDS = st.sampled_from([UNIFORM, NORMAL, CLIPPED, NARROW])


@settings(max_examples=60, deadline=None)
@given(KINDS, st.integers(0, 5000), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_a_number_does_not_depend_on_how_many_are_drawn(kind, n, seed, stream):
    assert np.array_equal(numbers(kind, n, seed, stream), numbers(kind, 5000, seed, stream)[:n])


@settings(max_examples=40, deadline=None)
@given(KINDS, st.lists(st.tuples(st.integers(0, 3), st.integers(1, 1500)), max_size=12))
def test_a_block_has_the_first_numbers_of_its_stream_in_any_order_of_the_keys(kind, runs):
    blocks = np.repeat([block for block, _ in runs], [n for _, n in runs]).astype(np.int32)
    keys = blocks * 8 + np.arange(len(blocks), dtype=np.int32) % 8
    streams = np.array([5, 6, 7, 2**63], np.uint64)
    values = _core.numbers_by_block(SEED, streams, kind, keys, 3)
    for block, stream in enumerate(streams):
        here = values[blocks == block]
        assert np.array_equal(here, numbers(kind, len(here), stream=int(stream)))


def test_a_key_needs_a_block():
    with pytest.raises(IndexError, match="key"):
        _core.numbers_by_block(SEED, np.array([1], np.uint64), NORMAL, np.array([0, 1024], np.int32), 10)


DRAWN = [
    ("uniform", (0.5, 2.5)),
    ("uniform", (1, 3)),
    ("normal", (5.0, 0.5)),
    ("normal_clipped", (1.5, 0.75, 0.1, 10.0)),
    ("normal_clipped", (np.int64(2), 1, 0, np.inf)),
    ("gamma", (2.0, 3.0)),
]


@pytest.mark.parametrize("rng", [None, NativeRNG(seed=4)])
@pytest.mark.parametrize(("name", "parameters"), DRAWN)
def test_values_are_the_same_one_block_at_a_time_together_and_rounded(name, parameters, rng):
    distribution = RandomDistribution(name, parameters, rng=rng)
    keys = np.random.default_rng(1).integers(0, 3000, 5000).astype(np.int32)
    drawn = 10, SEED, 21, 3
    values = evaluate_blocks(distribution, keys, *drawn)
    for block in range(3):
        is_here = keys >> 10 == block
        assert np.array_equal(values[is_here], evaluate_blocks(distribution, keys[is_here], *drawn))
        first = evaluate_distribution(distribution, np.count_nonzero(is_here), SEED, 21)
        assert np.array_equal(values[is_here], first) == (block == 0)
    rounded = evaluate_rounded(distribution, keys, *drawn, DT_MS)
    if name == "gamma":  # NumPy's, which are rounded where they are needed
        assert rounded is None
    else:
        assert np.array_equal(rounded[0], np.maximum(1, np.floor(values / DT_MS + 0.5)))


@pytest.mark.parametrize("limits", [(50.0, 51.0), (1.0, -1.0)])
def test_limits_that_no_number_meets_are_refused_wherever_they_are_drawn(limits):
    distribution = RandomDistribution("normal_clipped", (0.0, 1.0, *limits))
    keys = np.zeros(7, np.int32)
    for draw in (
        lambda: evaluate_blocks(distribution, keys, 10, SEED, 1, 1),
        lambda: evaluate_rounded(distribution, keys, 10, SEED, 1, 1, DT_MS),
    ):
        with pytest.raises(InvalidInputError, match=r"Drawing 7 values .*_clipped'.*out of the limits"):
            draw()


def test_parameters_that_are_no_numbers_give_none():
    for parameters in [(math.nan, 1.0), (1.0, math.nan)]:
        assert np.isnan(evaluate_distribution(RandomDistribution("normal", parameters), 5, 1, 2)).all()
    # as in PyNN nothing is beyond a limit that is no number
    unlimited = RandomDistribution("normal_clipped", (0.0, 1.0, math.nan, math.nan))
    normal = RandomDistribution("normal", (0.0, 1.0))
    assert np.array_equal(*(evaluate_distribution(each, 99, 1, 2) for each in (unlimited, normal)))


@pytest.mark.parametrize("limits", [(0.0, math.inf), (math.nan, 1.0), (-1e308, 1e308)])
def test_a_uniform_distribution_needs_a_finite_range(limits):
    with pytest.raises(InvalidInputError, match=r"Drawing 3 values .*'uniform'"):
        evaluate_distribution(RandomDistribution("uniform", limits), 3, 1, 2)
