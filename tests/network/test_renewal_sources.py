"""Sources with dead time, gamma and inhomogeneous gamma intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma, kstest

import pycosim.native as sim
from pycosim import targets
from pycosim.backends.base import Options
from pycosim.errors import InvalidInputError
from pycosim.network import Network, Population, Recording, load, save
from pycosim.network.inputs import source_spikes
from pycosim.network.renewal import gamma_hazard

FOR_EVER = 1e10
PARAMETERS = {
    "SpikeSourcePoissonRefractory": {"rate": 50.0, "tau_refrac": 5.0},
    "SpikeSourceGamma": {"alpha": 3.0, "beta": 150.0},
    "SpikeSourceInhGamma": {
        "a": np.tile([2.0, 3.0], (40, 1)),
        "b": np.tile([0.01, 0.02], (40, 1)),
        "tbins": np.tile([0.0, 500.0], (40, 1)),
    },
}


def network_with(model, size=40, seed=3, start=0.0, duration=FOR_EVER, **changed):
    network = Network(0.1, seed)
    network.add(Population("before", "SpikeSourceArray", 1))
    parameters = PARAMETERS[model] | {"start": start, "duration": duration} | changed
    network.add(Population("source", model, size, parameters=parameters))
    return network


def trains(network, last, index=1):
    steps, sources = source_spikes(network, index, 0, last)
    return [steps[sources == source] for source in range(network.populations[index].size)]


def intervals_ms(network, last):
    return 0.1 * np.concatenate([np.diff(train) for train in trains(network, last)])


def test_dead_time_is_kept_and_the_rate_is_that_of_the_spikes():
    network = network_with("SpikeSourcePoissonRefractory")
    intervals = intervals_ms(network, 500_000)
    # Both ends of an interval are rounded up to a step.
    assert intervals.min() >= 5.0 - 0.1
    # 20 ms, with four standard errors: the part beyond the dead time has a deviation of 15 ms.
    assert intervals.mean() == pytest.approx(20.0, abs=4 * 15 / np.sqrt(len(intervals)))
    assert kstest(intervals - 5.0, "expon", args=(0, 15.0)).pvalue > 1e-3


def test_gamma_intervals_have_their_distribution():
    intervals = intervals_ms(network_with("SpikeSourceGamma"), 300_000)
    # One in a thousand samples is worse; the grid of 0.1 ms is far below the resolution of the test.
    assert kstest(intervals, gamma(3.0, scale=1000 / 150).cdf).pvalue > 1e-3
    assert intervals.mean() == pytest.approx(20.0, rel=0.02)


@pytest.mark.parametrize("model", ["SpikeSourcePoissonRefractory", "SpikeSourceGamma"])
def test_the_rate_is_the_same_from_the_start(model):
    """A process whose first interval were an ordinary one would begin with a dip."""
    changed = {"rate": 150.0} if "rate" in PARAMETERS[model] else {"beta": 450.0}
    steps, _ = source_spikes(network_with(model, 4000, start=7.0, **changed), 1, 0, 270)
    counts = np.histogram(steps, bins=[70, 90, 110, 130, 150, 170, 190, 210, 230, 250, 270])[0]
    # 150 Hz, 4000 sources, 2 ms: 1200 spikes; less than Poisson's deviation of 35.
    assert np.all(np.abs(counts - 1200) < 5 * 35)
    assert steps.min() > 70


def test_inhomogeneous_gamma_follows_its_bins():
    network = network_with(
        "SpikeSourceInhGamma",
        a=np.tile([4.0, 4.0, 2.0], (40, 1)),
        b=np.tile([0.005, 0.0025, 0.02], (40, 1)),
        tbins=np.tile([100.0, 20_000.0, 40_000.0], (40, 1)),
    )
    steps, _ = source_spikes(network, 1, 0, 600_000)
    counts = np.histogram(steps, bins=[0, 1000, 200_000, 400_000, 600_000])[0]
    # a b = 20, 10 and 40 ms, 40 sources; a spike more or less in each source by the change of bins.
    np.testing.assert_allclose(counts[1:], [39_800, 80_000, 20_000], rtol=0.02)
    assert counts[0] == 0
    first = np.concatenate([np.diff(train[train < 200_000]) for train in trains(network, 200_000)]) * 0.1
    assert kstest(first, gamma(4.0, scale=5.0).cdf).pvalue > 1e-3


def test_hazard_of_the_gamma_distribution():
    for shape in (1.0, 1.5, 3.0, 20.0):
        for x in np.geomspace(1e-3, 60, 40):
            expected = gamma.pdf(x, shape) / gamma.sf(x, shape)
            assert gamma_hazard(x, shape) == pytest.approx(expected, rel=1e-11)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(PARAMETERS)),
    st.lists(st.integers(1, 9999), max_size=6),
    st.integers(0, 5000),
)
def test_spikes_do_not_depend_on_how_the_run_is_cut(model, cuts, again):
    whole = source_spikes(network_with(model), 1, 0, 10_000)
    network = network_with(model)
    parts, first = [], 0
    for last in [*sorted(set(cuts)), 10_000]:
        parts.append(source_spikes(network, 1, first, last))
        first = last + 1
    for column in (0, 1):
        np.testing.assert_array_equal(np.concatenate([part[column] for part in parts]), whole[column])
    steps, sources = source_spikes(network, 1, again, again + 1000)
    inside = (whole[0] >= again) & (whole[0] <= again + 1000)
    np.testing.assert_array_equal(steps, whole[0][inside])
    np.testing.assert_array_equal(sources, whole[1][inside])


@pytest.mark.parametrize("model", PARAMETERS)
def test_spikes_depend_on_the_seed_and_lie_between_start_and_stop(model):
    one, other = (trains(network_with(model, seed=seed), 10_000) for seed in (1, 2))
    assert not any(np.array_equal(*pair) for pair in zip(one, other))
    steps, _ = source_spikes(network_with(model, start=100.0, duration=200.0), 1, 0, 10_000)
    assert 1000 < steps.min() < 1500
    assert 2500 < steps.max() <= 3000


def test_a_source_of_many_spikes_does_not_change_the_others():
    few = trains(network_with("SpikeSourceGamma"), 10_000)
    beta = np.full(40, 150.0)
    beta[7] = 15_000.0
    many = trains(network_with("SpikeSourceGamma", beta=beta), 10_000)
    assert len(many[7]) > 50 * len(few[7])
    for source in set(range(40)) - {7}:
        np.testing.assert_array_equal(few[source], many[source])


@pytest.mark.parametrize("model", PARAMETERS)
def test_targets_and_runs_in_pieces_get_the_same_spikes(model):
    spikes = []
    for target, pieces in (("reference", (500,)), ("native", (123, 377)), ("brian2", (500,))):
        network = network_with(model)
        network.populations[1].recordings = {"spikes": Recording(np.arange(40))}
        simulation = targets.build(target, network, Options())
        for piece in pieces:
            simulation.advance(piece)
        spikes.append(simulation.spikes(1))
        simulation.close()
    for other in spikes[1:]:
        np.testing.assert_array_equal(spikes[0], other)
    assert len(spikes[0][0]) > 20


@pytest.mark.parametrize("model", PARAMETERS)
def test_sources_are_saved(model, tmp_path):
    network = network_with(model)
    save(network, tmp_path / "network.npz")
    np.testing.assert_array_equal(
        source_spikes(load(tmp_path / "network.npz"), 1, 0, 5000), source_spikes(network, 1, 0, 5000)
    )


@pytest.mark.parametrize(
    ("model", "changed", "problem"),
    [
        ("SpikeSourcePoissonRefractory", {"rate": 200.0}, "no room for tau_refrac"),
        ("SpikeSourcePoissonRefractory", {"rate": -1.0}, "rate is negative"),
        ("SpikeSourceGamma", {"alpha": 0.0}, "alpha must be a number above 0"),
        ("SpikeSourceInhGamma", {"a": np.full((40, 2), 0.5)}, "a must be 1 or more"),
        ("SpikeSourceInhGamma", {"b": np.zeros((40, 2))}, "b must be above 0"),
        ("SpikeSourceInhGamma", {"tbins": np.tile([2.0, 1.0], (40, 1))}, "tbins must ascend"),
        ("SpikeSourceInhGamma", {"tbins": np.zeros((40, 1))}, "2, 2 and 1 values"),
    ],
)
def test_parameters_without_meaning_are_refused(model, changed, problem):
    with pytest.raises(InvalidInputError, match=problem):
        source_spikes(network_with(model, **changed), 1, 0, 10)


def test_sources_without_rate_are_silent():
    rates = np.array([0.0, 50.0])
    silent, busy = trains(network_with("SpikeSourcePoissonRefractory", 2, rate=rates), 10_000)
    assert len(silent) == 0
    assert len(busy) > 20


def test_scripts_use_and_change_them():
    sim.setup(timestep=0.1, seed=5)
    dead = sim.Population(20, sim.SpikeSourcePoissonRefractory(rate=50.0, tau_refrac=5.0))
    regular = sim.Population(20, sim.SpikeSourceGamma(alpha=5, beta=100.0))
    changing = sim.Population(
        20, sim.SpikeSourceInhGamma(a=[3.0, 3.0], b=[0.01, 0.002], tbins=[0.0, 500.0], start=10.0)
    )
    populations = (dead, regular, changing)
    for population in populations:
        population.record("spikes")
    sim.run(1000.0)
    np.testing.assert_array_equal(changing.get("tbins")[0].value, [0.0, 500.0])
    before = [population.get_spike_counts(gather=True) for population in populations]
    assert [round(sum(counts.values()) / 20, -1) for counts in before] == [50, 20, 100]
    dead.set(rate=0.0)
    changing[:10].set(b=[0.01, 0.01])
    sim.run(1000.0)
    after = [population.get_spike_counts(gather=True) for population in populations]
    assert before[0] == after[0]
    gained = [after[2][cell] - before[2][cell] for cell in changing]
    assert max(gained[:10]) < min(gained[10:])
