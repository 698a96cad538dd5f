"""A plain simulation of a network of routers, every one of them in every cycle."""

from collections import deque

import numpy as np

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
