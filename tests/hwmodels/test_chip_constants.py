"""Published figures of the chips, as the models reproduce them."""

import numpy as np
import pytest

from pycosim.hwmodels.energy import EnergyCounts, energy_by_cause
from pycosim.hwmodels.load import load
from pycosim.network import Network

from .chip_networks import ALWAYS, add_neurons, all_pairs, connect, run_chip


def silent(n):
    network = Network(1.0)
    add_neurons(network, n)
    return network


def test_a_full_loihi_core_takes_8_71_microseconds_and_82_9_nanojoules_per_step():
    _, hardware = run_chip("loihi", silent(1024), 10, values={"mapping.neurons_per_core": 1024})
    assert hardware.step_duration_ps.tolist() == [1024 * 8400 + 113_000] * 10
    # 1 %: the figures are given to three digits.
    assert hardware.energy_j["neuron updates"] / 10 == pytest.approx(82.9e-9, rel=0.01)


def test_the_loihi_barrier_takes_113_to_465_nanoseconds():
    barrier = load("loihi").description.time.barrier
    times = [barrier.at(n) for n in range(1, 33)]
    assert (times[0], times[-1]) == (113_000, 465_000)
    assert times == sorted(times)
    assert len(set(times)) == 32


def test_the_fitted_barrier_takes_the_value_at_the_largest_number_of_tiles_not_above():
    barrier = load("loihi", {"constants": "fitted"}).description.time.barrier
    assert [barrier.at(n) for n in (1, 2, 3, 4, 28, 29, 32)] == [
        600_000, 1_000_000, 1_000_000, 1_400_000, 1_400_000, 1_800_000, 1_800_000,
    ]  # fmt: skip


def test_compartments_at_rest_are_a_named_set():
    _, hardware = run_chip(
        "loihi", silent(100), 1, values={"constants": "at_rest", "mapping.neurons_per_core": 100}
    )
    assert hardware.step_duration_ps.tolist() == [100 * 5300 + 113_000]
    assert hardware.energy_j["neuron updates"] == pytest.approx(100 * 52e-12)


# Chip time and energy per step that SANA-FE's detailed model gives for 1024 neurons with 32 random targets
# each, of which 22.7 fire per step, on eight cores and on four (one tile).
SANA_FE = {8: (2.644e6, 120.8e-9), 4: (3.507e6, 110.6e-9)}


@pytest.mark.parametrize("n_cores", SANA_FE)
def test_fitted_loihi_steps_agree_with_sana_fe(n_cores):
    rng = np.random.default_rng(0)
    network, n, n_steps = Network(1.0), 1024, 300
    neurons = add_neurons(network, n, i_offset=rng.uniform(0.19, 0.6, n), tau_refrac=31.5)
    network.populations[0].initial["v"] = rng.uniform(-65.0, -50.0, n)
    connect(network, np.repeat(np.asarray(neurons), 32), rng.integers(0, n, 32 * n), weights=1e-9)
    mapping = np.arange(n) * n_cores // n
    _, hardware = run_chip("loihi", network, n_steps, mapping=mapping, values={"constants": "fitted"})
    energy = sum(value for cause, value in hardware.energy_j.items() if value and cause != "static") / n_steps
    duration_ps, energy_j = SANA_FE[n_cores]
    assert hardware.cores.spikes.sum() / n_steps == pytest.approx(22.7, rel=0.03)
    # The networks differ: 5 % for the time; 1 % for the energy, of which a third goes with the rate.
    assert hardware.step_duration_ps.mean() == pytest.approx(duration_ps, rel=0.05)
    assert energy == pytest.approx(energy_j, rel=0.01)


def one_spike(cores, chip, n_targets=1, **values):
    """Return the record of one step in which one neuron fires to neurons on another core."""
    network = Network(1.0)
    connect(network, *all_pairs(add_neurons(network, 1, **ALWAYS), add_neurons(network, n_targets)), delays=3)
    mapping = np.append(cores[0], np.full(n_targets, cores[1]))
    return run_chip(chip, network, 2, mapping=mapping, values=values)[1]


