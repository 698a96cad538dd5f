"""Plastic synapses step by step, as the equations of `pycosim.network.plasticity` say."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pycosim.backends.reference.quantal import QuantalSynapses
from pycosim.backends.reference.timing import Float, Int, TimingDependentSynapses
from pycosim.backends.reference.timing_rules import (
    Dopamine,
    DopaminePairSynapses,
    HomeostaticSynapses,
    IntegerPairSynapses,
    NearestPairSynapses,
    ReleasingSynapses,
    TripletSynapses,
)
from pycosim.network import Network, Projection
from pycosim.network.plasticity import DOPAMINE, Column
from pycosim.network.short_term import receptor_time_constants

_TIMING_CLASSES = {
    "SpikeNearestPairRule": NearestPairSynapses,
    "PfisterSpikeTriplet": TripletSynapses,
    "HomeostaticPairRule": HomeostaticSynapses,
}


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


def plastic_synapses(network: Network, index: int, step: int, dopamine: Dopamine) -> PlasticSynapses:
    """Return the synapses of a plastic projection in their initial state, which is that of `step`."""
    projection = network.projections[index]
    assert projection.plasticity is not None
    rule = projection.plasticity.rule
    if rule == "TsodyksMarkram":
        return TsodyksMarkramSynapses(network, projection)
    if rule == DOPAMINE:
        return ReleasingSynapses(projection, dopamine)
    if rule == "DopaminePairRule":
        return DopaminePairSynapses(network, projection, dopamine)
    if rule == "IntegerPairRule":
        return IntegerPairSynapses(network, index)
    if projection.plasticity.changes_weights:
        return _TIMING_CLASSES.get(rule, TimingDependentSynapses)(network, projection)
    return QuantalSynapses(network, index, step)


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
