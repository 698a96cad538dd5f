"""What a PyNN script may rely on."""

import numpy as np
import pytest
from pyNN import errors as pynn_errors
from pyNN.random import NumpyRNG, RandomDistribution

from pycosim.errors import (
    ConnectivityError,
    InvalidInputError,
    NotSupportedError,
    PycosimWarning,
    ScriptError,
)
from pycosim.testing import balanced_network as small_network

LIF = {"v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0, "tau_m": 20.0, "cm": 1.0, "tau_refrac": 2.0}


def trains(population):
    return [np.asarray(train) for train in population.get_data("spikes").segments[-1].spiketrains]


def test_first_spike_and_intervals_of_a_driven_neuron_are_the_analytic_ones_rounded_up_to_the_step(sim):
    sim.setup(timestep=0.1)
    # v_inf = -65 + 1.0 * 20 / 1 = -45: crosses -50 after 20 ln 4 = 27.7259 ms, then every 29.7259 ms
    neuron = sim.Population(1, sim.IF_curr_exp(i_offset=1.0, **LIF), initial_values={"v": -65.0})
    neuron.record("spikes")
    sim.run(100.0)
    np.testing.assert_allclose(trains(neuron)[0], [27.8, 57.6, 87.4], atol=1e-9)


def test_a_signal_has_one_sample_more_than_there_are_steps_and_begins_with_the_initial_value(sim):
    sim.setup(timestep=0.1)
    neuron = sim.Population(1, sim.IF_curr_exp(v_rest=-70.0))
    neuron.record("v")
    sim.run(10.0)
    signal = neuron.get_data().segments[0].filter(name="v")[0]
    assert signal.shape == (101, 1)
    assert float(signal.t_start) == 0.0
    assert float(signal[0, 0]) == -65.0  # PyNN's default initial value is not v_rest


@pytest.mark.parametrize(("cell", "first_change"), [("IF_curr_exp", 6.1), ("IF_curr_delta", 6.0)])
def test_a_spike_at_5_ms_with_a_delay_of_1_ms_moves_the_membrane_at(sim, cell, first_change):
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    neuron = sim.Population(1, getattr(sim, cell)(**LIF))
    neuron.record("v")
    sim.Projection(source, neuron, sim.OneToOneConnector(), sim.StaticSynapse(weight=1.0, delay=1.0))
    sim.run(10.0)
    v = np.asarray(neuron.get_data().segments[0].filter(name="v")[0])[:, 0]
    assert np.flatnonzero(v > -65.0 + 1e-12)[0] == round(first_change / 0.1)


def test_spike_sources_may_fire_at_time_zero(sim):
    sim.setup(timestep=0.1)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[0.0, 1.0]))
    source.record("spikes")
    sim.run(2.0)
    np.testing.assert_allclose(trains(source)[1], [0.0, 1.0])


def test_delays_are_rounded_to_the_step_and_read_back_as_used(sim):
    sim.setup(timestep=0.1)
    a = sim.Population(3, sim.IF_curr_exp())
    projection = sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=0.27))
    assert set(projection.get("delay", "list", with_address=False)) == {0.3}
    assert (sim.get_min_delay(), sim.get_max_delay()) == (0.1, 0.3)


def test_delays_have_no_limit_unless_setup_gives_one(sim):
    sim.setup(timestep=1.0, min_delay=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    cell = sim.Population(1, sim.IF_curr_delta())
    sim.Projection(source, cell, sim.OneToOneConnector(), sim.StaticSynapse(weight=1.0, delay=38.0))
    cell.record("v")
    sim.run(50.0)
    v = np.asarray(cell.get_data().segments[0].analogsignals[0])[:, 0]
    assert np.flatnonzero(np.diff(v) > 0.5) + 1 == 43
    assert sim.get_max_delay() == 38.0


def test_time_is_counted_in_whole_steps(sim):
    sim.setup(timestep=0.1)
    for n in range(1, 1001):
        assert sim.run(0.1) == sim.get_current_time() == n / 10


def test_a_synapse_without_a_delay_has_the_smallest_one(sim):
    sim.setup(timestep=0.1, min_delay=0.5)
    a = sim.Population(2, sim.IF_curr_exp())
    projection = sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    assert projection.get("delay", "array")[0, 1] == 0.5


@pytest.mark.parametrize(
    ("setup", "delay", "said"),
    [
        ({"min_delay": 1.0}, 0.5, "below min_delay=1.0"),
        ({"min_delay": 0.1, "max_delay": 2.0}, 5.0, "above max_delay=2.0"),
    ],
)
def test_delays_outside_the_limits_of_setup_are_refused_with_the_limit(sim, setup, delay, said):
    sim.setup(timestep=0.1, **setup)
    a = sim.Population(2, sim.IF_curr_exp())
    with pytest.raises(ConnectivityError, match=said):
        sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=delay))


