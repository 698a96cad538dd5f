"""Synapses that are formed and eliminated: the rules, on the backends that have them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends import native, reference
from pycosim.backends.base import Options, RewiredSimulation
from pycosim.errors import ConnectivityError, NotSupportedError
from pycosim.hwmodels import simulation as chips
from pycosim.network import Plasticity, Population, Projection, Recording, RewiredProjection, load, save
from pycosim.network.plasticity import WEIGHT_DEPENDENCES

from .backend_networks import assert_identical, network_of, neurons, recorded, spike_array

DT_MS = 1.0
# Sums of weights in another order, and another exp; some hundred times.
ROUNDING = 1e-9
ALWAYS = {
    "f_rew": 1e5,
    "s_max": 8.0,
    "with_replacement": 1.0,
    "spike_buffer_size": 64.0,
    "initial_weight": 0.5,
    "initial_delay_low": 2.0,
    "initial_delay_high": 2.0,
    "grid_x": 1.0,
    "grid_y": 1.0,
    "p_form": 1.0,
    "sigma_form": 1.0,
    "threshold": 0.4,
    "prob_elim_depressed": 0.0,
    "prob_elim_potentiated": 0.0,
}
"""Every attempt on a free slot forms a synapse, whatever the distance; none is eliminated."""


def rewired(network, pre, post, pairs=(), weights=0.5, delays=2, **changed):
    """Add a rewired projection between two populations, with synapses between pairs of indices at step 0."""
    fields = {name: changed.pop(name) for name in list(changed) if name not in ALWAYS}
    pre, post = network.populations[pre], network.populations[post]
    sources, targets = np.array(sorted(pairs), np.int32).reshape(-1, 2).T
    projection = RewiredProjection(
        label=f"{pre.label} to {post.label}",
        receptor="excitatory",
        sources=sources + np.int32(pre.first),
        targets=targets + np.int32(post.first),
        weights=weights,
        delays=delays,
        candidates=np.arange(pre.first, pre.first + pre.size, dtype=np.int32),
        posts=np.arange(post.first, post.first + post.size, dtype=np.int32),
        partner_selection="RandomSelection",
        parameters=ALWAYS | changed,
    )
    network.rewired.append(replace(projection, **fields))


def cells(n, seed=1, **changed):
    """Silent sources (0) and neurons (1)."""
    return network_of(spike_array(size=n), neurons("IF_curr_exp", n, **changed), dt_ms=DT_MS, seed=seed)


def advanced(build, network, steps, **options):
    simulation = build(network, **options)
    simulation.advance(steps)
    return simulation


def test_free_slots_fill_at_the_rate_of_attempts(build):
    network = cells(50)
    rewired(network, 0, 1)
    simulation = advanced(build, network, 10)
    # 1000 attempts on 400 slots, of which each is missed with probability (1 - 1/400)^1000 = 0.0818.
    expected = 400 * (1 - (1 - 1 / 400) ** 1000)
    n = len(simulation.rewired_synapses(0)[0])
    assert abs(n - expected) < 4 * np.sqrt(400 * 0.0818 * 0.918)


def test_formation_and_elimination_balance(build):
    network = cells(50)
    rewired(network, 0, 1, p_form=0.3, prob_elim_potentiated=0.6, f_rew=2e5)
    n = len(advanced(build, network, 60).rewired_synapses(0)[0])
    # A slot is full with probability 0.3 / (0.3 + 0.6); 400 of them, after 30 attempts on each.
    assert abs(n - 400 / 3) < 4 * np.sqrt(400 * 2 / 9)


def test_weights_below_the_threshold_are_eliminated_with_their_own_probability(build):
    network = cells(100)
    pairs = [(i, j) for i in range(4) for j in range(100)]
    weights = np.where(np.arange(400) < 200, 0.39, 0.4)
    rewired(network, 0, 1, pairs, weights, s_max=4.0, p_form=0.0, prob_elim_depressed=1.0, f_rew=1e6)
    left = advanced(build, network, 10).rewired_synapses(0)
    np.testing.assert_array_equal(left[2], 0.4)
    assert len(left[2]) == 200


def test_formation_falls_with_the_distance_on_a_periodic_grid_like_a_gaussian(build):
    network = cells(49)
    sides = {"grid_x": 7.0, "grid_y": 7.0, "sigma_form": 1.5, "s_max": 400.0, "f_rew": 2e6}
    rewired(network, 0, 1, **sides)
    sources, targets, *_ = advanced(build, network, 10).rewired_synapses(0)
    x, y = np.abs(sources // 7 - (targets - 49) // 7), np.abs(sources % 7 - (targets - 49) % 7)
    squared = np.minimum(x, 7 - x) ** 2 + np.minimum(y, 7 - y) ** 2
    offsets = np.array([0, 1, 2, 3, 3, 2, 1])
    possible = np.bincount((offsets[:, np.newaxis] ** 2 + offsets**2).ravel(), minlength=19)
    weight = possible * np.exp(-np.arange(19) / (2 * 1.5**2))
    found = np.bincount(squared, minlength=19) / len(squared)
    assert len(squared) > 4000
    # Four standard errors of a fraction of 4000.
    np.testing.assert_allclose(found, weight / weight.sum(), rtol=0, atol=4 * np.sqrt(0.25 / 4000))


def test_partners_and_delays_are_drawn_evenly(build):
    network = cells(40)
    rewired(network, 0, 1, initial_delay_low=3.0, initial_delay_high=6.0, s_max=200.0, f_rew=1e6)
    rewired(network, 1, 1, initial_delay_low=3.0, initial_delay_high=6.0, s_max=200.0, f_rew=1e6)
    simulation = advanced(build, network, 8)
    first, second = simulation.rewired_synapses(0), simulation.rewired_synapses(1)
    n = len(first[0]) + len(second[0])
    assert n > 4000
    assert abs(len(first[0]) / n - 0.5) < 4 * np.sqrt(0.25 / n)
    fractions = np.bincount(first[3], minlength=8) / len(first[3])
    np.testing.assert_allclose(
        fractions, [0, 0, 0, 0.25, 0.25, 0.25, 0.25, 0], atol=4 * np.sqrt(0.1875 / 2000)
    )
    assert np.bincount(first[0], minlength=40).min() > 20


def test_without_replacement_pairs_are_distinct_and_slots_are_never_exceeded(build):
    network = cells(6)
    rewired(network, 0, 1, with_replacement=0.0, s_max=8.0)
    sources, targets, *_ = advanced(build, network, 60).rewired_synapses(0)
    # All pairs, though every neuron has slots for two more.
    assert sorted(zip(sources, targets)) == [(i, 6 + j) for i in range(6) for j in range(6)]


def test_last_neuron_selection_takes_neurons_that_have_just_fired(build):
    source = spike_array(5, 5, 9, size=20, index=3)
    network = network_of(source, neurons("IF_curr_exp", 10), dt_ms=DT_MS)
    rewired(network, 0, 1, partner_selection="LastNeuronSelection", f_rew=1e5)
    counts = []
    simulation = build(network)
    for _ in range(10):
        simulation.advance(1)
        sources = simulation.rewired_synapses(0)[0]
        assert set(sources) <= {3}
        counts.append(len(sources))
    assert np.flatnonzero(np.diff([0, *counts])).tolist() == [4, 8]


def test_a_synapse_carries_the_spikes_from_the_step_after_its_formation_to_its_elimination(build):
    network = network_of(spike_array(*range(20)), neurons("IF_curr_exp", 1, v_thresh=1000.0), dt_ms=DT_MS)
    network.populations[1].recordings = {"isyn_exc": Recording(np.arange(1))}
    # One slot and one attempt each 5 ms: formed at step 5, eliminated at 10, formed at 15.
    rules = {"s_max": 1.0, "f_rew": 200.0, "prob_elim_potentiated": 1.0, "initial_weight": 1.0}
    rewired(network, 0, 1, **rules, initial_delay_low=3.0, initial_delay_high=3.0)
    current = advanced(build, network, 20).signal(1, "isyn_exc")[:, 0]
    arrivals = np.round(current[1:] - current[:-1] * np.exp(-DT_MS / 5.0), 9)
    # Spikes of the steps 6 to 10, and of 16 on, three steps later.
    assert (np.flatnonzero(arrivals) + 1).tolist() == [9, 10, 11, 12, 13, 19, 20]


def stdp(dependence="AdditiveWeightDependence", fraction=1.0, rule="SpikePairRule"):
    parameters = {"w_min": 0.0, "w_max": 2.0}
    if rule == "SpikePairRule":
        parameters |= {"tau_plus": 15.0, "tau_minus": 25.0, "A_plus": 0.05, "A_minus": 0.06}
    else:
        parameters |= {"tau": 20.0, "eta": 0.05, "rho": 5.0}
    if dependence == "GutigWeightDependence":
        parameters |= {"mu_plus": 0.5, "mu_minus": 0.7}
    return Plasticity(rule, dependence, parameters, dendritic_delay_fraction=fraction)


def busy(seed, n=12):
    """Poisson sources that fire several times per step (0), and two populations of neurons (1, 2)."""
    everyone = {"spikes": Recording(np.arange(n))}
    poisson = Population("poisson", "SpikeSourcePoisson", n, recordings=everyone)
    poisson.parameters = dict(rate=120.0, start=0.0, duration=1e10)
    network = network_of(poisson, *(neurons("IF_curr_exp", n, i_offset=0.7) for _ in range(2)), dt_ms=DT_MS)
    network.seed = seed
    return network


@pytest.mark.parametrize("dependence", WEIGHT_DEPENDENCES)
@pytest.mark.parametrize(
    ("fraction", "rule"), [(1.0, "SpikePairRule"), (0.0, "Vogels2011Rule"), (0.5, "SpikePairRule")]
)
def test_without_attempts_it_is_the_same_as_stdp(dependence, fraction, rule):
    n, rng = 12, np.random.default_rng(4)
    pairs = np.argwhere(rng.random((n, n)) < 0.5)
    weights, delays = rng.uniform(0, 2, len(pairs)), rng.integers(1, 9, len(pairs)).astype(np.int32)
    results = []
    for is_rewired in (False, True):
        network = busy(4)
        plasticity = stdp(dependence, fraction, rule)
        if is_rewired:
            rewired(
                network, 0, 1, pairs.tolist(), weights, delays, f_rew=0.0, s_max=12.0, plasticity=plasticity
            )
        else:
            rows, counts = np.unique(pairs[:, 0], return_counts=True)
            indptr = np.concatenate([[0], np.cumsum(counts)])
            columns = rows.astype(np.int32), indptr, (pairs[:, 1] + n).astype(np.int32), weights, delays
            network.projections.append(Projection("stdp", "excitatory", *columns, plasticity))
        simulation = advanced(lambda network: native.build(network, Options()), network, 300)
        w = simulation.rewired_synapses(0)[2] if is_rewired else simulation.weights(0)
        results.append((*simulation.spikes(1), w))
        simulation.close()
    assert len(results[0][0]) > 100
    for found, expected in zip(results[1], results[0]):
        np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)
    assert np.abs(results[0][2] - weights).max() > 0.1


@st.composite
def rewired_networks(draw):
    network = busy(draw(st.integers(0, 2**32 - 1)))
    rules = {
        "f_rew": draw(st.sampled_from([300.0, 2e4])),
        "s_max": 6.0,
        "with_replacement": draw(st.sampled_from([0.0, 1.0])),
        "spike_buffer_size": draw(st.sampled_from([2.0, 64.0])),
    }
    fields = {"partner_selection": draw(st.sampled_from(["RandomSelection", "LastNeuronSelection"]))}
    fields["seed"] = draw(st.none() | st.integers(0, 9))
    for pre in (0, 2):
        own = {
            "initial_delay_low": 1.0,
            "initial_delay_high": draw(st.sampled_from([1.0, 7.0])),
            "grid_x": draw(st.sampled_from([1.0, 3.0])),
            "grid_y": 4.0,
            "initial_weight": draw(st.sampled_from([0.0, 0.6])),
            "prob_elim_depressed": 0.2,
            "prob_elim_potentiated": 0.05,
        }
        dependence = draw(st.sampled_from(sorted(WEIGHT_DEPENDENCES)))
        fraction = draw(st.sampled_from([0.0, 0.5, 1.0]))
        own["plasticity"] = draw(st.sampled_from([None, stdp(dependence, fraction)]))
        pairs = draw(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20, unique=True))
        pairs = [pair for i, pair in enumerate(pairs) if sum(p[1] == pair[1] for p in pairs[:i]) < 3]
        rewired(network, pre, 1, pairs, **rules, **fields, **own)
    return network


def state_of(simulation, network):
    columns = {("rewired", i, k): c for i in range(2) for k, c in enumerate(simulation.rewired_synapses(i))}
    return recorded(simulation, network) | columns


@settings(max_examples=15, deadline=None)
@given(network=rewired_networks())
def test_native_agrees_with_the_reference_for_any_threads_and_pieces(network):
    results = []
    for backend, threads, pieces in (
        (reference, 1, [60]),
        (native, 1, [60]),
        (native, 3, [60]),
        (native, 2, [1, 36, 23]),
    ):
        simulation = backend.build(network, Options(threads=threads))
        for steps in pieces:
            simulation.advance(steps)
            state_of(simulation, network)  # looking changes nothing
        results.append(state_of(simulation, network))
        simulation.close()
    assert_identical(results[2], results[1])
    assert_identical(results[3], results[1])
    for key, expected in results[0].items():
        np.testing.assert_allclose(results[1][key], expected, rtol=0, atol=ROUNDING, err_msg=str(key))


def test_seeds_give_other_connections_and_the_same_seed_the_same(build):
    def connections(seed, own):
        network = cells(20, seed)
        rewired(network, 0, 1, f_rew=1e4, seed=own)
        return tuple(advanced(build, network, 10).rewired_synapses(0)[0].tolist())

    assert connections(1, None) == connections(1, None)
    assert len({connections(1, None), connections(2, None), connections(1, 0), connections(1, 1)}) == 4


def test_a_saved_network_has_the_same_rules(tmp_path):
    network = busy(5)
    rewired(network, 0, 1, [(0, 1)], np.array([0.3]), plasticity=stdp())
    save(network, tmp_path / "network.npz")
    (restored,) = load(tmp_path / "network.npz").rewired
    expected = network.rewired[0]
    assert (restored.parameters, restored.plasticity) == (expected.parameters, expected.plasticity)
    for name in ("sources", "targets", "weights", "candidates", "posts"):
        np.testing.assert_array_equal(getattr(restored, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"s_max": 0.0}, "s_max is 0; it must be a whole number"),
        ({"p_form": 1.5}, "p_form is 1.5; a probability"),
        ({"sigma_form": 0.0}, "sigma_form is 0"),
        ({"initial_delay_high": 1.0}, "largest initial delay is below"),
        ({"partner_selection": "Best"}, "no partner selection 'Best'"),
        (
            {"plasticity": Plasticity("SimpleStochastic", parameters={"p": 0.5})},
            "SimpleStochastic cannot be rewired",
        ),
        ({"pairs": [(i, 0) for i in range(4)], "s_max": 3.0}, "begins with 4 synapses, but s_max is 3"),
        ({"posts": np.array([0], np.int32)}, "leads to spike sources"),
        ({"receptor": "basket"}, "has no receptor 'basket'"),
    ],
)
def test_impossible_rules_are_refused_by_name(build, changed, what):
    network = cells(5)
    rewired(network, 0, 1, **changed)
    with pytest.raises(ConnectivityError, match=what):
        build(network)


def test_projections_to_the_same_neurons_share_their_slots(build):
    network = cells(5)
    rewired(network, 0, 1)
    rewired(network, 1, 1, s_max=9.0)
    with pytest.raises(ConnectivityError, match="s_max must be as in"):
        build(network)


def test_chips_refuse_it_by_name(build):
    network = cells(5)
    rewired(network, 0, 1)
    assert isinstance(build(network), RewiredSimulation)
    with pytest.raises(NotSupportedError, match=r"Structural plasticity .* not supported by .*Loihi"):
        chips.build("loihi", network, Options())
