"""Which changes between runs a compiled program takes, and statistics of random networks beside native's."""

import numpy as np
import pytest

import pycosim.brian2
import pycosim.native
from pycosim.network import Current

from .backend_networks import add_pairs, network_of, neurons, spike_array
from .test_brian2 import CPP, built, cache_folder, compilations
from .test_gap_junctions import junctions

__all__ = ["cache_folder", "compilations"]


def test_one_build_serves_all_runs_unless_recordings_connections_or_the_kind_of_a_column_change(compilations):
    network = network_of(spike_array(20, 60), neurons("IF_curr_exp", 3, i_offset=np.array([0.1, 0.5, 0.9])))
    add_pairs(network, 0, 1, [0, 0, 0], [0, 1, 2], np.array([0.1, 0.2, 0.3]), 2)
    network.currents.append(
        Current("dc", "DCSource", np.array([1]), {"amplitude": 0.2, "start": 0.0, "stop": 1e9})
    )
    network.junctions.append(junctions([(1, 2)], 0.01))
    simulation = built(network, CPP)
    simulation.advance(10)

    def changed(method, *arguments):
        getattr(simulation, method)(*arguments)
        simulation.advance(10)

    cells = network.populations[1]
    cells.parameters["i_offset"] = np.array([0.9, 0.5, 0.1])
    cells.parameters["tau_m"] = 12.0
    changed("parameters_changed", 1)
    changed("set_state", 1, "v", np.array([-60.0, -55.0, -65.0]))
    network.populations[0].spike_steps = np.array([45, 47])
    changed("parameters_changed", 0)
    network.currents[0].parameters["amplitude"] = 0.4
    changed("currents_changed")
    network.junctions[0].weights = 0.02
    changed("junctions_changed", 0)
    network.projections[0].weights = np.array([0.3, 0.2, 0.1])
    simulation.clear(1)
    changed("weights_changed", 0)  # no spike is on its way
    assert len(compilations) == 1
    network.populations[0].spike_steps = simulation.step + np.array([9, 15, 19, 29])
    network.populations[0].spike_indices = np.zeros(4, np.int64)
    changed("parameters_changed", 0)
    for _ in range(2):  # spikes on their way keep their weights, which takes synapses of their own
        network.projections[0].weights = network.projections[0].weights + 0.1
        changed("weights_changed", 0)
    assert len(compilations) == 2
    simulation.close()


def statistics(sim, seed):
    """Return mean rate (Hz), coefficient of variation of intervals, and correlation of spike counts."""
    duration_ms = 600.0
    sim.setup(timestep=0.2, seed=seed)
    cell = sim.IF_curr_exp(tau_m=20.0, cm=0.25, tau_refrac=2.0, tau_syn_E=2.0, tau_syn_I=2.0)
    rng = sim.NumpyRNG(seed=seed)
    cells = [sim.Population(n, cell, label=label) for n, label in ((80, "exc"), (20, "inh"))]
    noise = [
        sim.Population(p.size, sim.SpikeSourcePoisson(rate=5000.0), label=f"{p.label} noise") for p in cells
    ]
    for source, population in zip(noise, cells):
        population.initialize(v=sim.RandomDistribution("uniform", (-65.0, -50.0), rng=rng))
        sim.Projection(source, population, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1, delay=0.2))
    for pre, weight, receptor in ((cells[0], 0.2, "excitatory"), (cells[1], -1.2, "inhibitory")):
        for post in cells:
            connector = sim.FixedProbabilityConnector(0.2, rng=rng)
            sim.Projection(
                pre, post, connector, sim.StaticSynapse(weight=weight, delay=1.6), receptor_type=receptor
            )
    cells[0].record("spikes")
    sim.run(duration_ms)
    trains = [np.asarray(train) for train in cells[0].get_data().segments[0].spiketrains]
    sim.end()
    busy = [np.diff(train) for train in trains if len(train) > 3]
    counts = np.array([np.histogram(train, np.arange(0, duration_ms + 1, 5.0))[0] for train in trains])
    correlations = np.corrcoef(counts[counts.any(axis=1)])
    return (
        sum(map(len, trains)) / len(trains) / duration_ms * 1000,
        np.mean([one.std() / one.mean() for one in busy]),
        correlations[np.triu_indices(len(correlations), 1)].mean(),
    )


@pytest.fixture(scope="module")
def both(cache_folder):
    """Statistics, (6, 3) each, of Brian2 and native with seeds of their own."""
    return tuple(
        np.array([statistics(sim, seed) for seed in seeds])
        for sim, seeds in ((pycosim.brian2, range(1, 7)), (pycosim.native, range(101, 107)))
    )


@pytest.mark.parametrize(("column", "what"), [(0, "rate"), (1, "variation"), (2, "correlation")])
def test_random_networks_have_the_statistics_of_native_within_the_sampling_error_of_seeds(both, column, what):
    samples = [one[:, column] for one in both]
    error = np.sqrt(sum(sample.var(ddof=1) / len(sample) for sample in samples))
    # Three standard errors of the difference; the seeds are fixed, so that it passes always or never.
    assert abs(samples[0].mean() - samples[1].mean()) < 3 * error, what
    assert error < 0.25 * abs(samples[1].mean()) + 0.01, what  # enough seeds to see a difference
