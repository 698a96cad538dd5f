"""Pair rules of spike-timing-dependent plasticity step by step, as `pycosim.network.plasticity` has them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network, Projection
from pycosim.network.plasticity import Column

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class TimingDependentSynapses:
    """Synapses with an all-to-all pair rule; see `pycosim.backends.reference.plasticity.PlasticSynapses`."""

    def __init__(self, network: Network, projection: Projection):
        self._projection, self._dt_ms = projection, network.dt_ms
        self._sources, self._targets = projection.source_column(), projection.targets
        delays = projection.delay_column()
        self._dendritic = projection.plasticity.dendritic_steps(delays)
        self._axonal = delays - self._dendritic
        self._pre_trace, self._post_trace = np.zeros((2, projection.n_synapses))
        self._fired: dict[int, Int] = {}
        self._longest = int(delays.max(initial=1))
        self.read_weights()
        self.read_parameters()

    def read_weights(self) -> None:
        """Read the projection's weights again."""
        self._weights = np.array(self._projection.weight_column())

    def read_parameters(self) -> None:
        """Read the projection's parameters again."""
        self._c = self._projection.plasticity.coefficients()

    def weights(self) -> Float:
        """Return the present weights."""
        return self._weights.copy()

    def arrive(self, step: int) -> list[tuple[Int, Float]]:
        """Begin a step."""
        self._decay_traces()
        self._potentiate(self._arrived(self._targets, self._dendritic, step))
        return self._transmit(self._arrived(self._sources, self._axonal, step))

    def emit(self, step: int, counts: Int) -> list[tuple[Int, Float]]:
        """End a step."""
        self._fired[step] = counts
        self._fired.pop(step - self._longest - 1, None)
        sent = self._transmit(counts[self._sources] * (self._axonal == 0))
        self._potentiate(counts[self._targets] * (self._dendritic == 0))
        # Spikes that reach a synapse together are not paired, so traces grow when all else is done.
        self._grow_traces(
            self._arrived(self._sources, self._axonal, step),
            self._arrived(self._targets, self._dendritic, step),
        )
        return sent

    def _decay_traces(self) -> None:
        """Let a step pass."""
        self._pre_trace *= np.exp(-self._dt_ms / self._c["tau_pre"])
        self._post_trace *= np.exp(-self._dt_ms / self._c["tau_post"])

    def _grow_traces(self, pre: Int, post: Int) -> None:
        """Add the spikes that reached the synapses in this step."""
        self._pre_trace += pre
        self._post_trace += post

    def _gain_after_post(self) -> Float:
        """Return what a postsynaptic spike multiplies up(w) with."""
        return self._c["post_gain"] * self._pre_trace

    def _gain_and_loss_after_pre(self) -> tuple[Float, Float]:
        """Return what a presynaptic spike multiplies up(w) and down(w) with."""
        c, trace = self._c, self._post_trace
        return c["pre_gain"] * trace, c["pre_loss"] * trace + c["constant_loss"]

    def _arrived(self, neurons: NDArray[np.int32], delays: NDArray[np.int32], step: int) -> Int:
        """Return how many spikes reach each synapse at `step` from `neurons`, after `delays`."""
        counts = np.zeros(len(neurons), np.int64)
        for delay in np.unique(delays):
            if step - delay in self._fired:
                here = delays == delay
                counts[here] = self._fired[step - delay][neurons[here]]
        return counts

    def _potentiate(self, counts: Int) -> None:
        """Let postsynaptic spikes change the weights."""
        self._update(counts > 0, self._gain_after_post(), np.zeros_like(self._pre_trace))

    def _transmit(self, counts: Int) -> list[tuple[Int, Float]]:
        """Let presynaptic spikes change the weights, one after the other, and send them."""
        sent = []
        for i in range(counts.max(initial=0)):
            active = counts > i
            self._update(active, *self._gain_and_loss_after_pre())
            synapses = np.flatnonzero(active)
            sent.append((synapses, self._weights[synapses]))
        return sent

    def _update(self, active: NDArray[np.bool_], gain: Float, loss: Float) -> None:
        w, c = self._weights, self._c
        name = self._projection.plasticity.weight_dependence
        changed = bounded(w + gain * up(name, w, c) - loss * down(name, w, c), c)
        self._weights = np.where(active & ((gain != 0) | (loss != 0)), changed, w)


def bounded(w: Float, c: dict[str, Column]) -> Float:
    """Return weights between the bounds."""
    return np.clip(w, np.minimum(c["w_min"], c["w_max"]), np.maximum(c["w_min"], c["w_max"]))


def up(name: str, w: Float, c: dict[str, Column]) -> Column:
    """Return how far a weight dependence lets weights grow."""
    if name in ("AdditiveWeightDependence", "AdditivePotentiationMultiplicativeDepression"):
        return c["w_max"]
    if name == "MultiplicativeWeightDependence":
        return c["w_max"] - w
    span = c["w_max"] - c["w_min"]
    return span * np.maximum((c["w_max"] - w) / span, 0.0) ** c["mu_plus"]


def down(name: str, w: Float, c: dict[str, Column]) -> Column:
    """Return how far a weight dependence lets weights shrink."""
    if name == "AdditiveWeightDependence":
        return c["w_max"]
    if name in ("MultiplicativeWeightDependence", "AdditivePotentiationMultiplicativeDepression"):
        return w - c["w_min"]
    span = c["w_max"] - c["w_min"]
    return span * np.maximum((w - c["w_min"]) / span, 0.0) ** c["mu_minus"]
