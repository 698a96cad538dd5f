"""Networks with plastic synapses for the tests of backends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pycosim.network import Plasticity
from pycosim.network.plasticity import (
    ALL_TO_ALL_RULES,
    DOPAMINE,
    DOPAMINE_SIGN,
    SHORT_TERM_RULES,
    TIMING_RULES,
    WEIGHT_DEPENDENCES,
)

from .backend_networks import connect, network_of, neurons, random_network, spike_array

ADDITIVE = "AdditiveWeightDependence"


def pair_rule(dependence=ADDITIVE, *, fraction=1.0, **changed):
    parameters = dict(tau_plus=17.0, tau_minus=34.0, A_plus=0.01, A_minus=0.012, w_min=0.0, w_max=1.0)
    if dependence == "GutigWeightDependence":
        parameters |= dict(mu_plus=0.4, mu_minus=0.7)
    return Plasticity("SpikePairRule", dependence, parameters | changed, dendritic_delay_fraction=fraction)


def plastic_pair(plasticity, pre_steps, post_steps, *, weight=0.5, delay=10):
    """A source, and a neuron that fires at given steps; the synapse is too weak to matter (uV)."""
    network = network_of(
        spike_array(*pre_steps),
        spike_array(*(step - 1 for step in post_steps)),
        neurons("IF_curr_delta", tau_refrac=0.1, tau_m=1e6),
    )
    connect(network, 0, 2, np.array([weight]), delay)
    connect(network, 1, 2, 1000.0, 1)
    network.projections[0].plasticity = plasticity
    return network


OTHER_RULES = tuple(rule for rule in TIMING_RULES if rule not in ALL_TO_ALL_RULES)


def with_plasticity(seed, *, short_term=True, rules=ALL_TO_ALL_RULES):
    """The random network of `random_network` with most projections plastic, by timing rules of `rules`."""
    network, rng = random_network(seed), np.random.default_rng(seed)
    for projection in network.projections:
        if not projection.n_synapses or rng.random() < 0.3:
            continue
        projection.weights = np.array(projection.weight_column())
        if short_term and rng.random() < 0.45:
            projection.plasticity = _random_short_term(rng, projection.n_synapses)
        else:
            projection.plasticity = _random_timing(rng, projection, rules)
    return network


def with_dopamine(seed, rules=OTHER_RULES + ALL_TO_ALL_RULES, **options):
    """The same with projections that release dopamine, among synapses of all rules."""
    network = with_plasticity(seed, rules=rules, **options)
    rng = np.random.default_rng(seed)
    for projection in list(network.projections):
        if projection.n_synapses and rng.random() < 0.4:
            network.projections.append(releasing(rng, projection))
    return network


def releasing(rng, like):
    """A projection with the synapses of another one that releases dopamine."""
    weights = rng.uniform(0.0, 0.05, like.n_synapses)
    receptor = str(rng.choice(list(DOPAMINE_SIGN)))
    return replace(like, receptor=receptor, weights=weights, plasticity=Plasticity(DOPAMINE))


def _varied(rng, low, high, n):
    return rng.uniform(low, high, n) if rng.random() < 0.5 else float(rng.uniform(low, high))


def _random_short_term(rng, n):
    rule = rng.choice(list(SHORT_TERM_RULES))
    if rule == "SimpleStochastic":
        return Plasticity("SimpleStochastic", parameters={"p": _varied(rng, 0.1, 0.9, n)})
    parameters = dict(U=_varied(rng, 0.1, 0.9, n), tau_rec=_varied(rng, 5.0, 100.0, n))
    if rule == "Quantal":
        parameters["n"] = rng.integers(1, 7, n).astype(float) if rng.random() < 0.5 else 3.0
    parameters["tau_facil"] = 0.0 if rng.random() < 0.3 else _varied(rng, 5.0, 100.0, n)
    initial = {"u": float(rng.uniform(0, 0.5))} | ({"a": 2.0} if rule == "Quantal" else {})
    return Plasticity(str(rule), parameters=parameters, initial=initial)


def _random_timing(rng, projection, rules):
    n, largest = projection.n_synapses, 2.0 * np.abs(projection.weights).max()
    sign = -1.0 if np.any(projection.weights < 0) else 1.0
    dependence, rule = rng.choice(list(WEIGHT_DEPENDENCES)), rng.choice(list(rules))
    bounds = dict(w_min=sign * 0.1 * largest, w_max=sign * largest * _varied(rng, 0.8, 1.2, n))
    powers = dict(mu_plus=0.3, mu_minus=0.6) if dependence == "GutigWeightDependence" else {}
    own = dict(tau_plus=rng.uniform(2, 20), tau_minus=rng.choice([5.0, 8.0]))
    own |= dict(A_plus=_varied(rng, 0.05, 0.2, n), A_minus=_varied(rng, 0.05, 0.2, n))
    if rule == "Vogels2011Rule":
        own = dict(tau=8.0, eta=_varied(rng, 0.05, 0.2, n) * largest, rho=10.0)
    if rule == "PfisterSpikeTriplet":
        own |= dict(tau_x=20.0, tau_y=rng.choice([5.0, 25.0]))
        own |= dict(A3_plus=_varied(rng, 0.02, 0.1, n), A3_minus=_varied(rng, 0.02, 0.1, n))
    elif rule == "DopaminePairRule":
        own |= dict(tau_c=10.0, tau_d=rng.choice([4.0, 9.0]), d_base=rng.choice([0.0, 0.02]))
        own |= dict(A_plus=_varied(rng, 0.5, 2.0, n) * largest, A_minus=_varied(rng, 0.5, 2.0, n) * largest)
    elif rule == "IntegerPairRule":
        dependence, powers = ADDITIVE, {}
        own |= dict(impulse=float(rng.integers(8, 64)), w_step=sign * largest / 256)
    elif rule == "HomeostaticPairRule":
        own |= dict(base_rate=_varied(rng, 10.0, 50.0, n), homeo_scale=_varied(rng, 0.5, 5.0, n))
        own |= dict(tau_rate=rng.uniform(20.0, 2000.0), update_interval=rng.choice([0.4, 1.0, 3.0]))
    fraction = float(rng.choice([0.0, 0.3, 0.5, 1.0]))
    return Plasticity(str(rule), str(dependence), own | bounds | powers, dendritic_delay_fraction=fraction)


def weights_of(simulation, network):
    return {f"weights {i}": simulation.weights(i) for i in range(len(network.projections))}
