"""Sequential mapping, as properties of random networks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.hwmodels.load import load
from pycosim.hwmodels.mapping.build import map_network
from pycosim.hwmodels.mapping.memory import list_words
from pycosim.network import Network

from .chip_networks import add_neurons, add_poisson, connect


@st.composite
def networks(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    network = Network(1.0)
    first = add_neurons(network, draw(st.integers(1, 20)))
    sources = add_poisson(network, draw(st.integers(1, 10)))
    second = add_neurons(network, draw(st.integers(0, 20)))
    targets = np.concatenate((first, second)).astype(int)
    everyone = np.concatenate((targets, sources)).astype(int)
    for _ in range(draw(st.integers(0, 2))):
        n = draw(st.integers(1, 150))
        connect(network, rng.choice(everyone, n), rng.choice(targets, n), delays=rng.integers(1, 5, n))
    for population in network.populations:
        population.neurons_per_core = draw(st.none() | st.integers(1, 12))
    return network


limits = st.fixed_dictionaries(
    {
        "capacity.neurons_per_core": st.integers(1, 12),
        "capacity.axons_per_core": st.integers(1, 40),
        "capacity.synapses_per_core": st.integers(1, 80),
        "capacity.synapse_words_per_core": st.integers(1, 60),
        "mapping.neurons_per_core": st.integers(1, 12),
        "mapping.delay_in_axon": st.booleans(),
    }
)


def cores_in_order_by_hand(description, network, core_of_neuron):
    """Fill cores neuron by neuron, counting everything anew each time."""
    capacity = description.capacity
    inputs = {neuron: [] for neuron in np.flatnonzero(core_of_neuron >= 0).tolist()}
    for projection in network.projections:
        for source, target, delay in zip(
            projection.source_column().tolist(),
            projection.targets.tolist(),
            projection.delay_column().tolist(),
        ):
            inputs[target].append((source, delay) if description.mapping.delay_in_axon else source)
    per_core = [
        min(
            capacity.neurons_per_core.value,
            description.mapping.neurons_per_core.value,
            population.neurons_per_core or 12,
        )
        for population in network.populations
        for _ in range(population.size)
    ]
    cores, on_core = {}, []
    core = 0
    for neuron in inputs:
        lists = {}
        for name in (name for member in [*on_core, neuron] for name in inputs[member]):
            lists[name] = lists.get(name, 0) + 1
        words = int(list_words(description.synapse_memory, np.array([*lists.values(), 0])).sum())
        full = (
            len(on_core) + 1 > min(per_core[member] for member in [*on_core, neuron])
            or len(lists) > capacity.axons_per_core.value
            or sum(lists.values()) > capacity.synapses_per_core.value
            or words > capacity.synapse_words_per_core.value
        )
        if on_core and full:
            core, on_core = core + 1, []
        on_core.append(neuron)
        cores[neuron] = core
    return cores


@settings(deadline=None, max_examples=60)
@given(networks(), limits)
def test_cores_are_filled_in_order_until_a_limit_is_reached(network, values):
    description = load("loihi", values).description
    mapping = map_network(description, network)
    expected = cores_in_order_by_hand(description, network, mapping.core_of_neuron)
    assert {n: int(mapping.core_of_neuron[n]) for n in expected} == expected


@settings(deadline=None, max_examples=60)
@given(networks(), limits)
def test_every_neuron_is_placed_once_and_every_synapse_is_behind_one_axon(network, values):
    description = load("loihi", values).description
    mapping = map_network(description, network)
    sources = network.source_mask()
    assert (mapping.core_of_neuron[sources] == -1).all()
    assert (mapping.core_of_neuron[~sources] >= 0).all()
    assert mapping.neurons_of_core.sum() == (~sources).sum()
    assert mapping.axons.synapses.sum() == network.n_synapses
    triples = np.stack((mapping.axons.source, mapping.axons.core, mapping.axons.delay))
    keys = triples if description.mapping.delay_in_axon else triples[:2]
    assert len(np.unique(keys, axis=1).T) == len(mapping.axons)
    for core in mapping.cores_used:
        places = np.sort(mapping.place_of_neuron[mapping.core_of_neuron == core])
        assert places.tolist() == list(range(len(places)))


@settings(deadline=None, max_examples=40)
@given(networks(), limits)
def test_no_core_with_several_neurons_exceeds_a_limit(network, values):
    description = load("loihi", values).description
    mapping = map_network(description, network)
    words = np.bincount(
        mapping.axons.core, list_words(description.synapse_memory, mapping.axons.synapses), mapping.n_cores
    )
    several = mapping.neurons_of_core > 1
    assert (mapping.neurons_of_core <= description.capacity.neurons_per_core.value).all()
    assert (mapping.axons_of_core[several] <= description.capacity.axons_per_core.value).all()
    assert (mapping.synapses_of_core[several] <= description.capacity.synapses_per_core.value).all()
    assert (words[several] <= description.capacity.synapse_words_per_core.value).all()
