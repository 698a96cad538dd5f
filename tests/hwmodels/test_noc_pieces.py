"""What a network-on-chip does depends neither on how a run is cut nor on how packets are given to it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.hwmodels.noc import Mesh, Network, simulate

from .noc_traffic import cases, check_cut_run, chip_meshes, hierarchies, meshes, tori
from .stepped_network import STAGES


@settings(max_examples=100, deadline=None)
@given(
    cases(st.one_of(meshes, hierarchies(), tori, chip_meshes)),
    st.sampled_from(sorted(STAGES)),
    st.sampled_from([1, 2, 8]),
    st.lists(st.integers(1, 60), max_size=30),
)
def test_results_do_not_depend_on_how_the_run_is_cut(case, router, depth, steps):
    topology, packets = case
    packets = sorted(packets)
    whole = Network(topology, router=router, buffer_depth=depth)
    whole.inject(*np.array(packets).T)
    end = whole.drain()
    check_cut_run(Network(topology, router=router, buffer_depth=depth), packets, steps, whole, end)


@settings(max_examples=60, deadline=None)
@given(
    cases(st.builds(Mesh, st.integers(1, 4), st.integers(1, 4))),
    st.sampled_from([1, 2, 4]),
    st.lists(st.integers(1, 20), max_size=30),
)
def test_handshake_results_do_not_depend_on_how_the_run_is_cut(case, depth, steps):
    topology, packets = case
    packets = sorted(packets)
    whole = Network(topology, router="handshake", buffer_depth=depth)
    whole.inject(*np.array(packets).T)
    end = whole.drain()
    check_cut_run(Network(topology, router="handshake", buffer_depth=depth), packets, steps, whole, end)


def test_link_counts_after_a_cut_equal_those_of_a_run_that_ends_there():
    rng = np.random.default_rng(1)
    packets = np.sort(rng.integers(0, 40, 200)), rng.integers(0, 16, 200), rng.integers(0, 16, 200), 3
    stepwise = Network(Mesh(4, 4), buffer_depth=2)
    stepwise.inject(*packets)
    for until in range(1, 60):
        stepwise.advance(until)
        at_once = Network(Mesh(4, 4), buffer_depth=2)
        at_once.inject(*packets)
        at_once.advance(until)
        np.testing.assert_array_equal(stepwise.link_flits, at_once.link_flits)
        injection = stepwise.links.from_terminal >= 0
        assert stepwise.link_flits[injection].sum() <= 16 * until


def test_a_list_in_any_order_is_taken_by_cycle_and_list_order():
    cycle = [30, 0, 30, 10, 0]
    arrivals = simulate(cycle, [0] * 5, [3] * 5, shape=(4, 1))
    order = np.argsort(cycle, kind="stable")
    in_order = simulate(np.array(cycle)[order], [0] * 5, [3] * 5, shape=(4, 1))
    assert arrivals[order].tolist() == in_order.tolist()


def test_batches_injected_out_of_order_give_the_same_as_one_list():
    rng = np.random.default_rng(2)
    packets = np.array([rng.integers(0, 500, 300), rng.integers(0, 16, 300), rng.integers(0, 16, 300)])
    whole = Network(Mesh(4, 4))
    whole.inject(*packets)
    whole.drain()
    batches = Network(Mesh(4, 4))
    for start in range(0, 300, 7):
        batches.inject(*packets[:, start : start + 7])
    batches.drain()
    assert batches.arrival_cycles.tolist() == whole.arrival_cycles.tolist()
