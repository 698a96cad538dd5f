"""The native engine against the reference backend, and against itself on other numbers of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends import native, reference
from pycosim.backends.base import Options, Simulation
from pycosim.network import MODELS, NeuronModel
from pycosim.testing.networks import parameters_of

from .backend_networks import (
    NEURON_MODELS,
    assert_identical,
    one_synapse,
    random_network,
    recorded,
)

STEPS = 250
seeds = st.integers(0, 2**32 - 1)


def run(backend, network, threads=1, pieces=(STEPS,)):
    simulation = backend.build(network, Options(threads=threads))
    for n_steps in pieces:
        simulation.advance(n_steps)
    result = recorded(simulation, network)
    simulation.close()
    return result


def assert_agree(found, expected):
    """The two sum and exponentiate in other ways, so that signals differ by rounding; spikes must not."""
    for key, values in expected.items():
        if key[1] in ("steps", "indices"):
            np.testing.assert_array_equal(found[key], values, err_msg=str(key))
        else:
            np.testing.assert_allclose(found[key], values, rtol=0, atol=1e-9, err_msg=str(key))


@pytest.mark.parametrize("model", NEURON_MODELS)
@pytest.mark.parametrize("heterogeneous", [False, True])
def test_native_agrees_with_reference_on_every_model(model, heterogeneous):
    network = random_network(7, models=[model], heterogeneous=heterogeneous)
    expected = run(reference, network)
    assert sum(len(expected[population, "steps"]) for population in range(3)) > 20
    assert_agree(run(native, network), expected)


@given(seed=seeds, heterogeneous=st.booleans())
@settings(max_examples=25, deadline=None)
def test_native_agrees_with_reference_on_random_networks(seed, heterogeneous):
    network = random_network(seed, heterogeneous=heterogeneous)
    assert_agree(run(native, network), run(reference, network))


@given(seed=seeds, cuts=st.lists(st.integers(0, STEPS), max_size=4), threads=st.integers(2, 5))
@settings(max_examples=25, deadline=None)
def test_results_do_not_depend_on_threads_nor_on_how_the_run_is_cut(seed, cuts, threads):
    network = random_network(seed, sizes=(40, 3, 1))
    pieces = np.diff([0, *sorted(cuts), STEPS])
    assert_identical(run(native, network, threads, pieces), run(native, network))


def test_more_threads_than_neurons_are_allowed():
    network = random_network(3, sizes=(1, 2, 1))
    assert_identical(run(native, network, 6), run(native, network))


def test_slices_longer_than_a_block_of_vectors_agree_with_reference():
    network = random_network(5, sizes=(300, 129, 127))
    assert_agree(run(native, network, 2), run(reference, network))


def test_delay_beyond_the_ring_of_pending_steps_is_kept():
    network = one_synapse("IF_curr_delta", spike_steps=[0, 5], delay=70_000, weight=20.0)
    simulation = native.build(network)
    simulation.advance(70_010)
    np.testing.assert_array_equal(simulation.spikes(1)[0], [70_000])
    simulation.close()


@pytest.mark.parametrize("backend", [native, reference])
def test_backend_offers_what_the_protocol_asks_for(backend):
    simulation = backend.build(random_network(1))
    assert isinstance(simulation, Simulation)
    assert backend.DESCRIPTION
    assert set(backend.MODELS) <= set(MODELS)
    simulation.close()


def test_engine_knows_the_columns_of_the_models_by_their_names():
    from pycosim.backends.native import _engine

    engine_models = {name: (states, constants) for name, states, constants in _engine.models()}
    neurons = {name: MODELS[name] for name in native.MODELS if isinstance(MODELS[name], NeuronModel)}
    assert set(engine_models) == {name for name, model in neurons.items() if model.composition is None}
    for name, (states, constants) in engine_models.items():
        assert tuple(states) == MODELS[name].states
        assert set(constants) <= set(MODELS[name].coefficients(parameters_of(name), 0.1))
