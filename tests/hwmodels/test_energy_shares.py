"""Energy by core and by population, and the ranges of uncertain totals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.load import load
from pycosim.network import Network

from .chip_networks import (
    ALWAYS,
    add_neurons,
    add_spikes,
    all_pairs,
    connect,
    random_network,
    record_all,
    run_chip,
)


def close(value):
    """Equal but for rounding; picojoules are below what pytest takes for zero."""
    return pytest.approx(value, rel=1e-12, abs=1e-25)


def expect_sums(hardware):
    for cause, energy in hardware.energy_j.items():
        if energy is None:
            assert cause not in hardware.energy_of_core_j
            assert cause not in hardware.energy_of_population_j
        elif cause == "static":
            assert hardware.energy_of_core_j[cause].sum() <= energy * (1 + 1e-12)
            assert cause not in hardware.energy_of_population_j
        else:
            # Rounding of sums in double precision.
            assert hardware.energy_of_core_j[cause].sum() == close(energy)
            assert hardware.energy_of_population_j[cause].sum() == close(energy)
    known = math.fsum(energy for energy in hardware.energy_j.values() if energy is not None)
    assert hardware.core_energy()["total"].sum() == close(known)
    assert hardware.population_energy()["total"].sum() == close(known)


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from(["loihi", "truenorth", "dynapse"]),
    timing=st.sampled_from(["ideal", "trace", "closed"]),
    seed=st.integers(0, 100),
    constants=st.sampled_from(["default", "all"]),
)
def test_energies_of_cores_and_populations_add_up_to_those_of_the_chip(name, timing, seed, constants):
    values = {}
    if constants == "all":
        costs = load(name).description.energy
        values = {f"energy.{cause}": 3 for cause in costs.unknown()}
    _, hardware = run_chip(
        name, random_network(n=30, n_sources=6, fan_in=4, seed=seed), 60, timing=timing, values=values
    )
    assert hardware.sent > 0
    expect_sums(hardware)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("truenorth", {"noc.chips": "2x2", "noc.shape": "2x2"}),
        ("loihi", {"noc.chips": "2x2", "noc.shape": "2x1", "energy.chip_hop": "100 pJ"}),
        ("loihi", {"noc.topology": "torus", "noc.shape": "5x4"}),
        ("loihi", {"noc.multicast": "tree", "noc.chips": "2x2", "noc.shape": "2x1", "energy.chip_hop": 3}),
        ("dynapse", {"noc.multicast": "tree"}),
        ("spinnaker", {}),
    ],
)
def test_energies_add_up_on_several_chips_on_rings_and_on_trees(name, shape):
    network = random_network(n=30, n_sources=6, fan_in=4, seed=3)
    _, hardware = run_chip(name, network, 60, values={"mapping.neurons_per_core": 3} | shape)
    expect_sums(hardware)
    if "noc.chips" in shape:
        assert hardware.energy_j["links between chips"] > 0
        assert "links between chips" in hardware.population_energy()


def test_hops_over_the_wrap_around_of_a_torus_are_short():
    network = Network(1.0)
    near, far = add_neurons(network, 1, **ALWAYS), add_neurons(network, 1, **ALWAYS)
    target = add_neurons(network, 1)
    connect(network, *all_pairs(near, target), delays=3)
    connect(network, *all_pairs(far, target), delays=3)
    # Tiles (1, 0), (7, 0) and (0, 0) of a ring of eight.
    _, hardware = run_chip("loihi", network, 9, mapping=[4, 28, 0], values={"noc.topology": "torus"})
    hops = hardware.energy_of_population_j["hops"]
    assert hops[0] == close(hops[1]) != 0


def test_each_population_pays_for_what_its_spikes_cause():
    network = Network(1.0)
    quiet, busy = add_neurons(network, 3, label="quiet"), add_neurons(network, 1, label="busy", **ALWAYS)
    outside = add_spikes(network, [2], [0], 1)
    connect(network, *all_pairs(busy, quiet), delays=1)
    connect(network, *all_pairs(outside, quiet), delays=1)
    record_all(network)
    spikes, hardware = run_chip("loihi", network, 9, mapping=[0, 0, 0, 4, -1])
    of = hardware.energy_of_population_j
    n_busy = int((spikes[1] == 3).sum())
    # The last spike of "busy" is in the last step, and its packets arrive in the same one.
    assert of["synaptic events"] == close(np.array([0, 3 * n_busy, 3]) * 23.6e-12)
    assert of["hops"] == close(np.array([0, n_busy * 3.0e-12, 0]))
    assert of["packets"] == close(np.array([0, n_busy, 1]) * 1.7e-12)
    assert of["neuron updates"] == close(np.array([3, 1, 0]) * 9 * 81e-12)
    by_core = hardware.energy_of_core_j
    assert by_core["synaptic events"] == close(np.array([3 * n_busy + 3, 0]) * 23.6e-12)
    assert by_core["hops"] == close(np.array([0, n_busy * 3.0e-12]))
    assert by_core["packets"] == close(np.array([1, n_busy]) * 1.7e-12)


def test_static_energy_is_shared_as_the_description_says():
    network = Network(1.0)
    add_neurons(network, 4)
    _, hardware = run_chip("loihi", network, 9, mapping=[0, 0, 1, 2])
    total = hardware.energy_j["static"]
    assert hardware.energy_of_core_j["static"] == close(np.full(3, total / 128))
    assert hardware.core_energy().loc["not in use", "static"] == close(total * 125 / 128)
    _, hardware = run_chip(
        "loihi", network, 9, mapping=[0, 0, 1, 2], values={"energy.static_share": "cores_in_use"}
    )
    assert hardware.energy_of_core_j["static"] == close(np.full(3, total / 3))


def test_totals_of_certain_constants_have_no_range_and_of_others_one_around_the_value():
    _, hardware = run_chip("loihi", random_network(), 20)
    assert hardware.energy_range_j == {}
    _, hardware = run_chip("dynapse", random_network(), 20)
    for cause, (low, high) in hardware.energy_range_j.items():
        # Recalled: a fourth either way.
        assert (low, high) == close((hardware.energy_j[cause] / 1.25, hardware.energy_j[cause] * 1.25))
    assert "spikes" in hardware.energy_range_j
    _, hardware = run_chip("loihi", random_network(), 20, values={"energy.spike": "10 pJ"})
    spikes = hardware.energy_j["spikes"]
    assert hardware.energy_range_j == {"spikes": close((spikes / 2, spikes * 2))}


def test_bounds_in_a_description_replace_the_customary_ones():
    bounded = {"value": "10 pJ", "low": "9 pJ", "high": "14 pJ", "source": "me", "confidence": "assumed"}
    _, hardware = run_chip("loihi", random_network(), 20, values={"energy.spike": bounded})
    spikes = hardware.energy_j["spikes"]
    assert hardware.energy_range_j == {"spikes": close((spikes * 0.9, spikes * 1.4))}
    for wrong in ({"low": "11 pJ"}, {"high": "9 pJ"}, {"low": None}):
        with pytest.raises(ChipDescriptionError, match=r"energy\.spike"):
            load("loihi", {"energy.spike": bounded | wrong})
