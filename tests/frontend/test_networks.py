"""PyNN's Network, and the SONATA files that are written and read through it."""

import numpy as np
import pytest
from pyNN.network import Network
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.serialization import export_to_sonata, import_from_sonata

STEP_MS = 0.1


def build(sim):
    """Return a network with different cells, weights and delays."""
    sim.setup(timestep=STEP_MS)
    rng = NumpyRNG(seed=4)
    source = sim.Population(8, sim.SpikeSourceArray(spike_times=[5.0, 20.0, 21.0]), label="source")
    tau_m = RandomDistribution("uniform", (10.0, 20.0), rng=rng)
    cells = sim.Population(6, sim.IF_cond_exp(tau_m=tau_m, i_offset=lambda i: 0.5 + 0.1 * i), label="cells")
    weight = RandomDistribution("uniform", (0.01, 0.05), rng=rng)
    synapse = sim.StaticSynapse(weight=weight, delay=1.5)
    connector = sim.FixedProbabilityConnector(0.7)
    projection = sim.Projection(
        source, cells, connector, synapse, receptor_type="excitatory", label="to cells"
    )
    return Network(source, cells, projection)


def spikes(sim, network, label="cells"):
    population = network.get_component(label)
    population.record("spikes")
    sim.run(60.0)
    return [np.asarray(train) for train in population.get_data().segments[0].spiketrains]


@pytest.fixture
def folder(sim, tmp_path):
    network = build(sim)
    export_to_sonata(network, str(tmp_path / "network"), overwrite=True)
    return tmp_path / "network"


def test_a_network_counts_and_records_its_parts(sim):
    network = build(sim)
    assert network.count_neurons() == 14
    assert network.count_connections() == len(network.get_component("to cells"))
    network.record("spikes")
    sim.run(60.0)
    counts = {population.label: population.mean_spike_count() for population in network.populations}
    assert counts["source"] == 3
    assert counts["cells"] > 1


def test_a_network_that_is_saved_as_sonata_and_read_again_gives_the_same_spikes(sim, folder):
    expected = spikes(sim, build(sim))
    assert sum(len(train) for train in expected) > 10
    sim.setup(timestep=STEP_MS)
    read = import_from_sonata(str(folder / "circuit_config.json"), sim)
    source = read.get_component("source")
    source.set(spike_times=[5.0, 20.0, 21.0])  # SONATA keeps input spikes apart from the network
    for one, other in zip(expected, spikes(sim, read), strict=True):
        np.testing.assert_array_equal(one, other)
