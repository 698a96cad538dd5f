"""Stochastic synapses, one draw at a time, as the equations of `pycosim.network.plasticity` say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.network import Network
from pycosim.network.plasticity import ALL_SITES
from pycosim.network.short_term import draw_key

Int = NDArray[np.int64]
Float = NDArray[np.float64]


class QuantalSynapses:
    """Synapses with release sites; see `pycosim.backends.reference.plasticity.PlasticSynapses`."""

    def __init__(self, network: Network, index: int, step: int):
        self._projection, self._dt_ms = network.projections[index], network.dt_ms
        self._sources = self._projection.source_column()
        n = self._projection.n_synapses
        self._use = np.zeros(n) + self._projection.plasticity.initial.get("u", 0.0)
        self._spike_steps = np.full(n, step, np.int64)
        self._n_spikes = np.zeros(n, np.int64)
        self._key = draw_key(network, index)
        self.read_parameters()
        initial = self._projection.plasticity.initial.get("a", ALL_SITES)
        self._available = np.minimum(self._sites, initial)

    def read_weights(self) -> None:
        """Do nothing: weights are read when a spike is sent."""

    def read_parameters(self) -> None:
        """Read the projection's parameters again; a changed number of sites shows when they are empty."""
        p, n = self._projection.plasticity.quantal_parameters(), self._projection.n_synapses
        columns = (np.broadcast_to(p[name], n) for name in ("U", "n", "tau_rec", "tau_facil"))
        self._release, self._sites, self._tau_rec, self._tau_facil = columns

    def weights(self) -> Float:
        """Return the present weights."""
        return np.array(self._projection.weight_column())

    def arrive(self, step: int) -> list[tuple[Int, Float]]:
        """Begin a step."""
        return []

    def emit(self, step: int, counts: Int) -> list[tuple[Int, Float]]:
        """End a step."""
        sent, counts = [], counts[self._sources]
        for i in range(counts.max(initial=0)):
            synapses = np.flatnonzero(counts > i)
            released = np.array([self._released(s, step) / self._sites[s] for s in synapses])
            sent.append((synapses, self.weights()[synapses] * released))
        return sent

    def _released(self, s: int, step: int) -> int:
        """Return how many sites of synapse `s` release at a spike."""
        interval = (step - self._spike_steps[s]) * self._dt_ms
        facilitates = self._tau_facil[s] > 0
        rest = self._use[s] * np.exp(-interval / self._tau_facil[s]) if facilitates else 0.0
        self._use[s] = rest + self._release[s] * (1 - rest)
        sites, draw = int(self._sites[s]), 0
        available = min(int(self._available[s]), sites)
        recovered = 1 - np.exp(-interval / self._tau_rec[s]) if self._tau_rec[s] > 0 else 1.0
        for _ in range(sites - available):
            available += self._draw(s, draw) < recovered
            draw += 1
        released = 0
        for _ in range(available):
            released += self._draw(s, draw) < self._use[s]
            draw += 1
        self._available[s] = available - released
        self._spike_steps[s] = step
        self._n_spikes[s] += 1
        return released

    def _draw(self, synapse: int, draw: int) -> float:
        """Return number `draw` of those that belong to a synapse's present spike, in [0, 1)."""
        n = int(self._n_spikes[synapse])
        counter = (n & 0xFFFF_FFFF, n >> 32, int(synapse), draw // 2)
        words = _core.philox4x32(counter, self._key)[2 * (draw % 2) :]
        return ((words[0] << 32 | words[1]) >> 11) * 2.0**-53
