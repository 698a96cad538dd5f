"""The projections of a network as Brian2 Synapses: what the engine knows of them, and changes to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2.codegen import Engine
from pycosim.backends.brian2.graded import payload_of
from pycosim.backends.brian2.plan import PlasticPlan, SourcePlan, SynapsesPlan, pathway_name
from pycosim.backends.brian2.plastic import (
    Columns,
    Settled,
    Waiting,
    constant_columns,
    initial_states,
    settle,
)
from pycosim.backends.brian2.plastic_equations import is_in_python, rule_named
from pycosim.backends.brian2.releases import Releases
from pycosim.backends.brian2.underway import UnderWay, send_present_spikes, sent_now
from pycosim.backends.brian2.wiring import Part, delays_of, ends_of, parts_of, weights_of
from pycosim.errors import NotSupportedError
from pycosim.network import Network, Projection
from pycosim.network.plasticity_checks import require_same_delays

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class _Listener:
    """Synapses that a population's spikes have an effect on, as one of their two sides."""

    synapses: str
    side: str

    @property
    def pathway(self) -> str:
        return pathway_name(self.synapses, self.side)

    @property
    def end(self) -> str:
        return _end(self.side)


def _end(side: str) -> str:
    """Return at which end of its synapses the neurons of a side are."""
    return "pre" if side == "pre" else "post"


