import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.comparison import (
    Comparison,
    energy_summary,
    latency_by_distance,
    latency_percentiles_us,
    real_time_factor,
    spike_disorder,
    step_durations_us,
)
from pycosim.comparison.table import between
from pycosim.hwmodels.arithmetic import Rounding
from pycosim.results import PacketTable


def packets_of(rows):
    """Return packets from rows (core, emission, arrival)."""
    core, emission, arrival = np.array(rows, np.int64).reshape(-1, 3).T
    zero = np.zeros(len(core), np.int64)
    return PacketTable(zero, zero, core, emission, emission, arrival, zero)


def counted_disorder(rows):
    """Return the disorder by the letter of its definition."""
    arrived = [row for row in rows if row[2] >= 0]
    overtaken = [
        any(c == core and e > emission and a < arrival for c, e, a in arrived)
        for core, emission, arrival in arrived
    ]
    return sum(overtaken) / len(arrived)


def test_a_packet_that_a_later_one_overtook_is_out_of_order():
    assert spike_disorder(packets_of([(0, 1, 10), (0, 2, 5), (0, 3, 12), (0, 4, 20)])) == 0.25


def test_packets_emitted_at_the_same_time_are_in_order_however_they_arrive():
    assert spike_disorder(packets_of([(0, 1, 10), (0, 1, 5), (0, 1, 7)])) == 0


def test_packets_that_arrive_at_the_same_time_are_in_order():
    assert spike_disorder(packets_of([(0, 1, 5), (0, 2, 5)])) == 0


def test_order_is_judged_at_each_core_alone():
    assert spike_disorder(packets_of([(0, 1, 10), (1, 2, 5)])) == 0


def test_packets_that_never_arrive_are_neither_in_nor_out_of_order():
    assert spike_disorder(packets_of([(0, 1, 10), (0, 2, -1)])) == 0
    assert math.isnan(spike_disorder(packets_of([(0, 1, -1)])))
    assert math.isnan(spike_disorder(packets_of([])))


@given(st.permutations(range(12)))
def test_the_disorder_of_a_permutation_counts_those_behind_a_larger_one(arrival_order):
    rows = [(0, emission, position) for position, emission in enumerate(arrival_order)]
    behind = sum(any(earlier > e for earlier in arrival_order[:i]) for i, e in enumerate(arrival_order))
    assert spike_disorder(packets_of(rows)) == behind / 12


ROWS = st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(-1, 8))


@given(st.lists(ROWS, min_size=1, max_size=30).filter(lambda rows: any(row[2] >= 0 for row in rows)))
def test_disorder_is_what_its_definition_says(rows):
    assert spike_disorder(packets_of(rows)) == counted_disorder(rows)


def test_latency_is_from_emission_to_arrival_of_what_arrived(make_packets):
    rows = [(0, 0, 10, 10 + latency, 0) for latency in range(1, 102)]
    found = latency_percentiles_us(make_packets([*rows, (0, 0, 10, None, -1)]))
    assert found == {"p50": 51.0, "p95": 96.0, "p99": 100.0, "max": 101.0}


def test_latency_without_packets_is_not_a_number(make_packets):
    assert all(math.isnan(value) for value in latency_percentiles_us(make_packets([])).values())


def test_latency_is_grouped_by_the_distance_of_the_cores(make_hardware):
    hardware = make_hardware(
        [
            (0, 0, 0, 2, 0),  # core 0 to itself
            (0, 1, 0, 5, 0),  # core 0 to core 1
            (2, 0, 0, 7, 0),  # core 1 to core 0
            (4, 0, 0, 99, 0),  # from a source outside the chip
            (0, 1, 0, None, -1),
        ]
    )
    found = latency_by_distance(hardware)
    assert found.distance.tolist() == [0, 1]
    assert found.packets.tolist() == [1, 2]
    assert found.mean_us.tolist() == [2, 6]
    assert len(latency_by_distance(make_hardware()).distance) == 0


def test_durations_of_steps_are_in_microseconds(make_hardware):
    durations = np.arange(101, dtype=np.int64) * 1_000_000
    found = step_durations_us(make_hardware(step_duration_ps=durations))
    assert found == {"median": 50, "p99": 99, "max": 100}
    assert math.isnan(step_durations_us(make_hardware(step_duration_ps=np.empty(0, np.int64)))["max"])


