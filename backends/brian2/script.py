"""Writing a network as a Brian2 script that people can read, run and change."""

from __future__ import annotations

import keyword
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2 import equations, rounds
from pycosim.backends.brian2.capture import CapturingEngine, capturing
from pycosim.backends.brian2.codegen import import_brian2
from pycosim.backends.brian2.compiler import KERNEL_FLAGS
from pycosim.backends.brian2.plan import GroupPlan, SourcePlan, SynapsesPlan, pathway_name
from pycosim.backends.brian2.script_text import formula, module_text, parameters_comment, quoted, repeated
from pycosim.errors import InvalidInputError, NotSupportedError, ScriptError
from pycosim.network import model_named
from pycosim.network.equations_model import EquationsModel

_HEAD = '''\
"""The network of {script} as a Brian2 script, written by pycosim {version}.

Run it with Python; an argument chooses how Brian2 generates code: numpy, cython, or cpp_standalone. Arrays
(connections, spikes of the sources, parameters that differ between neurons) are in {data}.

Variables are numbers in PyNN's units (ms, mV, nA, nF, uS). The constants of the neurons hold the exact
propagation over a step of dt: beside them stands how they follow from PyNN's parameters, which are named
above each group. Time constants of plastic synapses are in steps.
A step integrates the neurons, adds the spikes that arrive at its end, and compares with the threshold; a
spike of step k has the time k dt and acts at the end of step k + delay.
Brian2 sends spikes one step after their emission, so delays are a step shorter here.
"""

import sys
from pathlib import Path

import numpy as np
from brian2 import *
{functions}
mode = sys.argv[1] if len(sys.argv) > 1 else "numpy"
if mode == "cpp_standalone":
    set_device("cpp_standalone", build_on_run=False)
else:
    prefs.codegen.target = mode
# Nothing that rounds differently from other simulators.
prefs.codegen.loop_invariant_optimisations = False
prefs.codegen.cpp.extra_compile_args_gcc = {flags}
prefs.devices.cpp_standalone.extra_make_args_unix = ["-j"]

here = Path(__file__).resolve().parent
data = np.load(here / "{data}")
step = {dt!r} * ms
defaultclock.dt = step
'''
_TAIL = """
# Step 0 is the initial state: sources emit, and nothing is integrated.
network = Network(collect())
network.schedule = {schedule}
for update in updates:
    update.active = False
network.run(step)
for update in updates:
    update.active = True
{runs}
if mode == "cpp_standalone":
    device.build(directory=str(here / "{stem}_standalone"))

recorded = {{}}
for name, monitor in spikes.items():
    print(f"{{name}}: {{monitor.num_spikes}} spikes")
    recorded[f"{{name}}_steps"] = np.rint(np.asarray(monitor.t / step)).astype(int)
    recorded[f"{{name}}_neurons"] = np.asarray(monitor.i)
np.savez(here / "{stem}_spikes.npz", **recorded)
"""


def export_script(
    script: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    arguments: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    codegen: str | None = None,
) -> Path:
    """Run a PyNN script on Brian2 and write its network as a Brian2 script, with its arrays beside it.

    The script that is written gives the same spikes. It saves them to ``<its name>_spikes.npz``.

    Parameters
    ----------
    script : path or callable
        As for `pycosim.run`, which also explains `arguments` and `parameters`.
    output : path, optional
        File to write; by default ``<script>_brian2.py`` in the working directory.
    codegen : {"cpp_standalone", "cython", "numpy"}, optional
        With which the PyNN script is run.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    NotSupportedError
        If the script changes its network between runs, so that no single program does the same.
    ScriptError
        If it does not simulate any neurons.
    InvalidInputError
        If `output` cannot be written.
    PycosimError
        Whatever the script raised when it ran.
    """
    from pycosim.runner import run

    name = Path(getattr(script, "__name__", None) or script).stem
    path = Path(output) if output else Path(f"{name}_brian2.py")
    _require_place(name, path)
    with capturing() as engines:
        options = {"codegen": codegen} if codegen else {}
        result = run(
            script, "brian2", arguments=arguments, parameters=parameters, options=options, quiet=True
        )
    if result.error is not None:
        raise result.error
    ran = [engine for engine in engines if engine.plan is not None]
    if not ran:
        raise ScriptError(
            f"Exporting {name}: the script ran no neurons; there is no program to write. It needs a "
            "population of cells, and a call of run()."
        )
    if ran[-1].in_python:
        raise NotSupportedError(
            f"Exporting {name}: Python functions do {'; '.join(ran[-1].in_python)} in every step, as Brian2 "
            "has no statements for that, and a Brian2 script would lack them. Run it on brian2 instead, or "
            "leave that out."
        )
    if ran[-1].changed or len(ran) > 1:
        what = ran[-1].changed or "the state, by reset() or setup(),"
        raise NotSupportedError(
            f"Exporting {name}: the script changes {what} between two calls of run(), which a Brian2 script "
            "cannot say. Export a script without the change."
        )
    writer = _Writer(ran[0], name, path, result.dt_ms)
    path.write_text(writer.text())
    np.savez_compressed(path.with_suffix(".npz"), **writer.arrays)
    return path


