"""From a plan to Brian2 objects; shared by all kinds of code generation.

Imports Brian2; import this module only where a program is really generated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import brian2
import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2 import equations
from pycosim.backends.brian2.codegen import Operations
from pycosim.backends.brian2.draws import draws_below, escape_noise
from pycosim.backends.brian2.plan import GroupPlan, Plan, SamplerPlan, SynapsesPlan
from pycosim.network import NeuronModel, model_named

CurrentsNow = Callable[[int], NDArray[np.float64]]


@dataclass
class Program:
    """The Brian2 objects of a plan, by name."""

    clock: brian2.Clock
    network: brian2.Network
    groups: dict[str, brian2.NeuronGroup] = field(default_factory=dict)
    sources: dict[str, brian2.SpikeGeneratorGroup] = field(default_factory=dict)
    synapses: dict[str, brian2.Synapses] = field(default_factory=dict)
    pathways: dict[str, brian2.synapses.SynapticPathway] = field(default_factory=dict)
    monitors: dict[str, brian2.SpikeMonitor] = field(default_factory=dict)
    samplers: dict[str, brian2.StateMonitor] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """The step that is being done, where the objects live in this process."""
        return int(self.clock.variables["timestep"].get_value()[0])

    def variable(self, owner: str, name: str) -> Any:
        """Return the Brian2 variable `name` of the object `owner`."""
        for objects in (
            self.groups,
            self.sources,
            self.synapses,
            self.pathways,
            self.samplers,
            self.monitors,
        ):
            if owner in objects:
                return objects[owner].variables[name]
        raise KeyError(owner)

    def call_when_ready(self, ready: Callable[[], None]) -> None:
        """Call a function once, when Brian2 has generated and compiled the code of the next run."""
        prepare = self.network.before_run

        def before_run(namespace: Any) -> None:
            self.network.before_run = prepare
            prepare(namespace)
            ready()

        self.network.before_run = before_run

    def run(self, first_step: int, n_steps: int, step_s: float) -> None:
        """Run `n_steps` steps, the first of which is `first_step`."""
        self.network.t_ = first_step * step_s
        self.network.run(n_steps * step_s * brian2.second, namespace={})


def exact_step_s(dt_ms: float) -> float:
    """Return the step for Brian2's clocks, in s.

    Rounded to 24 bits, so that a time in steps times the step is exact in a double for the first 2^29
    steps: clocks with different intervals then never drift apart by rounding. No equation contains it.
    """
    return float(np.float32(dt_ms * 1e-3))


def build_program(plan: Plan, dt_ms: float, currents: CurrentsNow | None = None) -> Program:
    """Return Brian2 objects for `plan`, on the device that is active.

    `currents` gives what each set of currents injects in a step, in nA; without it compiled code has to.
    Synapses are not connected, and generators have no spikes, yet.
    """
    step = exact_step_s(dt_ms) * brian2.second
    network = brian2.Network(name="network")
    network.schedule = list(equations.SCHEDULE)
    program = Program(brian2.Clock(step, name="step_clock"), network)
    for group in plan.groups:
        _add_group(program, group, currents)
    for source in plan.sources:
        program.sources[source.name] = brian2.SpikeGeneratorGroup(
            source.capacity, [], [] * brian2.second, clock=program.clock, name=source.name
        )
        network.add(program.sources[source.name])
    models = {group.name: model_named(group.model) for group in plan.groups}
    for synapses in plan.synapses:
        _add_synapses(program, synapses, models.get(synapses.target))
    return program


def add_operations(program: Program, operations: Operations) -> None:
    """Let Python functions act in every step, on a device that can run them."""

    def begin() -> None:
        operations.begin(program.step, program)

    def update() -> None:
        operations.update(program.step, program)

    def end() -> None:
        operations.end(program.step, program)

    for function, when, order in ((begin, "synapses", 1), (update, "thresholds", -1), (end, "end", -1)):
        operation = brian2.NetworkOperation(function, clock=program.clock, when=when, order=order)
        program.network.add(operation)


def _add_injection(program: Program, group: brian2.NeuronGroup, currents: CurrentsNow | None) -> None:
    """Set "injected" at the start of every step: by compiled code, or from `currents`."""
    if currents is None:
        statement = f"injected = injected_current({equations.CURRENT}, t_in_timesteps)"
        group.namespace["injected_current"] = _injected_current()
        group.run_regularly(statement, clock=program.clock, when="start", name=f"{group.name}_injection")
        return

    def inject() -> None:
        which = group.variables[equations.CURRENT].get_value()
        group.variables["injected"].set_value(currents(program.step)[which])

    program.network.add(brian2.NetworkOperation(inject, clock=program.clock, when="start"))


def _injected_current() -> brian2.Function:
    function = brian2.Function(lambda current, step: 0.0, arg_units=[1, 1], return_unit=1)
    function.implementations.add_implementation(
        "cpp",
        """
        #include "injection.hpp"
        static inline double injected_current(int current, int64_t step) {
            const pycosim::Injection& in = pycosim::injection;
            return in.table[static_cast<size_t>((step - in.first_step) * in.n_columns + current)];
        }
        """,
    )
    return function


def _add_group(program: Program, plan: GroupPlan, currents: CurrentsNow | None) -> None:
    model = model_named(plan.model)
    group = brian2.NeuronGroup(
        plan.size,
        equations.neuron_equations(model, plan),
        threshold=equations.threshold(model),
        method=equations.method(model),
        reset=equations.reset_statements(model, plan),
        clock=program.clock,
        name=plan.name,
        namespace={"escape_noise": escape_noise} if model.is_stochastic else {},
    )
    statements = (
        ("before", "groups", -1, equations.before_statements(model, plan)),
        ("update", "groups", 1, equations.update_statements(model, plan)),
        ("arrived", "thresholds", -1, equations.arrived_statements(plan)),
    )
    for name, when, order, text in statements:
        if text:
            group.run_regularly(text, clock=program.clock, when=when, order=order, name=f"{plan.name}_{name}")
    if plan.injects:
        _add_injection(program, group, currents)
    # Brian2 forgets the spikes of a run's last step; they are still to be sent in the next run.
    group.thresholder["spike"].after_run = lambda: None
    program.groups[plan.name] = group
    program.network.add(group)
    if plan.spikes:
        monitor = brian2.SpikeMonitor(group, name=plan.monitor)
        program.monitors[plan.monitor] = monitor
        program.network.add(monitor)
    for sampler in plan.samplers:
        _add_sampler(program, group, sampler)


def _add_sampler(program: Program, group: brian2.NeuronGroup, plan: SamplerPlan) -> None:
    clock = program.clock
    if not plan.every_step:
        clock = brian2.Clock(clock.dt, name=f"{plan.name}_clock")
    monitor = brian2.StateMonitor(
        group,
        list(plan.variables),
        record=np.zeros(plan.n_neurons, np.int32),
        clock=clock,
        when="end",
        name=plan.name,
    )
    program.samplers[plan.name] = monitor
    program.network.add(monitor)


def _add_synapses(program: Program, plan: SynapsesPlan, model: NeuronModel | None) -> None:
    source = program.groups.get(plan.source) or program.sources[plan.source]
    statements = equations.synapse_statements(plan, model)
    synapses = brian2.Synapses(
        source,
        program.groups.get(plan.target) or program.synapses[plan.target],
        equations.synapse_equations(plan),
        on_pre=statements.get("pre"),
        on_post={side: text for side, text in statements.items() if side != "pre"} or None,
        delay={side: 0 * brian2.second for side in plan.sides} if plan.shared_delay else None,
        clock=program.clock,
        name=plan.name,
        namespace={"draws_below": draws_below},
    )
    for side in plan.sides:
        getattr(synapses, side).order = equations.order_of(plan, side)
    update = equations.every_step_statements(plan)
    if update:
        order = equations.order_of(plan, "")
        name = f"{plan.name}_update"
        synapses.run_regularly(update, clock=program.clock, when="synapses", order=order, name=name)
    program.pathways |= {name: getattr(synapses, side) for name, side in zip(plan.pathways, plan.sides)}
    program.synapses[plan.name] = synapses
    program.network.add(synapses)
