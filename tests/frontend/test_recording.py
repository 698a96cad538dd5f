"""Recording that is added, ended, cleared and looked at in parts."""

import pickle

import numpy as np
import pytest
from pyNN import errors as pynn_errors

LIF = {"v_rest": -65.0, "v_reset": -65.0, "v_thresh": -50.0, "tau_m": 20.0, "cm": 1.0, "tau_refrac": 2.0}


def driven(sim, n=4, **setup):
    """Return neurons that fire regularly, each at its own rate."""
    sim.setup(timestep=0.1, **setup)
    return sim.Population(n, sim.IF_curr_exp(i_offset=np.linspace(1.0, 2.0, n), **LIF))


def signal_of(cells, name="v"):
    return cells.get_data().segments[-1].filter(name=name)[0]


def test_a_variable_recorded_later_begins_when_it_was_asked_for_and_the_others_go_on(sim):
    cells = driven(sim)
    cells.record("v")
    sim.run(10.0)
    cells.record(["spikes", "isyn_exc"])
    sim.run(20.0)
    v, current = signal_of(cells), signal_of(cells, "isyn_exc")
    assert (float(v.t_start), len(v)) == (0.0, 301)
    assert (float(current.t_start), len(current)) == (10.0, 201)
    trains = cells.get_data().segments[0].spiketrains
    assert min(float(train[0]) for train in trains) > 10.0


def test_a_cell_recorded_later_has_no_values_before(sim):
    cells = driven(sim)
    cells[:2].record("v")
    sim.run(5.0)
    cells[2:].record("v")
    sim.run(5.0)
    v = np.asarray(signal_of(cells))
    assert v.shape == (101, 4)
    assert np.isnan(v[:50, 2:]).all()
    assert not np.isnan(v[50:]).any()
    assert not np.isnan(v[:, :2]).any()


@pytest.mark.parametrize("interval", [0.1, 0.5, 1.0])
def test_data_that_are_cleared_between_runs_join_without_a_gap(sim, interval):
    cells = driven(sim)
    cells.record("v", sampling_interval=interval)
    cells.record("spikes")
    sim.run(40.0)
    whole = cells.get_data().segments[0]
    sim.reset()
    pieces = []
    for _ in range(4):
        sim.run(10.0)
        pieces.append(cells.get_data(clear=True).segments[-1])
    per_piece = round(10.0 / interval)
    for i, piece in enumerate(pieces):
        signal = piece.analogsignals[0]
        assert (float(signal.t_start), len(signal)) == (10.0 * i, per_piece + 1)
        expected = np.asarray(whole.analogsignals[0])[i * per_piece : (i + 1) * per_piece + 1]
        np.testing.assert_array_equal(np.asarray(signal), expected)
    for cell in range(4):
        joined = np.concatenate([np.asarray(piece.spiketrains[cell]) for piece in pieces])
        np.testing.assert_array_equal(joined, np.asarray(whole.spiketrains[cell]))


def test_recording_ends_and_begins_again_with_another_interval(sim):
    cells = driven(sim)
    cells.record("v")
    sim.run(5.0)
    with pytest.raises(ValueError, match="same sampling interval"):
        cells.record("isyn_exc", sampling_interval=1.0)
    cells.record(None)
    assert len(cells.get_data().segments[0].analogsignals) == 0
    sim.run(5.0)
    cells.record("v", sampling_interval=1.0)
    sim.run(5.0)
    signal = signal_of(cells)
    assert (float(signal.t_start), signal.shape, float(signal.sampling_period)) == (10.0, (6, 4), 1.0)


def test_views_give_their_own_part_of_the_data_even_if_it_is_empty(sim):
    cells = driven(sim, 6)
    cells.record("v")
    cells[:2].record("spikes")
    sim.run(30.0)
    segment = cells[1:3].get_data().segments[0]
    assert segment.analogsignals[0].array_annotations["channel_index"].tolist() == [1, 2]
    assert [train.annotations["source_index"] for train in segment.spiketrains] == [1]
    assert len(cells[4:].get_data().segments[0].spiketrains) == 0
    assert cells[5].as_view().get_data("v").segments[0].analogsignals[0].shape == (301, 1)
    view = cells[np.array([0, 3])]
    np.testing.assert_array_equal(np.asarray(signal_of(view)), np.asarray(signal_of(cells))[:, [0, 3]])