@pytest.mark.parametrize("seed", [None, 5])  # this package's numbers, and the script's own
def test_drawn_delays_outside_the_limits_are_refused_with_their_number(sim, seed):
    sim.setup(timestep=0.1, min_delay=0.1, max_delay=2.0)
    cells = sim.Population(30, sim.IF_curr_exp())
    drawn = sim.RandomDistribution("uniform", low=1.0, high=3.0, rng=sim.NumpyRNG(seed=seed))
    with pytest.raises(ConnectivityError, match=r"[45]\d\d delays .* above max_delay=2.0"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=drawn))


@pytest.mark.parametrize("seed", [None, 5])
def test_drawn_delays_are_rounded_to_the_nearest_step(sim, seed):
    values = []
    for dt_ms in (0.1, 0.001):  # the same numbers, at a resolution at which rounding does not matter
        sim.setup(timestep=dt_ms)
        cells = sim.Population(30, sim.IF_curr_exp())
        drawn = sim.RandomDistribution("uniform", low=1.0, high=3.0, rng=sim.NumpyRNG(seed=seed))
        synapse = sim.StaticSynapse(weight=1.0, delay=drawn)
        connection = sim.Projection(cells, cells, sim.AllToAllConnector(), synapse)
        values.append(np.array(connection.get("delay", "list", with_address=False)))
    # half a step of each, and what binary numbers add
    assert np.abs(values[0] - values[1]).max() <= 0.0505 + 1e-9
    assert np.abs(values[0] - values[1]).mean() == pytest.approx(0.025, rel=0.2)


def test_a_negative_delay_is_refused(sim):
    sim.setup(timestep=0.1)
    a = sim.Population(2, sim.IF_curr_exp())
    with pytest.raises(pynn_errors.ConnectionError, match="negative"):
        sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=-1.0))


def test_a_delay_below_one_step_becomes_one_step_with_a_warning(sim):
    sim.setup(timestep=1.0)
    a = sim.Population(2, sim.IF_curr_exp())
    with pytest.warns(PycosimWarning, match="below one time step"):
        projection = sim.Projection(a, a, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=0.2))
    assert projection.get("delay", "array")[0, 0] == 1.0


def test_a_run_in_two_parts_equals_one_run(sim):
    exc, _, _ = small_network(sim, duration=100.0)
    whole = trains(exc)
    exc, _, _ = small_network(sim, duration=40.0)
    sim.run(60.0)
    for one, two in zip(whole, trains(exc)):
        np.testing.assert_array_equal(one, two)
    assert sim.get_current_time() == 100.0


def test_reset_repeats_the_run_in_a_new_segment(sim):
    exc, _, _ = small_network(sim, duration=80.0)
    sim.reset()
    assert sim.get_current_time() == 0.0
    sim.run(80.0)
    segments = exc.get_data().segments
    assert len(segments) == 2
    assert sum(len(train) for train in segments[0].spiketrains) > 20
    for one, two in zip(segments[0].spiketrains, segments[1].spiketrains):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


def test_a_second_setup_repeats_the_same_script_and_another_seed_does_not(sim):
    runs = []
    for seed in (1, 1, 2):
        exc, _, _ = small_network(sim, seed=seed)
        runs.append(np.concatenate(trains(exc)))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert len(runs[2]) != len(runs[0]) or not np.array_equal(runs[2], runs[0])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_number_of_threads_does_not_change_the_spikes(sim, threads):
    exc, inh, _ = small_network(sim)
    one = np.concatenate(trains(exc) + trains(inh))
    exc, inh, _ = small_network(sim, threads=threads)
    np.testing.assert_array_equal(one, np.concatenate(trains(exc) + trains(inh)))


