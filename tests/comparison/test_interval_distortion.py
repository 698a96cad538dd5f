import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.comparison import interspike_intervals, isi_distortion, packet_isi_distortion

TRAINS = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 60)), max_size=40)


def columns(spikes):
    pairs = np.array(sorted(spikes, key=lambda pair: (pair[1], pair[0])), np.int64).reshape(-1, 2)
    return pairs[:, 1], pairs[:, 0]


def test_intervals_are_those_of_each_neuron_in_order_of_time():
    neurons, intervals, ranks = interspike_intervals(*columns({(0, 5), (1, 6), (0, 9), (0, 20), (1, 26)}))
    assert neurons.tolist() == [0, 0, 1]
    assert intervals.tolist() == [4, 11, 20]
    assert ranks.tolist() == [0, 1, 0]


def test_distortion_is_averaged_within_each_neuron_and_then_over_neurons():
    reference = {(0, 0), (0, 10), (0, 20), (1, 0), (1, 10)}
    target = {(0, 0), (0, 12), (0, 20), (1, 0), (1, 16)}
    found = isi_distortion(columns(reference), columns(target), dt_ms=0.5)
    # Neuron 0: intervals 10, 10 become 12, 8: |2| and |-2| steps; neuron 1: 10 becomes 16.
    assert found.per_stream.tolist() == [1.0, 3.0]
    assert found.mean == 2.0
    assert found.signed_mean == 1.5


def test_only_the_intervals_that_both_trains_have_are_compared():
    found = isi_distortion(columns({(0, 0), (0, 10)}), columns({(0, 0), (0, 11), (0, 50)}), dt_ms=1.0)
    assert found.per_stream.tolist() == [1.0]


@pytest.mark.parametrize("target", [set(), {(0, 3)}, {(1, 3), (1, 5)}])
def test_without_a_common_interval_the_distortion_is_not_a_number(target):
    found = isi_distortion(columns({(0, 1), (0, 4)}), columns(target), dt_ms=1.0)
    assert np.isnan(found.mean)
    assert len(found.streams) == 0


@given(TRAINS, st.integers(0, 1000))
def test_shifting_all_spikes_alike_distorts_nothing(train, shift):
    moved = {(neuron, step + shift) for neuron, step in train}
    found = isi_distortion(columns(train), columns(moved), dt_ms=0.1)
    assert found.mean == 0 or not len(found.streams)


@given(TRAINS, TRAINS)
def test_early_and_late_spikes_do_not_cancel(reference, target):
    found = isi_distortion(columns(reference), columns(target), dt_ms=1.0)
    assert not len(found.streams) or found.mean >= abs(found.signed_mean)


def test_packets_are_distorted_by_the_change_of_their_latency(make_packets):
    packets = make_packets(
        [
            (0, 1, 0, 3, 0),
            (0, 1, 10, 18, 0),  # 15 us after the one before instead of 10
            (0, 1, 20, 24, 0),  # 6 us instead of 10
            (0, 2, 0, 1, 0),
            (0, 2, 10, 12, 0),  # 11 us instead of 10
            (3, 1, 5, 99, 0),  # a single packet has no interval
        ]
    )
    found = packet_isi_distortion(packets)
    assert found.per_stream.tolist() == [4.5, 1.0]
    assert found.streams.tolist() == [0, 0]
    assert found.mean == 2.75
    assert found.signed_mean == 0.75


def test_packets_that_never_arrive_have_no_interval(make_packets):
    packets = make_packets([(0, 1, 0, 3, 0), (0, 1, 10, None, -1), (0, 1, 20, 25, 0)])
    assert packet_isi_distortion(packets).per_stream.tolist() == [2.0]
    assert np.isnan(packet_isi_distortion(make_packets([(0, 1, 0, None, -1)])).mean)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 99)), unique=True),
    st.integers(0, 50),
)
def test_a_constant_latency_distorts_no_packet(rows, latency):
    from pycosim.results import PacketTable

    source, core, emission = np.array(rows, np.int64).reshape(-1, 3).T
    zero = np.zeros(len(rows), np.int64)
    found = packet_isi_distortion(
        PacketTable(zero, source, core, emission, emission, emission + latency, zero)
    )
    assert found.mean == 0 or not len(found.streams)