def test_loihi_hops_cost_the_published_energy():
    hardware = one_spike((0, 76), "loihi")
    # The tiles (0, 0) and (3, 2): 3 x 3.0 + 2 x 4.0 pJ.
    assert hardware.energy_j["hops"] == pytest.approx(17.0e-12, rel=1e-12)
    assert hardware.energy_j["packets"] == pytest.approx(1.7e-12, rel=1e-12)
    assert hardware.energy_j["synaptic events"] == pytest.approx(23.6e-12, rel=1e-12)
    assert hardware.energy_j["spikes"] is None


def test_static_power_counts_for_the_whole_time():
    _, hardware = run_chip("loihi", silent(10), 100)
    # Steps 0 to 100 of 1 ms at 104.4 mW.
    assert hardware.energy_j["static"] == pytest.approx(0.1044 * 0.101, rel=1e-9)


def test_truenorth_hops_and_the_chip_edge_cost_the_published_energy():
    hardware = one_spike((0, 64 * 5 + 3), "truenorth")
    # 2 %: 72 fJ/bit x 32 bits = 2.304 pJ, printed as 2.3 pJ.
    assert hardware.energy_j["hops"] == pytest.approx(8 * 72e-15 * 32, rel=0.02)
    assert load("truenorth").description.energy.host_packet.value == pytest.approx(64e-12, rel=0.02)


@pytest.mark.parametrize(("rate_hz", "power_w"), [(11.58, 0.068), (20.07, 0.071), (95.93, 0.094)])
def test_truenorth_draws_the_published_power(rate_hz, power_w):
    spikes = round(rate_hz * 2**20)
    counts = EnergyCounts(
        synaptic_event=128 * spikes,
        hop_x=round(21.3 * spikes),
        hop_y=round(21.3 * spikes),
        static_power=1.0,
    )
    energy, _ = energy_by_cause(load("truenorth").description.energy, counts)
    # 5 %: the line is fitted through the end points, of two digits each.
    assert sum(energy.values()) == pytest.approx(power_w, rel=0.05)


def test_a_full_truenorth_core_just_keeps_the_tick_of_a_millisecond():
    # 256 axons that all drive 256 neurons: 65,536 events of 14.32 ns are 0.938 ms; rows add 256 x 43 ns.
    network = Network(1.0)
    sources, targets = add_neurons(network, 256, **ALWAYS), add_neurons(network, 256, v_thresh=1e9)
    connect(network, *all_pairs(sources, targets), delays=2)
    _, hardware = run_chip("truenorth", network, 6)
    # 3 %: the published bound leaves out the rows.
    assert hardware.step_duration_ps.max() == pytest.approx(0.94e9, rel=0.03)
    assert hardware.overruns == 0
    _, fast = run_chip("truenorth", network, 6, speedup=2.0)
    assert fast.overruns > 0
    assert (fast.cores.busy_ps == fast.cores.busy_ps.max()).tolist() == [False, True]
    assert any(note.startswith("Too slow for the period of 500 us: core 1 in") for note in fast.notes)
    assert not any("Too slow" in note for note in hardware.notes)


def test_a_tick_shorter_than_any_shown_to_work_is_noted():
    _, hardware = run_chip("truenorth", silent(3), 2, speedup=25.0)
    assert any("47.6 us" in note for note in hardware.notes)


@pytest.mark.parametrize("n_matches", [1, 5])
def test_a_dynapse_spike_costs_the_recalled_energy(n_matches):
    hardware = one_spike((0, 1), "dynapse", n_targets=n_matches)
    parts = {
        "spikes": 883e-12,
        "encoding": 883e-12,
        "packets to other cores": 360e-12,
        "packets received": 6.84e-9,
        "synaptic events": 324e-12 * n_matches,
    }
    assert {name: hardware.energy_j[name] for name in parts} == pytest.approx(parts, rel=1e-9)
    assert hardware.energy_j["static"] is None
    assert hardware.energy_j["hops"] is None


def test_energies_that_rest_on_assumptions_are_marked():
    hardware = one_spike((0, 1), "loihi", **{"energy.synaptic_event": "30 pJ"})
    assert hardware.energy_assumed["synaptic events"]
    assert not hardware.energy_assumed["hops"]


def test_causes_that_another_constant_covers_are_left_out():
    hardware = one_spike((0, 1), "truenorth")
    assert set(hardware.energy_j) == {"synaptic events", "packets from outside", "hops", "static"}
