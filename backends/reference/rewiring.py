"""Structural plasticity step by step, as `pycosim.network.rewiring` says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.network import Network, RewiredProjection
from pycosim.network.rewiring import RewiredGroup, rewired_groups
from pycosim.random import unsigned

Int = NDArray[np.int64]
Float = NDArray[np.float64]
FREE = -1
RECEPTORS = ("excitatory", "inhibitory")


class RewiredSynapses:
    """The slots of one group of rewired projections, (n_neurons, s_max) in every column.

    `transmit` adds a weight to the arrivals of a neuron's receptor after a number of steps.
    """

    def __init__(self, network: Network, group: RewiredGroup):
        self._network, self._group, self.members = network, group, group.members
        self._projections = [network.rewired[index] for index in group.members]
        first = self._projections[0]
        self._posts, self._p = np.asarray(first.posts, np.int64), first.parameters
        self._last_selected = first.partner_selection == "LastNeuronSelection"
        shape = len(self._posts), int(self._p["s_max"])
        self._member = np.full(shape, FREE)
        self._source, self._delay, self._dendritic, self._born = np.zeros((4, *shape), np.int64)
        self._weight, self._pre_trace, self._post_trace = np.zeros((3, *shape))
        self._probabilities = [projection.formation_probabilities() for projection in self._projections]
        self._timing = [p.plasticity.coefficients() if p.plasticity else None for p in self._projections]
        self._fired: dict[int, Int] = {}
        self._connect()

    def _connect(self) -> None:
        place = {int(number): row for row, number in enumerate(self._posts)}
        for member, projection in enumerate(self._projections):
            columns = zip(
                projection.sources, projection.targets, projection.weight_column(), projection.delay_column()
            )
            for source, target, weight, delay in columns:
                row = place[int(target)]
                slot = int(np.flatnonzero(self._member[row] == FREE)[0])
                self._occupy((row, slot), member, int(source), weight, int(delay), -1)

    def _occupy(
        self, at: tuple[int, int], member: int, source: int, weight: float, delay: int, step: int
    ) -> None:
        plasticity = self._projections[member].plasticity
        self._member[at], self._source[at], self._weight[at], self._delay[at] = member, source, weight, delay
        self._dendritic[at] = plasticity.dendritic_steps(delay) if plasticity else delay
        self._born[at] = step
        self._pre_trace[at] = self._post_trace[at] = 0.0

    def _slots(self, member: int) -> list[tuple[int, int]]:
        return [(int(row), int(slot)) for row, slot in np.argwhere(self._member == member)]

    def _counts(self, step: int) -> Int:
        return self._fired.get(step, np.zeros(self._network.n_neurons, np.int64))

    def _pre_arrivals(self, at: tuple[int, int], step: int) -> int:
        """Return how many presynaptic spikes reach a synapse at `step`."""
        emission = step - int(self._delay[at] - self._dendritic[at])
        return int(self._counts(emission)[self._source[at]]) if emission > self._born[at] else 0

    def _post_arrivals(self, at: tuple[int, int], step: int) -> int:
        return int(self._counts(step - int(self._dendritic[at]))[self._posts[at[0]]])

    def arrive(self, step: int, transmit: object) -> None:
        """Begin `step`: spikes reach plastic synapses before neurons fire."""
        for member, c in enumerate(self._timing):
            if c is None:
                continue
            slots = self._slots(member)
            for at in slots:
                self._pre_trace[at] *= np.exp(-self._network.dt_ms / c["tau_pre"])
                self._post_trace[at] *= np.exp(-self._network.dt_ms / c["tau_post"])
            for at in slots:
                if self._dendritic[at] and self._post_arrivals(at, step):
                    self._change(at, member, c["post_gain"] * self._pre_trace[at], 0.0)
            for at in slots:
                if self._delay[at] > self._dendritic[at]:
                    self._transmit(
                        at, member, self._pre_arrivals(at, step), int(self._dendritic[at]), transmit
                    )

    def emit(self, step: int, counts: Int, transmit: object) -> None:
        """End `step`, in which every neuron fired `counts` times; the network may have grown before."""
        self._fired[step] = counts
        self._fired.pop(step - 1 - int(self._delay.max()) - int(self._p["initial_delay_high"]), None)
        for member, c in enumerate(self._timing):
            slots = self._slots(member)
            for at in slots:
                if c is None or self._delay[at] == self._dendritic[at]:
                    self._transmit(at, member, int(counts[self._source[at]]), int(self._delay[at]), transmit)
            for at in slots if c is not None else ():
                if not self._dendritic[at] and counts[self._posts[at[0]]]:
                    self._change(at, member, c["post_gain"] * self._pre_trace[at], 0.0)
                # Spikes that reach a synapse together are not paired, so traces grow when all else is done.
                self._pre_trace[at] += self._pre_arrivals(at, step)
                self._post_trace[at] += self._post_arrivals(at, step)

    def _transmit(self, at: tuple[int, int], member: int, n: int, left: int, transmit: object) -> None:
        projection, c = self._projections[member], self._timing[member]
        for _ in range(n):
            if c is not None:
                trace = self._post_trace[at]
                self._change(at, member, c["pre_gain"] * trace, c["pre_loss"] * trace + c["constant_loss"])
            transmit(RECEPTORS.index(projection.receptor), int(self._posts[at[0]]), left, self._weight[at])

    def _change(self, at: tuple[int, int], member: int, gain: float, loss: float) -> None:
        if gain == 0 and loss == 0:
            return
        c, w = self._timing[member], self._weight[at]
        span = c["w_max"] - c["w_min"]
        up, down = {
            "AdditiveWeightDependence": (c["w_max"], c["w_max"]),
            "MultiplicativeWeightDependence": (c["w_max"] - w, w - c["w_min"]),
            "AdditivePotentiationMultiplicativeDepression": (c["w_max"], w - c["w_min"]),
            "GutigWeightDependence": (
                span * max((c["w_max"] - w) / span, 0.0) ** c["mu_plus"],
                span * max((w - c["w_min"]) / span, 0.0) ** c["mu_minus"],
            ),
        }[self._projections[member].plasticity.weight_dependence]
        low, high = sorted((c["w_min"], c["w_max"]))
        self._weight[at] = min(max(w + gain * up - loss * down, low), high)

    def rewire(self, step: int) -> None:
        """Make the attempts of the end of `step`."""
        spikes = self._last_spikes(step) if self._last_selected else []
        for n in range(self._group.n_attempts(step - 1), self._group.n_attempts(step)):
            draws = self._draws(n)
            row, slot = int(draws[0] * len(self._posts)), int(draws[1] * self._member.shape[1])
            if self._member[row, slot] == FREE:
                self._form((row, slot), draws, spikes, step)
                continue
            p = self._projections[self._member[row, slot]].parameters
            depressed = abs(self._weight[row, slot]) < p["threshold"]
            if draws[4] < p["prob_elim_depressed" if depressed else "prob_elim_potentiated"]:
                self._member[row, slot] = FREE

    def _draws(self, attempt: int) -> list[float]:
        words = [
            part >> shift & 0xFFFF_FFFF
            for part in (unsigned(self._network.seed), self._group.stream)
            for shift in (0, 32)
        ]
        key = _core.philox4x32(tuple(words), (0, 0))[:2]
        drawn = []
        for block in range(3):
            counter = (attempt & 0xFFFF_FFFF, attempt >> 32, 0, block)
            w = _core.philox4x32(counter, key)
            drawn += [((w[i] << 32 | w[i + 1]) >> 11) * 2.0**-53 for i in (0, 2)]
        return drawn

    def _last_spikes(self, step: int) -> list[tuple[int, int]]:
        """Return projection and candidate of each spike of `step` that counts."""
        counts, found = self._counts(step), []
        candidates = [np.asarray(projection.candidates) for projection in self._projections]
        for neuron in np.flatnonzero(counts):
            members = [
                (m, int(i)) for m, c in enumerate(candidates) for i in np.flatnonzero(c == neuron)
            ] * int(counts[neuron])
            found += members
        return found[: int(self._p["spike_buffer_size"])]

    def _form(
        self, at: tuple[int, int], draws: list[float], spikes: list[tuple[int, int]], step: int
    ) -> None:
        if self._last_selected:
            if not spikes:
                return
            member, candidate = spikes[int(draws[2] * len(spikes))]
        else:
            member = int(draws[2] * len(self._projections))
            candidate = int(draws[3] * len(self._projections[member].candidates))
        projection = self._projections[member]
        source, p = int(projection.candidates[candidate]), projection.parameters
        here = self._member[at[0]] == member
        if not p["with_replacement"] and np.any(here & (self._source[at[0]] == source)):
            return
        if draws[4] < self._formation(member, projection, candidate, at[0]):
            low, high = int(p["initial_delay_low"]), int(p["initial_delay_high"])
            delay = low + int(draws[5] * (high - low + 1))
            self._occupy(at, member, source, p["initial_weight"], delay, step)

    def _formation(self, member: int, projection: RewiredProjection, pre: int, post: int) -> float:
        x, y = (int(projection.parameters[name]) for name in ("grid_x", "grid_y"))
        distances = [abs(pre // x - post // x) if x > 1 else 0, abs(pre % y - post % y) if y > 1 else 0]
        squared = sum((d - n if d > n // 2 else d) ** 2 for d, n in zip(distances, (x, y)))
        table = self._probabilities[member]
        return table[squared] if squared < len(table) else 0.0

    def synapses(self, member: int) -> tuple[Int, Int, Float, Int]:
        """Return sources, targets, weights and delays of a projection's synapses, by target and slot."""
        rows, slots = np.nonzero(self._member == member)
        at = rows, slots
        return self._source[at], self._posts[rows], self._weight[at], self._delay[at]


def rewired_synapses(network: Network) -> list[RewiredSynapses]:
    """Return the slots of all groups at step 0."""
    return [RewiredSynapses(network, group) for group in rewired_groups(network)]
