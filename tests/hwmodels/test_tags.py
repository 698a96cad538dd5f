"""DYNAP-SE tags: 8 bits of address and 2 bits of virtual core."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import DoesNotFitError
from pycosim.hwmodels.dynapse.model import N_ADDRESSES, N_TAGS, addresses, allocate_tags
from pycosim.hwmodels.load import load
from pycosim.hwmodels.mapping.build import map_network
from pycosim.hwmodels.simulation import fit
from pycosim.network import Network

from .chip_networks import add_neurons, add_poisson, all_pairs, connect


def same_address(n):
    """Return n full cores whose first neurons all send to core 15, and the mapping."""
    network = Network(1.0)
    sources, target = add_neurons(network, 256 * n), add_neurons(network, 1)
    connect(network, *all_pairs(sources[::256], target))
    return network, [*np.repeat(np.arange(n), 256), 15]


def test_four_neurons_with_the_same_address_may_send_to_one_core():
    network, cores = same_address(4)
    mapping, _ = fit(load("dynapse"), network, cores)
    tags = allocate_tags(mapping, 16, 4)
    assert {tag % N_ADDRESSES for tag in tags.of.values()} == {0}
    assert len(set(tags.of.values())) == 4


def test_the_fifth_neuron_with_the_same_address_clashes():
    network, cores = same_address(5)
    with pytest.raises(DoesNotFitError) as error:
        fit(load("dynapse"), network, cores)
    (violation,) = error.value.violations
    assert "tag clash" in violation.resource
    assert (violation.needed, violation.limit, violation.n_affected) == (5, 4, 1)


def test_neurons_of_cores_that_are_not_full_get_different_addresses():
    network = Network(1.0)
    sources, target = add_neurons(network, 60), add_neurons(network, 1)
    connect(network, *all_pairs(sources, target))
    mapping, _ = fit(load("dynapse"), network, [*np.arange(60) % 12, 15])
    assert len(set(addresses(mapping).tolist())) == 61


def test_neurons_with_the_same_address_may_share_a_tag_at_different_cores():
    network = Network(1.0)
    neurons = np.asarray(add_neurons(network, 16 * 256))
    connect(network, neurons[::256], neurons[1::256])
    mapping, _ = fit(load("dynapse"), network)
    tags = allocate_tags(mapping, 16, 4)
    assert len(set(tags.of.values())) <= 4  # one address has four tags


def test_external_sources_take_tags_that_are_free():
    network, cores = same_address(4)
    sources = add_poisson(network, 10)
    connect(network, *all_pairs(sources, [1024]))
    mapping, utilisation = fit(load("dynapse"), network, [*cores, *[0] * 10])
    tags = allocate_tags(mapping, 16, 4)
    assert len(set(tags.of.values())) == 14
    assert utilisation["tags per core"] == (14, N_TAGS)


def test_more_external_sources_than_tags_are_refused():
    network = Network(1.0)
    targets = np.asarray(add_neurons(network, 20))
    sources = add_poisson(network, 1025)
    connect(network, sources, targets[np.arange(1025) % 20])
    with pytest.raises(DoesNotFitError, match="tags per core: needs 1025, the limit is 1024"):
        fit(load("dynapse"), network)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_sources_with_the_same_tag_never_meet_at_a_core(seed, n_synapses):
    rng = np.random.default_rng(seed)
    network = Network(1.0)
    neurons = add_neurons(network, 64)
    add_poisson(network, 20)
    connect(network, rng.integers(0, 84, n_synapses), rng.choice(np.asarray(neurons), n_synapses))
    mapping = map_network(load("dynapse").description, network, rng.integers(0, 16, 84))
    tags = allocate_tags(mapping, 16, 4)
    seen = {}
    for source, core in zip(mapping.axons.source.tolist(), mapping.axons.core.tolist()):
        tag = tags.of.get((source, core // 4))
        if tag is None:
            assert source in tags.clashing
            continue
        assert seen.setdefault((core, tag), source) == source
        if source < 64:
            assert tag % N_ADDRESSES == addresses(mapping)[source]
