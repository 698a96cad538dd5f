"""Proofs that the chip models are honest: ideal is exact, slow is late, nothing is lost."""

import numpy as np
import pytest

from pycosim.backends.base import Options, Simulation
from pycosim.comparison.energy import energy_summary
from pycosim.comparison.table import number, step_time
from pycosim.comparison.timing import step_durations_us
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.load import load
from pycosim.hwmodels.simulation import build
from pycosim.network import Network, Plasticity

from .chip_networks import (
    add_neurons,
    add_spikes,
    connect,
    random_network,
    record_all,
    run_chip,
    run_native,
    spikes_of,
)

N_STEPS = 300
# Neurons are spread over cores of several routers, so that links matter.
SPREAD = np.append(np.arange(60) % 12, np.zeros(20, int))
SLOW = {"noc.slowdown": 10_000}


@pytest.fixture(scope="module")
def native():
    spikes = run_native(random_network(), N_STEPS)
    assert spikes.shape[1] > 1000
    assert (spikes[1] < 60).sum() > 300
    return spikes


def assert_conserved(hardware):
    packets = hardware.packets
    assert hardware.sent == hardware.delivered + hardware.dropped + hardware.in_flight == len(packets.source)
    assert packets.arrived.sum() == hardware.delivered
    assert (packets.lateness_steps > 0).sum() == hardware.late
    assert (packets.latency_ps >= 0).all()
    arrived = packets.arrived
    assert (packets.injection_ps[arrived] >= packets.emission_ps[arrived]).all()
    assert (packets.arrival_ps[arrived] >= packets.injection_ps[arrived]).all()
    np.testing.assert_array_equal(packets.lateness_steps[~arrived], -1)


@pytest.mark.parametrize("mapping", ["sequential", SPREAD])
@pytest.mark.parametrize("timing", ["ideal", "trace", "closed"])
def test_spikes_equal_those_of_native_where_nothing_is_late(chip, timing, mapping, network, native):
    spikes, hardware = run_chip(chip, network, N_STEPS, timing=timing, mapping=mapping)
    np.testing.assert_array_equal(spikes, native)
    assert hardware.late == 0
    assert_conserved(hardware)


def test_spikes_equal_those_of_native_at_short_steps_and_many_delays(chip):
    network = random_network(dt_ms=0.1, delays=(2, 14), seed=3, rate=400.0)
    spikes, hardware = run_chip(chip, network, 600, mapping=SPREAD)
    np.testing.assert_array_equal(spikes, run_native(network, 600))
    assert hardware.late == 0


def test_ideal_is_exact_with_delays_of_one_step(chip):
    network = random_network(delays=(1, 3))
    spikes, hardware = run_chip(chip, network, N_STEPS, timing="ideal", mapping=SPREAD)
    np.testing.assert_array_equal(spikes, run_native(network, N_STEPS))
    assert (hardware.packets.arrival_ps == hardware.packets.emission_ps).all()
    assert hardware.in_flight == 0


def test_slow_links_show_in_a_trace_but_do_not_change_spikes(chip, network, native):
    _, ordinary = run_chip(chip, network, N_STEPS, timing="trace", mapping=SPREAD)
    spikes, slow = run_chip(chip, network, N_STEPS, timing="trace", mapping=SPREAD, values=SLOW)
    np.testing.assert_array_equal(spikes, native)
    both = ordinary.packets.arrived & slow.packets.arrived
    assert both.sum() > 100
    latency = [h.packets.arrival_ps[both] - h.packets.emission_ps[both] for h in (ordinary, slow)]
    assert (latency[1] >= latency[0]).all()
    assert latency[1].mean() > 1.2 * latency[0].mean()
    assert_conserved(slow)


@pytest.mark.parametrize("chip", ["truenorth", "dynapse"])
def test_slow_links_change_spikes_in_a_closed_loop_and_the_late_ones_are_counted(chip, network, native):
    spikes, hardware = run_chip(chip, network, N_STEPS, mapping=SPREAD, values=SLOW)
    assert spikes.shape != native.shape or (spikes != native).any()
    assert hardware.late > 0
    assert hardware.packets.lateness_steps.max() >= 1
    assert_conserved(hardware)


def test_slow_links_make_loihi_steps_longer_and_leave_the_spikes(network, native):
    _, ordinary = run_chip("loihi", network, N_STEPS, mapping=SPREAD)
    spikes, slow = run_chip("loihi", network, N_STEPS, mapping=SPREAD, values=SLOW)
    np.testing.assert_array_equal(spikes, native)
    assert slow.late == 0
    assert slow.in_flight == 0
    busy = np.bincount(slow.packets.emission_step, minlength=N_STEPS + 1)[1:] > 0
    assert (slow.step_duration_ps[busy] > 5 * ordinary.step_duration_ps[busy]).all()
    np.testing.assert_array_equal(slow.step_duration_ps[~busy], ordinary.step_duration_ps[~busy])
    assert_conserved(slow)


def test_a_slow_link_given_by_its_time_does_the_same(network, native):
    spikes, hardware = run_chip("dynapse", network, N_STEPS, mapping=SPREAD, values={"noc.branch": "2 ms"})
    assert hardware.late > 0
    assert spikes.shape != native.shape or (spikes != native).any()


# Loihi waits; TrueNorth's packet is there at 8.5 ms instead of at the tick of 7 ms; DYNAP-SE's way through a
# router and twice between routers takes 10.5 ms and a little.
SLOW_ROUTERS = {
    "loihi": ({"noc.local": "3.5 ms"}, 0),
    "truenorth": ({"noc.local": "3.5 ms"}, 2),
    "dynapse": ({"noc.local": "3.5 ms", "noc.branch": "3.5 ms"}, 11),
}