def test_clearing_data_continues_recording_without_a_gap(sim):
    exc, _, _ = small_network(sim, duration=0)
    exc.record("v")
    sim.run(10.0)
    first = exc.get_data(clear=True).segments[0].filter(name="v")[0]
    sim.run(10.0)
    second = exc.get_data().segments[0].filter(name="v")[0]
    assert float(second.t_start) == 10.0
    np.testing.assert_array_equal(np.asarray(first)[-1], np.asarray(second)[0])
    assert len(second) == 101


def test_parameters_changed_between_runs_act_at_once(sim):
    sim.setup(timestep=0.1)
    neuron = sim.Population(1, sim.IF_curr_exp(**LIF), initial_values={"v": -65.0})
    neuron.record("v")
    sim.run(10.0)
    neuron.set(i_offset=1.0)
    sim.run(1.0)
    v = np.asarray(neuron.get_data().segments[0].filter(name="v")[0])[:, 0]
    assert v[100] == -65.0
    assert v[101] > -65.0


def test_weights_changed_between_runs_act_on_the_next_spike(sim):
    sim.setup(timestep=0.1)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 11.0]))
    neuron = sim.Population(1, sim.IF_curr_delta(**LIF), initial_values={"v": -65.0})
    neuron.record("v")
    projection = sim.Projection(
        source, neuron, sim.OneToOneConnector(), sim.StaticSynapse(weight=1.0, delay=1.0)
    )
    sim.run(10.0)
    projection.set(weight=3.0)
    sim.run(10.0)
    v = np.asarray(neuron.get_data().segments[0].filter(name="v")[0])[:, 0]
    np.testing.assert_allclose(
        [v[20] + 65.0, v[120] - v[119] * np.exp(-0.005) - 65 * (np.exp(-0.005) - 1)], [1.0, 3.0]
    )


