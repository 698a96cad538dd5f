"""Axons with a type: a source needs one for each type (receptor) and delay that it has at a core."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends.base import Options
from pycosim.backends.native.simulation import NativeSimulation
from pycosim.errors import DoesNotFitError
from pycosim.hwmodels.load import chips, load
from pycosim.hwmodels.simulation import build, fit
from pycosim.network import Network, Population, Recording
from pycosim.network.plasticity import Plasticity
from pycosim.truenorth import RANCNeuron, TrueNorthNeuron

from .chip_networks import (
    add_neurons,
    add_spikes,
    all_pairs,
    connect,
    record_all,
    run_chip,
    run_native,
    spikes_of,
)

S = (1, 3, -40, 255)
N_STEPS = 800
# Hops of several ticks: packets overtake each other and act late.
SLOW_MESH = {
    "noc.hop_x": "3 ms",
    "noc.hop_y": "3 ms",
    "noc.local": "7 ms",
    "noc.cycle": "1 ms",
    "noc.flit": "1 ms",
}
CELLS = {
    "truenorth": (TrueNorthNeuron, {f"S{i}": s for i, s in enumerate(S)}, "alpha", {"beta": 2**18 - 1}),
    "ranc": (
        RANCNeuron,
        {"w0": 1, "w1": 3, "w2": -4, "w3": 7},
        "positive_threshold",
        {"negative_threshold": -256},
    ),
}


def add_cells(network, chip, size, label, threshold):
    cell, weights, name, others = CELLS[chip]
    parameters = dict(cell.default_parameters) | weights | others | {name: threshold}
    model = f"truenorth.{cell.__name__}"
    network.add(Population(label, model, size, parameters={k: float(v) for k, v in parameters.items()}))
    return network.populations[-1].neurons


@st.composite
def counting_networks(draw, chip):
    """Return repeaters that fire at each input spike, counters that never fire, and their cores."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_repeaters, n_counters = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    network = Network(1.0)
    n_spikes = draw(st.integers(1, 12))
    steps = np.sort(rng.integers(0, 20, n_spikes))
    sources = add_spikes(network, steps, rng.integers(0, n_repeaters, n_spikes), n_repeaters)
    repeaters = add_cells(network, chip, n_repeaters, "repeaters", 1)
    counters = add_cells(network, chip, n_counters, "counters", 255 if chip == "ranc" else 2**18 - 1)
    connect(network, sources, repeaters, weights=1.0, receptor="type0")
    for axon_type in range(draw(st.integers(1, 4))):
        is_set = rng.random((n_repeaters, n_counters)) < draw(st.sampled_from([0.3, 1.0]))
        pre, post = np.nonzero(is_set)
        if len(pre):
            delays = rng.integers(1, draw(st.integers(2, 6)), len(pre))
            pairs = np.asarray(repeaters)[pre], np.asarray(counters)[post]
            connect(network, *pairs, weights=1.0, delays=delays, receptor=f"type{axon_type}")
    record_all(network)
    network.populations[2].recordings["v"] = Recording(np.arange(n_counters))
    on_chip = rng.integers(0, draw(st.integers(1, 4)), n_repeaters + n_counters)
    return network, np.concatenate((np.zeros(n_repeaters, int), on_chip))


def expected_counts(network, chip, spikes):
    """Return the counters' membranes and all synaptic events, if each spike acts once at each synapse."""
    weights = np.array(list(CELLS[chip][1].values()), float)
    fired = np.bincount(spikes[1], minlength=network.n_neurons)
    v, events = np.zeros(network.n_neurons), 0
    for projection in network.projections:
        sent = fired[projection.source_column()]
        np.add.at(v, projection.targets, sent * weights[int(projection.receptor[-1])])
        events += sent.sum()
    return v[list(network.populations[2].neurons)], events


@pytest.mark.parametrize("chip", ["truenorth", "ranc"])
@pytest.mark.parametrize("mesh", [{}, SLOW_MESH], ids=["fast", "slow"])
def test_each_spike_acts_once_at_each_of_its_synapses_however_late(chip, mesh):
    @settings(deadline=None, max_examples=12)
    @given(counting_networks(chip))
    def check(case):
        network, cores = case
        simulation = build(
            chip, network, Options(arithmetic="chip", timing="closed", mapping=cores, overrides=mesh)
        )
        simulation.advance(N_STEPS)
        hardware = simulation.hardware
        spikes = spikes_of(simulation, network)
        v, events = expected_counts(network, chip, spikes)
        assert hardware.in_flight == hardware.dropped == 0
        # 9 bits of RANC wrap around.
        last = simulation.signal(2, "v")[-1]
        np.testing.assert_array_equal(
            (last - v) % 512 if chip == "ranc" else last, 0 if chip == "ranc" else v
        )
        assert hardware.cores.synaptic_events.sum() == events
        native = NativeSimulation(network)
        native.advance(N_STEPS)
        ideal = run_chip(chip, network, N_STEPS, arithmetic="chip", timing="ideal", mapping=cores)[0]
        np.testing.assert_array_equal(ideal, spikes_of(native, network))

    check()


