"""TrueNorth keeps its tick at the published operating points, and says what breaks first beyond them.

Merolla et al. (2014), S1: a typical core has neurons of 20 Hz with 128 synapses. Akopyan et al. (2015), p.
1551:
0 to 200 Hz with up to 256 synapses at a tick of 1 ms, and ticks up to 21 times faster (47.6 us).
"""

import re

import numpy as np
import pytest

from pycosim.hwmodels.load import load
from pycosim.network import Network

from .chip_networks import ALWAYS, add_neurons, add_spikes, connect, record_all, run_chip

# Cores far apart, as in the recurrent networks of the paper.
CORES = np.array([0, 21, 64 * 10 + 10, 64 * 21, 64 * 21 + 21, 64 * 42 + 63])
# A sample of all cores: six columns and rows, 11 apart, are 35/18 x 11 = 21.4 apart on average.
SAMPLE = (64 * np.arange(4, 64, 11)[:, np.newaxis] + np.arange(4, 64, 11)).ravel()
N_STEPS = 100


def operating_point(rate_hz, fan_out, cores=CORES):
    """Return full cores whose neurons fire regularly, at their own times, onto one axon; and a mapping."""
    network = Network(1.0)
    n, interval_ms, rng = 256 * len(cores), 1000 / rate_hz, np.random.default_rng(1)
    # Without a leak the membrane takes the interval, less the refractory step, from -65 to -50 mV.
    add_neurons(network, n, tau_m=1e9, cm=1.0, i_offset=15.0 / (interval_ms - 1), tau_refrac=1.0)
    network.populations[0].initial = {"v": -65.0 + 15.0 * rng.permutation(n) / n}
    core_of_target = rng.permutation(n) // 256
    targets = [256 * core + rng.choice(256, fan_out, replace=False) for core in core_of_target]
    delays = np.repeat(rng.integers(1, 16, n), fan_out)
    connect(network, np.repeat(np.arange(n), fan_out), np.concatenate(targets), weights=1e-9, delays=delays)
    record_all(network)
    return network, np.repeat(cores, 256)


def run(rate_hz, fan_out, speedup):
    network, mapping = operating_point(rate_hz, fan_out)
    (steps, _), hardware = run_chip("truenorth", network, N_STEPS, mapping=mapping, speedup=speedup)
    assert len(steps) / (len(mapping) * N_STEPS * 1e-3) == pytest.approx(rate_hz, rel=0.02)
    return hardware


@pytest.mark.parametrize(("rate_hz", "fan_out", "speedup"), [(20, 128, 1), (200, 256, 1), (20, 128, 21)])
def test_the_tick_is_kept_at_the_published_operating_points(rate_hz, fan_out, speedup):
    hardware = run(rate_hz, fan_out, speedup)
    assert (hardware.overruns, hardware.late) == (0, 0)
    assert not any("breaks first" in note for note in hardware.notes)
    # Per core and tick: spikes x synapses at 14.32 ns, and 256 rows at 43 ns.
    mean_ps = 256 * rate_hz * 1e-3 * fan_out * 14_320 + 256 * 43_000
    busy = hardware.cores.busy_ps[np.isin(hardware.cores.core, CORES)] / N_STEPS
    # Spikes under way, and delays up to 15 of the 100 steps: 10 %.
    assert busy.mean() == pytest.approx(mean_ps, rel=0.1)


@pytest.mark.parametrize(("rate_hz", "power_w"), [(11.58, 0.068), (20.07, 0.071), (95.93, 0.094)])
def test_a_sample_of_the_published_networks_draws_the_published_power(rate_hz, power_w):
    """Akopyan et al. (2015), figure 17: 128 synapses, 21.3 cores away in x and in y, delays of 1 to 15."""
    network, mapping = operating_point(rate_hz, 128, SAMPLE)
    _, hardware = run_chip("truenorth", network, N_STEPS, mapping=mapping)
    rate = hardware.cores.spikes.sum() / (len(mapping) * N_STEPS * 1e-3)
    energy = dict(hardware.energy_j)
    static_w = energy.pop("static") / ((N_STEPS + 1) * 1e-3)
    dynamic_w = sum(energy.values()) / (N_STEPS * 1e-3) * rate_hz / rate * 4096 / len(SAMPLE)
    # The figures have two digits, which is 1 %. Constants come from the first and the last of them.
    assert static_w + dynamic_w == pytest.approx(power_w, rel=0.01)
    assert (hardware.overruns, hardware.late) == (0, 0)


def test_beyond_the_points_the_record_names_the_core_that_breaks_first():
    hardware = run(200, 256, 21)
    assert hardware.overruns > 0
    assert hardware.late > 0
    note = next(note for note in hardware.notes if "breaks first" in note)
    core = int(re.search(r"; core (\d+) breaks first", note).group(1))
    busiest = hardware.cores.core[np.argmax(hardware.cores.busy_ps)]
    assert core == busiest
    assert core in CORES


def test_the_serial_line_that_rows_share_at_the_edge_of_a_chip_is_named_where_it_breaks_first():
    # Sixteen cores in the last column send 256 spikes each every other tick of 67 us: more than 20 per us.
    network = Network(1.0)
    senders, receivers = add_neurons(network, 4096, **ALWAYS), add_neurons(network, 4096)
    connect(network, np.asarray(senders), np.asarray(receivers), weights=1e-9, delays=2)
    rows = 64 * np.arange(16)
    mapping = np.repeat(np.concatenate((rows + 63, 4096 + rows)), 256)
    _, hardware = run_chip(
        "truenorth", network, 20, mapping=mapping, speedup=15.0, values={"noc.chips": "2x1"}
    )
    assert hardware.late > 0
    note = next(note for note in hardware.notes if "breaks first" in note)
    line = r"the serial line that the link \(63, 0\) to \(64, 0\) shares with 15 more"
    assert re.search(f"{line} breaks first", note)
    # It gives a place to one packet in 50 ns, and is wanted all the time.
    assert float(re.search(f"{line} ([0-9.e-]+)", note)[1]) == pytest.approx(1.0, rel=0.1)


def test_slow_links_and_a_slow_input_are_named_where_they_break_first():
    network, mapping = operating_point(20, 128)
    _, hardware = run_chip("truenorth", network, N_STEPS, mapping=mapping, values={"noc.slowdown": 100_000})
    assert any(
        re.search(r"the link \(\d+, \d+\) to \(\d+, \d+\) breaks first", note) for note in hardware.notes
    )
    network = Network(1.0)
    sources = add_spikes(network, np.repeat(np.arange(20), 200), np.tile(np.arange(200), 20), 200)
    connect(network, sources, np.repeat(np.asarray(add_neurons(network, 1)), 200), weights=1e-9, delays=1)
    values = {"time.host_packet": "10 us"}
    _, hardware = run_chip("truenorth", network, 30, mapping=np.zeros(201, int), values=values)
    assert load("truenorth").description.time.host_packet.value < 10_000
    assert any("the input of external spikes breaks first" in note for note in hardware.notes)
