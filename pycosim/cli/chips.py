"""``pycosim chips``: the known chips, what is known of each, and whether a description is valid."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from pycosim.hwmodels.description import Description

app = typer.Typer(no_args_is_help=False, help="The chips: list them, show one, check a description.")

Json = Annotated[bool, typer.Option("--json", help="Print machine-readable results instead of a table.")]
Name = Annotated[str, typer.Argument(help="Name of a chip, or path of a description.")]
File = Annotated[Path, typer.Argument(help="A description (.toml).")]
Constants = Annotated[str, typer.Option("--constants", help="A named set of constants.")]

# Choices that say nothing of a chip whose description leaves them out.
_ONLY_IF_SET = {"scans_all_neurons", "timer_seed", "static_share", "chip_edge", "slowdown"}

TITLES = {
    "capacity": "Capacities",
    "synapse_memory": "Synapse memory",
    "mapping": "Mapping",
    "noc": "Network-on-chip",
    "time": "Times",
    "energy": "Energies",
}


@app.callback(invoke_without_command=True)
def chips(context: typer.Context, as_json: Json = False) -> None:
    """List the chips that are known."""
    if context.invoked_subcommand is not None:
        return
    from rich.table import Table

    from pycosim.cli.main import console_and_errors
    from pycosim.hwmodels.load import chips as known
    from pycosim.hwmodels.load import load

    with console_and_errors() as console:
        rows = [_summary(name, load(name).description) for name in sorted(known())]
        if as_json:
            sys.stdout.write(json.dumps(rows, indent=1) + "\n")
            return
        table = Table("chip", "title", "discipline", "cores", "summary", box=None)
        for row in rows:
            table.add_row(*(f"{value:,}" if isinstance(value, int) else value for value in row.values()))
        console.print(table)


@app.command()
def show(name: Name, constants: Constants = "default", as_json: Json = False) -> None:
    """Print all that is known of a chip: capacities, times and energies with source and confidence."""
    from pycosim.cli.main import console_and_errors
    from pycosim.hwmodels.load import load

    with console_and_errors() as console:
        description = load(name, {"constants": constants}).description
        if as_json:
            rows = [_row(path, constant) for path, constant in description.named_constants()]
            facts = _summary(name, description) | {
                "constants": rows,
                "sets": description.sets,
                "sources": description.sources,
            }
            sys.stdout.write(json.dumps(facts, indent=1) + "\n")
        else:
            _print(description, console)


@app.command()
def check(file: File) -> None:
    """Say whether a description is valid; if it is not, what is wrong on which line, with exit status 1."""
    from pycosim.cli.main import console_and_errors, tell
    from pycosim.errors import ChipDescriptionError, UnknownTargetError
    from pycosim.hwmodels.load import load

    with console_and_errors() as console:
        try:
            description = load(file).description
        except (ChipDescriptionError, UnknownTargetError) as error:
            tell(str(error), console)
            raise typer.Exit(1) from None
        constants = [constant.confidence for _, constant in description.named_constants()]
        uncertain = sum(confidence in ("assumed", "recalled") for confidence in constants)
        tell(
            f"{file} is valid: {description.chip.title}, {_cores(description)}; {len(constants)} "
            f"constants, of which {uncertain} are assumed or recalled; sets: "
            f"{', '.join(description.sets) or 'none'}.",
            console,
        )


def _summary(name: str, description: Description) -> dict[str, Any]:
    chip = description.chip
    return {
        "name": name,
        "title": chip.title,
        "discipline": chip.discipline,
        "cores": description.n_cores,
        "summary": chip.summary,
    }


def _cores(description: Description) -> str:
    return "1 core" if description.n_cores == 1 else f"{description.n_cores:,} cores"


def _row(path: str, constant: Any) -> dict[str, str]:
    return {
        "name": path,
        "value": str(constant),
        "confidence": constant.confidence,
        "source": constant.source,
    }


def _print(description: Description, console: Console) -> None:
    """Print a description as tables."""
    from pycosim.cli.main import tell

    chip = description.chip
    tell(chip.title, console, style="bold")
    tell(f"{chip.summary}. Discipline: {chip.discipline}; {_cores(description)}.", console)
    for section, title in TITLES.items():
        part = getattr(description, section)
        if part is not None and part.model_fields_set:
            console.print(_table(title, part))
    unknown = description.unknown_energy()
    if unknown:
        tell(f"Energy unknown for: {', '.join(unknown)}.", console)
    for cause, where in description.energy.covered.items():
        tell(f"energy.{cause}: {where}.", console)
    tell("Sources", console, style="bold")
    for key, citation in description.sources.items():
        tell(f"  {key}: {citation}", console)
    if description.sets:
        tell("Named sets (pycosim chips show NAME --constants SET)", console, style="bold")
    for key, title in description.sets.items():
        mark = " (shown here)" if key == description.constants else ""
        tell(f"  {key}: {title}{mark}", console)
    for note in chip.notes:
        tell(f"note: {note}", console)


def _table(title: str, part: Any) -> Any:
    """Return the values of a section, first the constants, then the choices that have no source."""
    from rich.table import Table

    from pycosim.hwmodels.quantities import Constant

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("value", ratio=2)
    table.add_column("confidence", no_wrap=True)
    table.add_column("source", ratio=3)
    values = {name: getattr(part, name) for name in type(part).model_fields}
    for name, value in values.items():
        if isinstance(value, Constant):
            table.add_row(name, _with_range(value), value.confidence, value.source)
    for name, value in values.items():
        is_said = name in part.model_fields_set or name not in _ONLY_IF_SET
        if isinstance(value, str | bool | int) and is_said:
            table.add_row(name, str(value).lower(), "", "")
    return table


def _with_range(constant: Any) -> str:
    """Return a value, with its range where it is uncertain."""
    bounds = getattr(constant, "range_text", "")
    return f"{constant} ({bounds})" if bounds else str(constant)