@st.composite
def mixed_networks(draw):
    """Return ordinary cells with both receptors on the same pairs, plastic synapses too, and cores."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    network = Network(1.0)
    steps = np.repeat(np.arange(0, 30, 3), 3)
    sources = add_spikes(network, steps, np.tile([0, 1, 2], 10), 3)
    cells = add_neurons(network, draw(st.integers(2, 8)), tau_refrac=1.0)
    for receptor, sign in (("excitatory", 1), ("inhibitory", -1), ("excitatory", 1)):
        for group in (sources, cells):
            n = draw(st.integers(1, 15))
            connect(
                network,
                rng.choice(np.asarray(group), n),
                rng.choice(np.asarray(cells), n),
                weights=sign * rng.uniform(1.0, 8.0, n),
                delays=rng.integers(2, 5, n),
                receptor=receptor,
            )
    if draw(st.booleans()):
        network.projections[-1].plasticity = Plasticity(
            "TsodyksMarkram", parameters={"U": 0.5, "tau_rec": 20.0, "tau_facil": 5.0}, initial={"u": 0.0}
        )
    record_all(network)
    network.populations[1].recordings["v"] = Recording(np.arange(network.populations[1].size))
    return network, rng.integers(0, draw(st.integers(1, 3)), network.n_neurons)


@settings(deadline=None, max_examples=25)
@given(mixed_networks())
def test_both_receptors_of_the_same_pairs_act_as_in_software(case):
    network, cores = case
    native = NativeSimulation(network)
    native.advance(60)
    chip = build("truenorth", network, Options(timing="closed", mapping=cores))
    chip.advance(60)
    # Delays are of at least 2 steps, of which splitters need one.
    assert chip.hardware.late == 0
    np.testing.assert_array_equal(spikes_of(chip, network), spikes_of(native, network))
    np.testing.assert_array_equal(chip.signal(1, "v"), native.signal(1, "v"))


def delta_cells(network, size, label, v_thresh):
    """Add cells that add weights to v, and forget nothing that could be measured here."""
    parameters = {"tau_m": 1e12, "cm": 1e12, "tau_refrac": 1.0, "i_offset": 0.0}
    parameters |= {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": v_thresh}
    network.add(Population(label, "IF_curr_delta", size, parameters=parameters, initial={"v": 0.0}))
    return network.populations[-1].neurons


@st.composite
def adding_networks(draw, description):
    """Return cells that fire at input, cells that add what both receptors get, and cores."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_firing, n_adding = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    longest = getattr(description.capacity.delay_max, "value", 3)
    network = Network(1.0)
    steps = np.repeat(np.arange(1, 20, 3), 2)
    sources = add_spikes(network, steps, rng.integers(0, n_firing, len(steps)), n_firing)
    firing = delta_cells(network, n_firing, "firing", 0.5)
    adding = delta_cells(network, n_adding, "adding", 1e9)
    connect(network, sources, firing, weights=1.0)
    for receptor, weights in (("excitatory", (1, 1000)), ("inhibitory", (-1000, -1)), ("excitatory", (1, 9))):
        n = draw(st.integers(1, 12))
        pre, post = rng.choice(np.concatenate((firing, sources)), n), rng.choice(np.asarray(adding), n)
        whole = rng.integers(*weights, n, endpoint=True).astype(float)
        delays = rng.integers(1, 1 + min(3, longest), n)
        connect(network, pre, post, weights=whole, delays=delays, receptor=receptor)
    record_all(network)
    on_chip = rng.integers(0, min(description.n_cores, draw(st.integers(1, 3))), n_firing + n_adding)
    return network, np.concatenate((np.zeros(n_firing, int), on_chip))


@pytest.mark.parametrize("chip", sorted(chips()))
@pytest.mark.parametrize("timing", ["ideal", "closed"])
def test_what_axons_carry_changes_packets_and_no_sum_on_any_chip(chip, timing):
    @settings(deadline=None, max_examples=6)
    @given(adding_networks(load(chip).description), st.booleans(), st.booleans())
    def check(case, receptor_in_axon, delay_in_axon):
        network, cores = case
        values = {"mapping.receptor_in_axon": receptor_in_axon, "mapping.delay_in_axon": delay_in_axon}
        simulation = build(chip, network, Options(timing=timing, mapping=cores, overrides=values))
        simulation.advance(80)
        hardware, spikes = simulation.hardware, spikes_of(simulation, network)
        fired = np.bincount(spikes[1], minlength=network.n_neurons)
        added, events = np.zeros(network.n_neurons), 0
        for projection in network.projections:
            sent = fired[projection.source_column()]
            np.add.at(added, projection.targets, sent * projection.weight_column())
            events += sent.sum()
        assert hardware.in_flight == hardware.dropped == 0
        assert hardware.cores.synaptic_events.sum() == events
        # Whole numbers, but for a leak of 1e-12 in each step.
        expected = added[list(network.populations[2].neurons)]
        np.testing.assert_allclose(simulation.state(2, "v"), expected, rtol=1e-6, atol=1e-6)
        for cause, shares in hardware.energy_of_core_j.items():
            if cause != "static":  # which is shared with cores that are not in use
                np.testing.assert_allclose(shares.sum(), hardware.energy_j[cause], rtol=1e-9)

    check()


