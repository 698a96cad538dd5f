"""What the sources of a network emit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.network import Network, Population
from pycosim.network.inputs import source_spikes


def network_of(*populations, dt_ms=0.1, seed=5):
    network = Network(dt_ms, seed)
    for population in populations:
        network.add(population)
    return network


def poisson(size=1, rate=100.0, start=0.0, duration=1e10):
    parameters = {"rate": rate, "start": start, "duration": duration}
    return Population("noise", "SpikeSourcePoisson", size, parameters=parameters)


def array(size, spikes):
    steps, indices = np.array(sorted(spikes, key=lambda spike: spike[0]), np.int64).reshape(-1, 2).T
    return Population("input", "SpikeSourceArray", size, spike_steps=steps, spike_indices=indices)


@pytest.mark.parametrize("rate", [2.0, 300.0, 50_000.0])
def test_a_poisson_source_has_its_rate(rate):
    # 500 sources for 20 s at 0.1 ms
    steps, _ = source_spikes(network_of(poisson(500, rate)), 0, 0, 200_000 if rate < 1000 else 200)
    expected = rate * 500 * (20 if rate < 1000 else 0.02)
    assert abs(len(steps) - expected) < 5 * np.sqrt(expected)


def test_intervals_between_spikes_are_exponentially_distributed():
    steps, _ = source_spikes(network_of(poisson(rate=50.0)), 0, 0, 4_000_000)
    intervals_ms = np.diff(steps) * 0.1
    distance = stats.kstest(intervals_ms, stats.expon(scale=20.0).cdf).statistic
    # 2.3 / sqrt(n) is exceeded with probability 5e-5; the step of 0.1 ms adds 0.1 / 20
    assert distance < 2.3 / np.sqrt(len(intervals_ms)) + 0.005


def test_columns_of_rates_give_each_source_its_own():
    rates = np.array([0.0, 10.0, 1000.0])
    _, indices = source_spikes(network_of(poisson(3, rates)), 0, 0, 100_000)
    counts = np.bincount(indices, minlength=3)
    assert counts[0] == 0
    assert np.all(np.abs(counts[1:] - rates[1:] * 10) < 5 * np.sqrt(rates[1:] * 10))


@pytest.mark.parametrize(
    ("start", "duration", "first", "last"),
    [(0.0, 10.0, 1, 100), (5.0, 3.0, 51, 80), (5.04, 3.0, 51, 80), (5.06, 0.1, 52, 52), (7.0, 0.0, 1, 0)],
)
def test_a_source_is_active_from_its_start_for_its_duration(start, duration, first, last):
    # 100,000 Hz: 10 spikes per step, so that a silent step would be seen
    steps, _ = source_spikes(network_of(poisson(rate=1e5, start=start, duration=duration)), 0, 0, 200)
    np.testing.assert_array_equal(np.unique(steps), np.arange(first, last + 1))


def test_a_source_without_an_end_goes_on():
    for duration in (1e300, np.inf):
        steps, _ = source_spikes(network_of(poisson(rate=1e5, duration=duration)), 0, 10**12, 10**12 + 3)
        np.testing.assert_array_equal(np.unique(steps) - 10**12, np.arange(4))


@settings(max_examples=25)
@given(st.lists(st.integers(0, 300), max_size=4), st.sampled_from(["poisson", "array"]))
def test_a_run_in_pieces_has_the_spikes_of_a_run_at_once(cuts, kind):
    rng = np.random.default_rng(1)
    spikes = np.stack([rng.integers(0, 301, 200), rng.integers(0, 6, 200)], axis=1).tolist()
    sources = poisson(6, 2000.0, start=np.arange(6.0)) if kind == "poisson" else array(6, spikes)
    network = network_of(sources)
    borders = [0, *sorted(cuts), 301]
    pieces = [source_spikes(network, 0, begin, end - 1) for begin, end in pairwise(borders)]
    for whole, column in zip(source_spikes(network, 0, 0, 300), zip(*pieces)):
        assert whole.dtype == np.int64
        np.testing.assert_array_equal(np.concatenate(column), whole)


def test_spikes_are_ordered_by_step_and_index_and_several_in_one_step_are_kept():
    for sources in (poisson(40, 1e4), array(4, [(3, 2), (1, 1), (3, 0), (3, 2), (0, 3)])):
        steps, indices = source_spikes(network_of(sources), 0, 0, 100)
        np.testing.assert_array_equal(np.lexsort((indices, steps)), np.arange(len(steps)))
        assert len(set(zip(steps, indices))) < len(steps)
    assert list(zip(steps, indices)) == [(0, 3), (1, 1), (3, 0), (3, 2), (3, 2)]


def test_populations_and_seeds_differ_and_a_repetition_does_not():
    first, second = (poisson(20, 500.0) for _ in range(2))
    network = network_of(first, second)
    emitted = [source_spikes(network, index, 0, 500)[0].tobytes() for index in (0, 1)]
    other = source_spikes(network_of(first, second, seed=6), 0, 0, 500)[0].tobytes()
    assert len({*emitted, other}) == 3
    assert source_spikes(network, 0, 0, 500)[0].tobytes() == emitted[0]


def test_the_spikes_of_a_network_are_the_same_in_every_version():
    # written down once: a change would change every result with Poisson input
    steps, indices = source_spikes(network_of(poisson(5, 200.0)), 0, 0, 200)
    assert list(zip(steps.tolist(), indices.tolist())) == [
        *[(14, 3), (16, 4), (25, 1), (34, 3), (35, 1), (46, 4), (46, 4), (70, 2)],
        *[(99, 2), (120, 0), (126, 2), (134, 4), (141, 4), (147, 1), (185, 0)],
    ]


def test_an_empty_population_or_range_has_no_spikes():
    network = network_of(poisson(0), array(0, []), array(3, [(2, 1)]))
    for index in range(3):
        for first, last in ((0, 1), (5, 4)):
            steps, indices = source_spikes(network, index, first, last)
            assert len(steps) == len(indices) == 0


@pytest.mark.parametrize("rate", [-1.0, np.nan, np.inf, 1e11])
def test_an_impossible_rate_is_named_with_the_number_of_sources_that_have_it(rate):
    rates = np.array([10.0, rate, 20.0])
    with pytest.raises(
        InvalidInputError, match=f"'noise': 1 of 3 Poisson rates .* {rate:g} Hz".replace("+", r"\+")
    ):
        source_spikes(network_of(poisson(3, rates)), 0, 0, 10)


@pytest.mark.parametrize("times", [{"start": np.nan}, {"duration": np.nan}])
def test_a_start_or_duration_that_is_no_number_is_refused(times):
    with pytest.raises(InvalidInputError, match="start or duration of 2 of 2"):
        source_spikes(network_of(poisson(2, **times)), 0, 0, 10)


def test_neurons_are_not_sources():
    with pytest.raises(NotSupportedError, match="IF_curr_exp is not a source"):
        source_spikes(network_of(Population("cells", "IF_curr_exp", 2)), 0, 0, 10)


def _variable(rates, starts, durations, size=200):
    network = Network(dt_ms=0.5, seed=4)
    parameters = {
        name: np.broadcast_to(np.asarray(values, float), (size, len(values)))
        for name, values in (("rates", rates), ("starts", starts), ("durations", durations))
    }
    network.add(Population("variable", "SpikeSourcePoissonVariable", size, parameters=parameters))
    return network


def test_variable_rates_that_are_equal_give_the_spikes_of_one_rate():
    network = Network(dt_ms=0.5, seed=4)
    parameters = {"rate": 40.0, "start": 0.0, "duration": 1e10}
    network.add(Population("constant", "SpikeSourcePoisson", 200, parameters=parameters))
    expected = source_spikes(network, 0, 0, 400)
    found = source_spikes(_variable([40.0, 40.0], [0.0, 100.0], [np.inf, np.inf]), 0, 0, 400)
    assert np.array_equal(found, expected)


def test_each_rate_holds_from_its_start_for_its_duration_or_until_the_next_one():
    network = _variable([100.0, 0.0, 300.0], [100.0, 200.0, 400.0], [500.0, 100.0, 100.0])
    steps, _ = source_spikes(network, 0, 0, 2000)
    times = steps * 0.5
    counts = np.histogram(times, [0, 100.1, 200.1, 400.1, 500.1, 1000.1])[0]
    # 200 sources for 100 ms: 2000 and 6000 spikes are expected; five standard deviations of a Poisson number.
    assert counts[[0, 2, 4]].tolist() == [0, 0, 0]
    assert abs(counts[1] - 2000) < 5 * np.sqrt(2000)
    assert abs(counts[3] - 6000) < 5 * np.sqrt(6000)
    pieces = [source_spikes(network, 0, first, first + 99) for first in range(0, 2000, 100)]
    assert np.array_equal(np.concatenate([piece[0] for piece in pieces]), steps[steps < 2000])


def test_rates_whose_starts_do_not_ascend_are_refused():
    with pytest.raises(InvalidInputError, match="do not ascend"):
        source_spikes(_variable([1.0, 2.0], [10.0, 5.0], [1.0, 1.0]), 0, 0, 10)
