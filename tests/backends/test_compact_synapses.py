"""The engine's compact synapses: no weight or target loses a bit, and the memory that they take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends.native.simulation import NativeSimulation
from pycosim.backends.reference.simulation import ReferenceSimulation
from pycosim.network import Plasticity

from .backend_networks import add_pairs, network_of, neurons, spike_array

RNG = np.random.default_rng(1)


def membranes(simulation_of, network, n_steps=12, **options):
    simulation = simulation_of(network, **options)
    simulation.advance(n_steps)
    return simulation.signal(1, "v")


def one_row(targets, weights, delays=5, receptor="excitatory", size=70_000):
    network = network_of(spike_array(1), neurons("IF_curr_delta", size))
    add_pairs(network, 0, 1, np.zeros(len(targets), int), targets, weights, delays, receptor)
    return network


def weights_of_every_magnitude(n):
    signs = RNG.choice([-1.0, 1.0], n)
    return signs * RNG.uniform(0.5, 1, n) * 2.0 ** RNG.integers(-300, 3, n)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "weights",
    [RNG.normal(0.3, 0.03, 70_000), weights_of_every_magnitude(70_000), np.full(70_000, 0.1), 0.1],
    ids=["similar", "of every magnitude", "a column of equal ones", "one number"],
)
def test_weights_and_targets_beyond_16_bits_keep_every_bit(weights, threads):
    network = one_row(np.arange(70_000), weights, RNG.integers(1, 9, 70_000).astype(np.int32))
    expected = membranes(ReferenceSimulation, network)
    np.testing.assert_array_equal(membranes(NativeSimulation, network, threads=threads), expected)


def test_more_synapses_than_a_segment_holds_add_up_in_their_order():
    network = one_row(np.zeros(150_000, int), RNG.normal(1e-5, 1e-6, 150_000), size=1)
    np.testing.assert_array_equal(
        membranes(NativeSimulation, network), membranes(ReferenceSimulation, network)
    )


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("size", "n", "longest"), [(70_000, 40, 11), (200, 1200, 700)])
@pytest.mark.parametrize("kind", ["similar", "of every magnitude", "equal"])
def test_rows_of_many_delays_keep_every_bit_and_their_order(kind, size, n, longest, threads):
    weights = {
        "similar": RNG.normal(0.3, 0.03, n),
        "of every magnitude": weights_of_every_magnitude(n),
        "equal": 0.1,
    }[kind]
    delays = RNG.integers(1, longest, n).astype(np.int32)
    network = one_row(np.sort(RNG.integers(0, size, n)), weights, delays, size=size)
    expected = membranes(ReferenceSimulation, network, n_steps=longest + 1)
    np.testing.assert_array_equal(
        membranes(NativeSimulation, network, n_steps=longest + 1, threads=threads), expected
    )


# A step from target to target takes a byte up to 254; rows with too many longer ones, or steps back, two.
@given(
    steps=st.lists(
        st.one_of(st.integers(0, 4), st.integers(252, 257), st.integers(0, 400)), min_size=4, max_size=50
    ),
    first=st.sampled_from([0, 254, 255, 2_900]),
    longest=st.integers(3, 300),
    equal=st.booleans(),
    n_projections=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_rows_of_many_delays_keep_their_targets_however_far_apart(
    steps, first, longest, equal, n_projections, seed
):
    rng = np.random.default_rng(seed)
    targets = np.clip(first + np.cumsum(steps), 0, 2_999)
    network = network_of(spike_array(1), neurons("IF_curr_delta", 3_000))
    for _ in range(n_projections):
        weights = 0.1 if equal else rng.normal(0.3, 0.03, len(targets))
        delays = rng.integers(1, longest, len(targets)).astype(np.int32)
        add_pairs(network, 0, 1, np.zeros(len(targets), int), targets, weights, delays)
    expected = membranes(ReferenceSimulation, network, n_steps=longest + 1)
    np.testing.assert_array_equal(membranes(NativeSimulation, network, n_steps=longest + 1), expected)


def bytes_of_a_synapse(rows, size, longest, equal=False):
    """Bytes that the engine takes for each synapse of rows of targets, each from a neuron of its own."""
    network = network_of(neurons("IF_curr_delta", len(rows)), neurons("IF_curr_delta", size))
    lengths = [len(row) for row in rows]
    n, sources = sum(lengths), np.repeat(np.arange(len(rows)), lengths)
    weights = 0.1 if equal else RNG.normal(0.1, 0.01, n)
    delays = RNG.integers(1, longest, n).astype(np.int32)
    add_pairs(network, 0, 1, sources, np.concatenate(rows), weights, delays)
    return (NativeSimulation(network).synapse_bytes - 4 * size) / n


def test_individual_weights_and_delays_take_little_more_than_nine_bytes():
    k = 100
    rows = [np.sort(RNG.choice(4000, k, replace=False)) for _ in range(500)]
    # 1 for the step to the target, 1 for the delay, 7 for the weight; of a row 2 for the number of long steps
    # (there are hardly any), 12 for the segment, 4 for its place
    assert bytes_of_a_synapse(rows, 4000, 100) < 9 + 18 / k + 0.05
    # 8 for all weights together
    assert bytes_of_a_synapse(rows, 4000, 100, equal=True) < 2 + 26 / k + 0.05
    # 11 of a delay would take more as a segment
    assert bytes_of_a_synapse(rows, 4000, 10) < 9 + 18 / k + 0.05


def test_targets_that_are_far_apart_take_two_bytes():
    k = 100
    rows = [np.sort(RNG.choice(60_000, k, replace=False)) for _ in range(500)]
    assert 10 < bytes_of_a_synapse(rows, 60_000, 100) < 10 + 16 / k + 0.05


def test_individual_weights_and_delays_take_ten_bytes_and_equal_ones_little_more_than_two():
    n, k = 2000, 400
    network = network_of(neurons("IF_curr_delta", n), neurons("IF_curr_delta", n))
    pairs = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    add_pairs(
        network, 0, 1, *pairs, RNG.normal(0.1, 0.01, n * k), RNG.integers(1, 31, n * k).astype(np.int32)
    )
    # 2 for the target, 7 for the weight, 12 for each of 30 segments in a row
    assert NativeSimulation(network).synapse_bytes / (n * k) < 9 + 12 * 30 / k + 0.1
    network.projections[0].weights, network.projections[0].delays = 0.1, 5
    assert NativeSimulation(network).synapse_bytes / (n * k) < 2.1


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_plastic_synapses_keep_their_place_among_rows_of_many_delays(seed, threads):
    rng = np.random.default_rng(seed)
    n_sources, n_cells, n_synapses = 8, 12, 48
    spikes = spike_array(*np.repeat(np.arange(30), n_sources), size=n_sources)
    spikes.spike_indices = np.tile(np.arange(n_sources), 30)
    # Membranes around 0 that forget within steps show the last bits of what is added to them.
    quick = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": 1e9, "tau_m": 0.05}
    network = network_of(spikes, neurons("IF_curr_delta", n_cells, v=0.0, **quick))
    for _ in range(2):
        pairs = np.sort(rng.integers(0, n_sources * n_cells, n_synapses))
        sources, targets = np.divmod(pairs, n_cells)
        delays = rng.integers(1, 7, n_synapses).astype(np.int32)
        add_pairs(network, 0, 1, sources, targets, rng.normal(0.3, 0.1, n_synapses), delays)
    network.projections[1].plasticity = Plasticity(
        "TsodyksMarkram", parameters={"U": 0.5, "tau_rec": 20.0, "tau_facil": 5.0}, initial={"u": 0.0}
    )
    expected = membranes(ReferenceSimulation, network, 40)
    np.testing.assert_array_equal(membranes(NativeSimulation, network, 40, threads=threads), expected)