def two_receptors(delays=(3, 3)):
    """Return a cell that fires in every second step, and a target that it reaches by both receptors."""
    network = Network(1.0)
    source = add_neurons(network, 1, label="source", i_offset=1000.0, tau_refrac=1.0)
    target = add_neurons(network, 1, label="target")
    connect(network, source, target, weights=40.0, delays=delays[0])
    connect(network, source, target, weights=-10.0, delays=delays[1], receptor="inhibitory")
    record_all(network)
    return network


def test_the_second_type_costs_an_axon_a_splitter_and_its_packets():
    mapping, _ = fit(load("truenorth"), two_receptors(), np.array([0, 7]))
    assert (mapping.axons_of_core[7], mapping.n_relays) == (2, 2)
    _, hardware = run_chip("truenorth", two_receptors(), 40, mapping=np.array([0, 7]))
    source, target, relays = (int(np.flatnonzero(hardware.cores.core == core)[0]) for core in (0, 7, 1))
    n = hardware.cores.spikes[source]
    # One packet goes to the splitters, one from each of them to the target; the last are under way.
    assert hardware.cores.packets_out[source] == n
    assert hardware.cores.packets_out[relays] == hardware.cores.spikes[relays]
    assert 2 * n - 2 <= hardware.cores.packets_out[relays] <= 2 * n
    assert hardware.cores.synaptic_events[target] == hardware.cores.packets_in[target] == hardware.delivered
    one = two_receptors()
    del one.projections[1]
    _, without = run_chip("truenorth", one, 40, mapping=np.array([0, 7]))
    assert without.relays == 0
    # To core 1, and from there twice to core 7, instead of straight to core 7.
    assert hardware.energy_j["hops"] == pytest.approx(without.energy_j["hops"] * (1 + 2 * 6) / 7)


def test_a_chip_whose_axons_have_no_type_keeps_one_for_each_source():
    mapping, _ = fit(load("loihi"), two_receptors(), np.array([0, 7]))
    assert mapping.axons_of_core.tolist() == [0] * 7 + [1]
    assert mapping.axons.receptor.tolist() == [-1]


def test_axons_of_all_types_fill_a_core():
    network = Network(1.0)
    sources, target = add_spikes(network, [], [], 129), add_neurons(network, 1)
    connect(network, *all_pairs(sources[:128], target))
    connect(network, *all_pairs(sources[:128], target), weights=-0.1, receptor="inhibitory")
    assert fit(load("truenorth"), network)[1]["inputs per core (axons)"] == (256, 256)
    connect(network, *all_pairs(sources[128:], target))
    with pytest.raises(DoesNotFitError, match=r"inputs per core \(axons\): needs 257, the limit is 256"):
        fit(load("truenorth"), network)
    assert fit(load("loihi"), network)[1]["inputs per core (axons)"][0] == 129


def test_a_cell_with_a_fifth_receptor_does_not_fit():
    network = Network(1.0)
    source = add_spikes(network, [0], [0], 1)
    names = [f"R{i}" for i in range(5)]
    model = f"LIF({','.join(f'{name}=CurrExp' for name in names)})"
    parameters = {"v_rest": -65.0, "cm": 1.0, "tau_m": 20.0, "tau_refrac": 2.0, "i_offset": 0.0}
    parameters |= {"v_reset": -65.0, "v_thresh": -50.0} | {f"{name}.tau_syn": 5.0 for name in names}
    network.add(Population("cell", model, 1, parameters=parameters))
    for name in names:
        connect(network, source, network.populations[1].neurons, receptor=name)
    with pytest.raises(
        DoesNotFitError, match=r"types of axons onto a neuron \(receptors\): needs 5, the limit is 4"
    ):
        fit(load("truenorth"), network)
    del network.projections[-1]
    assert fit(load("truenorth"), network)[1]["types of axons onto a neuron (receptors)"] == (4, 4)


@pytest.mark.parametrize("timing", ["ideal", "trace", "closed"])
def test_a_source_that_gets_a_second_type_while_packets_are_under_way_loses_none(timing):
    def grown(build_one):
        network = two_receptors(delays=(9, 9))
        del network.projections[1]
        simulation = build_one(network)
        simulation.advance(13)
        source, target = network.populations[0].neurons, network.populations[1].neurons
        connect(network, source, target, weights=-300.0, delays=4, receptor="inhibitory")
        simulation.network_grown()
        simulation.advance(27)
        return spikes_of(simulation, network)

    on_chip = grown(lambda net: build("truenorth", net, Options(timing=timing, mapping=np.array([0, 7]))))
    np.testing.assert_array_equal(on_chip, grown(NativeSimulation))
    alone = two_receptors((9, 9))
    del alone.projections[1]
    assert not np.array_equal(on_chip, run_native(alone, 40))
