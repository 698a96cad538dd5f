"""Limits of chips: a network at the limit fits, one beyond it is refused with the numbers."""

import numpy as np
import pytest

from pycosim.errors import DoesNotFitError, InvalidInputError, NotSupportedError
from pycosim.hwmodels.load import load
from pycosim.hwmodels.mapping.build import map_network
from pycosim.hwmodels.mapping.memory import list_words
from pycosim.hwmodels.simulation import fit
from pycosim.network import Network

from .chip_networks import add_neurons, add_poisson, all_pairs, connect

ONE_CORE = {"noc.shape": "1x1", "noc.cores_per_router": "1x1"}


def neurons_only(n):
    network = Network(1.0)
    add_neurons(network, n)
    return network


def fan_in(n):
    """Return a network in which one neuron has n inputs from outside."""
    network = Network(1.0)
    target = add_neurons(network, 1)
    sources = add_poisson(network, n)
    connect(network, *all_pairs(sources, target))
    return network


def one_delay(delay):
    network = fan_in(1)
    network.projections[0].delays = delay
    return network


def fan_out(n_sources, n_targets):
    network = Network(1.0)
    sources, targets = add_neurons(network, n_sources), add_neurons(network, n_targets)
    connect(network, *all_pairs(sources, targets))
    return network


