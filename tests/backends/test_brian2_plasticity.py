"""Plastic and stochastic synapses on Brian2: those of native, in all kinds of generated code."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends import brian2, native
from pycosim.backends.brian2.plastic_equations import rule_named, supported_rules
from pycosim.errors import NotSupportedError
from pycosim.network import Plasticity
from pycosim.network.plasticity import (
    ALL_TO_ALL_RULES,
    DOPAMINE,
    INTEGER_PAIR,
    SHORT_TERM_RULES,
    TIMING_RULES,
    WEIGHT_DEPENDENCES,
)

from .backend_networks import add_pairs, network_of, neurons, recorded, spike_array
from .plastic_networks import (
    ADDITIVE,
    OTHER_RULES,
    pair_rule,
    plastic_pair,
    releasing,
    weights_of,
    with_dopamine,
    with_plasticity,
)
from .test_brian2 import CPP, NUMPY, built, cache_folder
from .test_plasticity_agreement import change

__all__ = ["cache_folder"]

# Integers of a chip are no equations.
STATED_RULES = [rule for rule in OTHER_RULES if rule != INTEGER_PAIR]
SEEDS = st.integers(0, 2**32 - 1)


def result_of(simulation, network):
    return recorded(simulation, network) | weights_of(simulation, network)


def assert_agree(simulation, expected, network, rtol=1e-9):
    """The same spikes, and potentials and weights that differ by rounding: exp is another library's."""
    found, expected = result_of(simulation, network), result_of(expected, network)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=rtol, atol=1e-12, err_msg=str(key))


def run_both(network, kind, parts, changes=None):
    simulations = [built(network, kind), native.build(network)]
    for part in parts:
        for simulation in simulations:
            simulation.advance(part)
        assert_agree(*simulations, network)
        for method, index in change(network, changes) if changes else ():
            for simulation in simulations:
                getattr(simulation, method)(index)
    for simulation in simulations:
        simulation.close()


PARTS = (1, 50, 49, 100)


@given(seed=SEEDS)
@settings(max_examples=3, deadline=None)
def test_random_plastic_networks_agree_with_native_also_where_weights_and_parameters_change(seed):
    run_both(with_plasticity(seed), NUMPY, PARTS, np.random.default_rng(seed))


@given(seed=SEEDS)
@settings(max_examples=2, deadline=None)
def test_all_timing_rules_and_dopamine_that_other_synapses_release_teach_as_on_native(seed):
    network = with_dopamine(seed, (*STATED_RULES, *ALL_TO_ALL_RULES), short_term=False)
    run_both(network, NUMPY, PARTS, np.random.default_rng(seed))


def all_rules():
    """One network in which every rule, with every weight dependence, has synapses on neurons that fire."""
    rng = np.random.default_rng(3)
    train = np.sort(rng.integers(0, 350, 60))
    network = network_of(spike_array(*train, *train[::9]), neurons("IF_curr_exp", 40, i_offset=1.0))
    network.populations[1].initial["v"] = rng.uniform(-65, -50, 40)
    pairs = [(rule, name) for rule in ALL_TO_ALL_RULES for name in WEIGHT_DEPENDENCES]
    pairs += [(rule, ADDITIVE) for rule in STATED_RULES]
    timing = dict(tau_plus=17.0, tau_minus=34.0, A_plus=0.02, A_minus=0.03, tau=20.0, eta=0.01, rho=8.0)
    timing |= dict(w_min=0.01, w_max=0.3, mu_plus=0.4, mu_minus=0.7)
    timing |= dict(tau_x=40.0, tau_y=60.0, A3_plus=0.02, A3_minus=0.01)
    timing |= dict(tau_c=10.0, tau_d=9.0, d_base=0.02)
    timing |= dict(base_rate=20.0, homeo_scale=2.0, tau_rate=500.0, update_interval=1.0)
    short = dict(U=0.4, tau_rec=30.0, tau_facil=20.0, n=4.0, p=0.6)
    for number, (rule, dependence) in enumerate([*pairs, *((rule, "") for rule in SHORT_TERM_RULES)]):
        targets = np.arange(40)[number::8]
        sources, delays = np.zeros(len(targets), int), (targets % 7 + 1).astype(np.int32)
        add_pairs(network, 0, 1, sources, targets, np.full(len(targets), 0.1), delays)
        empty = Plasticity(rule, dependence)
        values = {name: (timing | short)[name] for name in empty.parameter_names}
        network.projections[-1].plasticity = replace(
            empty, parameters=values, dendritic_delay_fraction=(number % 3) / 2
        )
    (learning,) = (p for p in network.projections if p.plasticity.rule == "DopaminePairRule")
    network.projections += [releasing(rng, like) for like in (learning, network.projections[0])]
    return network


@pytest.mark.parametrize("kind", [CPP, NUMPY])
def test_every_rule_agrees_with_native_where_spikes_come_several_at_once(kind):
    network = all_rules()
    # Of whole numbers see test_brian2_in_python.
    assert {p.plasticity.rule for p in network.projections} == set(supported_rules()) - {INTEGER_PAIR}
    run_both(network, kind, (150, 200))


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_spikes_that_reach_a_synapse_together_are_not_paired(fraction):
    d = int(fraction * 10)
    plasticity = pair_rule(fraction=fraction, A_plus=0.1, A_minus=0.1)
    network = plastic_pair(plasticity, [100], [100 + 10 - 2 * d], delay=10)
    simulation = built(network, NUMPY)
    simulation.advance(300)
    assert len(simulation.spikes(2)[0]) == 1
    assert simulation.weights(0).tolist() == [0.5]
    simulation.close()


def test_weights_include_spikes_that_have_reached_the_synapse_and_not_yet_acted():
    """With a dendritic delay alone a presynaptic spike is at the synapse as soon as it is emitted."""
    network = plastic_pair(pair_rule(), [100], [50], delay=40)
    simulation, expected = built(network, NUMPY), native.build(network)
    for simulated in (simulation, expected):
        simulated.advance(105)
    assert expected.weights(0)[0] < 0.5
    assert simulation.weights(0)[0] == pytest.approx(expected.weights(0)[0], abs=1e-12)
    simulation.advance(100)
    expected.advance(100)
    assert_agree(simulation, expected, network)
    simulation.close()


def test_a_rule_without_statements_is_refused_by_name():
    network = plastic_pair(pair_rule(), [100], [50])
    assert set(supported_rules()) == {*TIMING_RULES, *SHORT_TERM_RULES, DOPAMINE}
    assert "weight" in rule_named("SpikePairRule", ADDITIVE).states
    network.projections[0].plasticity = replace(network.projections[0].plasticity, rule="Telepathy")
    with pytest.raises(NotSupportedError, match=r"Telepathy.*SpikePairRule"):
        brian2.build(network)


def test_time_constants_of_a_timing_rule_cannot_change_while_it_runs():
    network = plastic_pair(pair_rule(), [100], [50])
    simulation = built(network, NUMPY)
    simulation.advance(10)
    plasticity = network.projections[0].plasticity
    changed = plasticity.parameters | {"tau_plus": 5.0}
    network.projections[0].plasticity = replace(plasticity, parameters=changed)
    with pytest.raises(NotSupportedError, match="time constants"):
        simulation.plasticity_changed(0)
    simulation.close()
