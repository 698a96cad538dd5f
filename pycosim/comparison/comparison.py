"""The comparison of one script's runs on several targets."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycosim.comparison.summary import Settings, Summary, error_name, error_text, summarise, verdict
from pycosim.comparison.table import DASH, Section, sections
from pycosim.results import RunResult
from pycosim.results.roundings import summary_line

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

LABEL_WIDTH = 24
COLUMN_WIDTH = 11
INTEGERS = (
    "neurons synapses spikes identical_spikes shifted_spikes lost_spikes added_spikes packets "
    "delivered_packets late_packets dropped_packets in_flight_packets overruns cores relays busiest_core "
    "rounded_values"
).split()


class Comparison:
    """Runs of one script, the first of which (that finished) is the reference of the others.

    Parameters
    ----------
    results : sequence of RunResult
        In the order of the targets as asked for.
    info : dict of str to Any
        How to do it again: command, script, versions, as in run.json.
    folder : Path or None
        The run folder that holds the results.
    settings : Settings
        How runs are compared.
    scores : sequence of (float or None)
        The user's own score of each run; empty without one.
    score_label : str
        Its name.

    Attributes
    ----------
    results, info, folder, settings, scores, score_label
        As given.
    """

    def __init__(
        self,
        results: Sequence[RunResult],
        *,
        info: dict[str, Any] | None = None,
        folder: Path | None = None,
        settings: Settings | None = None,
        scores: Sequence[float | None] = (),
        score_label: str = "",
    ):
        self.results = list(results)
        self.info = info or {}
        self.folder = folder
        self.settings = settings or Settings()
        self.scores = list(scores)
        self.score_label = score_label

    @property
    def reference(self) -> RunResult | None:
        """The first run that finished; None if none did."""
        return next((result for result in self.results if result.error is None), None)

    @property
    def failed(self) -> list[str]:
        """The targets that failed."""
        return [result.target for result in self.results if result.error is not None]

    @cached_property
    def summaries(self) -> list[Summary]:
        """What was found out about each target, in the order of the results."""
        made = [summarise(result, self.reference, self.settings) for result in self.results]
        for summary, score in zip(made, self.scores, strict=False):
            summary.row["score"] = score
        return made

    @property
    def table(self) -> pd.DataFrame:
        """The figures, one row for each target; units are in the names of the columns.

        A figure that does not exist (a latency in software, anything of a target that failed) is
        missing. ``energy_j`` is a lower bound where ``energy_is_lower_bound``.
        """
        import pandas as pd

        frame = pd.DataFrame([summary.row for summary in self.summaries])
        columns = [name for name in INTEGERS if name in frame]
        return frame.astype(dict.fromkeys(columns, "Int64"))

    @property
    def verdict(self) -> str:
        """How the targets compare with the reference, in one sentence."""
        return verdict(self.summaries)

    @property
    def errors(self) -> dict[str, str]:
        """Class and full text of each failed target's error."""
        return {
            result.target: f"{error_name(result.error)}: {error_text(result.error)}"
            for result in self.results
            if result.error is not None
        }

    def sections(self) -> list[Section]:
        """Return the figures as text: metrics as rows, targets as columns."""
        return sections(self.summaries, self.score_label)

    def print(self, console: Console | None = None) -> None:
        """Print verdict and table, and the errors of failed targets, to a terminal."""
        from rich.console import Console
        from rich.text import Text

        console = console or Console()
        console.print(Text(self.verdict, style="bold"))
        per_table = max(1, (console.width - LABEL_WIDTH) // COLUMN_WIDTH)
        for start in range(0, len(self.results), per_table):
            console.print()
            console.print(self._terminal_table(slice(start, start + per_table)))
        for summary in self.summaries:
            if summary.divergence is not None:
                console.print(Text(f"First difference on {summary.target}: {summary.divergence}."))
        for result, summary in zip(self.results, self.summaries, strict=True):
            if result.hardware is None:
                continue
            energy = summary.energy.remark if summary.energy is not None else ""
            for line in (summary_line(result.hardware.roundings), energy):
                if line:
                    console.print(Text(f"{result.target}: {line}"))
        for result in self.results:
            if result.error is not None:
                console.print(Text(f"\n{result.target} failed. {error_name(result.error)}", style="bold red"))
                console.print(Text(error_text(result.error)))
        if self.folder is not None:
            console.print(Text(f"\nResults and report: {self.folder}"), soft_wrap=True)

    def _terminal_table(self, part: slice) -> Any:
        """Return the rich table of some of the targets."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
        table.add_column("", no_wrap=True)
        for summary in self.summaries[part]:
            name = summary.target.replace("[", "\n[").replace("=", "\n=").replace(",", ",\n")
            table.add_column(Text(name), justify="right", vertical="bottom", overflow="fold")
        if self.failed:
            table.add_row("", *(_status(summary) for summary in self.summaries[part]))
        for section in self.sections():
            rows = [(label, texts[part]) for label, texts in section.rows]
            rows = [(label, texts) for label, texts in rows if any(text != DASH for text in texts)]
            if rows:
                table.add_row(Text(section.title, style="bold cyan"))
            for label, texts in rows:
                table.add_row(label, *map(Text, texts))
        return table

    def report(self, path: str | Path | None = None) -> Path:
        """Write the self-contained HTML page and return its path.

        Parameters
        ----------
        path : str or Path, optional
            Where to; by default ``report.html`` in the run folder, or here if there is none.
        """
        from pycosim.report import write_report

        return write_report(self, Path(path) if path else (self.folder or Path()) / "report.html")

    def __repr__(self) -> str:
        """Return the verdict."""
        return f"<Comparison: {self.verdict}>"

    def _repr_html_(self) -> str:
        """Return verdict, table and errors for a notebook."""
        head = "".join(f"<th>{html.escape(summary.target)}</th>" for summary in self.summaries)
        body = ""
        for section in self.sections():
            body += (
                f"<tr><th style='text-align:left' colspan='{len(self.results) + 1}'>{section.title}</th></tr>"
            )
            for label, texts in section.rows:
                cells = "".join(f"<td>{html.escape(text)}</td>" for text in texts)
                body += f"<tr><td style='text-align:left'>{html.escape(label)}</td>{cells}</tr>"
        errors = "".join(
            f"<p><b>{html.escape(target)} failed</b></p><pre>{html.escape(text)}</pre>"
            for target, text in self.errors.items()
        )
        return (
            f"<p><b>{html.escape(self.verdict)}</b></p><table><tr><th></th>{head}</tr>{body}</table>{errors}"
        )


def _status(summary: Summary) -> Any:
    """Return what the first line of a target's column says of how it ended."""
    from rich.text import Text

    if not summary.failed:
        return Text(DASH if summary.is_reference else "ok", style="green")
    first_line = summary.row["error"].partition(": ")[2].splitlines()[0]
    return Text(textwrap.shorten(f"failed: {first_line}", 70, placeholder="…"), style="red")
