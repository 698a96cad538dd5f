"""The simulator against a plain one that steps every router through every cycle, on many kinds of
networks."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.hwmodels.noc import ChipMesh, Hierarchy, Mesh, Network, Torus, simulate

STAGES = {"credit3": 3, "credit4": 4, "credit5": 5}


class SteppedNetwork:
    """Credit routers, written for clearness: explicit credit counters, all state advanced in every cycle."""

    def __init__(self, topology, router, depth, arbiter):
        graph = self.graph = topology.graph()
        self.stages, self.depth, self.arbiter = STAGES[router], depth, arbiter
        n = len(graph.peer)
        self.router = np.repeat(np.arange(graph.n_routers), np.diff(graph.first_port))
        self.port_of_terminal = {int(t): p for p, t in enumerate(graph.terminal) if t >= 0}
        self.fifo = [deque() for _ in range(n)]  # of (packet, is head, is tail, cycle from which it may act)
        self.last_pop = [-(10**9)] * n
        self.credit = [depth] * n  # of each output
        self.source_credit = dict.fromkeys(self.port_of_terminal, depth)
        self.owner = [None] * n  # input that holds the output
        self.pointer = [0] * n
        self.served = [[-i for i in range(64)] for _ in range(n)]
        self.free_at = [0] * n
        self.due = {}  # cycle: credits that become usable
        self.channel = graph.channel if graph.channel is not None else np.full(n, -1)
        self.channel_free = {}
        self.on_channel = []  # flits that moved onto shared channels in this cycle

    def route(self, router, destination):
        place = self.graph.routing.places[router].tolist()
        first, below, per_child, child_port, up, x, y = place
        if first <= destination < first + below:
            return child_port + (destination - first) // per_child
        if up >= 0:
            return up
        to_x, to_y = self.graph.routing.terminal_x[destination], self.graph.routing.terminal_y[destination]
        columns, rows = self.graph.routing.rings
        return self.along(x, to_x, columns) if to_x != x else 2 + self.along(y, to_y, rows)

    @staticmethod
    def along(here, there, ring):
        if not ring:
            return 0 if there > here else 1
        ahead = (there - here) % ring
        step = 1 if 2 * ahead <= ring else -1
        passes = [here + step * k for k in range(min(ahead, ring - ahead) + 1)]
        wraps = passes[-1] not in range(ring)
        return (0 if step > 0 else 1) + (0 if wraps else 4)

    def run(self, packets):
        queues = {t: deque() for t in self.port_of_terminal}
        for number, (cycle, source, _, flits) in sorted(enumerate(packets), key=lambda entry: entry[1][0]):
            queues[source] += [(number, k == 0, k == flits - 1, cycle) for k in range(flits)]
        self.packets, self.arrivals, self.launches = packets, {}, {}
        t = 0
        while len(self.arrivals) < len(packets):
            for counter, key in self.due.pop(t, ()):
                counter[key] += 1
            self.launch(t, queues)
            moves = [move for r in range(self.graph.n_routers) for move in self.decide(t, r)]
            for move in moves:
                self.move(t, *move)
            self.pass_channels(t)
            t += 1
        return [self.arrivals[k] for k in range(len(packets))]

    def launch(self, t, queues):
        for terminal, queue in queues.items():
            if queue and queue[0][3] <= t and self.source_credit[terminal] > 0:
                number, head, tail, _ = queue.popleft()
                if head:
                    self.launches[number] = t
                self.source_credit[terminal] -= 1
                port = self.port_of_terminal[terminal]
                self.fifo[port].append((number, head, tail, t + 1 + self.graph.link_cycles[port]))

    def decide(self, t, router):
        """Return the moves (input, output) of one router; grant outputs."""
        first, end = self.graph.first_port[router], self.graph.first_port[router + 1]
        bids, moves = {}, []
        for port in range(first, end):
            if not self.fifo[port]:
                continue
            number, head, _, ready = self.fifo[port][0]
            ready = max(ready, self.last_pop[port] + 1)
            output = first + self.route(router, self.packets[number][2])
            can_move = self.credit[output] > 0 and t >= self.free_at[output]
            if self.owner[output] == port and (not head or self.stages > 3):
                if ready <= t and can_move:
                    moves.append((port, output))
            elif self.owner[output] is None and head and ready + (self.stages == 5) <= t:
                if can_move or self.stages > 3:
                    bids.setdefault(output, []).append(port - first)
        for output, inputs in bids.items():
            winner = first + self.arbitrate(t, output, inputs, first, end - first)
            self.owner[output] = winner
            if self.stages == 3:
                moves.append((winner, output))
        return moves

    def arbitrate(self, t, output, inputs, first, n):
        if self.arbiter == "least_recently_served":
            winner = min(inputs, key=lambda i: self.served[output][i])
            self.served[output][winner] = t + 1
            return winner
        if self.arbiter == "oldest_first":
            age = {i: self.packets[self.fifo[first + i][0][0]][0] for i in inputs}
            inputs = [i for i in inputs if age[i] == min(age.values())]
        winner = min(inputs, key=lambda i: (i - self.pointer[output]) % n)
        self.pointer[output] = (winner + 1) % n
        return winner

    def move(self, t, port, output):
        graph = self.graph
        number, head, tail, _ = self.fifo[port].popleft()
        self.last_pop[port] = t
        self.credit[output] -= 1
        self.free_at[output] = t + graph.flit_cycles[output]
        if tail:
            self.owner[output] = None
        if graph.terminal[port] >= 0:
            back = (self.source_credit, int(graph.terminal[port])), graph.link_cycles[port]
        else:
            sender = int(graph.peer[port])
            back = (self.credit, sender), graph.link_cycles[sender]
        self.due.setdefault(t + 1 + int(back[1]), []).append(back[0])
        if self.channel[output] >= 0:
            self.on_channel.append((output, number, head, tail))
        else:
            self.hand_on(t, output, number, head, tail)

    def pass_channels(self, t):
        for output, *flit in sorted(self.on_channel):
            channel = int(self.channel[output])
            start = max(t, self.channel_free.get(channel, 0))
            self.channel_free[channel] = start + self.graph.flit_cycles[output]
            self.hand_on(start, output, *flit)
        self.on_channel = []

    def hand_on(self, t, output, number, head, tail):
        graph = self.graph
        link = int(graph.link_cycles[output])
        if graph.terminal[output] >= 0:
            if tail:
                self.arrivals[number] = t + 2 + link
            self.due.setdefault(t + 3 + 2 * link, []).append((self.credit, output))
        else:
            self.fifo[graph.peer[output]].append((number, head, tail, t + 2 + link))


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


@pytest.mark.parametrize("router", sorted(STAGES))
def test_the_stepped_simulation_has_the_zero_load_latency(router):
    packets = [(0, 0, 11, 2)]
    (arrival,) = SteppedNetwork(Mesh(4, 3), router, 8, "round_robin").run(packets)
    assert arrival == STAGES[router] * (5 + 1) + 2 + 1


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
