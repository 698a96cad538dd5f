"""Networks that cannot be built."""

import numpy as np
import pytest

from pycosim.backends import native
from pycosim.backends.base import Options
from pycosim.errors import BackendError, ConnectivityError, InvalidInputError, NotSupportedError
from pycosim.network import Population, Recording

from .backend_networks import connect, network_of, neurons, one_synapse, random_network, spike_array


def _projection(**columns):
    def change(network):
        for name, value in columns.items():
            setattr(network.projections[0], name, value)

    return change


def _population(index, **columns):
    def change(network):
        for name, value in columns.items():
            setattr(network.populations[index], name, value)

    return change


def _parameter(name, value):
    return lambda network: network.populations[1].parameters.update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_projection(delays=0), "smallest delay is 0 steps"),
        (_projection(delays=np.array([-3], np.int32)), "smallest delay is -3 steps"),
        (_projection(delays=0.5), "whole numbers of steps"),
        (_projection(delays=2**31 - 1), "largest delay is 2147483647 steps; the limit is"),
        (_projection(delays=np.ones(2, np.int32)), r"delays has the shape \(2,\); give one number or 1"),
        (_projection(weights=np.nan), "1 of 1 weights are not finite"),
        (_projection(weights=np.ones(3)), r"weights has the shape \(3,\)"),
        (
            _projection(targets=np.array([2], np.int32)),
            "targets? neurons are numbered 2 to 2; the network has 2",
        ),
        (_projection(targets=np.array([0], np.int32)), "1 synapses end on 'source', a spike source"),
        (_projection(sources=np.array([-1], np.int32)), "source neurons are numbered -1 to -1"),
        (_projection(receptor="nmda"), "no receptor 'nmda'; it has excitatory, inhibitory"),
        (_projection(indptr=np.array([0, 2])), "indptr does not describe 1 rows of 1 synapses"),
        (_projection(sources=np.array([0, 0], np.int32), indptr=np.array([0, 0, 1])), "merge the rows"),
        (
            _projection(sources=np.array([0, 1], np.int32), indptr=np.array([0, 2, 1])),
            "indptr is not ascending",
        ),
    ],
)
def test_impossible_projection_is_refused(build, change, message):
    network = one_synapse("IF_curr_exp")
    change(network)
    with pytest.raises(ConnectivityError, match=message):
        build(network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_parameter("tau_m", 0.0), "tau_m is 0; it must be a finite number above 0"),
        (_parameter("tau_refrac", np.array([-1.0])), "tau_refrac is -1 for 1 of 1 neurons; .* at least 0"),
        (_parameter("v_rest", np.inf), "v_rest is inf; it must be a finite number"),
        (_parameter("i_offset", np.zeros(3)), r"i_offset has the shape \(3,\); give one number or 1"),
        (_population(1, parameters={}), "parameter v_rest is missing"),
        (_population(1, initial={"w": 1.0}), "no state variable w; it has v, i_e, i_i"),
        (_population(1, initial={"v": np.nan}), "initial value of v is nan"),
        (_population(1, first=7), "first neuron has the number 7 instead of 1"),
        (_population(0, spike_steps=np.array([-1])), "a spike is at step -1"),
        (_population(0, spike_indices=np.array([1])), "spike_indices are 1 to 1; there are 1 sources"),
        (_population(0, spike_steps=np.array([1, 2])), r"shape \(2,\), spike_indices \(1,\)"),
        (
            _population(0, spike_steps=np.array([2, 1]), spike_indices=np.zeros(2, np.int64)),
            "spike_steps is not ascending",
        ),
        (
            _population(0, recordings={"v": Recording(np.array([0]))}),
            "v cannot be recorded from SpikeSourceArray",
        ),
        (_population(1, recordings={"v": Recording(np.array([1]))}), "below 1"),
        (_population(1, recordings={"v": Recording(np.array([0]), 0)}), "sampling interval of v is 0"),
    ],
)
def test_impossible_population_is_refused(build, change, message):
    network = one_synapse("IF_curr_exp")
    change(network)
    with pytest.raises(InvalidInputError, match=message):
        build(network)


def test_targets_must_ascend_within_a_row_only(build):
    network = random_network(2)
    build(network)
    projection = max(network.projections, key=lambda projection: projection.n_synapses)
    projection.targets = projection.targets[::-1].copy()
    with pytest.raises(ConnectivityError, match="not ascending within each row"):
        build(network)


def test_all_problems_are_listed_at_once(build):
    network = one_synapse("IF_curr_exp")
    network.dt_ms = -0.1
    network.populations[1].parameters["cm"] = 0.0
    network.projections[0].delays = 0
    with pytest.raises(InvalidInputError, match=r"3 problems were found") as error:
        build(network)
    assert all(text in str(error.value) for text in ("-0.1 ms", "cm is 0", "delay is 0"))


def test_unknown_cell_type_is_named(build):
    network = network_of(Population("cells", "NoSuchCell", 3))
    with pytest.raises(NotSupportedError, match="NoSuchCell"):
        build(network)


def test_changes_are_checked_too(build):
    network = one_synapse("IF_curr_exp")
    simulation = build(network)
    network.populations[1].parameters["cm"] = -1.0
    with pytest.raises(InvalidInputError, match="cm is -1"):
        simulation.parameters_changed(1)
    network.projections[0].weights = np.inf
    with pytest.raises(ConnectivityError, match="not finite"):
        simulation.weights_changed(0)


def test_empty_parts_of_a_network_are_allowed(build):
    network = network_of(neurons("IF_curr_exp", 0, v=-65.0), spike_array(), neurons("IF_cond_exp", 2))
    connect(network, 1, 2, 0.1, 1)
    projection = network.projections[0]
    projection.sources, projection.indptr = np.empty(0, np.int32), np.zeros(1, np.int64)
    projection.targets, projection.weights = np.empty(0, np.int32), np.empty(0)
    simulation = build(network)
    simulation.advance(10)
    assert simulation.signal(0, "v").shape == (11, 0)
    assert simulation.signal(2, "v").shape == (11, 2)


def test_native_needs_a_thread_and_says_so():
    with pytest.raises(InvalidInputError, match="0 threads"):
        native.build(one_synapse("IF_curr_exp"), Options(threads=0))


def test_closed_native_simulation_says_so():
    simulation = native.build(one_synapse("IF_curr_exp"))
    simulation.close()
    with pytest.raises(BackendError, match="closed"):
        simulation.advance(1)


def test_negative_number_of_steps_is_refused(build):
    simulation = build(one_synapse("IF_curr_exp"))
    with pytest.raises(InvalidInputError, match="-1 steps"):
        simulation.advance(-1)
    simulation.advance(0)
    assert simulation.step == 0
