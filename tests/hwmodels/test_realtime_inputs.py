"""Inputs that keep to the steps of the network, or to the wall clock."""

import numpy as np
import pytest

from pycosim.errors import InvalidInputError
from pycosim.network import Network

from .chip_networks import (
    add_neurons,
    add_spikes,
    all_pairs,
    connect,
    random_network,
    record_all,
    run_chip,
)

# A barrier that lasts 2.5 steps of 1 ms, whatever happens.
SLOW = {"time.barrier": "2.5 ms", "noc.slowdown": 1}


def driven_network(steps):
    """A source that makes one neuron fire whenever it spikes, one step after it."""
    network = Network(1.0)
    source = add_spikes(network, steps, np.zeros(len(steps), int), 1)
    connect(network, *all_pairs(source, add_neurons(network, 1, tau_refrac=0.5)), weights=500.0)
    record_all(network)
    return network


def test_a_network_that_overruns_meets_its_input_at_the_step_that_the_clock_has_reached():
    inputs = np.array([4, 10, 11, 40])
    spikes, hardware = run_chip("loihi", driven_network(inputs), 30, inputs="realtime", values=SLOW)
    # Step k begins when the steps before it are over: the first at 1 ms.
    begins_ps = 10**9 + np.concatenate(([0], np.cumsum(hardware.step_duration_ps)[:-1]))
    reached = begins_ps // 10**9
    assert hardware.overruns == 30
    expected = [1 + int(np.argmax(reached >= step)) for step in inputs]
    source = spikes[0, spikes[1] == 0]
    assert source.tolist() == expected
    assert expected == [3, 5, 5, 17]
    assert any("inputs=realtime" in note for note in hardware.notes)


def test_inputs_keep_to_the_steps_by_default_however_slow_the_chip_is():
    inputs = np.array([4, 10, 11, 25])
    spikes, hardware = run_chip("loihi", driven_network(inputs), 30, values=SLOW)
    assert spikes[0, spikes[1] == 0].tolist() == inputs.tolist()
    assert hardware.options["inputs"] == "steps"


def test_a_chip_that_keeps_up_sees_the_same_input_both_ways(chip, network):
    by_steps, _ = run_chip(chip, network, 100)
    by_clock, hardware = run_chip(chip, network, 100, inputs="realtime")
    assert hardware.overruns == 0
    np.testing.assert_array_equal(by_steps, by_clock)


def test_slow_links_shift_the_input_of_a_loihi_network():
    network = random_network(rate=20.0)
    mapping = np.append(np.arange(60) // 8, np.full(20, -1))
    slow = {"noc.slowdown": 200_000}
    on_time, _ = run_chip("loihi", network, 60, values=slow, mapping=mapping)
    shifted, hardware = run_chip("loihi", network, 60, values=slow, mapping=mapping, inputs="realtime")
    assert 0 < hardware.overruns < 60
    sources = [spikes[:, spikes[1] >= 60] for spikes in (on_time, shifted)]
    # The clock runs ahead of the network, so that as many steps of it take more input in; none is lost.
    assert sources[1].shape[1] > sources[0].shape[1]
    assert (np.sort(sources[1][0])[: sources[0].shape[1]] <= np.sort(sources[0][0])).all()


def test_a_chip_that_falls_behind_its_input_for_ever_is_told():
    network = random_network(rate=300.0)
    with pytest.raises(InvalidInputError, match="falls behind its input for ever"):
        run_chip("loihi", network, 60, values={"noc.slowdown": 10_000_000}, inputs="realtime")


def test_the_wall_clock_needs_latencies_that_are_fed_back(network):
    for timing in ("ideal", "trace"):
        with pytest.raises(InvalidInputError, match="timing='closed'"):
            run_chip("loihi", network, 1, timing=timing, inputs="realtime")
