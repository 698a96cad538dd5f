"""The handshake router against a plain simulation of every cycle."""

from collections import deque

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.hwmodels.noc import Mesh, Network

# Inputs in the order of the scan; its sixth position is never used.
MINUS_Y, EAST, PLUS_Y, WEST, LOCAL = range(5)
OPPOSITE = {MINUS_Y: PLUS_Y, PLUS_Y: MINUS_Y, EAST: WEST, WEST: EAST}


class SteppedHandshake:
    """Transmit, then receive, in every router and every cycle."""

    def __init__(self, columns, rows, depth):
        self.columns, self.n, self.depth = columns, columns * rows, depth
        self.fifo = {
            (r, i): deque() for r in range(self.n) for i in range(5)
        }  # of (packet, head, tail, since)
        self.reserved = {}  # (router, input): output
        self.last_sent = {}  # (router, output): cycle

    def output(self, router, destination):
        x, to_x = router % self.columns, destination % self.columns
        if x != to_x:
            return EAST if to_x > x else WEST
        if router == destination:
            return LOCAL
        return PLUS_Y if destination > router else MINUS_Y

    def neighbour(self, router, output):
        return router + {EAST: 1, WEST: -1, PLUS_Y: self.columns, MINUS_Y: -self.columns}[output]

    def run(self, packets):
        self.packets, self.arrivals, self.launches = packets, {}, {}
        queues = {r: deque() for r in range(self.n)}
        for number, (cycle, source, _, flits) in sorted(enumerate(packets), key=lambda entry: entry[1][0]):
            queues[source] += [(number, k == 0, k == flits - 1, cycle) for k in range(flits)]
        offered = {}  # router: (flit, cycle of its launch)
        t = 0
        while len(self.arrivals) < len(packets):
            full = {key for key, flits in self.fifo.items() if len(flits) == self.depth}
            received = [move for r in range(self.n) for move in self.transmit(t, r, full)]
            for r, queue in queues.items():
                if r in offered and offered[r][1] < t and len(self.fifo[r, LOCAL]) < self.depth:
                    received.append(((r, LOCAL), offered.pop(r)[0], t))
                elif r not in offered and queue and queue[0][3] <= t:
                    flit = queue.popleft()
                    offered[r] = (flit[:3], t)
                    if flit[1]:
                        self.launches[flit[0]] = t
            for key, flit, since in received:
                self.fifo[key].append((*flit, since))
            t += 1
        return [self.arrivals[k] for k in range(len(packets))]

    def transmit(self, t, router, full):
        start = (4 + t) % 6
        for i in ((start + k) % 6 for k in range(6)):
            if i == 5 or (router, i) in self.reserved or not self.visible(router, i, t):
                continue
            output = self.output(router, self.packets[self.fifo[router, i][0][0]][2])
            if output not in [o for (r, _), o in self.reserved.items() if r == router]:
                self.reserved[router, i] = output
        sent = []
        for i in range(5):
            if (router, i) not in self.reserved or not self.visible(router, i, t):
                continue
            output = self.reserved[router, i]
            if self.last_sent.get((router, output), -2) > t - 2:
                continue
            if output != LOCAL:
                target = self.neighbour(router, output), OPPOSITE[output]
                if target in full:
                    continue
            sent.append(i)
        moves = []
        for i in sent:
            output = self.reserved[router, i]
            number, head, tail, _ = self.fifo[router, i].popleft()
            self.last_sent[router, output] = t
            if tail:
                del self.reserved[router, i]
            if output != LOCAL:
                target = self.neighbour(router, output), OPPOSITE[output]
                moves.append((target, (number, head, tail), t + 1))
            elif tail:
                self.arrivals[number] = t
        return moves

    def visible(self, router, i, t):
        """Whether the front flit was received before this cycle."""
        return bool(self.fifo[router, i]) and self.fifo[router, i][0][3] < t


@st.composite
def cases(draw):
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    node = st.integers(0, columns * rows - 1)
    sinks = draw(st.sampled_from([node, st.just(columns * rows // 2)]))
    last = draw(st.sampled_from([0, 10, 200]))
    packets = st.lists(
        st.tuples(st.integers(0, last), node, sinks, st.integers(1, 5)), min_size=1, max_size=40
    )
    return columns, rows, draw(packets)


@settings(max_examples=120, deadline=None)
@given(cases(), st.sampled_from([1, 2, 3, 8]))
def test_arrivals_and_launches_equal_those_of_a_simulation_of_every_cycle(case, depth):
    columns, rows, packets = case
    stepped = SteppedHandshake(columns, rows, depth)
    expected = stepped.run(packets)
    network = Network(Mesh(columns, rows), router="handshake", buffer_depth=depth)
    network.inject(*np.array(packets).T)
    network.drain()
    assert network.arrival_cycles.tolist() == expected
    assert network.launch_cycles.tolist() == [stepped.launches[k] for k in range(len(packets))]
