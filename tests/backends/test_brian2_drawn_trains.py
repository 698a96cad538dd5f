"""Poisson sources whose spikes the compiled Brian2 program draws itself."""

import numpy as np

from pycosim.backends import native
from pycosim.network import Population, Recording

from .backend_networks import add_pairs, network_of, neurons, recorded
from .test_brian2 import CPP, NUMPY, assert_agree, built, cache_folder

__all__ = ["cache_folder"]


def driven_network():
    """Neurons with a Poisson source each; rates, beginnings and ends differ, and one source fires often."""
    size = 30
    rng = np.random.default_rng(2)
    rates = rng.uniform(0.0, 6000.0, size)
    rates[3] = 90_000.0
    sources = Population(
        "noise",
        "SpikeSourcePoisson",
        size,
        parameters={"rate": rates, "start": rng.uniform(-2, 5, size), "duration": rng.uniform(10, 60, size)},
    )
    network = network_of(sources, neurons("IF_curr_exp", size, i_offset=1.2))
    weights, delays = rng.uniform(0.02, 0.2, size), rng.integers(1, 40, size).astype(np.int32)
    weights[3] *= 0.01
    add_pairs(network, 0, 1, np.arange(size), np.arange(size), weights, delays)
    return network


def run_with_changes(build):
    """Run in pieces, with other rates in the second, and sources that are recorded in the third."""
    network = driven_network()
    simulation = build(network)
    simulation.advance(203)
    noise = network.populations[0]
    noise.parameters["rate"] = noise.parameters["rate"] * 0.7
    simulation.parameters_changed(0)
    simulation.advance(150)
    noise.recordings["spikes"] = Recording(np.arange(noise.size), start_step=353)
    simulation.recording_changed(0)
    simulation.advance(97)
    result = recorded(simulation, network)
    simulation.close()
    return result


def test_drawn_spikes_are_those_of_native_also_where_rates_change_and_recording_begins():
    expected = run_with_changes(native.build)
    assert len(expected[1, "steps"]) > 100
    assert len(expected[0, "steps"]) > 100
    assert_agree(run_with_changes(lambda network: built(network, CPP)), expected)


def test_only_sources_that_nobody_records_are_drawn_by_a_program():
    for kind, is_recorded, expected in ((CPP, False, True), (CPP, True, False), (NUMPY, False, False)):
        network = driven_network()
        if is_recorded:
            network.populations[0].recordings["spikes"] = Recording(np.arange(2))
        simulation = built(network, kind)
        assert [source.is_drawn for source in simulation._plan().sources] == [expected]
        simulation.close()
