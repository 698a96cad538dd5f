"""Chips' neurons and the pair rule with whole numbers on Brian2: the same spikes and numbers as on native."""

import numpy as np
import pytest

from pycosim.backends.base import Options
from pycosim.backends.brian2 import build as build_brian2
from pycosim.backends.native import build as build_native
from pycosim.errors import NotSupportedError
from pycosim.hwmodels.dynapse.neurons import NEURONS as DYNAPSE
from pycosim.hwmodels.loihi.neurons import NEURONS as LOIHI
from pycosim.hwmodels.neurocorex.neurons import NEURONS as NEUROCOREX
from pycosim.hwmodels.truenorth.neurons import NEURONS as TRUENORTH
from pycosim.network import Network, Plasticity, Population, Projection, Recording, model_named

from .test_integer_stdp import RULE, pairs

N = 30
CHIPS = {neuron.model.name: neuron for chip in (DYNAPSE, LOIHI, NEUROCOREX, TRUENORTH) for neuron in chip}
# What makes a cell fire and what it draws at random; the weight of a synapse.
CASES = {
    "loihi.CUBA": ({"du": 1000.0, "dv": 300.0, "noise_exp": 8.0, "randomize_v": 1.0}, 64.0),
    "loihi.CUBAWithDendrite": ({"du": 1000.0, "dv": 300.0, "refractory": 3.0}, 64.0),
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
    simulation.set_state(
        1, "v" if "v" in model_named(network.populations[1].model).states else "Iampa", np.ones(N)
    )
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
