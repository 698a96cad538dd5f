"""Chips' neurons and the pair rule with whole numbers on Brian2: the same spikes and numbers as on native."""

import numpy as np
import pytest

from pycosim.backends.base import Options
from pycosim.backends.brian2 import build as build_brian2
from pycosim.backends.native import build as build_native
from pycosim.errors import NotSupportedError
from pycosim.hwmodels.dynapse.neurons import NEURONS as DYNAPSE
from pycosim.hwmodels.loihi.neurons import NEURONS as LOIHI
from pycosim.hwmodels.loihi2.neurons import NEURONS as LOIHI2
from pycosim.hwmodels.neurocorex.neurons import NEURONS as NEUROCOREX
from pycosim.hwmodels.truenorth.neurons import NEURONS as TRUENORTH
from pycosim.network import Network, Plasticity, Population, Projection, Recording, model_named

from .test_integer_stdp import RULE, pairs

N = 30
CHIPS = {neuron.model.name: neuron for neuron in (*DYNAPSE, *LOIHI, *LOIHI2, *NEUROCOREX, *TRUENORTH)}
# What makes a cell fire and what it draws at random; the weight of a synapse.
CASES = {
    "loihi.CUBA": ({"du": 1000.0, "dv": 300.0, "noise_exp": 8.0, "randomize_v": 1.0}, 64.0),
    "loihi.CUBAWithDendrite": ({"du": 1000.0, "dv": 300.0, "refractory": 3.0}, 64.0),
    "loihi2.GradedVec": ({"vth": 5.0}, -1.0),
    "truenorth.TrueNorthNeuron": ({"alpha": 6.0, "TM": 2.0, "b0": 1.0, "S0": 200.0, "lambda_": 1.0}, 1.0),
    "truenorth.RANCNeuron": ({"positive_threshold": 6.0, "leak": 1.0}, 1.0),
    "dynapse.DPINeuron": ({"mismatch": 0.1, "Igaba_a_w0": 5.0, "Igaba_b_w0": 5.0}, 3.0),
    "neurocorex.LIF": ({"threshold": 100.0}, 40.0),
}


def chip_network(name):
    """Return a recurrent network of a chip's neurons whose parameters and states differ."""
    rng, chip = np.random.default_rng(3), CHIPS[name]
    given, weight = CASES[name]
    network = Network(dt_ms=1.0, seed=11)
    steps = np.sort(rng.integers(0, 60, 600))
    network.add(
        Population("input", "SpikeSourceArray", N, spike_steps=steps, spike_indices=rng.integers(0, N, 600))
    )
    register = next(iter(chip.model.own.registers))
    cells = Population("cells", name, N, parameters=chip.defaults | given)
    cells.parameters[register] = np.full(N, cells.parameters[register])  # a column
    cells.recordings = {"spikes": Recording(np.arange(N))}
    cells.recordings |= {variable: Recording(np.arange(N)) for variable in chip.model.recordables}
    network.add(cells)
    for k, receptor in enumerate(chip.model.receptors):
        for first in (0, N):
            pre, post = np.nonzero(rng.random((N, N)) < (0.3 if k == 0 else 0.1))
            rows = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=N))])
            sources, targets = np.arange(first, first + N, dtype=np.int32), (N + post).astype(np.int32)
            delays = rng.integers(1, 5, len(post)).astype(np.int32)
            network.projections.append(
                Projection(f"{receptor} {first}", receptor, sources, rows, targets, weight, delays)
            )
    return network


def run(build, network, options=None):
    simulation = build(network, options or Options())
    simulation.advance(35)
    states = model_named(network.populations[1].model).states
    simulation.set_state(1, next(name for name in ("v", "Iampa", "s_out") if name in states), np.ones(N))
    simulation.advance(25)
    names = [name for name in network.populations[1].recordings if name != "spikes"]
    found = simulation.spikes(1), {name: simulation.signal(1, name) for name in names}
    simulation.close()
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_chips_neurons_have_the_same_spikes_and_states_as_on_native(name):
    spikes, signals = run(build_native, chip_network(name))
    assert len(spikes[0]) > N
    found, sampled = run(build_brian2, chip_network(name))
    np.testing.assert_array_equal(found, spikes)
    for variable, expected in signals.items():
        # Whole numbers are exact; the exponentials of DYNAP-SE's currents differ between NumPy and C++.
        tolerance = 1e-9 if name.startswith("dynapse") else 0
        np.testing.assert_allclose(sampled[variable], expected, rtol=tolerance, atol=0, err_msg=variable)


@pytest.mark.parametrize(("delay", "fraction"), [(1, 1.0), (3, 0.0), (4, 0.5)])
def test_the_integer_pair_rule_has_the_same_weights_as_on_native(delay, fraction):
    learned = []
    for build in (build_native, build_brian2):
        network = pairs([3, 8, 20, 30], [8, 22, 44], delay=delay, fraction=fraction)
        simulation = build(network, Options())
        simulation.advance(25)
        network.projections[0].weights = np.full(network.projections[0].n_synapses, 100.0)
        simulation.weights_changed(0)
        simulation.advance(15)
        plasticity = Plasticity(
            "IntegerPairRule",
            "AdditiveWeightDependence",
            RULE | {"A_plus": 0.5},
            dendritic_delay_fraction=fraction,
        )
        network.projections[0].plasticity = plasticity
        simulation.plasticity_changed(0)
        simulation.advance(20)
        learned.append(simulation.weights(0))
        simulation.close()
    assert len(np.unique(learned[0])) > 2
    np.testing.assert_array_equal(*learned)


