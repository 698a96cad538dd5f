import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.comparison import first_divergence, match_spikes, mean_rate_hz, neuron_spikes

TRAINS = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 60)), max_size=40)
WINDOWS = st.integers(0, 10)


def columns(spikes):
    """Return (neuron, step) pairs as steps and neurons."""
    pairs = np.array(sorted(spikes), np.int64).reshape(-1, 2)
    return pairs[:, 1], pairs[:, 0]


def match(reference, target, window=5):
    return match_spikes(columns(reference), columns(target), window)


def counts(matched):
    return matched.n_identical, matched.n_shifted, matched.n_lost, matched.n_added


def test_spikes_are_identical_shifted_lost_or_added():
    matched = match({(0, 10), (0, 30), (0, 50)}, {(0, 10), (0, 33), (0, 70)})
    assert counts(matched) == (1, 1, 1, 1)
    assert matched.shifts.tolist() == [0, 3]
    assert matched.mean_absolute_shift_steps == 3


def test_a_spike_is_matched_only_within_its_neuron():
    assert counts(match({(0, 10)}, {(1, 10)})) == (0, 0, 1, 1)


def test_a_shift_as_long_as_the_window_matches_and_a_longer_one_does_not():
    assert counts(match({(0, 10)}, {(0, 15)}, window=5)) == (0, 1, 0, 0)
    assert counts(match({(0, 10)}, {(0, 16)}, window=5)) == (0, 0, 1, 1)


def test_the_closest_pair_is_matched_first():
    matched = match({(0, 10), (0, 14)}, {(0, 13)})
    assert matched.partner.tolist() == [-1, 0]


def test_of_two_spikes_at_the_same_distance_the_earlier_is_matched():
    assert match({(0, 10), (0, 14)}, {(0, 12)}).partner.tolist() == [0, -1]


def test_what_is_left_is_matched_between_the_same_neighbours():
    # 20 and 21 belong together; 24 and 16 would cross that pair.
    assert counts(match({(0, 20), (0, 24)}, {(0, 16), (0, 21)}, window=10)) == (0, 1, 1, 1)
    # 20 and 20 belong together; then 24 and 27, behind it, do.
    assert match({(0, 20), (0, 24)}, {(0, 20), (0, 27)}).shifts.tolist() == [0, 3]


def test_trains_without_spikes_match():
    assert counts(match(set(), set())) == (0, 0, 0, 0)
    assert counts(match({(0, 3)}, set())) == (0, 0, 1, 0)
    assert np.isnan(match(set(), set()).mean_absolute_shift_steps)


@given(TRAINS, WINDOWS)
def test_identical_trains_match_wholly(train, window):
    assert counts(match(train, train, window)) == (len(train), 0, 0, 0)


@given(TRAINS, TRAINS, WINDOWS)
def test_the_counts_add_up(reference, target, window):
    identical, shifted, lost, added = counts(match(reference, target, window))
    assert identical == len(reference & target)
    assert identical + shifted + lost == len(reference)
    assert identical + shifted + added == len(target)


@given(TRAINS, TRAINS, WINDOWS)
def test_pairs_stay_in_their_neuron_in_order_and_in_the_window(reference, target, window):
    matched = match(reference, target, window)
    paired = ~matched.lost
    partner = matched.partner[paired]
    assert (matched.reference_neurons[paired] == matched.target_neurons[partner]).all()
    assert (np.abs(matched.shifts) <= window).all()
    assert (np.diff(partner) > 0).all()
    assert not matched.added[partner].any()


@given(TRAINS, TRAINS, WINDOWS)
def test_exchanging_the_runs_exchanges_lost_and_added(reference, target, window):
    identical, shifted, lost, added = counts(match(reference, target, window))
    assert counts(match(target, reference, window)) == (identical, shifted, added, lost)


@given(TRAINS, TRAINS, WINDOWS)
def test_no_two_spikes_that_could_still_be_paired_are_left(reference, target, window):
    matched = match(reference, target, window)
    for neuron in range(4):
        lost = matched.reference_steps[matched.lost & (matched.reference_neurons == neuron)]
        added = matched.target_steps[matched.added & (matched.target_neurons == neuron)]
        own = (matched.reference_neurons == neuron) & ~matched.lost
        starts = matched.reference_steps[own]
        ends = matched.target_steps[matched.partner[own]]
        for step in lost:
            for other in added:
                crosses = ((starts < step) != (ends < other)).any()
                assert crosses or abs(step - other) > window


def test_rates_and_spikes_leave_sources_out(make_result):
    result = make_result("native", [(0, 10), (1, 20), (4, 5), (5, 6)])
    assert neuron_spikes(result)[1].tolist() == [0, 1]
    assert mean_rate_hz(result) == pytest.approx(2 / 4 / 0.1)


def test_the_rate_of_a_network_without_neurons_or_time_is_not_a_number(make_result):
    assert np.isnan(mean_rate_hz(make_result("native", populations=[])))
    assert np.isnan(mean_rate_hz(make_result("native", duration_ms=0.0)))


def diverge(make_result, reference, target, **attributes):
    first, second = make_result("native", reference), make_result("chip", target, **attributes)
    return first_divergence(match_spikes(neuron_spikes(first), neuron_spikes(second), 5), second)


@pytest.mark.parametrize(
    ("target", "kind", "step", "shift"),
    [
        ([(1, 10), (2, 23), (3, 90)], "shifted", 20, 3),
        ([(1, 10), (2, 18), (3, 90)], "shifted", 18, -2),
        ([(1, 10), (3, 90)], "lost", 20, 0),
        ([(1, 10), (2, 20), (2, 50), (3, 91)], "added", 50, 0),
    ],
)
def test_the_first_divergence_is_the_earliest_spike_that_differs(make_result, target, kind, step, shift):
    found = diverge(make_result, [(1, 10), (2, 20), (3, 90)], target)
    assert (found.kind, found.step, found.shift_steps) == (kind, step, shift)
    assert (found.neuron, found.index, found.population, found.time_ms) == (2, 2, "cells", step)


def test_equal_trains_do_not_diverge(make_result):
    assert diverge(make_result, [(1, 10)], [(1, 10)]) is None


def test_late_and_missing_packets_to_the_neurons_core_explain_a_divergence(make_result, make_hardware):
    rows = [
        (0, 1, 45_000, 48_000, 2),  # late, to the core of neuron 2, 5 ms before
        (1, 1, 44_000, None, -1),  # never arrived
        (0, 1, 43_000, 43_500, 0),  # in time
        (0, 0, 45_000, 48_000, 2),  # to another core
        (0, 1, 10_000, 13_000, 2),  # long before
        (0, 1, 60_000, 63_000, 2),  # after
    ]
    found = diverge(make_result, [(2, 50)], [], hardware=make_hardware(rows))
    assert found.late_packets.tolist() == [0]
    assert (found.missing_packets, found.core) == (1, 1)
    assert "core 1" in str(found)
    assert "1 acted late" in str(found)
    assert "1 never arrived" in str(found)