def test_every_reset_closes_a_segment_with_its_annotations(sim):
    cells = driven(sim)
    cells.record(["v", "spikes"])
    for trial in range(3):
        sim.run(10.0 * (trial + 1))
        sim.reset(annotations={"trial": trial})
    sim.run(5.0)
    segments = cells.get_data().segments
    assert [segment.annotations.get("trial") for segment in segments] == [0, 1, 2, None]
    assert [len(segment.analogsignals[0]) for segment in segments] == [101, 201, 301, 51]
    assert [len(segment.spiketrains) for segment in segments] == [4] * 4
    assert all(float(segment.analogsignals[0].t_start) == 0.0 for segment in segments)


def test_files_named_in_record_are_written_at_the_end_and_read_without_pycosim(sim, tmp_path):
    cells = driven(sim)
    cells.record("spikes", to_file=str(tmp_path / "spikes.pkl"))
    sim.run(30.0)
    expected = [np.asarray(train) for train in cells.get_data().segments[0].spiketrains]
    sim.end()
    content = (tmp_path / "spikes.pkl").read_bytes()
    assert b"pycosim." not in content
    block = pickle.loads(content)
    for train, wanted in zip(block.segments[0].spiketrains, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(train), wanted)


def test_spikes_of_many_cells_come_as_one_array_and_as_trains(sim):
    sim.setup(timestep=1.0)
    source = sim.Population(200, sim.SpikeSourcePoisson(rate=50.0))
    source[::2].record("spikes")
    sim.run(500.0)
    trains = source.get_data().segments[0].spiketrains
    channels, times = trains.multiplexed
    assert len(trains) == 100
    assert sum(len(train) for train in trains) == len(times) > 1500
    for i in (0, 7, 99):
        assert trains[i].annotations["source_index"] == 2 * i
        assert trains[i].annotations["channel_id"] == trains[i].annotations["source_id"] == source[2 * i]
        np.testing.assert_array_equal(np.asarray(trains[i]), np.asarray(times)[channels == source[2 * i]])
    counts = source[::2].get_spike_counts()
    assert counts[source[14]] == len(trains[7])


def test_spikes_off_the_grid_keep_their_times_and_act_on_the_nearest_step(sim):
    sim.setup(timestep=0.05)
    given = [0.075, 10.025, 12.34, 12.34]
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=given))
    source.record("spikes")
    found = []
    for _ in range(2):
        sim.run(10.0)
        found.append(np.asarray(source.get_data(clear=True).segments[0].spiketrains[0]).tolist())
    assert found == [[0.075], [10.025, 12.34, 12.34]]
    source.set(spike_times=[5.0, 21.01, 33.3])
    sim.run(10.0)
    assert np.asarray(source.get_data().segments[0].spiketrains[0]).tolist() == [21.01]


def test_spike_times_that_do_not_ascend_are_refused_with_an_example(sim):
    sim.setup(timestep=0.1)
    cell = sim.SpikeSourceArray(spike_times=[[1.0, 2.0], [3.5, 9.6, 8.3]])
    with pytest.raises(pynn_errors.InvalidParameterValueError, match=r"8\.3 ms after 9\.6 ms; sort them"):
        sim.Population(2, cell)


def test_a_parameter_that_is_no_number_is_refused(sim):
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.IF_curr_exp())
    with pytest.raises(pynn_errors.InvalidParameterValueError, match=r"tau_m=.* it must be a number"):
        cells.set(tau_m={})


def test_time_can_be_run_until_and_not_backwards(sim):
    driven(sim)
    assert sim.run_until(7.5) == 7.5
    assert sim.run_for(2.5) == 10.0
    with pytest.raises(ValueError, match="in the past"):
        sim.run_until(5.0)