def test_spikes_through_learning_synapses_act_when_and_as_much_as_on_native():
    potentials = []
    for build in (build_native, build_brian2):
        network = pairs([3, 8, 20], [8, 22], delay=3, fraction=0.5)
        network.populations[2].recordings["v"] = Recording(np.arange(10))
        simulation = build(network, Options())
        simulation.advance(40)
        potentials.append(simulation.signal(2, "v"))
        simulation.close()
    assert np.ptp(potentials[0]) > 0
    np.testing.assert_allclose(*potentials, rtol=0, atol=1e-9)  # sums in another order


def graded_network():
    """Return sources and graded neurons that both drive, by one projection, graded neurons and an IF cell."""
    network, chip = chip_network("loihi2.GradedVec"), CHIPS["loihi2.GradedReluVec"]
    after = Population("after", chip.model.name, N, parameters=chip.defaults)
    after.recordings = {"spikes": Recording(np.arange(N)), "s_out": Recording(np.arange(N))}
    network.add(after)
    cell = {"cm": 1.0, "tau_m": 10.0, "tau_refrac": 2.0, "v_rest": -65.0, "v_reset": -65.0}
    cell |= {"v_thresh": -50.0, "i_offset": 0.0}
    plain = Population("plain", "IF_curr_delta", 1, parameters=cell, initial={"v": -65.0})
    plain.recordings = {"spikes": Recording(np.arange(1)), "v": Recording(np.arange(1))}
    network.add(plain)
    rng, sources = np.random.default_rng(8), np.arange(2 * N, dtype=np.int32)
    for receptor, first, size, scale in (("a_in", 2 * N, N, 1.0), ("excitatory", 3 * N, 1, 1e-5)):
        pre, post = np.nonzero(rng.random((2 * N, size)) < (0.2 if size > 1 else 0.5))
        rows = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=2 * N))])
        weights = rng.integers(1, 9, len(post)) * scale
        delays = rng.integers(1, 12, len(post)).astype(np.int32)
        targets = (first + post).astype(np.int32)
        network.projections.append(Projection(receptor, receptor, sources, rows, targets, weights, delays))
    return network


def test_numbers_that_spikes_carry_act_on_all_cells_with_the_weights_of_their_emission_as_on_native():
    found = []
    for build in (build_native, build_brian2):
        network = graded_network()
        simulation = build(network, Options())
        simulation.advance(7)
        for projection in network.projections[2:]:
            projection.weights = 2 * projection.weights
        for index in range(len(network.projections)):
            simulation.weights_changed(index)
        simulation.advance(24)
        spikes = simulation.spikes(2), simulation.spikes(3)
        found.append((*spikes, simulation.signal(2, "s_out"), simulation.signal(3, "v")))
        simulation.close()
    assert np.abs(found[0][2]).max() > 1000
    assert len(found[0][1][0])
    for of_native, of_brian2 in zip(found[0][:3], found[1][:3]):
        np.testing.assert_array_equal(of_brian2, of_native)
    np.testing.assert_allclose(found[1][3], found[0][3], rtol=0, atol=1e-9)  # sums in another order


def test_graded_cells_get_synapses_onto_new_cells_while_spikes_are_on_their_way():
    found = []
    for build in (build_native, build_brian2):
        network, whole = graded_network(), graded_network()
        del network.populations[2:], network.projections[2:]
        simulation = build(network, Options())
        simulation.advance(9)
        network.populations += whole.populations[2:]
        network.projections += whole.projections[2:]
        simulation.network_grown()
        simulation.advance(20)
        found.append((simulation.spikes(2), simulation.signal(2, "s_out")))
        simulation.close()
    assert len(found[0][0][0]) > N
    for of_native, of_brian2 in zip(*found):
        np.testing.assert_array_equal(of_brian2, of_native)


def test_standalone_programs_refuse_what_python_does_by_name():
    options = Options(overrides={"codegen": "cpp_standalone"})
    with pytest.raises(NotSupportedError, match=r"standalone.*loihi\.CUBA.*codegen='numpy'"):
        build_brian2(chip_network("loihi.CUBA"), options)
    with pytest.raises(NotSupportedError, match=r"standalone.*IntegerPairRule.*'plastic'"):
        build_brian2(pairs([3], [8]), options)


def test_chips_neurons_are_added_to_a_network_that_has_run():
    found = []
    for build in (build_native, build_brian2):
        network = chip_network("loihi.CUBA")
        grown, projections = network.populations.pop(), network.projections
        network.projections = []
        simulation = build(network, Options(overrides={"codegen": "numpy"} if build is build_brian2 else {}))
        simulation.advance(10)
        network.populations.append(grown)
        network.projections += projections
        simulation.network_grown()
        simulation.advance(40)
        found.append(simulation.spikes(1))
        simulation.close()
    assert len(found[0][0]) > N
    np.testing.assert_array_equal(*found)
    simulation = build_brian2(network := Network(dt_ms=1.0), Options(overrides={"codegen": "cpp_standalone"}))
    network.add(Population("cells", "loihi.CUBA", 1, parameters=CHIPS["loihi.CUBA"].defaults))
    with pytest.raises(NotSupportedError, match=r"loihi\.CUBA.*from the start"):
        simulation.network_grown()
    simulation.close()
