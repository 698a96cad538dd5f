"""Random connectors: what they promise exactly, and their statistics with fixed seeds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN import mock
from pyNN.random import NativeRNG, NumpyRNG, RandomDistribution, WrappedRNG

from .expanding import cells, expanded, sources_of, synapses, synapses_of_mock

RANDOM = [
    lambda rng: mock.FixedProbabilityConnector(0.3, rng=rng),
    lambda rng: mock.FixedNumberPostConnector(4, rng=rng),
    lambda rng: mock.FixedNumberPreConnector(4, with_replacement=True, rng=rng),
    lambda rng: mock.FixedTotalNumberConnector(99, rng=rng),
    lambda rng: mock.DistanceDependentProbabilityConnector("exp(-d/9)", rng=rng),
    lambda rng: mock.DisplacementDependentProbabilityConnector(lambda d: np.exp(-abs(d[0]) / 9), rng=rng),
]


@pytest.mark.parametrize("connector", RANDOM)
def test_native_numbers_depend_on_the_seed_the_stream_and_the_seed_of_the_connector_only(connector):
    pre, post = cells(20), cells(20)

    def drawn(seed=1, stream=2, rng_seed=3):
        result = expanded(pre, post, connector(NativeRNG(seed=rng_seed)), seed=seed, stream=stream)
        return result.indptr.tobytes() + result.targets.tobytes()

    assert drawn() == drawn()
    assert len({drawn(), drawn(seed=2), drawn(stream=3), drawn(rng_seed=4)}) == 4


@pytest.mark.parametrize(
    ("connector", "p"),
    [
        (lambda: mock.FixedProbabilityConnector(0.2), lambda d: 0.2 + 0 * d),
        (lambda: mock.FixedProbabilityConnector(0.2, allow_self_connections="NoMutual"), None),
        (lambda: mock.DistanceDependentProbabilityConnector("exp(-d/30)"), lambda d: np.exp(-d / 30)),
        (lambda: mock.DistanceDependentProbabilityConnector("0.3"), lambda d: 0.3 + 0 * d),
        (
            lambda: mock.DisplacementDependentProbabilityConnector(lambda d: np.exp(-np.abs(d[0]) / 30)),
            lambda d: np.exp(-d / 30),
        ),
    ],
)
def test_pairs_are_connected_with_their_probabilities(connector, p):
    population = cells(300)
    result = expanded(population, population, connector())
    matrix = np.zeros((300, 300))
    matrix[sources_of(result), result.targets] = 1
    x = population.positions[0]
    if p is None:
        expected = np.tril(np.full((300, 300), 0.2), -1)
    else:
        expected = p(np.abs(x[:, None] - x))
    for pairs in (
        slice(None),
        np.eye(300, dtype=bool),
        np.abs(x[:, None] - x) < 20,
        np.abs(x[:, None] - x) > 100,
    ):
        mean, variance = expected[pairs].sum(), (expected * (1 - expected))[pairs].sum()
        # 5 standard deviations; the draws are fixed by the seed
        assert abs(matrix[pairs].sum() - mean) <= 5 * np.sqrt(variance)
    assert np.all(matrix[expected == 0] == 0)


def test_a_matrix_of_probabilities_may_be_larger_than_one_block(monkeypatch):
    pre, post = cells(30), cells(20)
    connectors = RANDOM[4:]
    whole = [synapses(expanded(pre, post, connector(NumpyRNG(seed=3)))) for connector in connectors]
    monkeypatch.setattr("pycosim.frontend.connectivity.BLOCK_PAIRS", 70)
    monkeypatch.setattr("pycosim.frontend.synapse_values.BLOCK_SYNAPSES", 7)
    assert [synapses(expanded(pre, post, connector(NumpyRNG(seed=3)))) for connector in connectors] == whole
    result = expanded(pre, post, mock.AllToAllConnector(), {"weight": "d"})
    assert synapses(result) == synapses_of_mock(pre, post, mock.AllToAllConnector(), {"weight": "d"})


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(0, 30), st.booleans(), st.booleans())
def test_fixed_numbers_are_exact(n_pre, n_post, n, replace, allow_self):
    pre, post = cells(n_pre), cells(n_post)
    keywords = {"with_replacement": replace, "allow_self_connections": allow_self}
    result = expanded(pre, post, mock.FixedNumberPostConnector(n, **keywords))
    assert np.all(np.diff(result.indptr) == n)
    result = expanded(pre, post, mock.FixedNumberPreConnector(n, **keywords))
    assert np.all(np.bincount(result.targets, minlength=n_post) == n)
    assert expanded(pre, post, mock.FixedTotalNumberConnector(n, **keywords)).n_synapses == n
    own = expanded(pre, pre, mock.FixedNumberPostConnector(n, **keywords))
    assert allow_self or not np.any(sources_of(own) == own.targets)


def test_numbers_may_be_random():
    n = RandomDistribution("uniform_int", (2, 6), rng=NumpyRNG(seed=1))
    pre, post = cells(300), cells(40)
    for connector, axis in ((mock.FixedNumberPostConnector, 0), (mock.FixedNumberPreConnector, 1)):
        result = expanded(post, pre, connector(n)) if axis else expanded(pre, post, connector(n))
        counts = np.bincount((sources_of(result), result.targets)[axis], minlength=300)
        assert set(counts) == {2, 3, 4, 5}
    assert 2 <= expanded(pre, post, mock.FixedTotalNumberConnector(n)).n_synapses < 6


PYNN = [
    lambda rng: mock.FixedProbabilityConnector(0.3, rng=rng),
    lambda rng: mock.FixedProbabilityConnector(0.3, rng=rng, allow_self_connections=False),
    lambda rng: mock.FixedProbabilityConnector(0.3, rng=rng, allow_self_connections="NoMutual"),
    lambda rng: mock.FixedNumberPostConnector(9, rng=rng),
    lambda rng: mock.FixedNumberPostConnector(3, rng=rng, allow_self_connections=False),
    lambda rng: mock.FixedNumberPostConnector(3, rng=rng, with_replacement=True),
    lambda rng: mock.FixedNumberPreConnector(9, rng=rng, allow_self_connections=False),
    lambda rng: mock.FixedNumberPreConnector(3, rng=rng),
    lambda rng: mock.FixedNumberPreConnector(9, rng=rng, with_replacement=True),
    lambda rng: mock.FixedNumberPreConnector(RandomDistribution("uniform_int", (2, 6), rng=rng), rng=rng),
    lambda rng: mock.FixedTotalNumberConnector(31, rng=rng),
    lambda rng: mock.DistanceDependentProbabilityConnector("exp(-d/9)", rng=rng),
    lambda rng: mock.DisplacementDependentProbabilityConnector(lambda d: np.exp(-abs(d[0]) / 9), rng=rng),
    lambda rng: mock.AllToAllConnector(allow_self_connections=False),
    lambda rng: mock.OneToOneConnector(),
]
DISTRIBUTIONS = [("uniform", (0, 1)), ("normal_clipped", (0, 1, 0, 1)), ("gamma", (2, 1)), ("poisson", (3,))]


@pytest.mark.parametrize("one_generator", [True, False])
@pytest.mark.parametrize("connector", PYNN)
def test_a_script_s_generator_makes_the_network_that_pynn_makes(connector, one_generator):
    """Synapses, weights and delays, also where one generator gives several of these, and what comes after."""
    pre = cells(8)
    for post in (pre, cells(7)):
        for (name, parameters), seed in zip(DISTRIBUTIONS, (1, 2, 3, 4)):
            made, following = [], []
            for make in (lambda *a: synapses(expanded(*a)), synapses_of_mock):
                rngs = (
                    [NumpyRNG(seed=seed)] * 3 if one_generator else [NumpyRNG(seed=s) for s in (seed, 8, 9)]
                )
                weight = RandomDistribution(name, parameters, rng=rngs[1])
                delay = RandomDistribution("uniform", (1, 9), rng=rngs[2])
                no_mutual = post is not pre and connector is PYNN[2]
                if no_mutual:
                    continue
                made.append(make(pre, post, connector(rngs[0]), {"weight": weight, "delay": delay}))
                following.append([rng.next(2).tolist() for rng in rngs])
            assert no_mutual or (len(made[0]) > 3 and made[0] == made[1])
            assert no_mutual or following[0] == following[1]


def test_no_cell_of_overlapping_views_is_connected_to_itself():
    population = cells(30)
    pre, post = population[0:20], population[10:30]
    for rng in (NumpyRNG(seed=1), NativeRNG(seed=1)):
        result = expanded(
            pre, post, mock.FixedProbabilityConnector(1.0, allow_self_connections=False, rng=rng)
        )
        assert result.n_synapses == 20 * 20 - 10
        assert not np.any(sources_of(result) == result.targets + 10)


def test_the_generator_of_connectors_that_are_given_none_is_pynn_s():
    ours = synapses(expanded(cells(20), cells(10), mock.FixedProbabilityConnector(0.5)))
    assert ours == synapses_of_mock(cells(20), cells(10), mock.FixedProbabilityConnector(0.5))


class Counting(WrappedRNG):
    """A script's own generator: gives 0, 1, 2, ... and the cells in reverse order."""

    def __init__(self):
        super().__init__(seed=None, parallel_safe=True)
        self.first = 0

    def _next(self, distribution, n, parameters):
        self.first += n
        return np.arange(self.first - n, self.first)

    def permutation(self, values):
        return values[::-1]


def test_numbers_of_a_script_s_own_generator_go_where_pynn_puts_them():
    def synapse():
        return {"weight": RandomDistribution("uniform", (0, 100), rng=Counting())}

    ours = synapses(expanded(cells(3), cells(2), mock.AllToAllConnector(), synapse()))
    assert [weight for _, _, weight, _ in ours] == [0, 3, 1, 4, 2, 5]  # target by target
    assert ours == synapses_of_mock(cells(3), cells(2), mock.AllToAllConnector(), synapse())


def test_a_connector_with_a_script_s_own_generator_connects_what_pynn_connects():
    def connector():
        return mock.FixedNumberPreConnector(2, rng=Counting())

    ours = synapses(expanded(cells(4), cells(3), connector()))
    assert ours == synapses_of_mock(cells(4), cells(3), connector())
    assert [source for source, _, _, _ in ours] == [2, 2, 2, 3, 3, 3]
