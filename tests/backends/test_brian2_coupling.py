"""Gap junctions and structural plasticity on Brian2: those of native."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends import brian2, native
from pycosim.backends.base import CoupledSimulation, Options, RewiredSimulation
from pycosim.errors import NotSupportedError
from pycosim.network import Current

from .backend_networks import neurons, recorded
from .test_brian2 import CPP, NUMPY, assert_agree, built, cache_folder
from .test_gap_junctions import junctions, passive, with_junctions
from .test_rewiring import cells, rewired, rewired_networks, state_of

__all__ = ["cache_folder"]

SEEDS = st.integers(0, 2**32 - 1)


def run_both(network, kind, pieces, change=lambda number: ()):
    """Run on native and on Brian2; after each piece `change` gives the methods to call, with arguments."""
    simulations = [native.build(network), built(network, kind)]
    for number, steps in enumerate(pieces):
        for simulation in simulations:
            simulation.advance(steps)
        for method, *arguments in change(number):
            for simulation in simulations:
                getattr(simulation, method)(*arguments)
    expected, found = (recorded(simulation, network) for simulation in simulations)
    assert_agree(found, expected)
    for simulation in simulations:
        simulation.close()
    return expected


def halving(network):
    def change(number):
        if number != 1:
            return []
        network.junctions[0].weights = network.junctions[0].weights / 2
        return [("junctions_changed", 0)]

    return change


@given(seed=SEEDS, n_pairs=st.integers(1, 60))
@settings(max_examples=2, deadline=None)
def test_neurons_with_gap_junctions_do_as_on_native(seed, n_pairs):
    network = with_junctions(seed, n_pairs)
    run_both(network, NUMPY, (1, 99, 150), halving(network))


def test_compiled_programs_have_gap_junctions_beside_injected_currents():
    network = with_junctions(3, 40)
    parameters = {"amplitude": 0.7, "start": 3.0, "stop": 9.0}
    network.currents.append(Current("dc", "DCSource", np.array([0, 3, 25]), parameters))
    assert isinstance(built(network, CPP), CoupledSimulation)
    expected = run_both(network, CPP, (1, 99, 200), halving(network))
    assert sum(len(values) for key, values in expected.items() if key[1] == "steps") > 50


def test_junctions_that_come_later_begin_with_membranes_that_did_not_move():
    network = passive(0.1)

    def change(number):
        if number == 0:
            network.junctions.append(junctions([(0, 1)], 0.05))
            return [("network_grown",)]
        if number == 1:
            network.add(neurons("IF_cond_exp", v=-40.0, v_thresh=1000.0))
            network.junctions.append(junctions([(1, 2), (0, 3)], 0.02))
            return [("network_grown",)]
        return []

    run_both(network, NUMPY, (30, 20, 20), change)


@given(network=rewired_networks())
@settings(max_examples=2, deadline=None)
def test_synapses_are_formed_and_eliminated_as_on_native(network):
    results = []
    for simulation in (native.build(network), built(network, NUMPY)):
        for steps in (1, 36, 23):
            simulation.advance(steps)
            results.append(state_of(simulation, network))
        simulation.close()
    assert_agree(results[5], results[2])


def test_structural_plasticity_runs_where_brian2_can_call_python():
    network = cells(5)
    rewired(network, 0, 1)
    simulation = brian2.build(network)
    assert isinstance(simulation, RewiredSimulation)
    simulation.advance(20)
    assert len(simulation.rewired_synapses(0)[0]) > 0
    simulation.close()
    with pytest.raises(NotSupportedError, match=r"'source to IF_curr_exp'.*a standalone program runs none"):
        brian2.build(network, Options(overrides={"codegen": CPP}))