def test_late_packets_act_at_the_step_that_the_record_says(chip):
    def network(delay):
        made = Network(1.0)
        connect(made, add_spikes(made, [5, 25], [0, 0], 1), add_neurons(made, 1), weights=40.0, delays=delay)
        record_all(made)
        return made

    values, late = SLOW_ROUTERS[chip]
    spikes, hardware = run_chip(chip, network(2), 60, mapping=[0, 3], values=values)
    assert hardware.packets.lateness_steps.tolist() == [late, late]
    np.testing.assert_array_equal(spikes, run_native(network(2 + late), 60))


@pytest.mark.parametrize("timing", ["trace", "closed"])
@pytest.mark.parametrize("speedup", [1e3, 1e5, 1e6])
def test_nothing_is_lost_at_any_speed(chip, speedup, timing, network, native):
    spikes, hardware = run_chip(chip, network, N_STEPS, mapping=SPREAD, speedup=speedup, timing=timing)
    assert_conserved(hardware)
    assert hardware.overruns == (hardware.step_duration_ps > hardware.period_ps).sum()
    assert len(hardware.step_duration_ps) == N_STEPS
    if timing == "trace" or chip == "loihi":
        np.testing.assert_array_equal(spikes, native)
    if speedup == 1e6:
        assert hardware.overruns > 0


@pytest.mark.parametrize("values", [{}, SLOW])
def test_the_same_seed_gives_the_same_run_with_one_and_two_threads(chip, values, network):
    first, second = (
        run_chip(chip, network, N_STEPS, threads=n, mapping=SPREAD, values=values) for n in (1, 2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    for column in ("emission_step", "source", "core", "emission_ps", "injection_ps", "arrival_ps"):
        np.testing.assert_array_equal(getattr(first[1].packets, column), getattr(second[1].packets, column))
    assert first[1].energy_j == second[1].energy_j


def test_a_run_in_pieces_equals_one_in_one_piece(chip, network):
    options = Options(mapping=SPREAD, overrides={"noc.slowdown": 100})
    whole, pieces = build(chip, network, options), build(chip, network, options)
    whole.advance(100)
    for n in (1, 0, 30, 69):
        pieces.advance(n)
    np.testing.assert_array_equal(spikes_of(whole, network), spikes_of(pieces, network))
    np.testing.assert_array_equal(whole.hardware.packets.arrival_ps, pieces.hardware.packets.arrival_ps)
    np.testing.assert_array_equal(whole.hardware.step_duration_ps, pieces.hardware.step_duration_ps)


def test_a_chip_simulation_is_a_simulation_and_reports_progress(chip, network):
    simulation = build(chip, network)
    assert isinstance(simulation, Simulation)
    reported = []
    simulation.advance(250, reported.append)
    assert sum(reported) == simulation.step == 250
    assert simulation.state(0, "v").shape == (60,)
    simulation.close()


def test_changed_weights_act_and_changed_delays_are_refused(chip, network, native):
    simulation = build(chip, network, Options(mapping=SPREAD))
    network.projections[2].weights = 0.0
    simulation.weights_changed(2)
    simulation.advance(N_STEPS)
    assert (spikes_of(simulation, network)[1] < 60).sum() == 0
    network.projections[2].delays = 3
    with pytest.raises(NotSupportedError, match="delays of projection"):
        simulation.weights_changed(2)


def test_chip_arithmetic_is_refused_by_name_where_it_is_not_modelled(network):
    with pytest.raises(NotSupportedError, match=r"arithmetic='chip': the arithmetic of .* is not modelled"):
        ChipModel("spinnaker", load("spinnaker").description).translate(network)


@pytest.mark.parametrize("options", [{"timing": "perfect"}, {"arithmetic": "exact"}, {"speedup": -2.0}])
def test_impossible_options_are_refused(chip, network, options):
    with pytest.raises(InvalidInputError, match=next(iter(options))):
        build(chip, network, Options(**options))


def test_step_times_that_nothing_was_found_out_about_are_unknown_and_not_0():
    _, hardware = run_chip("brainscales2", random_network(), 5)
    assert not hardware.steps_are_timed
    assert all(np.isnan(value) for value in step_durations_us(hardware).values())
    assert any("how long steps take is unknown" in note for note in hardware.notes)
    row = {"steps_are_timed": False, "step_median_us": float("nan")}
    assert step_time("step_median_us", number)(row) == "unknown"
    assert run_chip("dynapse", random_network(), 5)[1].steps_are_timed
    assert not run_chip("dynapse", random_network(), 5, timing="ideal")[1].steps_are_timed


@pytest.mark.parametrize("arithmetic", ["float", "chip"])
def test_what_changing_synapses_take_of_a_chip_is_unknown_and_said(arithmetic):
    network = random_network()
    run = run_chip("loihi", network, 5)[1]
    assert "changing synapses" not in run.energy_j
    rule = {"tau_plus": 20.0, "tau_minus": 20.0, "A_plus": 0.01, "A_minus": 0.01, "w_min": 0.0, "w_max": 1.0}
    network.projections[0].plasticity = Plasticity("SpikePairRule", "AdditiveWeightDependence", rule)
    hardware = run_chip("loihi", network, 5, arithmetic=arithmetic)[1]
    assert hardware.energy_j["changing synapses"] is None
    assert energy_summary(hardware).is_lower_bound
    assert any("change while the network runs" in note for note in hardware.notes)
