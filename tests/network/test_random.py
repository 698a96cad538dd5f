"""Streams of random numbers, and PyNN's distributions drawn from them."""

import numpy as np
import pytest
from pyNN.random import AbstractRNG, NativeRNG, NumpyRNG, RandomDistribution
from scipy import stats

from pycosim.errors import InvalidInputError
from pycosim.random import evaluate_distribution, generator, generators_restored, stream_of

# Each distribution as PyNN documents its parameters, and the same one in SciPy where it has one.
DISTRIBUTIONS = [
    ("binomial", (20, 0.3), stats.binom(20, 0.3)),
    ("gamma", (2.0, 5.0), stats.gamma(2.0, scale=5.0)),
    ("exponential", (3.0,), stats.expon(scale=3.0)),
    ("lognormal", (0.5, 0.2), stats.lognorm(0.2, scale=np.exp(0.5))),
    ("normal", (-65.0, 5.0), stats.norm(-65.0, 5.0)),
    ("normal_clipped", (0.5, 1.0, 0.0, 2.0), stats.truncnorm(-0.5, 1.5, loc=0.5, scale=1.0)),
    ("poisson", (4.0,), stats.poisson(4.0)),
    ("uniform", (-70.0, -50.0), stats.uniform(-70.0, 20.0)),
    ("uniform_int", (3, 9), stats.randint(3, 9)),
    ("vonmises", (0.3, 2.0), stats.vonmises(2.0, loc=0.3)),
]


@pytest.mark.parametrize(("name", "parameters", "expected"), DISTRIBUTIONS)
def test_a_distribution_has_its_shape(name, parameters, expected):
    n = 20_000
    values = evaluate_distribution(RandomDistribution(name, parameters), n, 1, 2)
    assert values.shape == (n,)
    assert values.dtype == np.float64
    # 0.017 is exceeded with probability 1e-5 by 20,000 values of a continuous distribution (Kolmogorov)
    ordered, counts = np.unique(values, return_counts=True)
    assert np.max(np.abs(np.cumsum(counts) / n - expected.cdf(ordered))) < 0.017


def test_values_outside_the_limits_are_redrawn_or_moved_to_the_limit():
    redrawn, moved = (
        evaluate_distribution(RandomDistribution(name, (0.0, 1.0, -1.0, 1.0)), 10_000, 1, 2)
        for name in ("normal_clipped", "normal_clipped_to_boundary")
    )
    for values in (redrawn, moved):
        assert values.min() >= -1
        assert values.max() <= 1
    assert np.count_nonzero(np.abs(redrawn) == 1) == 0
    # each limit takes the 15.9 % of a normal distribution beyond it; 0.02 is more than 5 standard deviations
    assert abs(np.mean(moved == 1) - 0.159) < 0.02


def drawn(distribution, seed=1, stream=2, n=100):
    return evaluate_distribution(distribution, n, seed, stream).tobytes()


def test_values_depend_on_the_seed_the_stream_and_the_seed_of_the_script_only():
    def normal(rng=None):
        return RandomDistribution("normal", (0, 1), rng=rng)

    assert drawn(normal()) == drawn(normal())
    assert drawn(normal(NativeRNG(seed=42))) == drawn(normal(NativeRNG(seed=42)))
    different = {
        drawn(normal()),
        drawn(normal(), seed=2),
        drawn(normal(), stream=3),
        drawn(normal(NativeRNG(seed=42))),
        drawn(normal(NativeRNG(seed=43))),
    }
    assert len(different) == 5


def test_a_script_s_own_generator_gives_the_numbers_that_it_gives_without_pycosim():
    ours, plain = NumpyRNG(seed=42), NumpyRNG(seed=42)
    distribution = RandomDistribution("gamma", (2.0, 3.0), rng=ours)
    for n in (3, 1, 5):
        expected = plain.next(n, "gamma", {"k": 2.0, "theta": 3.0})
        np.testing.assert_array_equal(evaluate_distribution(distribution, n, 1, 2), expected)


def test_a_function_that_is_run_again_finds_its_generators_as_they_were():
    rng = NumpyRNG(seed=42)
    distribution = RandomDistribution("uniform", (0, 1), rng=rng)
    runs = []
    for _ in range(2):
        with generators_restored():
            runs.append([drawn(distribution), drawn(distribution)])
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][1]


def test_the_simulator_s_own_generator_is_ours():
    distribution = RandomDistribution("uniform", (0, 1), rng=NativeRNG(seed=8))
    values = evaluate_distribution(distribution, 1000, 1, 2)
    assert 0 <= values.min() < 0.05 < 0.95 < values.max() < 1


def test_a_generator_that_a_user_wrote_is_asked_for_its_numbers():
    class FromFile(AbstractRNG):
        def next(self, n=None, distribution=None, parameters=None, mask=None):
            return np.arange(n) * 0.5

    distribution = RandomDistribution("uniform", (0, 1), rng=FromFile())
    np.testing.assert_array_equal(evaluate_distribution(distribution, 3, 1, 2), [0, 0.5, 1])


def test_no_values_can_be_drawn():
    assert evaluate_distribution(RandomDistribution("normal", (0, 1)), 0, 1, 2).shape == (0,)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("normal", (0.0, -1.0)),
        ("normal_clipped", (0.0, 1.0, 50.0, 51.0)),
        ("normal_clipped", (0.0, 1.0, 1.0, -1.0)),
    ],
)
def test_impossible_parameters_are_named_in_the_error(name, parameters):
    with pytest.raises(InvalidInputError, match=f"'{name}' with .*mu.*Check its parameters"):
        evaluate_distribution(RandomDistribution(name, parameters), 5, 1, 2)


def test_streams_are_the_same_in_every_version():
    # written down once: a change would change every network
    assert stream_of("poisson", 3) == 8314118018615694749
    assert stream_of("projection", 0, "weight", None, 0.5) == 1475839322863196359


def test_streams_of_different_parts_differ():
    parts = [
        (),
        ("",),
        (None,),
        ("a",),
        ("a", "b"),
        ("ab",),
        ("a", 1),
        ("a", "1"),
        ("a", 1.0),
        ("a", -1),
        ("none",),
        (1, 11),
        (11, 1),
        (2**70,),
    ]
    streams = [stream_of(*part) for part in parts]
    assert len(set(streams)) == len(parts)
    assert all(0 <= stream < 2**64 for stream in streams)
    assert stream_of(np.int32(5), np.float64(0.5)) == stream_of(5, 0.5)


def test_a_stream_needs_names_and_numbers():
    with pytest.raises(TypeError):
        stream_of(["a"])


def test_generators_of_different_seeds_and_streams_differ_and_negative_seeds_are_allowed():
    first = {
        generator(seed, stream).random() for seed in (-1, 0, 1, 2**64 - 2) for stream in (0, 1, 2**64 - 1)
    }
    assert len(first) == 12
    assert generator(3, 4).random() == generator(3, 4).random()
