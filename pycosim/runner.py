"""Running one script on one target and gathering what came out."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pycosim.errors import InvalidInputError, PycosimError, PycosimWarning, ScriptError
from pycosim.parallel import require_one_process, world
from pycosim.random import generators_restored
from pycosim.redirect import Observer, as_simulator
from pycosim.results import PopulationInfo, RunResult
from pycosim.targets import TargetSpec

Script = str | os.PathLike[str] | Callable[..., Any]
ProgressFactory = Callable[[int], Callable[[int], None] | None]


def run(
    script: Script,
    target: str | TargetSpec,
    *,
    arguments: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: ProgressFactory | None = None,
    quiet: bool = False,
) -> RunResult:
    """Run an unmodified PyNN script, or a function, on one target.

    Parameters
    ----------
    script : path or callable
        A callable is called with the target's PyNN module, if it takes an argument, and `parameters`.
    target : str or TargetSpec
        For example "native" or "loihi[timing=trace]".
    arguments : sequence of str
        The script's command-line arguments.
    parameters : mapping, optional
        Keyword arguments of a callable; for a script file, they replace global variables' defaults as
        arguments ``--name=value``.
    options : mapping, optional
        Options of the run and overrides of the chip's description; those after the target's name replace
        them. One that has no meaning on the target is ignored, with a note.
    progress : callable, optional
        Called with the number of steps of each run(); returns what is told of the steps done.
    quiet : bool
        Whether what the script prints is kept in `RunResult.log` instead of printed. Of several MPI processes
        only the first one prints.

    Returns
    -------
    RunResult
        With `error` set, and what was computed until then, if the script or the target failed.

    Raises
    ------
    InvalidInputError
        If there is no such script.
    UnknownTargetError
        If there is no such target.
    PycosimError
        Why the script or the target failed, on several MPI processes.
    """
    spec = TargetSpec.parse(target) if isinstance(target, str) else target
    if not callable(script) and not Path(script).is_file():
        raise InvalidInputError(f"Running {str(script)!r}: there is no such script.")
    result = RunResult(target=str(target))
    observer = Observer(spec, options, progress)
    printed = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(noted(result.notes))
        stack.enter_context(generators_restored())
        module = stack.enter_context(as_simulator(spec, observer))
        if quiet or world().rank:
            stack.enter_context(contextlib.redirect_stdout(printed))
        result.error = attempt(script, module, list(arguments), dict(parameters or {}))
        if result.error is not None and world().size > 1:
            raise result.error  # the other processes would wait for this one
        _gather(result, observer)
    result.log = printed.getvalue()
    return result


def run_to_compare(script: Script, target: str | TargetSpec, **how: Any) -> RunResult:
    """Run a script as `run` does, quietly; that it never simulates is an error."""
    require_one_process("Comparing targets")
    result = run(script, target, quiet=True, **how)
    if result.error is None and result.duration_ms == 0:
        result.error = ScriptError("The script ended without a call of run(); there is nothing to compare.")
    return result


def attempt(
    script: Script, module: ModuleType, arguments: list[str], parameters: dict[str, Any]
) -> Exception | None:
    """Run the script; return why it failed, or None."""
    try:
        if callable(script):
            script(module, **parameters) if _takes_simulator(script, parameters) else script(**parameters)
        else:
            given = [f"--{name}={value}" for name, value in parameters.items()]
            _run_file(Path(script), [*arguments, *given])
    except PycosimError as error:
        return error
    except SystemExit as stop:
        if stop.code not in (None, 0):
            return ScriptError(f"The script ended itself with exit status {stop.code}.")
    except Exception as error:
        failure = ScriptError(f"The script failed{_place(error, script)}: {type(error).__name__}: {error}")
        failure.__cause__ = error
        return failure
    return None


def _takes_simulator(function: Callable[..., Any], parameters: dict[str, Any]) -> bool:
    """Return whether the function has a positional argument besides the named parameters."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p for p in inspect.signature(function).parameters.values() if p.kind in kinds]
    return bool(positional) and positional[0].name not in parameters


def _run_file(script: Path, arguments: list[str]) -> None:
    os.environ.setdefault("MPLBACKEND", "Agg")  # a script's plt.show() must not wait for a window
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.resolve().parent))
    try:
        runpy.run_path(str(script), run_name="__main__")
    finally:
        sys.argv = argv
        sys.path[:] = path


def _place(error: Exception, script: Script) -> str:
    """Return " in line N" for the innermost frame of the user's own script."""
    if callable(script):
        return ""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == Path(script).name
    ]
    return f" in line {frames[-1].lineno}" if frames else ""


def _gather(result: RunResult, observer: Observer) -> None:
    """Put everything that the front end holds into the result."""
    from pycosim.frontend.simulator import state

    if result.error is None and state.total_steps == 0:
        result.notes.append("The script ended without a call of run().")
    elif result.error is None and not state.network.populations:
        result.error = ScriptError("The script ran an empty network; there is nothing to look at.")
    if observer.n_setups == 0:
        return
    if observer.n_setups > 1:
        result.notes.append(
            f"The script called setup() {observer.n_setups} times; this is the last network's run."
        )
    try:
        _gather_results(result, state)
    except PycosimError as error:  # a simulation that failed while it ran may have nothing to give
        result.error = result.error or error


def _gather_results(result: RunResult, state: Any) -> None:
    network = state.network
    result.dt_ms = network.dt_ms
    result.duration_ms = round(state.total_steps * network.dt_ms, 9)
    result.n_synapses = int(state.ranks.total(np.array(network.n_synapses)))
    result.populations = [
        PopulationInfo(column.label, column.model, column.size, column.first, column.is_source)
        for column in network.populations
    ]
    result.options = (
        {"seed": network.seed}
        | {name: value for name, value in vars(state.options).items() if name != "overrides"}
        | state.options.overrides
    )
    if state.simulation is not None:
        state.keep_spikes()
        result.spike_steps, result.spike_neurons = state.spikes.columns(state.ranks)
        result.blocks = {
            population.label: population.get_data()
            for population in state.populations
            if population.recorder.recorded and state.running
        }
        hardware = getattr(state.simulation, "hardware", None)
        result.hardware = hardware() if callable(hardware) else hardware
    result.seconds = dict(state.seconds)


@contextlib.contextmanager
def noted(notes: list[str]) -> Iterator[None]:
    """Collect pycosim's warnings as notes, once each; others are shown as usual."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", PycosimWarning)
        show = warnings.showwarning

        def showwarning(message: Any, category: type[Warning], *rest: Any, **more: Any) -> None:
            if not issubclass(category, PycosimWarning):
                show(message, category, *rest, **more)
            elif str(message) not in notes:
                notes.append(str(message))

        warnings.showwarning = showwarning
        yield