def _require_place(name: str, path: Path) -> None:
    """Refuse a place where no script can be written, before the simulation."""
    folder = path.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or path.is_dir():
        wrong = "that is a folder" if path.is_dir() else f"there is no folder {folder} that can be written to"
        raise InvalidInputError(f"Exporting {name} to {path}: {wrong}. Name another file.")
    if path.suffix == ".npz":
        raise InvalidInputError(
            f"Exporting {name} to {path}: this is where its arrays go. Name a file that ends in .py."
        )


class _Writer:
    """Puts together the text of a script, and its arrays."""

    def __init__(self, run: CapturingEngine, script: str, path: Path, dt_ms: float):
        self._run, self._script, self._path, self._dt_ms = run, script, path, dt_ms
        assert run.plan is not None
        self._plan = run.plan
        self.arrays: dict[str, NDArray[Any]] = {}
        self._names = self._readable_names()

    def _readable_names(self) -> dict[str, str]:
        """Return a variable for every object of the plan: the user's label where that is unique."""
        names: dict[str, str] = {}
        taken = {
            "data",
            "device",
            "here",
            "mode",
            "network",
            "recorded",
            "spikes",
            "step",
            "update",
            "updates",
        }
        taken |= set(keyword.kwlist) | {"monitor", "name", "np", "sys", "injected_current", "function"}
        taken |= {"draws_below", "escape_noise", "Rounds", "run_in_rounds"}
        brian2 = import_brian2()

        def choose(own: str, short: str) -> None:
            is_free = short not in taken and not hasattr(brian2, short) and short not in names.values()
            names[own] = short if is_free else own

        for part in (*self._plan.groups, *self._plan.sources):
            choose(part.name, re.sub(r"_\d+$", "", part.name))
        for synapses in self._plan.synapses:
            choose(synapses.name, f"{names[synapses.source]}_to_{names[synapses.target]}")
        return names

    def text(self) -> str:
        """Return the script."""
        from pycosim import __version__

        functions = ""
        cells_draw = any(model_named(group.model).is_stochastic for group in self._plan.groups)
        if cells_draw or any(self._is_stochastic(synapses) for synapses in self._plan.synapses):
            from pycosim.backends.brian2 import draws

            functions += module_text(draws).replace("brian2.Function", "Function")
        if any(self._needs_rounds(synapses) for synapses in self._plan.synapses):
            functions += module_text(rounds)
        head = _HEAD.format(
            script=self._script,
            version=__version__,
            data=self._path.with_suffix(".npz").name,
            functions=functions,
            flags=["-w", *KERNEL_FLAGS],
            dt=self._dt_ms,
        )
        lines = [head, "updates, spikes = [], {}"]
        if self._run.tables:
            table = np.concatenate(self._run.tables)
            self.arrays["currents"] = np.concatenate([np.zeros((1, table.shape[1])), table])
            lines += ["# What electrodes inject at every step, a column for each set of them (nA)."]
            lines += ['injected_current = TimedArray(data["currents"], dt=step)']
        for source in self._plan.sources:
            lines += self._source(source)
        for group in self._plan.groups:
            lines += self._group(group)
        for synapses in self._plan.synapses:
            lines += self._synapses(synapses)
        tail = _TAIL.format(
            schedule=list(equations.SCHEDULE), runs="\n".join(self._runs()), stem=self._path.stem
        )
        return "\n".join([*lines, tail])

    def _runs(self) -> Iterator[str]:
        """Yield the runs, and between them what changes."""
        done = 0
        for number, change in enumerate(self._run.changes):
            if change.step > done:
                yield f"network.run({change.step - done} * step)"
                done = change.step
            name = self._names[change.owner]
            text = self._value(name, f"{change.name} of change {number}", change.value)
            yield f"{name}.{change.name} = {text}"
        yield f"network.run({self._run.n_steps - done} * step)"

    def _value(self, name: str, variable: str, value: NDArray[Any]) -> str:
        """Return an expression for values, as short as possible."""
        if len(value) and np.all(value == value[0]):
            return repr(value[0].item())
        self.arrays[f"{name}.{variable}"] = value
        return f'data["{name}.{variable}"]'

    def _train(self, source: SourcePlan) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return steps and indices of the spikes of a source, with those of step 0, in this order."""
        space = self._run.data[source.name, "_spikespace"]
        pieces = [(np.zeros(space[-1], np.int32), space[: space[-1]]), *self._run.trains[source.name]]
        steps, indices = (np.concatenate(parts).astype(np.int64) for parts in zip(*pieces))
        order = np.lexsort((indices, steps))
        return steps[order], indices[order]

    def _needs_rounds(self, plan: SynapsesPlan) -> bool:
        """Return whether a synapse that changes has several spikes in a step."""
        trains = [self._train(source) for source in self._plan.sources if source.name == plan.source]
        return plan.plasticity is not None and any(repeated(*train).size for train in trains)

    def _is_stochastic(self, plan: SynapsesPlan) -> bool:
        return any("draws_below(" in text for text in self._statements(plan).values())

    def _size(self, source: SourcePlan) -> int:
        """Return the number of sources, as far as they have synapses or spikes."""
        ends = [
            self._run.data[s.name, "_synaptic_pre"] for s in self._plan.synapses if s.source == source.name
        ]
        return 1 + int(max(column.max(initial=0) for column in (*ends, self._train(source)[1])))

    def _source(self, source: SourcePlan) -> Iterator[str]:
        name, size = self._names[source.name], self._size(source)
        steps, indices = self._train(source)
        again = repeated(steps, indices)
        yield ""
        if again.size:
            steps, indices = np.insert(steps, again, steps[again]), np.insert(indices, again, size)
            yield f"# Where one has several spikes in a step, number {size}, which has no synapses, has some"
            yield "# between them: Brian2 refuses two of the same one next to each other."
            size += 1
        _, counts = np.unique(steps, return_counts=True)
        size = max(size, int(counts.max(initial=1)))
        self.arrays[f"{name}.indices"], self.arrays[f"{name}.steps"] = indices, steps
        times = f'data["{name}.indices"], data["{name}.steps"] * step'
        yield f'{name} = SpikeGeneratorGroup({size}, {times}, sorted=True, name="{name}")'

    def _group(self, group: GroupPlan) -> Iterator[str]:
        model, name = model_named(group.model), self._names[group.name]
        parameters = self._run.parameters[group.name]
        yield from ("", *parameters_comment(group.model, parameters))
        yield from (f"{name} = NeuronGroup(", f"    {group.size},")
        yield from quoted(equations.neuron_equations(model, group), 1)
        yield f"    threshold={equations.threshold(model)!r},"
        yield from quoted(equations.reset_statements(model, group), 1, "reset=")
        if model.is_stochastic:
            yield '    namespace={"escape_noise": escape_noise},'
        yield from (f"    method={equations.method(model)!r},", f'    name="{name}",', ")")
        # Otherwise Brian2 forgets the spikes of the last step when a run ends.
        yield f'{name}.thresholder["spike"].after_run = lambda: None'
        for variable in (*group.states, *group.constants):
            value = self._run.data[group.name, variable]
            why = formula(variable, value, parameters, self._dt_ms)
            comment = f"  # {why}" if why else ""
            yield f"{name}.{variable} = {self._value(name, variable, value)}{comment}"
        if group.injects:
            yield f'{name}.run_regularly("injected = injected_current(t, {equations.CURRENT})", when="start")'
        before, arrived = equations.before_statements(model, group), equations.arrived_statements(group)
        for text, when in ((before, "groups"), (arrived, "thresholds")):
            if text:
                yield from (f"{name}.run_regularly(", *quoted(text, 1), f"    when={when!r}, order=-1", ")")
        if isinstance(model, EquationsModel):
            yield f"updates.append({name}.state_updater)"
        update = equations.update_statements(model, group)
        if update:
            yield from ("updates.append(", f"    {name}.run_regularly(", *quoted(update, 2))
            yield from ('        when="groups", order=1', "    )", ")")
        if group.spikes:
            yield f'spikes["{name}"] = {name}_spikes = SpikeMonitor({name}, name="{name}_spikes")'
        for number, sampler in enumerate(group.samplers):
            interval = self._run.data.get((sampler.name, "interval"), [1])[0]
            own = "samples" if len(group.samplers) == 1 else f"samples_{number}"
            which = self._run.data[sampler.name, "_indices"]
            every = np.array_equal(which, np.arange(group.size))
            record = "True" if every else str(which.tolist())
            yield f"{name}_{own} = StateMonitor("
            yield f"    {name}, {list(sampler.variables)}, record={record}, dt={interval} * step, when='end'"
            yield ")"

    def _synapses(self, plan: SynapsesPlan) -> Iterator[str]:
        name, statements = self._names[plan.name], self._statements(plan)
        yield from ("", f"{name} = Synapses(", f"    {self._names[plan.source]},")
        yield f"    {self._names[plan.target]},"
        yield from quoted(equations.synapse_equations(plan), 1)
        if "pre" in statements:
            yield from quoted(statements["pre"], 1, "on_pre=")
        if len(plan.sides) > 1:
            yield "    on_post={"
            for side in plan.sides[1:]:
                yield from quoted(statements[side], 2, f"{side!r}: ")
            yield "    },"
        if plan.shared_delay:
            yield f"    delay={{{', '.join(f'{side!r}: 0 * ms' for side in plan.sides)}}},"
        if self._is_stochastic(plan):
            yield '    namespace={"draws_below": draws_below},'
        yield from (f'    name="{name}",', ")")
        for side in plan.sides:
            if equations.order_of(plan, side):
                yield f"{name}.{side}.order = {equations.order_of(plan, side)}"
        update = equations.every_step_statements(plan)
        if update:
            order = equations.order_of(plan, "")
            yield from (f"{name}.run_regularly(", *quoted(update, 1))
            yield from (f'    when="synapses", order={order}', ")")
        yield from self._connections(plan)
        if self._needs_rounds(plan):
            yield from ('if mode == "numpy":', f"    run_in_rounds({name}.pre)")

    def _statements(self, plan: SynapsesPlan) -> dict[str, str]:
        models = [model_named(group.model) for group in self._plan.groups if group.name == plan.target]
        return equations.synapse_statements(plan, models[0] if models else None)

    def _connections(self, plan: SynapsesPlan) -> Iterator[str]:
        name, data = self._names[plan.name], self._run.data
        self.arrays[f"{name}.i"] = data[plan.name, "_synaptic_pre"].astype(np.int64)
        self.arrays[f"{name}.j"] = data[plan.name, "_synaptic_post"]
        yield f'{name}.connect(i=data["{name}.i"], j=data["{name}.j"])'
        for variable in plan.variables:
            yield f"{name}.{variable} = {self._value(name, variable, data[plan.name, variable])}"
        for side in plan.sides:
            delays = data[pathway_name(plan.name, side), "delay"].astype(np.int64) - 1
            yield f"{name}.{side}.delay = {self._value(name, f'{side}_delay', delays)} * step"
