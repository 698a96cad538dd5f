"""The timing rules besides the all-to-all pair rules, as `pycosim.network.plasticity` has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from pycosim.backends.reference.timing import Float, Int, TimingDependentSynapses, bounded, down, up
from pycosim.network import Network, Projection
from pycosim.network.noise import random_words
from pycosim.network.plasticity import DOPAMINE_SIGN, MAX_TRACE
from pycosim.network.short_term import draw_key


class NearestPairSynapses(TimingDependentSynapses):
    """Synapses that pair neighbouring spikes."""

    def _grow_traces(self, pre: Int, post: Int) -> None:
        self._pre_trace = np.where(pre > 0, 1.0, np.where(post > 0, 0.0, self._pre_trace))
        self._post_trace = np.where(post > 0, 1.0, self._post_trace)


class TripletSynapses(TimingDependentSynapses):
    """Synapses with the triplet rule."""

    def __init__(self, network: Network, projection: Projection):
        self._slow_pre, self._slow_post = np.zeros((2, projection.n_synapses))
        super().__init__(network, projection)

    def _decay_traces(self) -> None:
        super()._decay_traces()
        self._slow_pre *= np.exp(-self._dt_ms / self._c["tau_x"])
        self._slow_post *= np.exp(-self._dt_ms / self._c["tau_y"])

    def _grow_traces(self, pre: Int, post: Int) -> None:
        super()._grow_traces(pre, post)
        self._slow_pre += pre
        self._slow_post += post

    def _gain_after_post(self) -> Float:
        return self._pre_trace * (self._c["post_gain"] + self._c["A3_plus"] * self._slow_post)

    def _gain_and_loss_after_pre(self) -> tuple[Float, Float]:
        loss = self._post_trace * (self._c["pre_loss"] + self._c["A3_minus"] * self._slow_pre)
        return np.zeros_like(loss), loss


class Dopamine:
    """Dopamine that is released at neurons in some steps to come."""

    def __init__(self) -> None:
        self._amounts: dict[int, list[tuple[Int, Callable[[], Float]]]] = defaultdict(list)

    def add(self, step: int, neurons: Int, amounts: Callable[[], Float]) -> None:
        """Note what is released at `step`; amounts are asked for then."""
        self._amounts[step].append((neurons, amounts))

    def at(self, step: int, neurons: Int) -> Float:
        """Return what is released at `step` at some neurons, (n,); steps only ascend."""
        self._amounts.pop(step - 1, None)
        amounts = np.zeros(int(neurons.max(initial=0)) + 1)
        for where, how_much in self._amounts.get(step, ()):
            known = where < len(amounts)
            np.add.at(amounts, where[known], how_much()[known])
        return amounts[neurons]


class ReleasingSynapses:
    """Synapses that release dopamine; see `pycosim.backends.reference.plasticity.PlasticSynapses`."""

    def __init__(self, projection: Projection, dopamine: Dopamine):
        self._projection, self._dopamine = projection, dopamine
        self._sources, self._delays = projection.source_column(), projection.delay_column()
        self._sign = DOPAMINE_SIGN[projection.receptor]

    def read_weights(self) -> None:
        """Do nothing: weights are read when dopamine is released."""

    def read_parameters(self) -> None:
        """Do nothing: there are none."""

    def weights(self) -> Float:
        """Return the weights."""
        return np.array(self._projection.weight_column())

    def arrive(self, step: int) -> list[tuple[Int, Float]]:
        """Begin a step."""
        return []

    def emit(self, step: int, counts: Int) -> list[tuple[Int, Float]]:
        """End a step."""
        n_spikes = counts[self._sources]
        for delay in np.unique(self._delays[n_spikes > 0]):
            here = np.flatnonzero((n_spikes > 0) & (self._delays == delay))

            def amounts(here: Int = here) -> Float:
                return self._sign * n_spikes[here] * self.weights()[here]

            self._dopamine.add(step + int(delay), self._projection.targets[here], amounts)
        return []


class DopaminePairSynapses(TimingDependentSynapses):
    """Synapses whose weights follow eligibility times dopamine."""

    def __init__(self, network: Network, projection: Projection, dopamine: Dopamine):
        super().__init__(network, projection)
        self._released = dopamine
        self._eligibility = np.zeros(projection.n_synapses)
        self._dopamine = np.zeros(projection.n_synapses) + self._c["d_base"]

    def arrive(self, step: int) -> list[tuple[Int, Float]]:
        """Begin a step."""
        self._learn()
        self._dopamine = self._dopamine + self._released.at(step, self._targets)
        return super().arrive(step)

    def _update(self, active: np.ndarray, gain: Float, loss: Float) -> None:
        name = self._projection.plasticity.weight_dependence
        change = gain * up(name, self._weights, self._c) - loss * down(name, self._weights, self._c)
        self._eligibility = np.where(active, self._eligibility + change, self._eligibility)

    def _learn(self) -> None:
        """Let eligibility and dopamine act during one step, with a stop where dopamine crosses 0."""
        c, base, d = self._c, np.asarray(self._c["d_base"]), self._dopamine
        crosses = d * base < 0
        ratio = np.where(crosses, -d / np.where(base == 0, 1.0, base), 0.0)
        until_0 = np.where(crosses, c["tau_d"] * np.log1p(ratio), 0.0)
        first = np.minimum(until_0, self._dt_ms)
        to_0 = self._eligibility * self._integral(first)
        w = bounded(bounded(self._weights, c) + to_0, c)
        w = bounded(w + self._eligibility * self._integral(self._dt_ms) - to_0, c)
        self._weights = np.where(self._eligibility != 0, w, self._weights)
        self._eligibility = self._eligibility * np.exp(-self._dt_ms / c["tau_c"])
        self._dopamine = base + (d - base) * np.exp(-self._dt_ms / c["tau_d"])

    def _integral(self, until_ms: Float | float) -> Float:
        """Return the integral of dopamine times an eligibility of 1 that decays, in ms."""
        base, tau_c = self._c["d_base"], self._c["tau_c"]
        both = 1 / (1 / tau_c + 1 / self._c["tau_d"])
        slow = base * tau_c * -np.expm1(-until_ms / tau_c)
        return slow + (self._dopamine - base) * both * -np.expm1(-until_ms / both)


class HomeostaticSynapses(TimingDependentSynapses):
    """Synapses that are scaled, at every update, towards a rate of their neuron."""

    def __init__(self, network: Network, projection: Projection):
        super().__init__(network, projection)
        self._waiting = np.zeros(projection.n_synapses)
        self._rate = np.zeros(projection.n_synapses) + self._c["base_rate"]

    def _decay_traces(self) -> None:
        super()._decay_traces()
        self._rate = self._rate * np.exp(-self._dt_ms / self._c["tau_rate"])

    def emit(self, step: int, counts: Int) -> list[tuple[Int, Float]]:
        """End a step."""
        sent = super().emit(step, counts)
        self._rate = self._rate + counts[self._targets] * (1e3 / self._c["tau_rate"])
        if step > 0 and step % self._projection.plasticity.update_steps(self._dt_ms) == 0:
            self._scale()
        return sent

    def _update(self, active: np.ndarray, gain: Float, loss: Float) -> None:
        name = self._projection.plasticity.weight_dependence
        change = gain * up(name, self._weights, self._c) - loss * down(name, self._weights, self._c)
        self._waiting = np.where(active, self._waiting + change, self._waiting)

    def _scale(self) -> None:
        c = self._c
        interval_s = self._projection.plasticity.update_steps(self._dt_ms) * self._dt_ms / 1e3
        lacking = 1 - self._rate / c["base_rate"]
        pace = c["base_rate"] / (c["tau_rate"] / 1e3 * (1 + 50 * np.abs(lacking)))
        scaled = c["homeo_scale"] * lacking * self._weights * interval_s
        self._weights = bounded(self._weights + (scaled + self._waiting) * pace, c)
        self._waiting = np.zeros_like(self._waiting)


class IntegerPairSynapses(TimingDependentSynapses):
    """Synapses whose traces and weights are whole numbers, rounded at random."""

    def __init__(self, network: Network, index: int):
        super().__init__(network, network.projections[index])
        self._key, self._step = draw_key(network, index), 0
        self._place = np.arange(self._projection.n_synapses)

    def arrive(self, step: int) -> list[tuple[Int, Float]]:
        """Begin a step."""
        self._step = step
        return super().arrive(step)

    def _rounded(self, x: Float, lane: int) -> Float:
        high, low, _, _ = random_words(self._key, self._place, self._step, lane)
        uniform = ((high << np.uint64(32) | low) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return np.floor(x) + (uniform < x - np.floor(x))

    def _decay_traces(self) -> None:
        factors = (np.exp(-1.0 / (self._c[tau] / self._dt_ms)) for tau in ("tau_pre", "tau_post"))
        traces = self._pre_trace, self._post_trace
        self._pre_trace, self._post_trace = (
            self._rounded(trace * factor, lane) for lane, (trace, factor) in enumerate(zip(traces, factors))
        )

    def _grow_traces(self, pre: Int, post: Int) -> None:
        impulse = self._c["impulse"]
        self._pre_trace = np.minimum(self._pre_trace + impulse * pre, MAX_TRACE)
        self._post_trace = np.minimum(self._post_trace + impulse * post, MAX_TRACE)

    def _update(self, active: np.ndarray, gain: Float, loss: Float) -> None:
        steps = self._rounded(gain, 2) - self._rounded(loss, 3)
        changed = bounded(self._weights + self._c["w_step"] * steps, self._c)
        self._weights = np.where(active & ((gain != 0) | (loss != 0)), changed, self._weights)