def out_edges(n):
    """Return 128 neurons on the first core of Loihi that send to n pairs of a neuron and another core."""
    network = Network(1.0)
    sources, targets = add_neurons(network, 128), add_neurons(network, 128 * 33)
    pair = np.arange(n)
    connect(network, np.asarray(sources)[pair % 128], np.asarray(targets)[pair // 128 * 128])
    return network


OUT_EDGES = "output axons per core (neuron and target core)"
ROW = {"noc.shape": "9x1", "capacity.neurons_per_core": 1}

LIMITS = [
    ("loihi", ONE_CORE | {"mapping.neurons_per_core": 9999}, neurons_only, 1024, "cores"),
    ("truenorth", ONE_CORE, neurons_only, 256, "cores"),
    ("dynapse", ONE_CORE, neurons_only, 256, "cores"),
    ("loihi", {}, fan_in, 4096, "inputs per core (axons)"),
    ("truenorth", {}, fan_in, 256, "inputs per core (axons)"),
    ("dynapse", {}, fan_in, 64, "synapses onto a neuron (fan-in)"),
    ("loihi", {}, one_delay, 63, "delay in steps"),
    ("truenorth", {}, one_delay, 15, "delay in steps"),
    ("loihi", {"mapping.neurons_per_core": 128}, out_edges, 4096, OUT_EDGES),
    # One neuron on each core, four cores on each chip of a row of nine.
    ("dynapse", ROW | {"capacity.reach": 9}, lambda n: fan_out(1, 4 * n - 1), 4,
     "chips that a neuron sends to"),
    ("dynapse", ROW | {"capacity.target_chips_per_neuron": 9}, lambda n: fan_out(1, 4 * n + 3), 3,
     "mesh hops to a target along one axis"),
]  # fmt: skip


@pytest.mark.parametrize(("chip", "values", "network", "limit", "resource"), LIMITS)
def test_a_network_at_the_limit_fits(chip, values, network, limit, resource):
    _, utilisation = fit(load(chip, values), network(limit))
    if resource == "cores":  # one more neuron opens a second core
        assert utilisation[resource] == (1, 1)
        resource = "neurons per core"
    assert utilisation[resource] == (limit, limit)


@pytest.mark.parametrize(("chip", "values", "network", "limit", "resource"), LIMITS)
def test_a_network_one_beyond_the_limit_is_refused(chip, values, network, limit, resource):
    with pytest.raises(DoesNotFitError) as error:
        fit(load(chip, values), network(limit + 1))
    violations = {violation.resource: violation for violation in error.value.violations}
    assert list(violations) == [resource]
    violation = violations[resource]
    assert violation.needed > violation.limit
    assert violation.n_affected >= 1
    assert violation.remedy
    assert str(violation.needed) in str(error.value)
    assert str(violation.limit) in str(error.value)


def test_output_axons_count_each_target_core_once_per_neuron():
    chip = load("loihi", {"mapping.neurons_per_core": 8})
    _, utilisation = fit(chip, fan_out(8, 16))
    assert utilisation["output axons per core (neuron and target core)"] == (16, 4096)


def test_synapse_memory_is_counted_in_words_per_list():
    memory = load("loihi").description.synapse_memory
    # 25 bits each and 10 bits of header: 35, 60 and 85 bits; 64 entries take 1610 bits, the 65th a new chunk.
    assert list_words(memory, np.array([0, 1, 2, 3, 64, 65])).tolist() == [0, 1, 1, 2, 26, 27]


@pytest.mark.parametrize(("n_sources", "fits"), [(630, True), (631, False)])
def test_more_synapse_words_than_the_memory_holds_are_refused(n_sources, fits):
    # Lists of 64 synapses take 26 words each: 630 x 26 = 16380 of 16384 words.
    network = Network(1.0)
    targets, sources = add_neurons(network, 64), add_poisson(network, n_sources)
    connect(network, *all_pairs(sources, targets))
    chip = load("loihi", ONE_CORE | {"mapping.neurons_per_core": 64})
    if fits:
        _, utilisation = fit(chip, network)
        assert utilisation["synapse memory words per core"] == (16380, 16384)
    else:
        # The filling opens a second core, which this system does not have.
        with pytest.raises(DoesNotFitError, match="cores: needs 2, the limit is 1"):
            fit(chip, network)


def test_one_neuron_beyond_a_core_limit_is_reported_and_not_lost():
    with pytest.raises(DoesNotFitError) as error:
        fit(load("truenorth"), fan_in(300))
    (violation,) = error.value.violations
    assert (violation.needed, violation.limit, violation.n_affected, violation.affected) == (
        300,
        256,
        1,
        "cores",
    )


def test_all_violated_limits_of_a_large_network_are_listed():
    rng = np.random.default_rng(1)
    network = Network(0.1)
    neurons = add_neurons(network, 4000)
    connect(network, rng.integers(0, 4000, 320_000), np.repeat(np.asarray(neurons), 80), delays=2)
    with pytest.raises(DoesNotFitError) as error:
        fit(load("dynapse"), network)
    violations = {violation.resource: violation for violation in error.value.violations}
    assert set(violations) == {
        "synapses onto a neuron (fan-in)",
        "neurons of one address that send to the same core (tag clash)",
    }
    assert violations["synapses onto a neuron (fan-in)"].n_affected == 4000
    assert violations["synapses onto a neuron (fan-in)"].needed == 80


def test_too_many_neurons_for_the_system_are_refused_as_too_many_cores():
    with pytest.raises(DoesNotFitError) as error:
        fit(load("dynapse"), neurons_only(4096 + 300))
    (violation,) = error.value.violations
    assert (violation.resource, violation.needed, violation.limit, violation.n_affected) == (
        "cores",
        18,
        16,
        2,
    )


def test_a_delay_beyond_the_limit_comes_with_the_time_step_that_would_help():
    with pytest.raises(DoesNotFitError, match=r"at most 15 steps, or a time step of 2 ms or more"):
        fit(load("truenorth"), one_delay(30))


def test_an_explicit_mapping_is_used_as_given():
    network = fan_out(3, 2)
    mapping, _ = fit(load("loihi"), network, [5, 5, 0, 127, 5])
    assert mapping.core_of_neuron.tolist() == [5, 5, 0, 127, 5]
    assert mapping.cores_used.tolist() == [0, 5, 127]


def test_an_explicit_mapping_is_held_to_the_limits_too():
    with pytest.raises(DoesNotFitError, match="neurons per core: needs 257, the limit is 256"):
        fit(load("dynapse"), neurons_only(257), np.zeros(257, int))


@pytest.mark.parametrize("cores", [[0, 1], [0, 0, 128], [0, -1, 0], [0.5, 0, 0]])
def test_an_impossible_explicit_mapping_is_refused(cores):
    with pytest.raises(InvalidInputError, match="mapping"):
        map_network(load("loihi").description, neurons_only(3), cores)


def test_an_unknown_method_of_mapping_is_refused_by_name():
    with pytest.raises(NotSupportedError, match="'anneal'"):
        map_network(load("loihi").description, neurons_only(3), "anneal")
