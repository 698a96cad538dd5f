"""The simulator against a plain one that steps every router through every cycle, on many kinds of
networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.hwmodels.noc import Mesh, Network

from .noc_traffic import (
    bursts,
    cases,
    check_cut_run,
    chip_meshes,
    hierarchies,
    meshes,
    spikes_of_many_cores,
    tori,
)
from .stepped_network import STAGES, SteppedNetwork


@pytest.mark.parametrize("router", sorted(STAGES))
def test_the_stepped_simulation_has_the_zero_load_latency(router):
    packets = [(0, 0, 11, 2)]
    (arrival,) = SteppedNetwork(Mesh(4, 3), router, 8, "round_robin").run(packets)
    assert arrival == STAGES[router] * (5 + 1) + 2 + 1


@settings(max_examples=120, deadline=None)
@given(
    cases(st.one_of(meshes, hierarchies(), tori, chip_meshes)),
    st.sampled_from(sorted(STAGES)),
    st.sampled_from([1, 2, 3, 4, 5, 8]),
    st.sampled_from(["round_robin", "least_recently_served", "oldest_first"]),
)
def test_arrivals_and_launches_equal_those_of_a_simulation_of_every_cycle(case, router, depth, arbiter):
    topology, packets = case
    stepped = SteppedNetwork(topology, router, depth, arbiter)
    expected = stepped.run(packets)
    network = Network(topology, router=router, buffer_depth=depth, arbiter=arbiter)
    network.inject(*np.array(packets).T)
    network.drain()
    assert network.arrival_cycles.tolist() == expected
    assert network.launch_cycles.tolist() == [stepped.launches[k] for k in range(len(packets))]


@settings(max_examples=120, deadline=None)
@given(
    bursts(st.one_of(meshes, hierarchies(), tori, chip_meshes)),
    st.sampled_from(sorted(STAGES)),
    st.sampled_from([1, 2, 8]),
    st.sampled_from(["round_robin", "least_recently_served", "oldest_first"]),
    st.lists(st.integers(1, 60), max_size=30),
)
def test_bursts_from_one_terminal_after_another_arrive_as_in_a_simulation_of_every_cycle(
    case, router, depth, arbiter, steps
):
    topology, packets = case
    expected = SteppedNetwork(topology, router, depth, arbiter).run(packets)
    whole = Network(topology, router=router, buffer_depth=depth, arbiter=arbiter)
    whole.inject(*np.array(packets).T)
    end = whole.drain()
    assert whole.arrival_cycles.tolist() == expected
    cut = Network(topology, router=router, buffer_depth=depth, arbiter=arbiter)
    check_cut_run(cut, packets, steps, whole, end)


@settings(max_examples=100, deadline=None)
@given(
    spikes_of_many_cores(st.one_of(meshes, hierarchies(), chip_meshes)),
    st.sampled_from(sorted(STAGES)),
    st.sampled_from([1, 2, 4, 16]),
    st.sampled_from(["round_robin", "least_recently_served", "oldest_first"]),
    st.lists(st.integers(1, 200), max_size=20),
)
def test_spikes_that_fly_side_by_side_or_meet_arrive_as_in_a_simulation_of_every_cycle(
    case, router, depth, arbiter, steps
):
    topology, packets = case
    stepped = SteppedNetwork(topology, router, depth, arbiter)
    expected = stepped.run(packets)
    whole = Network(topology, router=router, buffer_depth=depth, arbiter=arbiter)
    whole.inject(*np.array(packets).T)
    end = whole.drain()
    assert whole.arrival_cycles.tolist() == expected
    assert whole.launch_cycles.tolist() == [stepped.launches[k] for k in range(len(packets))]
    check_cut_run(
        Network(topology, router=router, buffer_depth=depth, arbiter=arbiter), packets, steps, whole, end
    )
