"""Populations, projections and recordings that are added after run()."""

from importlib import import_module

import numpy as np
import pytest

from pycosim.errors import DoesNotFitError, PycosimWarning

LIF = {"v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0, "tau_m": 20.0, "cm": 1.0, "tau_refrac": 2.0}
# Brian2's exp is another library's.
ROUNDING_MV = 1e-9


def connect(sim, pre, post, weight, delay):
    receptor = "excitatory" if weight > 0 else "inhibitory"
    synapse = sim.StaticSynapse(weight=weight, delay=delay)
    return sim.Projection(pre, post, sim.AllToAllConnector(), synapse, receptor_type=receptor)


def grown_in_three_parts(name, **setup):
    """Run a network that grows twice; return trains, signals and where the signals begin."""
    sim = import_module(f"pycosim.{name}")
    sim.setup(timestep=0.1, **setup)
    source = sim.Population(5, sim.SpikeSourcePoisson(rate=300.0))
    first = sim.Population(7, sim.IF_curr_exp(i_offset=0.9, **LIF))
    first.record("spikes")
    connect(sim, source, first, 0.5, 1.0)
    connect(sim, first, first, -0.2, 5.0)
    sim.run(40.0)
    first.record("v")
    second = sim.Population(3, sim.IF_curr_exp(i_offset=0.9, **LIF), initial_values={"v": -60.0})
    second.record(["spikes", "v"])
    connect(sim, first, second, 0.3, 2.0)
    connect(sim, second, first, -0.3, 2.0)
    sim.run(30.0)
    late = sim.Population(1, sim.SpikeSourceArray(spike_times=[75.0, 80.0, 81.0]))
    late.record("spikes")
    connect(sim, late, second, 5.0, 2.0)
    connect(sim, source, second, 0.5, 0.5)
    sim.run(30.0)
    segments = [cells.get_data().segments[0] for cells in (first, second, late)]
    trains = [np.asarray(train) for segment in segments for train in segment.spiketrains]
    signals = [signal for segment in segments for signal in segment.analogsignals]
    return trains, signals


@pytest.mark.parametrize(
    ("name", "setup"),
    [
        ("native", {"threads": 3}),
        ("reference", {}),
        ("brian2", {"chip": {"codegen": "numpy"}}),
        ("loihi", {"timing": "ideal"}),
        ("loihi", {"timing": "closed"}),
        ("dynapse", {"timing": "ideal"}),
    ],
)
def test_a_network_that_grows_while_it_runs_is_the_same_on_every_target(sim, name, setup):
    expected_trains, expected_signals = grown_in_three_parts("native")
    trains, signals = grown_in_three_parts(name, **setup)
    assert sum(len(train) for train in trains) > 100
    for train, expected in zip(trains, expected_trains, strict=True):
        np.testing.assert_array_equal(train, expected)
    for signal, expected in zip(signals, expected_signals, strict=True):
        assert (float(signal.t_start), float(expected.t_start)) == (40.0, 40.0)
        assert signal.shape[0] == 601
        np.testing.assert_allclose(np.asarray(signal), np.asarray(expected), rtol=0, atol=ROUNDING_MV)


def test_what_is_added_without_synapses_does_not_change_the_rest(sim):
    def spikes(adds):
        sim.setup(timestep=0.1)
        source = sim.Population(4, sim.SpikeSourcePoisson(rate=400.0))
        cells = sim.Population(6, sim.IF_curr_exp(**LIF))
        cells.record("spikes")
        connect(sim, source, cells, 1.0, 3.0)
        connect(sim, cells, cells, -0.5, 4.0)
        sim.run(50.0)
        if adds:
            sim.Population(100, sim.IF_cond_exp())
        sim.run(50.0)
        return [np.asarray(train) for train in cells.get_data().segments[0].spiketrains]

    alone, grown = spikes(False), spikes(True)
    assert sum(map(len, alone)) > 20
    for train, expected in zip(grown, alone):
        np.testing.assert_array_equal(train, expected)


def test_new_neurons_begin_with_their_initial_values_when_they_are_created(sim):
    sim.setup(timestep=0.1)
    sim.Population(1, sim.IF_curr_exp())
    sim.run(10.0)
    late = sim.Population(2, sim.IF_curr_exp(**LIF), initial_values={"v": -55.0})
    late.record("v")
    sim.run(5.0)
    signal = late.get_data().segments[0].analogsignals[0]
    assert (float(signal.t_start), signal.shape) == (10.0, (51, 2))
    expected = -65.0 + 10.0 * np.exp(-np.arange(51) * 0.1 / 20.0)
    np.testing.assert_allclose(np.asarray(signal)[:, 1], expected, rtol=0, atol=1e-9)


def test_a_spike_before_a_projection_was_made_does_not_pass_through_it(sim):
    sim.setup(timestep=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[9.0, 10.0, 11.0]))
    cell = sim.Population(1, sim.IF_curr_delta(**LIF))
    cell.record("v")
    sim.run(10.0)
    connect(sim, source, cell, 1.0, 5.0)
    sim.run(10.0)
    v = np.asarray(cell.get_data().segments[0].analogsignals[0])[:, 0]
    assert np.flatnonzero(np.diff(v) > 0.5).tolist() == [15]  # the spike of 11 ms, five steps later


