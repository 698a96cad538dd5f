"""Runs a script without dynamics, then builds what it described on every target, without advancing it."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from pycosim import runner, targets
from pycosim.backends.base import Options
from pycosim.checking.dry import DryRun
from pycosim.checking.report import CheckReport, Verdict
from pycosim.checking.usage import usage_of
from pycosim.errors import DoesNotFitError, InvalidInputError, PycosimError, ScriptError
from pycosim.network import Network
from pycosim.redirect import Observer, as_simulator
from pycosim.targets import TargetSpec, split_targets


@dataclass
class Described:
    """A network that the script described.

    Attributes
    ----------
    network : Network
        As it was in the end.
    projections : list
        The front end's projections, which know connectors and synapse types.
    options : dict
        What setup() was given for the target.
    runs : list of DryRun
        Simulations of the network: the first, and one more after each reset.
    is_live : bool
        Whether spikes come and go while it runs.
    """

    network: Network
    projections: list[Any]
    options: dict[str, Any]
    runs: list[DryRun] = field(default_factory=list)
    is_live: bool = False


class _AnyTarget(TargetSpec):
    """Stands for a target that takes every option, until it is known which target it is."""

    def _takes(self) -> None:
        return None


class _DryObserver(Observer):
    """Puts a simulation without dynamics in the place of every other, and keeps what was described."""

    is_dry = True

    def __init__(self) -> None:
        super().__init__(_AnyTarget("native"))
        self.described: list[Described] = []
        self.roundings: dict[str, float] = {}

    def begun(self, setup: Mapping[str, Any]) -> None:
        from pycosim.frontend.simulator import state

        super().begun(setup)
        self.described.append(Described(state.network, state.projections, dict(setup)))

    def build(self, target: str, network: Network, options: Options) -> DryRun:
        from pycosim.frontend.live import hub

        self.described[-1].is_live |= hub.is_used()
        self.described[-1].runs.append(DryRun(network))
        return self.described[-1].runs[-1]

    def delays_rounded(self, label: str, error_ms: float) -> None:
        self.roundings[label] = max(error_ms, self.roundings.get(label, 0.0))


def check(
    script: runner.Script,
    on: str | Sequence[str] | None = None,
    *,
    arguments: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    quiet: bool = True,
) -> CheckReport:
    """Say what a script uses and which targets take it, without simulating.

    The script runs on a stand-in on which time passes but nothing fires; what it described is then built on
    every target (mapped and checked against capacities, on a chip) and thrown away.

    Parameters
    ----------
    script : path or callable
        As `pycosim.run` takes it.
    on : str or sequence of str, optional
        Targets, with options in brackets; by default all that are installed.
    arguments, parameters, options
        As `pycosim.run` takes them.
    quiet : bool
        Whether what the script prints is dropped.

    Raises
    ------
    InvalidInputError
        If there is no such script.
    UnknownTargetError
        If one of the targets does not exist.
    """
    chosen = [TargetSpec.parse(target) for target in _names(on)]
    if not callable(script) and not Path(script).is_file():
        raise InvalidInputError(f"Checking {str(script)!r}: there is no such script.")
    observer, notes, calls = _DryObserver(), [], Counter()
    with contextlib.ExitStack() as stack:
        stack.enter_context(runner.noted(notes))
        module = stack.enter_context(as_simulator(observer.spec, observer))
        _count_calls(module, calls)
        if quiet:
            stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        error = runner.attempt(script, module, list(arguments), dict(parameters or {}))
    described = [one for one in observer.described if one.network.populations]
    notes += [
        f"Projection {label!r}: delays were rounded to whole steps, by at most {error_ms:.3g} ms."
        for label, error_ms in observer.roundings.items()
    ]
    has_run = any(one.runs for one in described)
    if not has_run:
        error = error or ScriptError("The script ended without a call of run().")
    failure = f"Nothing fires in a check: {error}" if has_run and isinstance(error, ScriptError) else None
    refusal = None if error is None or failure else str(error)
    verdicts = [_verdict(spec, described, dict(options or {}), refusal) for spec in chosen]
    usages = [
        usage_of(one.network, one.projections, calls, sum(run.step for run in one.runs)) for one in described
    ]
    return CheckReport(str(getattr(script, "__name__", script)), usages, verdicts, notes, failure, refusal)


def _names(on: str | Sequence[str] | None) -> list[str]:
    if on is None:
        return targets.names()
    return split_targets(on) if isinstance(on, str) else [str(target) for target in on]


def _count_calls(module: ModuleType, calls: Counter[str]) -> None:
    """Count the calls of a simulator module's functions from now on."""

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return function(*arguments, **named)

        return wrapper

    for name, value in list(vars(module).items()):
        if inspect.isfunction(value):
            setattr(module, name, counted(name, value))


def _verdict(
    spec: TargetSpec, described: Sequence[Described], options: dict[str, Any], refusal: str | None
) -> Verdict:
    """Return whether a target takes all networks of a script."""
    verdict = Verdict(str(spec), [] if refusal is None else [refusal])
    for one in described:
        given = one.options | options
        foreign = spec.foreign(given)
        if foreign:
            verdict.warnings.append(f"ignores what it does not know: {', '.join(foreign)}")
        with runner.noted(verdict.warnings):
            try:
                verdict.utilisation |= _try(spec, one, spec.merged(given))
            except DoesNotFitError as error:
                verdict.problems += [str(violation) for violation in error.violations]
            except PycosimError as error:
                verdict.problems.append(str(error))
    verdict.problems = list(dict.fromkeys(verdict.problems))
    return verdict


def _try(spec: TargetSpec, one: Described, options: Options) -> dict[str, tuple[int, int]]:
    """Build a network on a target, let it grow as it did in the script, and return its utilisation.

    Raises
    ------
    PycosimError
        If the target does not take it.
    """
    if one.is_live:
        targets.require_stepwise(spec.name)
    grown = next((run for run in one.runs if run.has_grown), None)
    whole = one.network
    n_populations, n_projections = grown.n_known if grown else (None, None)
    first = replace(
        whole,
        populations=whole.populations[:n_populations],
        projections=whole.projections[:n_projections],
    )
    simulation = targets.build(spec.name, first, options)
    try:
        if grown:
            first.populations[:], first.projections[:] = whole.populations, whole.projections
            simulation.network_grown()
        return getattr(simulation, "utilisation", {})
    finally:
        simulation.close()