def test_views_and_assemblies_connect_and_record_like_populations(sim):
    sim.setup(timestep=0.1)
    all_cells = sim.Population(10, sim.IF_curr_exp(**LIF), label="all")
    left, right = all_cells[:4], all_cells[4:]
    projection = sim.Projection(
        left, right, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=1.0)
    )
    assert projection.get("weight", "array").shape == (4, 6)
    assembly = left + sim.Population(2, sim.IF_curr_exp(**LIF), label="more")
    back = sim.Projection(assembly, all_cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    assert len(back) == 60
    assert back[0].as_tuple("presynaptic_index", "postsynaptic_index", "weight") == (0, 0, 0.1)
    left.set(i_offset=1.0)
    assembly.record("spikes")
    sim.run(50.0)
    assert left.mean_spike_count() == 1.0
    assert set(assembly.get_spike_counts().values()) == {0, 1}


def test_a_projection_from_one_neuron_works_with_every_map_connector(sim):
    sim.setup(timestep=0.1)
    one, many = sim.Population(1, sim.IF_curr_exp()), sim.Population(3, sim.IF_curr_exp())
    synapse = sim.StaticSynapse(weight=0.1, delay=0.1)
    assert len(sim.Projection(one, one, sim.OneToOneConnector(), synapse)) == 1
    assert len(sim.Projection(one, many, sim.AllToAllConnector(), synapse)) == 3
    assert len(sim.Projection(one, many, sim.ArrayConnector(np.array([[True, False, True]])), synapse)) == 2


def test_random_values_follow_the_seed_of_their_generator_and_repeat(sim):
    def draw(seed):
        sim.setup(timestep=0.1)
        distribution = RandomDistribution("normal", mu=20.0, sigma=1.0, rng=NumpyRNG(seed=seed))
        return np.asarray(sim.Population(50, sim.IF_curr_exp(tau_m=distribution)).get("tau_m"))

    np.testing.assert_array_equal(draw(1), draw(1))
    assert np.abs(draw(1) - draw(2)).max() > 0.1
    assert abs(draw(1).mean() - 20.0) < 0.6  # four standard errors of 50 draws


def test_get_and_set_parameters_of_populations_views_and_cells(sim):
    sim.setup(timestep=0.1)
    population = sim.Population(4, sim.IF_curr_exp(tau_m=15.0))
    assert population.get("tau_m") == 15.0
    population[1:3].set(tau_m=[20.0, 25.0])
    np.testing.assert_array_equal(population.get("tau_m"), [15.0, 20.0, 25.0, 15.0])
    population[0].cm = 2.0
    assert population[0].cm == 2.0
    with pytest.raises(pynn_errors.NonExistentParameterError):
        population.get("tau_x")


def test_what_is_missing_raises_an_error_that_names_it(sim):
    sim.setup(timestep=0.1)
    with pytest.raises(NotSupportedError, match="is not supported yet"):
        sim.MultiCompartmentNeuron()


def test_setup_says_what_it_ignores(sim):
    with pytest.warns(PycosimWarning, match="verbosity"):
        sim.setup(timestep=0.1, verbosity="error")


def test_setup_takes_an_option_of_brian2_there_and_says_elsewhere_that_it_is_ignored():
    import pycosim.brian2
    import pycosim.native

    pycosim.brian2.setup(timestep=0.1, codegen="never")
    pycosim.brian2.Population(1, pycosim.brian2.IF_curr_exp())
    with pytest.raises(InvalidInputError, match=r"codegen='never'.*cpp_standalone, cython, numpy"):
        pycosim.brian2.run(1.0)
    with pytest.warns(PycosimWarning, match="ignores what native does not know: codegen"):
        pycosim.native.setup(timestep=0.1, codegen="numpy")


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda sim: sim.setup(timestep=0.0), InvalidInputError),
        (lambda sim: sim.setup(timestep=0.1, timing="never"), InvalidInputError),
        (lambda sim: sim.setup(timestep=0.1, threads=0), InvalidInputError),
        (lambda sim: sim.Population(1, sim.IF_curr_exp()), ScriptError),
        (lambda sim: (sim.setup(timestep=0.1), sim.Population(0, sim.IF_curr_exp())), InvalidInputError),
        (
            lambda sim: (
                sim.setup(timestep=0.1),
                sim.Population(1, sim.SpikeSourceArray(spike_times=[-1.0])),
            ),
            InvalidInputError,
        ),
    ],
)
def test_bad_input_raises_an_error_of_our_own(sim, use, error):
    with pytest.raises(error):
        use(sim)


def test_run_with_a_time_that_is_no_multiple_of_the_step_ends_after_it(sim):
    sim.setup(timestep=0.1)
    sim.Population(1, sim.IF_curr_exp())
    assert sim.run(0.25) == pytest.approx(0.3)


def test_callbacks_are_called_at_the_times_they_ask_for(sim):
    sim.setup(timestep=0.1)
    sim.Population(1, sim.IF_curr_exp())
    called = []

    def callback(t):
        called.append(t)
        return t + 2.0

    sim.run(6.0, callbacks=[callback])
    assert called == pytest.approx([0.0, 2.0, 4.0, 6.0])


def test_write_data_writes_a_neo_block(sim, tmp_path):
    import neo

    exc, _, _ = small_network(sim, duration=50.0)
    exc.write_data(str(tmp_path / "spikes.pkl"))
    block = neo.io.PickleIO(str(tmp_path / "spikes.pkl")).read_block()
    assert len(block.segments[0].spiketrains) == 40


def test_populations_of_a_saved_network_are_the_same_after_loading(sim, tmp_path):
    from pycosim.frontend.simulator import state
    from pycosim.network import load, save

    small_network(sim, duration=0)
    save(state.network, tmp_path / "network.npz")
    loaded = load(tmp_path / "network.npz")
    assert [p.label for p in loaded.populations] == ["exc", "inh", "noise"]
    for one, two in zip(state.network.projections, loaded.projections):
        np.testing.assert_array_equal(one.targets, two.targets)
        np.testing.assert_array_equal(one.weight_column(), two.weight_column())
