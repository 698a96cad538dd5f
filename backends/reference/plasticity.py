"""Plastic synapses step by step, as the equations of `pycosim.network.plasticity` say."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.reference.quantal import QuantalSynapses
from pycosim.network import Network, Projection
from pycosim.network.plasticity import Column
from pycosim.network.short_term import receptor_time_constants

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class PlasticSynapses(Protocol):
    """All synapses of a plastic projection."""

    def arrive(self, step: int) -> list[tuple[Int, Float]]:
        """Begin `step`; return the synapses that transmit before neurons fire, and what."""

    def emit(self, step: int, counts: Int) -> list[tuple[Int, Float]]:
        """End `step`, in which every neuron fired `counts` times; return what is transmitted after that."""

    def weights(self) -> Float:
        """Return the present weights, (n_synapses,) float64."""

    def read_parameters(self) -> None:
        """Read the projection's parameters again."""

    def read_weights(self) -> None:
        """Read the projection's weights again."""


def plastic_synapses(network: Network, index: int) -> PlasticSynapses:
    """Return the synapses of a plastic projection in their initial state."""
    projection = network.projections[index]
    assert projection.plasticity is not None
    if projection.plasticity.changes_weights:
        return TimingDependentSynapses(network, projection)
    if projection.plasticity.rule == "TsodyksMarkram":
        return TsodyksMarkramSynapses(network, projection)
    return QuantalSynapses(network, index)


class TimingDependentSynapses:
    """Synapses with spike-timing-dependent plasticity; see `PlasticSynapses`."""

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
        self._pre_trace *= np.exp(-self._dt_ms / self._c["tau_pre"])
        self._post_trace *= np.exp(-self._dt_ms / self._c["tau_post"])
        self._potentiate(self._arrived(self._targets, self._dendritic, step))
        return self._transmit(self._arrived(self._sources, self._axonal, step))

    def emit(self, step: int, counts: Int) -> list[tuple[Int, Float]]:
        """End a step."""
        self._fired[step] = counts
        self._fired.pop(step - self._longest - 1, None)
        sent = self._transmit(counts[self._sources] * (self._axonal == 0))
        self._potentiate(counts[self._targets] * (self._dendritic == 0))
        # Spikes that reach a synapse together are not paired, so traces grow when all else is done.
        self._pre_trace += self._arrived(self._sources, self._axonal, step)
        self._post_trace += self._arrived(self._targets, self._dendritic, step)
        return sent

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
        self._update(counts > 0, self._c["post_gain"] * self._pre_trace, np.zeros_like(self._pre_trace))

    def _transmit(self, counts: Int) -> list[tuple[Int, Float]]:
        """Let presynaptic spikes change the weights, one after the other, and send them."""
        sent = []
        for i in range(counts.max(initial=0)):
            c, trace = self._c, self._post_trace
            active = counts > i
            self._update(active, c["pre_gain"] * trace, c["pre_loss"] * trace + c["constant_loss"])
            synapses = np.flatnonzero(active)
            sent.append((synapses, self._weights[synapses]))
        return sent

    def _update(self, active: NDArray[np.bool_], gain: Float, loss: Float) -> None:
        w, c = self._weights, self._c
        name = self._projection.plasticity.weight_dependence
        changed = w + gain * _up(name, w, c) - loss * _down(name, w, c)
        bounded = np.clip(changed, np.minimum(c["w_min"], c["w_max"]), np.maximum(c["w_min"], c["w_max"]))
        self._weights = np.where(active & ((gain != 0) | (loss != 0)), bounded, w)


def _up(name: str, w: Float, c: dict[str, Column]) -> Column:
    if name in ("AdditiveWeightDependence", "AdditivePotentiationMultiplicativeDepression"):
        return c["w_max"]
    if name == "MultiplicativeWeightDependence":
        return c["w_max"] - w
    span = c["w_max"] - c["w_min"]
    return span * np.maximum((c["w_max"] - w) / span, 0.0) ** c["mu_plus"]


def _down(name: str, w: Float, c: dict[str, Column]) -> Column:
    if name == "AdditiveWeightDependence":
        return c["w_max"]
    if name in ("MultiplicativeWeightDependence", "AdditivePotentiationMultiplicativeDepression"):
        return w - c["w_min"]
    span = c["w_max"] - c["w_min"]
    return span * np.maximum((w - c["w_min"]) / span, 0.0) ** c["mu_minus"]


class TsodyksMarkramSynapses:
    """Synapses with short-term depression and facilitation; see `PlasticSynapses`."""

    def __init__(self, network: Network, projection: Projection):
        self._network, self._projection = network, projection
        self._sources = projection.source_column()
        self._active, self._inactive = np.zeros((2, projection.n_synapses))
        self._use = np.zeros(projection.n_synapses) + projection.plasticity.initial.get("u", 0.0)
        self.read_parameters()

    def read_weights(self) -> None:
        """Do nothing: weights are read when a spike is sent."""

    def read_parameters(self) -> None:
        """Read the projection's parameters again."""
        self._p = self._projection.plasticity.parameters
        self._tau_psc = receptor_time_constants(self._network, self._projection)

    def weights(self) -> Float:
        """Return the present weights."""
        return np.array(self._projection.weight_column())

    def arrive(self, step: int) -> list[tuple[Int, Float]]:
        """Begin a step."""
        dt, p = self._network.dt_ms, self._p
        decays = [_decay(tau, dt) for tau in (self._tau_psc, p["tau_rec"], p["tau_facil"])]
        self._inactive = self._inactive * decays[1] + self._active * _inactivated(
            self._tau_psc, p["tau_rec"], dt
        )
        self._active = self._active * decays[0]
        self._use = self._use * decays[2]
        return []

    def emit(self, step: int, counts: Int) -> list[tuple[Int, Float]]:
        """End a step."""
        sent, counts = [], counts[self._sources]
        for i in range(counts.max(initial=0)):
            synapses = np.flatnonzero(counts > i)
            u = self._use + self._p["U"] * (1 - self._use)
            # Without facilitation nothing is left of u, not even from a spike of the same step.
            u = np.where(np.asarray(self._p["tau_facil"]) == 0, self._p["U"], u)
            moved = u * (1 - self._active - self._inactive)
            self._use[synapses] = u[synapses]
            self._active[synapses] += moved[synapses]
            sent.append((synapses, (self.weights() * moved)[synapses]))
        return sent


def _decay(tau: Column, dt_ms: float) -> Float:
    tau = np.asarray(tau, np.float64)
    return np.where(tau > 0, np.exp(-dt_ms / np.where(tau > 0, tau, 1.0)), 0.0)


def _inactivated(tau_psc: Column, tau_rec: Column, dt_ms: float) -> Float:
    """Return how much of the active resources is inactive after one step."""
    tau_psc, tau_rec = (np.asarray(tau, np.float64) for tau in (tau_psc, tau_rec))
    x = np.where(tau_psc > 0, dt_ms * (1 / np.where(tau_psc > 0, tau_psc, 1.0) - 1 / tau_rec), np.inf)
    safe = np.where((x == 0) | np.isinf(x), 1.0, x)
    # The integral of exp(-(dt - s) / tau_rec) exp(-s / tau_psc) / tau_psc over the step.
    ratio = np.where(x == 0, 1.0, -np.expm1(-safe) / safe)
    part = dt_ms / np.where(tau_psc > 0, tau_psc, 1.0) * np.exp(-dt_ms / tau_rec) * ratio
    return np.where(tau_psc > 0, part, np.exp(-dt_ms / tau_rec))