class Projections:
    """Hands the projections of a network to an engine.

    Parameters
    ----------
    network : Network
    engine : Engine
    names : list of str
        Of the populations; it grows with the network.
    """

    def __init__(self, network: Network, engine: Engine, names: list[str]):
        self._network, self._engine, self._names = network, engine, names
        self._parts: list[list[Part]] = []
        self._plastic: dict[str, PlasticPlan] = {}
        self._shared: dict[str, tuple[bool, bool]] = {}
        self._delays: dict[int, NDArray[np.int32]] = {}
        self._underway = UnderWay(engine)
        self._releases = Releases(network, engine, names)

    def start(self, step: int) -> None:
        """Give the engine the projections that it does not know, in a network that is at `step`."""
        n_old = len(self._parts)
        projections = self._network.projections
        new = [self._parts_in_brian2(i) for i in range(n_old, len(projections))]
        for source in {part.source for parts in new for part in parts}:
            self._send_present_spikes(source)
        self._releases.require_known(new, self._parts, step)
        for index, parts in enumerate(new, n_old):
            self._parts.append(parts)
            if self._releases.is_released_by(index):
                self._delays[index] = self._network.projections[index].delay_column()
                continue
            for part in parts:
                ends = ends_of(self._network, part)
                self._engine.set({(self._name(part), name): column for name, column in ends.items()})
            self._send_weights(index)
            if self._network.projections[index].plasticity is not None:
                self._start_plastic(index, step)
        self._releases.read(self._parts, self._name)

    def _parts_in_brian2(self, index: int) -> list[Part]:
        """Return the parts of a projection that are not done by Python functions."""
        if is_in_python(self._network.projections[index].plasticity):
            return []
        populations = self._network.populations
        return [part for part in parts_of(self._network, index) if not payload_of(populations[part.source])]

    def _start_plastic(self, index: int, step: int) -> None:
        projection = self._network.projections[index]
        self._delays[index] = projection.delay_column()
        self._send_constants(index)
        for part in self._parts[index]:
            states = initial_states(self._network, part, projection.delay_column()[part.synapses], step)
            self._engine.set({(self._name(part), name): column for name, column in states.items()})

    def connected(self) -> set[int]:
        """Return the populations that have synapses."""
        return {part.source for parts in self._parts for part in parts}

    def _name(self, part: Part) -> str:
        return f"{self._names[part.source]}_to_{self._names[part.target]}_{part.projection}_synapses"

    def _sides(self, index: int) -> tuple[str, ...]:
        plasticity = self._network.projections[index].plasticity
        if plasticity is None:
            return ("pre",)
        if self._releases.is_released_by(index):
            return ()
        return tuple(rule_named(plasticity.rule, plasticity.weight_dependence).on_spike)

    def plan(self) -> tuple[SynapsesPlan, ...]:
        """Return the plan of all synapses."""
        own = {
            self._name(part): self._part_plan(part)
            for index, parts in enumerate(self._parts)
            for part in parts
            if not self._releases.is_released_by(index)
        }
        return (*own.values(), *self._releases.plan(own), *self._underway.synapses())

    def _part_plan(self, part: Part) -> SynapsesPlan:
        return SynapsesPlan(
            self._name(part),
            self._names[part.source],
            self._names[part.target],
            self._network.projections[part.projection].receptor,
            *self._shared[self._name(part)],
            self._plastic.get(self._name(part)),
            self._sides(part.projection),
        )

    def sources(self) -> tuple[SourcePlan, ...]:
        """Return the plan of generators of spikes under way."""
        return tuple(self._underway.sources())

    def emit(self, step: int) -> None:
        """Send what acts after `step` and is not in Brian2's queues."""
        self._underway.emit(step)

    def _send_weights(self, index: int) -> None:
        projection = self._network.projections[index]
        plasticity = projection.plasticity
        for part in self._parts[index]:
            name = self._name(part)
            weights, delays = weights_of(projection, part), delays_of(projection, part)
            self._shared[name] = np.ndim(projection.weights) == 0, np.ndim(projection.delays) == 0
            self._engine.set({(name, "weight"): weights, (pathway_name(name, "pre"), "delay"): delays})
            for side, factor in (("post", 2), ("rate", 1)):
                if side in self._sides(index):
                    kept_back = np.maximum(factor * plasticity.dendritic_steps(delays).astype(np.int64), 1)
                    self._engine.set({(pathway_name(name, side), "delay"): kept_back})

    def _send_constants(self, index: int) -> None:
        plasticity = self._network.projections[index].plasticity
        for part in self._parts[index]:
            name, shared, values = self._name(part), [], {}
            columns = constant_columns(self._network, part)
            for constant, column in columns.items():
                values[name, constant] = np.atleast_1d(column)
                if np.ndim(column) == 0:
                    shared.append(constant)
            self._engine.set(values)
            self._plastic[name] = PlasticPlan(
                plasticity.rule, plasticity.weight_dependence, tuple(columns), tuple(shared)
            )

    def _listeners(self, population: int) -> list[_Listener]:
        found = []
        for index, parts in enumerate(self._parts):
            for part in parts:
                for side in self._sides(index):
                    if population == {"pre": part.source, "post": part.target}[_end(side)]:
                        found.append(_Listener(self._name(part), side))
        return found + [_Listener(name, "pre") for name in self._releases.of_source(population)]

    def _send_present_spikes(self, population: int) -> None:
        """Send the spikes of the present step through the synapses that a population has now."""
        listeners = [(one.pathway, one.synapses, one.end) for one in self._listeners(population)]
        send_present_spikes(self._engine, self._names[population], listeners)

    def weights_changed(self, index: int, step: int) -> None:
        """Read weights and delays again; spikes under way keep the weight that they found at the synapse."""
        projection = self._network.projections[index]
        if projection.plasticity is not None:
            require_same_delays(projection, self._delays[index])
        if self._releases.is_released_by(index):
            for concerned in self._releases.concerned_by(index):
                self._settle(concerned, step)
            self._releases.read(self._parts, self._name)
            return
        if projection.plasticity is not None:
            self._settle(index, step)
        else:
            for source in {part.source for part in self._parts[index]}:
                self._send_present_spikes(source)
            for part in self._parts[index]:
                self._underway.take(self._name(part), self._names[part.target], projection.receptor, step)
        self._send_weights(index)

    def plasticity_changed(self, index: int, step: int) -> None:
        """Read the parameters of a projection's plasticity again.

        Raises
        ------
        NotSupportedError
            If time constants of a timing rule have changed.
        """
        if self._releases.is_released_by(index):
            return  # it has none
        projection = self._network.projections[index]
        for part in self._parts[index]:
            new = constant_columns(self._network, part)
            for name in {"pre_tau", "post_tau", "pre_slow_tau", "post_slow_tau"} & new.keys():
                if np.any(self._engine.get(self._name(part), name) != new[name]):
                    raise NotSupportedError(
                        f"Projection {projection.label!r}: time constants of an STDP rule cannot change "
                        "during a simulation, as traces have been computed with them. Set them before the "
                        "first run, or call reset() first."
                    )
        self._settle(index, step)
        self._send_constants(index)

    def neurons_changed(self, population: int, step: int) -> None:
        """Read the time constants of the receptors of a population again."""
        for index, parts in enumerate(self._parts):
            plasticity = self._network.projections[index].plasticity
            is_concerned = plasticity is not None and plasticity.rule == "TsodyksMarkram"
            if is_concerned and any(part.target == population for part in parts):
                self.plasticity_changed(index, step)

    def weights(self, index: int, step: int) -> Float:
        """Return the present weights of a projection, (n_synapses,) float64."""
        projection = self._network.projections[index]
        weights = np.array(projection.weight_column())
        if projection.plasticity is not None and projection.plasticity.changes_weights:
            for part in self._parts[index]:
                weights[part.synapses] = self._settled(part, step).columns["weight"]
        return weights

    def _columns(self, part: Part) -> Columns:
        projection, name = self._network.projections[part.projection], self._name(part)
        plasticity = projection.plasticity
        states = rule_named(plasticity.rule, plasticity.weight_dependence).states
        names = dict.fromkeys(("weight", *states, *self._plastic[name].constants))
        return {column: self._engine.get(name, column) for column in names}

    def _dendritic(self, projection: Projection, part: Part) -> Int:
        delays = projection.delay_column()[part.synapses]
        if projection.plasticity.changes_weights:
            delays = projection.plasticity.dendritic_steps(delays)
        return delays.astype(np.int64)

    def _settled(self, part: Part, step: int) -> Settled:
        projection, name = self._network.projections[part.projection], self._name(part)
        waiting = self._releases.waiting(name, step)
        for side in self._sides(part.projection):
            end, pathway = _end(side), pathway_name(name, side)
            population = self._names[part.source if end == "pre" else part.target]
            ahead, synapses = sent_now(self._engine, population, pathway, name, end)
            steps = step + 1 + ahead.astype(np.int64)
            waiting.append(Waiting(pathway, side, steps, synapses.astype(np.int64)))
        dendritic = self._dendritic(projection, part)
        return settle(projection.plasticity, self._columns(part), dendritic, waiting, step)

    def _settle(self, index: int, step: int) -> None:
        """Let all spikes act that have reached the synapses of a plastic projection."""
        projection = self._network.projections[index]
        for part in self._parts[index]:
            for population in {part.source, part.target, *self._releases.sources_at(self._name(part))}:
                self._send_present_spikes(population)
            name, target = self._name(part), self._names[part.target]
            settled = self._settled(part, step)
            states = self._part_plan(part).states
            self._engine.set({(name, state): settled.columns[state] for state in states})
            for pathway, reached in settled.reached.items():
                left = {
                    (pathway, variable): self._engine.get(pathway, variable)[~reached]
                    for variable in ("pending_ahead", "pending_synapses")
                    if len(reached)
                }
                self._engine.set(left)
            if settled.steps:
                steps, synapses, amounts = (
                    np.concatenate(column)
                    for column in (settled.steps, settled.synapses, settled.transmitted)
                )
                targets = self._engine.get(name, "_synaptic_post")[synapses]
                self._underway.add(target, projection.receptor, step, steps, targets, amounts)