def test_a_barrier_chip_waits_for_its_period_and_takes_longer_where_it_must(make_result, make_hardware):
    # 100 steps of 200 us for 100 ms of model time, with time for 1 ms and for 100 us each
    for period_ms, expected in ((1.0, 1.0), (0.1, 0.2), (1e-6, 0.2)):
        hardware = make_hardware(discipline="barrier", period_ps=round(period_ms * 1e9))
        assert real_time_factor(make_result("chip", hardware=hardware)) == pytest.approx(expected)
    # A long step is caught up with; one near the end is not.
    for slow, expected in ((10, 100.0), (98, 103.1)):
        durations = np.full(100, 100_000_000)
        durations[slow] = 5 * 10**9
        hardware = make_hardware(discipline="barrier", period_ps=10**9, step_duration_ps=durations)
        assert real_time_factor(make_result("chip", hardware=hardware)) == pytest.approx(expected / 100)


@pytest.mark.parametrize("discipline", ["tick", "free"])
def test_a_clocked_chip_takes_its_period_for_each_step(make_result, make_hardware, discipline):
    hardware = make_hardware(discipline=discipline, period_ps=500_000_000)
    assert real_time_factor(make_result("chip", hardware=hardware)) == pytest.approx(0.5)


def test_software_takes_its_wall_clock_time(make_result):
    assert real_time_factor(make_result("native")) == pytest.approx(2.5)
    assert math.isnan(real_time_factor(make_result("native", duration_ms=0.0)))
    assert math.isnan(real_time_factor(make_result("native", seconds={})))


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1.2e-3, 2.4e-3, "1.20–2.40 mJ"),
        (434e-6, 4.66e-3, "434 µJ–4.66 mJ"),
        (5.396, 5.404, "5.40 J ± 4.00 mJ"),
    ],
)
def test_a_range_of_energies_shows_that_its_ends_differ(low, high, text):
    assert between(low, high, "J") == text


@pytest.mark.parametrize(
    ("energy_j", "assumed", "ranges", "remark"),
    [
        ({"a": 1.0}, (), {}, ""),
        ({"a": None}, (), {}, "energy: unknown, as the chip's description has no constants"),
        ({"a": 1.0, "b": None, "c": None}, (), {}, "energy: unknown for b, c"),
        (
            {"a": 1.0, "b": 1.0, "c": None},
            ("a",),
            {"a": (0.5, 2.0), "b": (0.8, 1.25)},
            "energy: constants assumed for a; recalled or given with bounds for b; unknown for c",
        ),
    ],
)
def test_a_total_says_in_a_line_what_it_leaves_out_and_rests_on(
    make_hardware, energy_j, assumed, ranges, remark
):
    flags = {cause: cause in assumed for cause in energy_j}
    hardware = make_hardware(energy_j=energy_j, energy_assumed=flags, energy_range_j=ranges)
    assert energy_summary(hardware).remark == remark


def test_an_unknown_cause_of_energy_makes_the_total_a_lower_bound(make_hardware):
    energy = energy_summary(make_hardware())
    assert energy.total_j == pytest.approx(3e-9)
    assert energy.is_lower_bound
    assert energy.unknown == ("routing",)
    assert energy.assumed == ("neuron updates",)


def test_a_chip_without_any_constant_has_no_total(make_hardware):
    energy = energy_summary(make_hardware(energy_j={"routing": None}))
    assert math.isnan(energy.total_j)
    assert energy.known_j == {}


def test_the_range_of_the_energy_has_all_uncertain_causes_at_their_ends(make_hardware):
    energy = energy_summary(
        make_hardware(
            energy_j={"spikes": 2e-9, "hops": 1e-9, "static": None},
            energy_range_j={"spikes": (1e-9, 4e-9)},
        )
    )
    assert energy.total_range_j == pytest.approx((2e-9, 5e-9), rel=1e-12)
    assert energy.total_j == pytest.approx(3e-9, rel=1e-12)
    nothing = energy_summary(make_hardware(energy_j={"static": None}))
    assert all(map(math.isnan, nothing.total_range_j))


def test_a_difference_names_what_sets_the_target_apart_from_the_start(make_result, make_hardware):
    hardware = make_hardware(options={"inputs": "realtime"}, overruns=3)
    reference = make_result("native", spikes=[(0, 5)])
    for record, words in (
        (hardware, "; steps take too long, so inputs from outside come at earlier ones (inputs=realtime)"),
        (make_hardware(roundings=[Rounding.of("w", "nA", [0.5, 0.3], [0.4, 0.3])]), "; values are rounded"),
        (make_hardware(roundings=[Rounding.of("w", "nA", [0.5], [0.5])]), ""),
        (make_hardware(options={"inputs": "realtime"}, overruns=0), ""),
    ):
        target = make_result("loihi", spikes=[(0, 4)], hardware=record)
        divergence = Comparison([reference, target]).summaries[1].divergence
        assert str(divergence).startswith("at 4 ms neuron 0 of cells fires 1 step earlier" + words)
        assert words or str(divergence).endswith("earlier")
