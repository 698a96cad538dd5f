"""The result of a check: what a script uses, and each target's verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pycosim.checking.usage import Usage

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"yes": "green", "with warnings": "yellow", "no": "red"}


@dataclass
class Verdict:
    """Whether a target takes a script.

    Attributes
    ----------
    target : str
    problems : list of str
        Why it does not; empty if it does.
    warnings : list of str
        What it would do differently from what was asked.
    utilisation : dict of str to (used, limit)
        Chips only: the largest use of each limited resource.
    """

    target: str
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    utilisation: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def takes_it(self) -> bool:
        """Whether the script can be run on the target."""
        return not self.problems

    @property
    def answer(self) -> str:
        """The verdict in a word or two: "yes", "with warnings" or "no"."""
        if self.problems:
            return "no"
        return "with warnings" if self.warnings else "yes"

    @property
    def tightest(self) -> str:
        """The resource of a chip that is nearest to its limit, as text."""
        if not self.utilisation:
            return ""
        name, (used, limit) = max(self.utilisation.items(), key=lambda item: item[1][0] / max(item[1][1], 1))
        return f"{name}: {used:,} of {limit:,}"


@dataclass
class CheckReport:
    """What `pycosim.check` found out.

    Attributes
    ----------
    script : str
    networks : list of Usage
        One for each network that the script described (that is, for each setup()).
    verdicts : list of Verdict
    notes : list of str
        What holds for all targets: how old spellings were read, what was rounded.
    failure : str or None
        Why the script itself failed after run(), where it had no spikes to work with; what it used until
        then was checked.
    refusal : str or None
        Why no target takes the script; also one of the problems of every verdict.
    """

    script: str
    networks: list[Usage]
    verdicts: list[Verdict]
    notes: list[str]
    failure: str | None = None
    refusal: str | None = None

    @property
    def all_take_it(self) -> bool:
        """Whether every target takes the script."""
        return all(verdict.takes_it for verdict in self.verdicts)

    def verdict(self, target: str) -> Verdict:
        """Return the verdict of one target."""
        return next(verdict for verdict in self.verdicts if verdict.target == target)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        verdicts = [asdict(verdict) | {"answer": verdict.answer} for verdict in self.verdicts]
        return {
            "script": self.script,
            "networks": [asdict(usage) for usage in self.networks],
            "targets": verdicts,
            "notes": self.notes,
            "failure": self.failure,
            "refusal": self.refusal,
        }

    def print(self, console: Console | None = None) -> None:
        """Print what is used, then the verdicts, to a terminal."""
        from rich.console import Console

        console = console or Console()
        for number, usage in enumerate(self.networks):
            heading = self.script if len(self.networks) == 1 else f"{self.script}, network {number + 1}"
            console.print(_table(heading, usage.rows()))
            console.print()
        console.print(self._verdict_table())
        lines = [f"No target takes it: {self.refusal}"] if self.refusal else []
        lines += [f"note: {note}" for note in (*self.notes, self.failure) if note]
        for line in lines:
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _verdict_table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table("target", "takes it", "why, or what to know", box=None, pad_edge=False)
        for verdict in self.verdicts:
            facts = [problem for problem in verdict.problems if problem != self.refusal] + verdict.warnings
            text = "\n".join(facts) or (f"busiest: {verdict.tightest}" if verdict.tightest else "")
            answer = Text(verdict.answer, style=STYLES[verdict.answer])
            table.add_row(Text(verdict.target), answer, Text(text))
        return table


def _table(title: str, rows: list[tuple[str, str]]) -> Any:
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    table = Table("", escape(title), box=None, pad_edge=False)
    for heading, text in rows:
        table.add_row(Text(heading, style="bold"), Text(text))
    return table
