"""The command line: ``pycosim run``, ``compare``, ``levels``, ``check``, ``chips``, ``targets``, and more."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pycosim.cli.chips import app as chips_app

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from pycosim.results import RunResult

SCRIPT_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": True}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run PyNN scripts in software and on models of neuromorphic chips, and compare.",
)

Script = Annotated[Path, typer.Argument(help="A PyNN script, unmodified.")]
On = Annotated[str, typer.Option("--on", help="Target, with options in brackets: loihi[timing=trace].")]
OnSeveral = Annotated[str, typer.Option("--on", help="Targets, comma-separated; the first is the reference.")]
OnChip = Annotated[str, typer.Option("--on", help="A chip, with options in brackets.")]
OnAny = Annotated[str | None, typer.Option("--on", help="Targets, comma-separated; all if left out.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the results.")]
File = Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")]
Detail = Annotated[
    str | None, typer.Option("--detail", help="Network-on-chip of chips: cycle (default), queue or analytic.")
]
Json = Annotated[bool, typer.Option("--json", help="Print machine-readable results instead of a table.")]


@app.command(context_settings=SCRIPT_ARGUMENTS)
def run(
    context: typer.Context, script: Script, on: On = "native", detail: Detail = None, as_json: Json = False
) -> None:
    """Run SCRIPT on one target: pycosim run brunel.py --on native."""
    from pycosim.runner import run as run_script

    with console_and_errors() as console:
        with progress_lines(console) as lines:
            if lines:
                lines.watch(on, None)
            result = run_script(
                script,
                on,
                arguments=context.args,
                options=_level(detail),
                progress=lines and lines.factory,
            )
        if not console.quiet:
            print_result(result, console, as_json)
        if result.error is not None:
            raise result.error


@app.command(context_settings=SCRIPT_ARGUMENTS)
def compare(
    context: typer.Context,
    script: Script,
    on: OnSeveral,
    detail: Detail = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Run SCRIPT on several targets and compare: pycosim compare net.py --on native,loihi."""
    from pycosim.comparison import compare as compare_script
    from pycosim.targets import TargetSpec, split_targets

    with console_and_errors() as console:
        targets = split_targets(on)
        for target in targets:
            TargetSpec.parse(target)
        with progress_lines(console) as lines:
            comparison = compare_script(
                script,
                targets,
                arguments=context.args,
                options=_level(detail),
                output=output,
                progress=lines and lines.factory,
                watch=lines and lines.watch,
            )
        if as_json:
            sys.stdout.write(comparison.table.to_json(orient="records", indent=1) + "\n")
        else:
            comparison.print(console)
        if comparison.failed:
            raise typer.Exit(1)


@app.command(context_settings=SCRIPT_ARGUMENTS)
def levels(context: typer.Context, script: Script, on: OnChip, as_json: Json = False) -> None:
    """Run SCRIPT on a chip at each level of detail, and show errors of latencies and the time saved."""
    from pycosim.comparison import compare_levels

    with console_and_errors() as console:
        table = compare_levels(script, on, arguments=context.args)
        if as_json:
            sys.stdout.write(table.to_json(orient="index", indent=1) + "\n")
            return
        shown = table.T.map(lambda value: f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}")
        tell(shown.to_string(), console)


@app.command(context_settings=SCRIPT_ARGUMENTS)
def check(context: typer.Context, script: Script, on: OnAny = None, as_json: Json = False) -> None:
    """Say what SCRIPT uses and which targets take it, without simulating."""
    from pycosim.checking import check as check_script

    with console_and_errors() as console:
        report = check_script(script, on, arguments=context.args)
        if as_json:
            sys.stdout.write(json.dumps(report.as_dict(), indent=1) + "\n")
        else:
            report.print(console)
        if not report.all_take_it:
            raise typer.Exit(1)


@app.command()
def targets(as_json: Json = False) -> None:
    """List the targets: software backends and chips."""
    from rich.table import Table

    from pycosim.targets import describe

    rows = describe()
    with console_and_errors() as console:
        if as_json:
            sys.stdout.write(json.dumps(rows, indent=1) + "\n")
            return
        table = Table("target", "kind", "description", box=None)
        for row in rows:
            table.add_row(row["name"], row["kind"], row["description"])
        console.print(table)


