"""Spikes that carry a number: it multiplies the weights where they arrive, on every target alike."""

from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from pycosim.errors import ConnectivityError, InvalidInputError
from pycosim.loihi2 import CUBA, GradedReluVec, GradedVec

N_STEPS = 60
SIZES = (12, 9, 7)


def random_weights(seed=5):
    """Return inputs (n, m), and recurrent or forward weights between three layers."""
    rng = np.random.default_rng(seed)
    shapes = [(6, SIZES[0]), *pairwise(SIZES)]
    return [rng.integers(-5, 6, shape) * (rng.random(shape) < 0.5) for shape in shapes]


def by_hand(cells, weights, delays, spikes, vth):
    """Return s_out of each layer, (n_steps + 1, n): products of matrices, as Lava's neurons compute."""
    layers = [spikes.astype(float)] + [np.zeros((N_STEPS + 1, w.shape[1])) for w in weights]
    for step in range(1, N_STEPS + 1):
        for k, w in enumerate(weights):
            if step < delays[k]:
                continue
            total = layers[k][step - delays[k]] @ w
            is_spike = np.abs(total) > vth if cells is GradedVec else total > vth
            layers[k + 1][step] = total * is_spike
    return layers[1:]


def run(target, cells, weights, delays, spikes, vth, **setup):
    """Return s_out of each layer as recorded, and spikes as (step, neuron) of each layer."""
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=1.0, min_delay=1.0, **setup)
    times = [np.flatnonzero(column).astype(float) for column in spikes.T]
    before = sim.Population(spikes.shape[1], sim.SpikeSourceArray(spike_times=times[0]))
    for i, own in enumerate(times):
        before[i : i + 1].set(spike_times=own)
    layers = []
    for w, delay in zip(weights, delays):
        layer = sim.Population(w.shape[1], cells(vth=vth))
        pairs = [(i, j, float(w[i, j]), float(delay)) for i, j in np.argwhere(w)]
        sim.Projection(before, layer, sim.FromListConnector(pairs), receptor_type="a_in")
        layer.record(["spikes", "s_out"])
        layers.append(layer)
        before = layer
    sim.run(N_STEPS)
    segments = [layer.get_data().segments[0] for layer in layers]
    sim.end()
    found = [segment.filter(name="s_out")[0].magnitude for segment in segments]
    trains = [[train.magnitude.astype(int).tolist() for train in segment.spiketrains] for segment in segments]
    return found, trains


@pytest.mark.parametrize("cells", [GradedVec, GradedReluVec])
@pytest.mark.parametrize(
    ("target", "setup"),
    [
        ("native", {}),
        ("native", {"threads": 3}),
        ("reference", {}),
        ("loihi2", {"timing": "ideal"}),
        ("loihi2", {"timing": "closed"}),
    ],
)
def test_layers_compute_products_of_matrices(target, setup, cells):
    weights, delays = random_weights(), (1, 3, 2)
    spikes = np.random.default_rng(2).random((N_STEPS + 1, 6)) < 0.2
    expected = by_hand(cells, weights, delays, spikes, 3)
    assert max(np.abs(layer).max() for layer in expected) > 100
    found, trains = run(target, cells, weights, delays, spikes, 3.0, **setup)
    for layer, own, own_trains in zip(expected, found, trains):
        np.testing.assert_array_equal(own, layer)
        assert own_trains == [np.flatnonzero(column).tolist() for column in layer.T]
    assert any((layer < 0).any() for layer in found) == (cells is GradedVec)


@pytest.mark.parametrize("target", ["native", "reference", "brian2", "loihi2"])
def test_a_loop_multiplies_its_payload_until_it_saturates(target):
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=1.0, min_delay=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[0.0]))
    cell = sim.Population(1, GradedVec())
    sim.Projection(
        source, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=2.0, delay=1.0), receptor_type="a_in"
    )
    sim.Projection(
        cell, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=-8.0, delay=2.0), receptor_type="a_in"
    )
    cell.record("s_out")
    sim.run(20)
    s_out = cell.get_data().segments[0].filter(name="s_out")[0].magnitude[:, 0]
    sim.end()
    expected = [0.0] * 21
    for k in range(10):
        expected[2 * k + 1] = min(2 * 8.0**k, 2.0**23 - 1) * (-1) ** k
    assert s_out.tolist() == expected


@pytest.mark.parametrize("target", ["native", "reference", "brian2"])
def test_payloads_act_on_other_cells_and_weights_may_change_meanwhile(target):
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=1.0, min_delay=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[0.0, 10.0]))
    cell = sim.Population(1, GradedVec())
    compartment = sim.Population(2, CUBA(du=4095, dv=4095, vth_mant=131071))
    sim.Projection(
        source, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=7.0, delay=1.0), receptor_type="a_in"
    )
    mixed = sim.Assembly(source, cell)
    out = sim.Projection(
        mixed, compartment, sim.AllToAllConnector(), sim.StaticSynapse(weight=4.0, delay=5.0),
        receptor_type="excitatory",
    )  # fmt: skip
    compartment.record("u")
    sim.run(8)  # steps 1 and 6: the spike was emitted, with a weight of 4, and acted
    out.set(weight=6.0)
    sim.run(12)
    u = compartment.get_data().segments[0].filter(name="u")[0].magnitude
    sim.end()
    expected = np.zeros(21)
    expected[[5, 6, 15, 16]] = 64 * np.array([4, 4 * 7, 6, 6 * 7])
    np.testing.assert_array_equal(u, np.stack((expected, expected), axis=1))


def test_plastic_synapses_refuse_payloads_by_name():
    import pycosim.native as sim

    sim.setup(timestep=1.0, min_delay=1.0)
    cell = sim.Population(2, GradedVec(), label="vector")
    after = sim.Population(2, sim.IF_curr_exp())
    synapse = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(),
        weight_dependence=sim.AdditiveWeightDependence(w_max=1.0),
        weight=0.1,
        delay=1.0,
    )
    sim.Projection(cell, after, sim.AllToAllConnector(), synapse)
    with pytest.raises(ConnectivityError, match=r"plastic, and the spikes of 'vector' .* StaticSynapse"):
        sim.run(1)
    sim.end()


def test_thresholds_are_registers():
    with pytest.raises(InvalidInputError, match="whole numbers from 0 to 8388607"):
        run("native", GradedVec, random_weights()[:1], (1,), np.zeros((2, 6), bool), 0.5)
