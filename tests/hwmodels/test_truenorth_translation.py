"""Standard cells in TrueNorth's arithmetic: what is exact, what is rounded, what is refused."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from pycosim.backends.base import Options
from pycosim.errors import DoesNotFitError, NotSupportedError
from pycosim.hwmodels.load import load
from pycosim.hwmodels.simulation import build
from pycosim.network import Network, Population, Recording
from pycosim.truenorth import TrueNorthNeuron

from .chip_networks import add_spikes, all_pairs, connect, record_all, run_native, spikes_of

# No leak: tau_m beyond 2^18 steps.
CELL = {
    "v_rest": -65.0,
    "cm": 1.0,
    "tau_m": 1e15,
    "tau_refrac": 0.1,
    "i_offset": 0.0,
    "v_reset": -65.0,
    "v_thresh": -50.1,  # between two sums of weights: the rounding of real numbers does not matter
}


def add_cells(network, size, label="cells", **changes):
    parameters = CELL | changes
    network.add(Population(label, "IF_curr_delta", size, parameters=parameters, initial={"v": -65.0}))
    return network.populations[-1].neurons


def recurrent(weights=(1.5, -0.75, 3.0), i_offset=0.25, n=40):
    """Return a random network of two populations; the weights are excitatory, inhibitory, external."""
    rng = np.random.default_rng(5)
    network = Network(1.0, seed=3)
    first = add_cells(network, 3 * n // 4, "first", i_offset=i_offset)
    second = add_cells(network, n // 4, "second", i_offset=i_offset, v_thresh=-52.1)
    steps = np.repeat(np.arange(0, 200, 4), 20)
    sources = add_spikes(network, steps, rng.integers(0, 20, len(steps)), 20)
    for pre, weight, receptor in zip(
        (first, second, sources), weights, ("excitatory", "inhibitory", "excitatory"), strict=True
    ):
        pairs = np.array([(i, j) for i in pre for j in (*first, *second) if rng.random() < 0.2])
        delays = rng.integers(2, 16, len(pairs))
        connect(network, *pairs.T, weights=weight, delays=delays, receptor=receptor)
    record_all(network)
    network.populations[0].recordings["v"] = Recording(np.arange(5))
    return network


def run_translated(network, n_steps, **options):
    simulation = build("truenorth", network, Options(arithmetic="chip", **options))
    simulation.advance(n_steps)
    return spikes_of(simulation, network), simulation


def test_cells_without_leak_give_the_spikes_and_membranes_of_real_numbers():
    network = recurrent()
    expected = run_native(network, 200)
    assert expected.shape[1] > 1000
    spikes, simulation = run_translated(network, 200)
    np.testing.assert_array_equal(spikes, expected)
    native = build("truenorth", network, Options())
    native.advance(200)
    # Real numbers: sums of 200 steps with a leak of 1e-15 per step, each to rounding.
    np.testing.assert_allclose(simulation.signal(0, "v"), native.signal(0, "v"), rtol=0, atol=1e-9)
    # The threshold is between two values that the membrane can take, so that its rounding changes nothing.
    items = [rounding.item for rounding in simulation.hardware.roundings]
    assert items == ["population 'first': v_thresh", "population 'second': v_thresh"]
    assert any("1 mV is 32 units" in remark for remark in simulation.hardware.notes)


def test_what_whole_numbers_cannot_hold_is_listed_with_what_was_asked_and_got():
    network = recurrent(weights=(1.0, -np.pi / 4, 2.0), i_offset=0.2345)
    _, simulation = run_translated(network, 5)
    roundings = {rounding.item: rounding for rounding in simulation.hardware.roundings}
    assert set(roundings) > {"projection 'projection 1': weight"}
    weight = roundings["projection 'projection 1': weight"]
    assert weight.asked == pytest.approx([-np.pi / 4])
    # A weight near 100 units is rounded by at most half a unit; the best scale does better than that.
    assert 0 < abs(weight.relative_error[0]) < 0.005


def test_types_follow_projections_and_weights_may_differ_from_target_to_target():
    network = Network(1.0)
    sources, cells = add_spikes(network, [0, 0], [0, 1], 2), add_cells(network, 3)
    connect(network, *all_pairs(sources[:1], cells), weights=np.array([1.0, 2.0, 3.0]))
    connect(network, *all_pairs(sources[1:], cells), weights=-2.0, receptor="inhibitory")
    own = load("truenorth").translate(network).network
    assert [p.receptor for p in own.projections] == ["type0", "type1"]
    parameters = own.populations[1].parameters
    assert np.asarray(parameters["S0"]).tolist() == [32, 64, 96]  # 32 units are 1 mV
    assert (parameters["S1"], parameters["S2"], parameters["alpha"]) == (-64, 0, np.ceil(14.9 * 32))


def test_equal_weights_share_a_type_and_a_source_keeps_its_type():
    network = Network(1.0)
    first, second = add_spikes(network, [0], [0], 1), add_spikes(network, [0], [0], 1)
    cells, others = add_cells(network, 2), add_cells(network, 2, "others")
    for source, targets, weight in (
        (first, cells, 1.0),
        (second, cells, 2.0),
        (second, others, 5.0),
        (first, others, 1.0),
    ):
        connect(network, *all_pairs(source, targets), weights=weight)
    own = load("truenorth").translate(network).network
    assert [p.receptor for p in own.projections] == ["type0", "type1", "type1", "type0"]
    chip = build("truenorth", network, Options(arithmetic="chip"))
    # All on one core: each source has one axon there.
    assert chip.hardware.utilisation["inputs per core (axons)"] == (2, 256)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tau_m": 20.0}, r"decays with tau_m = 20 ms.*constant.*at least 262143 ms.*lambda_=-n, epsilon=1"),
        ({"tau_refrac": 2.0}, "tau_refrac is 2 ms, 2 times dt; TrueNorth's neuron has no refractory period"),
        ({"v_reset": -40.0}, "v_reset is not below v_thresh"),
        ({"v_thresh": 1e6}, "threshold is at most 262143 times the smallest weight"),
    ],
)
def test_cells_with_no_counterpart_are_refused_with_the_nearest(changes, message):
    network = Network(1.0)
    source, cells = add_spikes(network, [0], [0], 1), add_cells(network, 1, **changes)
    connect(network, source, cells, weights=1.0)
    with pytest.raises(NotSupportedError, match=message):
        load("truenorth").translate(network)


def test_other_cells_and_more_weights_than_types_are_refused():
    network = Network(1.0)
    sources, cells = add_spikes(network, [0], [0], 6), add_cells(network, 1)
    for source, weight in zip(sources[:5], (1, 2, 3, 4, 5)):
        connect(network, [source], cells, weights=float(weight))
    with pytest.raises(NotSupportedError, match=r"projection 4.*have 4 other weights already"):
        load("truenorth").translate(network)
    network.projections.clear()
    connect(network, *all_pairs(sources[:2], cells), weights=np.array([1.0, 2.0]))
    with pytest.raises(NotSupportedError, match="its weights onto one neuron have 2 values"):
        load("truenorth").translate(network)
    network.projections[0].weights = 1.0
    connect(network, sources[5:], cells, weights=600.0)
    with pytest.raises(NotSupportedError, match="the weight 1 mV would be 0"):
        load("truenorth").translate(network)
    network.populations[1] = replace(network.populations[1], model="IF_curr_exp")
    with pytest.raises(NotSupportedError, match="IF_curr_exp has no faithful translation"):
        load("truenorth").translate(network)


def own_neurons(types, mapping_core=(0, 0), delays=(1, 1)):
    """Return a network with a source that reaches two neurons, each on a type."""
    network = Network(1.0)
    source = add_spikes(network, [0], [0], 1)
    parameters = dict(TrueNorthNeuron.default_parameters)
    network.add(Population("cells", "truenorth.TrueNorthNeuron", 2, parameters=parameters))
    cells = network.populations[-1].neurons
    for cell, axon_type, delay in zip(cells, types, delays):
        connect(network, source, [cell], weights=1.0, delays=delay, receptor=f"type{axon_type}")
    record_all(network)
    return network


@pytest.mark.parametrize(
    ("types", "delays", "n_axons"), [((2, 2), (1, 1), 1), ((0, 1), (1, 1), 2), ((0, 1), (1, 2), 2)]
)
def test_a_source_has_one_axon_at_a_core_for_each_type_and_delay(types, delays, n_axons):
    chip = Options(arithmetic="chip", mapping=[0, 3, 3])
    record = build("truenorth", own_neurons(types, delays=delays), chip).hardware
    assert record.utilisation["inputs per core (axons)"] == (n_axons, 256)


def test_a_pair_that_is_connected_twice_needs_two_bits_and_is_refused():
    network = own_neurons((0, 0))
    connect(
        network,
        network.populations[0].neurons,
        network.populations[1].neurons[:1],
        receptor="type0",
        weights=1.0,
    )
    with pytest.raises(DoesNotFitError, match=r"crossbar bits\): needs 2, the limit is 1"):
        build("truenorth", network)


def test_weights_parameters_and_states_can_change_between_runs():
    sim = import_module("pycosim.truenorth")
    sim.setup(timestep=1.0, min_delay=1.0, arithmetic="chip")
    cells = sim.Population(2, sim.IF_curr_delta(**{k: v for k, v in CELL.items() if k != "tau_refrac"}))
    cells.set(tau_refrac=0.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 11.0, 21.0, 31.0]))
    projection = sim.Projection(
        source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=4.0, delay=1.0)
    )
    cells.initialize(v=-65.0)
    cells.record("v")
    sim.run(10)
    projection.set(weight=2.0)
    sim.run(10)
    cells.set(v_thresh=-60.0)
    sim.run(10)
    cells.initialize(v=-64.0)
    sim.run(5)
    v = cells.get_data().segments[0].filter(name="v")[0].magnitude[:, 0]
    sim.end()
    assert v[[9, 19]].tolist() == [-61.0, -59.0]
    assert v[[20, 21, 29]].tolist() == [-59.0, -65.0, -63.0]  # above the new threshold at once
    assert v[34] == -62.0


def test_a_projection_that_is_added_later_gets_a_type_and_its_weight_in_the_neurons():
    sim = import_module("pycosim.truenorth")
    sim.setup(timestep=1.0, min_delay=1.0, arithmetic="chip")
    cells = sim.Population(2, sim.IF_curr_delta(**CELL))
    cells.initialize(v=-65.0)
    cells.record("v")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 11.0]))
    synapse = sim.StaticSynapse(weight=4.0, delay=1.0)
    sim.Projection(source, cells, sim.AllToAllConnector(), synapse)
    sim.run(10)
    other = sim.Population(1, sim.SpikeSourceArray(spike_times=[13.0]))
    more = sim.Population(1, sim.IF_curr_delta(**CELL | {"i_offset": 0.5}))
    more.initialize(v=-65.0)
    more.record("v")
    synapse = sim.StaticSynapse(weight=-2.0, delay=2.0)
    sim.Projection(other, cells, sim.AllToAllConnector(), synapse, receptor_type="inhibitory")
    sim.run(10)
    v, new = (p.get_data().segments[0].filter(name="v")[0].magnitude[:, 0] for p in (cells, more))
    sim.end()
    assert v[[2, 12, 14, 15]].tolist() == [-61.0, -57.0, -57.0, -59.0]
    assert new[-1] == -65.0 + 0.5 * 10
