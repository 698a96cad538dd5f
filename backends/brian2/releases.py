"""Dopamine: synapses that act on synapses.

A spike of a projection with the rule `Dopamine` changes the dopamine at its neuron, and so at all synapses of
the neuron that learn from it. In Brian2 these are Synapses whose targets are Synapses. As all times at a
plastic synapse are late by the dendritic part of its delay, what is released there is as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pycosim.backends.brian2.codegen import Engine
from pycosim.backends.brian2.plan import SynapsesPlan, pathway_name
from pycosim.backends.brian2.plastic import Waiting
from pycosim.backends.brian2.underway import sent_now
from pycosim.backends.brian2.wiring import Part, delays_of, endpoints, weights_of
from pycosim.errors import NotSupportedError
from pycosim.network import Network
from pycosim.network.plasticity import DOPAMINE, DOPAMINE_SIGN


@dataclass(frozen=True)
class _Release:
    """Synapses from `releasing.source` onto those of `learning`, whose name is `target`."""

    name: str
    target: str
    releasing: Part
    learning: Part
    shared_delay: bool


class Releases:
    """Hands the synapses that release dopamine to an engine.

    Parameters
    ----------
    network : Network
    engine : Engine
    names : list of str
        Of the populations; it grows with the network.
    """

    def __init__(self, network: Network, engine: Engine, names: list[str]):
        self._network, self._engine, self._names = network, engine, names
        self._releases: list[_Release] = []

    def is_released_by(self, index: int) -> bool:
        """Return whether a projection releases dopamine, and does nothing else."""
        plasticity = self._network.projections[index].plasticity
        return plasticity is not None and plasticity.rule == DOPAMINE

    def _learns(self, index: int) -> bool:
        plasticity = self._network.projections[index].plasticity
        return plasticity is not None and plasticity.rule == "DopaminePairRule"

    def require_known(self, new: list[list[Part]], old: list[list[Part]], step: int) -> None:
        """Refuse new synapses that would learn from dopamine which may be on its way already.

        Raises
        ------
        NotSupportedError
            If there are some.
        """
        of_old = {p.target for parts in old for p in parts if self.is_released_by(p.projection)}
        for part in (part for parts in new for part in parts):
            if step and self._learns(part.projection) and part.target in of_old:
                label = self._network.projections[part.projection].label
                raise NotSupportedError(
                    f"Projection {label!r} learns from dopamine that is released by a projection which runs "
                    "already; Brian2 cannot give it what is on its way. Make both before the first run, or "
                    "use native."
                )

    def read(self, parts: list[list[Part]], name_of: Callable[[Part], str]) -> None:
        """Find all synapses that release dopamine at synapses that learn from it, and send them."""
        every = [part for one in parts for part in one]
        releasing = [part for part in every if self.is_released_by(part.projection)]
        learning = [part for part in every if self._learns(part.projection)]
        found = (
            self._send(f"{name_of(one)}_on_{name_of(other)}", name_of(other), one, other)
            for one in releasing
            for other in learning
            if one.target == other.target
        )
        self._releases = [release for release in found if release is not None]

    def _send(self, name: str, target: str, releasing: Part, learning: Part) -> _Release | None:
        """Send the synapses between two parts; return None where they have no neuron in common."""
        projection, other = (self._network.projections[part.projection] for part in (releasing, learning))
        pre, neurons = endpoints(self._network, releasing)
        _, learners = endpoints(self._network, learning)
        order = np.argsort(learners, kind="stable")
        first, last = (np.searchsorted(learners[order], neurons, side) for side in ("left", "right"))
        which = np.repeat(np.arange(len(neurons)), last - first)
        if not len(which):
            return None
        within = np.arange(len(which)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
        synapses = order[first[which] + within]
        weights = np.broadcast_to(weights_of(projection, releasing), len(neurons))
        delays = np.broadcast_to(delays_of(projection, releasing), len(neurons))[which]
        dendritic = other.plasticity.dendritic_steps(delays_of(other, learning)).astype(np.int64)
        delays = delays + np.broadcast_to(dendritic, len(learners))[synapses]
        is_shared = bool(np.all(delays == delays[0]))
        self._engine.set(
            {
                (name, "_synaptic_pre"): pre[which],
                (name, "_synaptic_post"): synapses.astype(np.int32),
                (name, "amount"): DOPAMINE_SIGN[projection.receptor] * weights[which],
                (pathway_name(name, "pre"), "delay"): delays[:1] if is_shared else delays,
            }
        )
        return _Release(name, target, releasing, learning, is_shared)

    def plan(self, learning: dict[str, SynapsesPlan]) -> list[SynapsesPlan]:
        """Return the plan of these synapses, given those of the ones that learn by name."""
        return [
            SynapsesPlan(
                one.name,
                self._names[one.releasing.source],
                one.target,
                receptor="",
                shared_weight=False,
                shared_delay=one.shared_delay,
                releases_at=learning[one.target].plasticity,
            )
            for one in self._releases
        ]

    def of_source(self, population: int) -> list[str]:
        """Return the names of the synapses that a population's spikes go through."""
        return [one.name for one in self._releases if one.releasing.source == population]

    def sources_at(self, target: str) -> set[int]:
        """Return the populations whose spikes release dopamine at the synapses `target`."""
        return {one.releasing.source for one in self._releases if one.target == target}

    def concerned_by(self, index: int) -> set[int]:
        """Return the projections that learn from the dopamine of another one."""
        return {one.learning.projection for one in self._releases if one.releasing.projection == index}

    def waiting(self, target: str, step: int) -> list[Waiting]:
        """Return what is on its way to the synapses `target` at the end of `step`."""
        found = []
        for one in self._releases:
            if one.target == target:
                pathway, population = pathway_name(one.name, "pre"), self._names[one.releasing.source]
                ahead, synapses = sent_now(self._engine, population, pathway, one.name, "pre")
                targets = self._engine.get(one.name, "_synaptic_post")[synapses].astype(np.int64)
                amounts = self._engine.get(one.name, "amount")[synapses]
                steps = step + 1 + ahead.astype(np.int64)
                found.append(Waiting(pathway, "release", steps, targets, amounts))
        return found
