"""Published measurements and counts beyond those of test_chip_constants.py.

Sources are those of the constants in the descriptions; numbers are recomputed from what these and the record
of a run give.
"""

import numpy as np
import pytest

from pycosim.errors import DoesNotFitError, PycosimError
from pycosim.hwmodels.load import load
from pycosim.hwmodels.simulation import fit
from pycosim.network import Network

from .chip_networks import ALWAYS, add_neurons, add_spikes, all_pairs, connect, record_all, run_chip

PS_PER_S = 10**12


@pytest.mark.parametrize("n_inputs", [667, 750])
def test_a_loihi_nearest_neighbour_query_takes_about_the_measured_energy(n_inputs):
    """Frady et al. (NICE 2020), table 2: 1.33 mJ of the cores for a query over 76,800 patterns in 60 steps.

    Every input spike goes to all patterns, and each pattern is updated, at rest, in each step. The constants
    are pre-silicon minima at 0.75 V and the board's voltage is not stated: 25 %.
    """
    n_patterns, n_steps, scale = 768, 60, 100
    network = Network(1.0)
    inputs = add_spikes(network, 1 + np.arange(n_inputs) % (n_steps - 4), np.arange(n_inputs), n_inputs)
    connect(network, *all_pairs(inputs, add_neurons(network, n_patterns)), weights=1e-9, delays=1)
    _, hardware = run_chip("loihi", network, n_steps, values={"constants": "at_rest"})
    energy = hardware.energy_j
    assert hardware.cores.synaptic_events.sum() == n_patterns * n_inputs
    assert scale * (energy["synaptic events"] + energy["neuron updates"]) == pytest.approx(1.33e-3, rel=0.25)
    # What the published constants make of these counts, with nothing added.
    expected = 76_800 * (n_inputs * 23.6e-12 + n_steps * 52e-12)
    assert scale * (energy["synaptic events"] + energy["neuron updates"]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("delay", range(1, 16))
def test_a_truenorth_spike_arrives_in_time_and_acts_at_its_programmed_tick(delay):
    """Merolla et al. (2014), S1: delays of 1 to 15 ticks; the network's jitter is hidden."""
    network = Network(1.0)
    source, target = add_neurons(network, 1, **ALWAYS), add_neurons(network, 1, tau_refrac=1.0)
    connect(network, *all_pairs(source, target), weights=1000.0, delays=delay)
    record_all(network)
    (steps, neurons), hardware = run_chip("truenorth", network, 20, mapping=[0, 4095])
    first = [int(steps[neurons == number].min()) for number in (0, 1)]
    # The synaptic current of a spike that acts at the end of step k lifts the membrane in step k + 1.
    assert first[1] - first[0] == delay + 1
    assert hardware.late == 0


def test_truenorth_has_no_delay_of_zero_and_none_of_sixteen():
    network = Network(1.0)
    connect(network, *all_pairs(add_neurons(network, 1), add_neurons(network, 1)), delays=0)
    with pytest.raises(PycosimError, match="delay"):
        run_chip("truenorth", network, 1)
    network.projections[0].delays = 16
    with pytest.raises(DoesNotFitError, match="delay in steps: needs 16, the limit is 15"):
        fit(load("truenorth"), network)


def test_a_truenorth_spike_pays_the_published_energy_for_each_hop_edge_and_link_between_chips():
    """Merolla et al. (2014), S5: 2.3 pJ a hop, 64 pJ at the chip edge, 832 pJ from chip to chip; 2 %."""
    network = Network(1.0)
    outside = add_spikes(network, [1, 2, 3, 4], [0, 0, 0, 0], 1)
    sender, receiver = add_neurons(network, 1, label="sender", **ALWAYS), add_neurons(network, 1)
    connect(network, *all_pairs(outside, sender), delays=1)
    connect(network, *all_pairs(sender, receiver), delays=2)
    # From (60, 0) of the first chip to (2, 1) of the second one, in the row below.
    _, hardware = run_chip("truenorth", network, 12, mapping=[-1, 60, 4096 + 66], values={"noc.chips": "2x1"})
    n = int(hardware.cores.spikes[0])
    by_population, by_core = hardware.energy_of_population_j, hardware.energy_of_core_j
    np.testing.assert_allclose(by_population["links between chips"], [0, n * 832e-12, 0], rtol=0.02)
    np.testing.assert_allclose(by_core["links between chips"], [n * 832e-12, 0], rtol=0.02)
    np.testing.assert_allclose(by_population["packets from outside"], [4 * 64e-12, 0, 0], rtol=0.02)
    # Spikes from outside enter at (0, 0); the others have six hops on chips, and one between them.
    np.testing.assert_allclose(by_population["hops"], [4 * 60 * 2.3e-12, n * 6 * 2.3e-12, 0], rtol=0.02)


def test_a_ranc_tick_takes_66_051_cycles_whether_idle_or_full():
    """TokenController.v with 256 neurons and 256 axons: 256 x 258 + 3 cycles, whatever arrives."""
    values = {"mapping.splitters": False}
    network = Network(1.0)
    sources, targets = add_neurons(network, 256, **ALWAYS), add_neurons(network, 256, v_thresh=1e9)
    connect(network, *all_pairs(sources, targets), delays=2)
    quiet = Network(1.0)
    add_neurons(quiet, 1)
    for case in (network, quiet):
        _, hardware = run_chip("ranc", case, 6, values=values)
        cycles = set((hardware.step_duration_ps // hardware_cycle()).tolist())
        assert cycles == {66_051}
        assert not np.any(hardware.step_duration_ps % hardware_cycle())
        assert hardware.overruns == 0
    # A tick of 1 ms needs 66.051 MHz: at 66 MHz it is exceeded.
    slow = {"time.neuron_update": f"{round(258 * 1e6 / 66)} ps", "time.step": f"{round(3 * 1e6 / 66)} ps"}
    _, hardware = run_chip("ranc", quiet, 6, values=slow)
    assert hardware.overruns == 6


def hardware_cycle():
    return load("ranc").description.noc.cycle.value


def test_a_dynapse_neuron_at_30_hertz_draws_the_recalled_power():
    """Moradi et al. (2018), table of operations, 1.8 V: 30 x (0.883 + 0.883 + 0.360 + 6.84 + 0.324 k) nW.

    1 %, as the figures have three digits; they are recalled, not checked against the paper's text.
    """
    for n_matches in (1, 5, 64):
        network = Network(1.0)
        neuron = add_neurons(network, 1, i_offset=1000.0, tau_refrac=33.0)
        connect(network, *all_pairs(neuron, add_neurons(network, n_matches)), delays=1, weights=1e-9)
        _, hardware = run_chip("dynapse", network, 1000, mapping=np.append(0, np.ones(n_matches, int)))
        spikes = int(hardware.cores.spikes[0])
        assert spikes == pytest.approx(30, abs=1)
        energy = sum(value for value in hardware.energy_j.values() if value is not None) * 30 / spikes
        assert energy == pytest.approx(
            30 * (0.883 + 0.883 + 0.360 + 6.84 + 0.324 * n_matches) * 1e-9, rel=0.01
        )


@pytest.mark.parametrize(("constants", "energy_j"), [("default", 1.0e-9), ("payload", 1.8e-9)])
def test_a_spinnaker_packet_costs_the_published_energy_in_each_router(constants, energy_j):
    """SpiNNMachine: 25 pJ/bit; packets of 40 or 72 bits. From chip (0, 0) to (3, 2) are four routers."""
    network = Network(1.0)
    connect(network, *all_pairs(add_neurons(network, 1, **ALWAYS), add_neurons(network, 1)), delays=3)
    mapping = [0, (5 + 6 + 3) * 16]  # rows of five and of six chips are below
    _, hardware = run_chip("spinnaker", network, 2, mapping=mapping, values={"constants": constants})
    assert hardware.sent == 1
    energy = hardware.energy_j
    # 1 %, as the figures are printed with two digits.
    assert energy["packets"] + energy["hops"] == pytest.approx(4 * energy_j, rel=0.01)


def test_an_idle_spinnaker_board_draws_26_84_watts():
    """SpiNNMachine, version 5: a board of 48 chips without its box."""
    network = Network(1.0)
    add_neurons(network, 10)
    _, hardware = run_chip("spinnaker", network, 100)
    # Steps 0 to 100 of 1 ms.
    assert hardware.energy_j["static"] / 0.101 == pytest.approx(26.84, rel=0.01)
    assert load("spinnaker").description.noc.n_routers == 48


def test_a_neurocorex_step_takes_96_periods_of_the_neuron_clock():
    """VHDL: 100 kHz, a trigger every 96 periods, one neuron per period; spikes act in the next step."""
    network = Network(0.96)
    source, target = (
        add_neurons(network, 1, i_offset=1000.0, tau_refrac=0.96),
        add_neurons(network, 1, tau_refrac=0.96),
    )
    connect(network, *all_pairs(source, target), weights=1000.0, delays=1)
    record_all(network)
    (steps, neurons), hardware = run_chip("neurocorex", network, 20)
    assert hardware.step_duration_ps.tolist() == [96 * PS_PER_S // 100_000] * 20
    assert hardware.period_ps == 960_000_000
    assert (hardware.overruns, hardware.late) == (0, 0)
    first = [int(steps[neurons == number].min()) for number in (0, 1)]
    assert first[1] - first[0] == 2
    _, fast = run_chip("neurocorex", network, 20, speedup=1.1)
    assert fast.overruns == 20
    assert any("0.96 ms" in note or "960 us" in note for note in fast.notes)


def test_neurocorex_has_no_delay_of_two_steps_and_no_ninety_first_neuron():
    network = Network(0.96)
    connect(network, *all_pairs(add_neurons(network, 45), add_neurons(network, 45)), delays=1)
    fit(load("neurocorex"), network)
    network.projections[0].delays = 2
    with pytest.raises(DoesNotFitError, match="delay in steps: needs 2, the limit is 1"):
        fit(load("neurocorex"), network)
    network.projections[0].delays = 1
    add_neurons(network, 1)
    with pytest.raises(DoesNotFitError, match="cores: needs 2, the limit is 1"):
        fit(load("neurocorex"), network)


def test_brainscales_is_a_thousand_times_faster_than_biology():
    network = Network(0.1)
    source = add_spikes(network, [0], [0], 1)
    connect(network, *all_pairs(source, add_neurons(network, 1)), delays=1)
    _, hardware = run_chip("brainscales2", network, 50)
    # A step of 0.1 ms takes 0.1 us; a latency of 0.1 us is a step.
    assert hardware.period_ps == 100_000
    assert hardware.packets.lateness_steps.tolist() == [1]
    assert hardware.energy_j["static"] == pytest.approx(0.2 * 51 * 1e-7)
    assert hardware.energy_j["synaptic events"] is None


def test_the_factors_between_loihi_and_loihi_2_are_those_of_the_vendor():
    """Intel's brief: updates 2x, synaptic operations 5x, spikes 10x faster; a step below 200 ns."""
    first, second = (
        load(*chip).description.time for chip in (("loihi", {"constants": "fitted"}), ("loihi2",))
    )
    assert first.neuron_update.value / second.neuron_update.value == pytest.approx(2.0)
    assert first.spike.value / second.spike.value == pytest.approx(10.0)
    # SANA-FE's dense format, 3.8 ns, is what the profile starts from; Loihi's set here has the sparse one.
    assert 3800 / second.synaptic_event.value == pytest.approx(5.0)
    assert second.barrier.at(32) == 200_000
