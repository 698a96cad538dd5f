"""The table of what a chip's own arithmetic rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pycosim.report.theme import escaped
from pycosim.results.roundings import summary_line, worst_of_items

if TYPE_CHECKING:
    from pycosim.hwmodels.arithmetic import Rounding

MAX_ITEMS = 30


def rounding_table(roundings: Sequence[Rounding]) -> str:
    """Return the worst value of each item, the worst item first; empty in another arithmetic."""
    line = summary_line(roundings)
    if not line:
        return ""
    items = worst_of_items(roundings)
    rows = "".join(
        f"<tr><th scope='row'>{escaped(item)}</th><td>{asked:.6g} {escaped(unit)}</td>"
        f"<td>{got:.6g} {escaped(unit)}</td><td>{_percent(error)} %</td><td>{count:,}</td></tr>"
        for item, unit, asked, got, error, count in items[:MAX_ITEMS]
    )
    table = (
        "<div class='wide'><table class='small'><thead><tr><th>item</th><th>asked</th><th>got</th>"
        f"<th>relative error</th><th>values</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
    more = f" {len(items) - MAX_ITEMS} more items have smaller errors." if len(items) > MAX_ITEMS else ""
    note = (
        f"<p class='note'>{escaped(line[0].upper() + line[1:])}. The worst value of each item is "
        f"shown.{more} All are in the data: hardware.rounded.</p>"
    )
    return f"<h3>Rounded values</h3>{table if items else ''}{note}"


def _percent(error: float) -> str:
    """Return a relative error in per cent, without powers of ten where it is large."""
    percent = 100 * error
    return f"{percent:+.2g}" if abs(percent) < 10 else f"{percent:+,.0f}"