brian2 = typer.Typer(no_args_is_help=True, help="What only Brian2 can do.")
app.add_typer(brian2, name="brian2")
app.add_typer(chips_app, name="chips")


@brian2.command(context_settings=SCRIPT_ARGUMENTS)
def export(context: typer.Context, script: Script, output: File = None) -> None:
    """Write the network of SCRIPT as a Brian2 script that gives the same spikes."""
    from pycosim.backends.brian2.script import export_script

    with console_and_errors() as console:
        path = export_script(script, output, arguments=context.args)
        tell(f"wrote {path} and {path.with_suffix('.npz').name}", console)


def _level(detail: str | None) -> dict[str, str]:
    """Return the options of a run that ``--detail`` sets."""
    return {} if detail is None else {"detail": detail}


@contextmanager
def console_and_errors() -> Iterator[Console]:
    """Give a console; turn pycosim's errors into one message and an exit status that is not 0."""
    from rich.console import Console

    from pycosim.errors import PycosimError
    from pycosim.parallel import Ranks, world

    ranks = Ranks()
    try:
        ranks = world()
        yield Console(quiet=ranks.rank > 0)
    except PycosimError as error:
        ranks.fail(f"error: {error}", status=2)
        tell(f"error: {error}", Console(stderr=True), style="bold red")
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted")
        raise typer.Exit(130) from None


class TargetProgress:
    """One line in a terminal for each target: a moving bar while it is built, then the steps done."""

    def __init__(self, line: Progress):
        self._line = line
        self._task: TaskID | None = None

    def watch(self, target: str, result: RunResult | None) -> None:
        """Begin the line of a target, or end it when there is a result."""
        if result is None:
            self._task = self._line.add_task(target, total=None)
        elif self._task is not None:
            self._line.update(self._task, total=1, completed=1)

    def factory(self, n_steps: int) -> Callable[[int], None]:
        """Return what is told of the steps done in a run of `n_steps`."""
        assert self._task is not None
        self._line.update(self._task, total=n_steps, completed=0)
        return lambda done: self._line.advance(self._task, done)


@contextmanager
def progress_lines(console: Console) -> Iterator[TargetProgress | None]:
    """Give progress lines that vanish at the end; None where the output is not a terminal."""
    if not console.is_terminal or console.quiet:
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as line:
        yield TargetProgress(line)


def print_result(result: RunResult, console: Console, as_json: bool) -> None:
    """Print what one run came to."""
    from pycosim.results.roundings import summary_line

    neurons = result.neurons()
    is_source = [population.is_source for population in result.populations]
    n_spikes = sum(
        int(((result.spike_neurons >= p.first) & (result.spike_neurons < p.first + p.size)).sum())
        for p in result.populations
        if not p.is_source
    )
    seconds = result.duration_ms / 1000
    facts: dict[str, Any] = {
        "target": result.target,
        "neurons": len(neurons),
        "sources": sum(p.size for p, source in zip(result.populations, is_source) if source),
        "synapses": result.n_synapses,
        "duration_ms": result.duration_ms,
        "spikes": n_spikes,
        "mean_rate_hz": n_spikes / len(neurons) / seconds if len(neurons) and seconds else None,
        "build_s": result.seconds.get("build"),
        "run_s": result.seconds.get("run"),
        "cpu_s": result.seconds.get("cpu"),
    }
    if result.hardware is not None:
        record = result.hardware
        facts |= {
            "packets": record.sent,
            "late": record.late,
            "dropped": record.dropped,
            "overruns": record.overruns if record.steps_are_timed else "unknown",
            "cores": len(record.cores.core),
        }
    if as_json:
        sys.stdout.write(json.dumps(facts | {"notes": result.notes}, indent=1) + "\n")
        return
    for name, value in facts.items():
        console.print(
            f"{name:>14}  {value:.4g}" if isinstance(value, float) else f"{name:>14}  {value}",
            highlight=False,
        )
    line = summary_line(result.hardware.roundings) if result.hardware is not None else ""
    for text in [*([line] if line else []), *(f"note: {note}" for note in result.notes)]:
        tell(text, console)


def tell(text: str, console: Console, **how: Any) -> None:
    """Print a sentence as it is, on as many columns as it needs."""
    console.print(text, markup=False, highlight=False, soft_wrap=True, **how)


def main() -> None:
    """Start the command line."""
    app(prog_name="pycosim")


if __name__ == "__main__":
    main()
