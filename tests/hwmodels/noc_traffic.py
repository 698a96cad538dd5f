"""Networks-on-chip and their traffic to draw from, and a run in pieces held against a whole one."""

from collections import deque

import numpy as np
from hypothesis import strategies as st

from pycosim.hwmodels.noc import ChipMesh, Hierarchy, Mesh, Torus

cycles = st.sampled_from([1, 1, 2, 3, 7, 70])
spacings = st.sampled_from([1, 1, 2, 5, 80])
meshes = st.builds(
    Mesh,
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    cycles,
    cycles,
    st.sampled_from([1, 2, 5]),
    spacings,
)


tori = st.builds(
    Torus,
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 2),
    cycles,
    cycles,
    st.sampled_from([1, 2]),
    st.sampled_from([1, 2, 5]),
)
chip_meshes = st.builds(
    ChipMesh,
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 2),
    cycles,
    cycles,
    st.sampled_from([1, 2]),
    st.sampled_from([1, 2]),
    chip_cycles=st.sampled_from([1, 5, 70]),
    chip_flit_cycles=st.sampled_from([1, 3, 20]),
    shared_edges=st.booleans(),
)


@st.composite
def hierarchies(draw):
    branches = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    per_level = st.tuples(*(cycles for _ in branches))
    spacing_per_level = st.tuples(*(spacings for _ in branches))
    return Hierarchy(
        draw(st.integers(1, 3)),
        draw(st.integers(1, 2)),
        branches,
        draw(cycles),
        draw(cycles),
        draw(per_level),
        draw(spacings),
        draw(spacing_per_level),
    )


@st.composite
def traffic(draw, topology):
    n = topology.n_terminals
    terminal = st.integers(0, n - 1)
    sinks = draw(st.sampled_from([terminal, st.just(n // 2)]))  # anywhere, or all to one
    last = draw(st.sampled_from([0, 10, 200]))
    packet = st.tuples(st.integers(0, last), terminal, sinks, st.integers(1, 5))
    return draw(st.lists(packet, min_size=1, max_size=40))


@st.composite
def cases(draw, topologies):
    topology = draw(topologies)
    return topology, draw(traffic(topology))


@st.composite
def bursts(draw, topologies):
    """Spikes: packets to several destinations that one terminal sends in the same cycle."""
    topology = draw(topologies)
    terminal = st.integers(0, topology.n_terminals - 1)
    spike = st.tuples(st.integers(0, 80), terminal, st.lists(terminal, min_size=1, max_size=8))
    packets, cycle = [], 0
    for pause, source, destinations in draw(st.lists(spike, min_size=1, max_size=10)):
        cycle += pause
        packets += [(cycle, source, destination, 1) for destination in destinations]
    return topology, packets


@st.composite
def spikes_of_many_cores(draw, topologies):
    """Spikes of several terminals, some of which leave so close to each other that their packets meet."""
    topology = draw(topologies)
    terminal = st.integers(0, topology.n_terminals - 1)
    destinations = st.lists(terminal, min_size=1, max_size=6)
    spike = st.tuples(st.sampled_from([0, 1, 4, 20, 60, 150, 400]), terminal, destinations)
    packets, cycle = [], 0
    for pause, source, to in draw(st.lists(spike, min_size=2, max_size=14)):
        cycle += pause
        packets += [(cycle, source, destination, 1) for destination in to]
    return topology, packets


def check_cut_run(cut, packets, steps, whole, end):
    """Inject each packet only just before its cycle is simulated; check the counts after every step."""
    waiting = deque(packets)
    arrived = {}
    for step in steps:
        until = cut.now + step
        while waiting and waiting[0][0] < until:
            cut.inject(*waiting.popleft())
        cut.advance(until)
        ids, cycles_ = cut.take_arrivals()
        assert all(cycles_ < until)
        assert sorted(zip(cycles_.tolist(), ids.tolist(), strict=True)) == list(
            zip(cycles_.tolist(), ids.tolist(), strict=True)
        )
        arrived.update(zip(ids.tolist(), cycles_.tolist(), strict=True))
        assert len(arrived) + cut.n_in_flight == cut.n_packets
        known = whole.arrival_cycles[: cut.n_packets]
        np.testing.assert_array_equal(cut.arrival_cycles, np.where(known < until, known, -1))
        launched = whole.launch_cycles[: cut.n_packets]
        np.testing.assert_array_equal(cut.launch_cycles, np.where(launched < until, launched, -1))
    for packet in waiting:
        cut.inject(*packet)
    assert cut.drain() == max(end, sum(steps))
    arrived.update(zip(*(column.tolist() for column in cut.take_arrivals()), strict=True))
    assert [arrived[k] for k in range(len(packets))] == whole.arrival_cycles.tolist()
    np.testing.assert_array_equal(cut.launch_cycles, whole.launch_cycles)
    np.testing.assert_array_equal(cut.link_flits, whole.link_flits)
    assert cut.n_in_flight == 0