def test_a_script_may_add_in_a_loop_and_a_reset_repeats_all_of_it(sim):
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourcePoisson(rate=500.0))
    groups = []
    for i in range(5):
        groups.append(sim.Population(2, sim.IF_curr_exp(**LIF), label=f"group {i}"))
        groups[-1].record("spikes")
        connect(sim, source, groups[-1], 3.0, 1.0)
        sim.run(20.0)
    assert groups[4].get_data().segments[0].spiketrains[0].t_start == 80.0
    sim.reset()
    sim.run(20.0)
    trains = [group.get_data().segments[-1].spiketrains[0] for group in groups]
    assert len(trains[0]) > 0
    for train in trains[1:]:
        np.testing.assert_array_equal(np.asarray(train), np.asarray(trains[0]))


def test_time_passes_in_an_empty_network_that_is_filled_later(sim):
    sim.setup(timestep=0.1)
    assert sim.run(10.0) == 10.0
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 15.0]))
    source.record("spikes")
    sim.run(10.0)
    np.testing.assert_array_equal(np.asarray(source.get_data().segments[0].spiketrains[0]), [15.0])


def test_spike_times_that_have_passed_are_named(sim):
    sim.setup(timestep=0.1)
    sim.Population(1, sim.IF_curr_exp())
    sim.run(10.0)
    with pytest.warns(PycosimWarning, match=r"all spike times lie before the present time, 10\.0 ms"):
        sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 2.0]))


def test_a_network_that_outgrows_its_chip_is_refused_with_the_limit(sim):
    dynapse = import_module("pycosim.dynapse")
    dynapse.setup(timestep=1.0)
    cell = dynapse.Population(1, dynapse.IF_curr_exp())
    dynapse.run(1.0)
    sources = dynapse.Population(65, dynapse.SpikeSourcePoisson())
    connect(dynapse, sources, cell, 0.1, 1.0)
    with pytest.raises(DoesNotFitError, match=r"fan-in\): needs 65, the limit is 64"):
        dynapse.run(1.0)


def test_the_smallest_delay_is_known_once_the_network_runs(sim):
    sim.setup(timestep=0.1, min_delay="auto")
    cells = sim.Population(2, sim.IF_curr_exp())
    connect(sim, cells, cells, 0.1, 0.5)
    assert sim.get_min_delay() == 0.1
    sim.run(1.0)
    assert (sim.get_min_delay(), sim.get_max_delay()) == (0.5, 0.5)
    assert connect(sim, cells, cells, 0.1, None).get("delay", "array")[0, 0] == 0.1
