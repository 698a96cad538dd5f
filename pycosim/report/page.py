"""Puts the report together, in reading order: verdict, table, spikes, distributions, chips, how to repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from pycosim.comparison import Comparison, Summary
from pycosim.comparison.summary import error_name, error_text
from pycosim.comparison.table import number, with_prefix
from pycosim.report.distributions import distance_plot, energy_plot, isi_plot, latency_plot, step_plot
from pycosim.report.energy import energy_by_place, energy_table
from pycosim.report.floorplan import floor_plan, is_wide
from pycosim.report.raster import raster_section
from pycosim.report.roundings import rounding_table
from pycosim.report.theme import breakable, escaped
from pycosim.results import RunResult

MAX_LATE_PACKETS = 5
DISCIPLINES = {
    "tick": "fixed tick: a packet that is not there in time acts at a later tick",
    "barrier": "elastic barrier: a step lasts until every packet has arrived",
    "free": "free running: a spike acts when its packet arrives",
    "timer": "timers: each core begins steps by a timer of its own; packets that wait long are dropped",
}
TABLE_NOTE = (
    "Spikes are matched one to one within each neuron, the closest first, up to {window:g} ms apart. "
    "ISI distortion: mean absolute change of corresponding inter-spike intervals of each neuron, averaged "
    "over neurons (ms: spikes against the reference; µs: arrival against emission of packets on the chip). "
    "Disorder: packets that a later one overtook. Real-time factor: seconds, of the hardware or of the "
    "simulation, for each second of the model. ≥: some causes of energy have no known constant."
)


def write_report(comparison: Comparison, path: Path) -> Path:
    """Write a comparison as one HTML file that needs nothing else, and return its path.

    Parameters
    ----------
    comparison : Comparison
    path : Path
        The file; its folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(comparison), encoding="utf-8")
    return path


def page(comparison: Comparison) -> str:
    """Return a comparison as an HTML page."""
    from plotly.offline import get_plotlyjs

    templates = files("pycosim.report") / "templates"
    name = comparison.info.get("script_name", "script")
    return Template((templates / "page.html").read_text(encoding="utf-8")).substitute(
        title=escaped(f"{name} on {', '.join(result.target for result in comparison.results)}"),
        style=(templates / "style.css").read_text(encoding="utf-8"),
        plotly=get_plotlyjs().replace("</script", "<\\/script"),
        script=(templates / "page.js").read_text(encoding="utf-8"),
        body="".join(_sections(comparison)),
    )


def _sections(comparison: Comparison) -> list[str]:
    """Return the page's parts; a part without content is left out."""
    info = comparison.info
    started = escaped(info.get("started", "").replace("T", " "))
    header = (
        f"<header><p class='over'>{escaped(info.get('script', ''))} <span>{started}</span></p>"
        f"<h1>{escaped(comparison.verdict)}</h1></header>"
    )
    return [
        header,
        _section("targets", "Targets", _table(comparison) + _errors(comparison)),
        _section("spikes", "Spikes", raster_section(comparison) + _divergences(comparison)),
        _section(
            "distributions",
            "Intervals and latencies",
            _grid(isi_plot(comparison), latency_plot(comparison), distance_plot(comparison)),
        ),
        _section("energy", "Energy by cause", energy_plot(comparison) + energy_table(comparison)),
        *(
            _section(
                f"chip-{number}",
                f"{escaped(result.hardware.title)} ({escaped(result.target)})",
                _chip(result),
            )
            for number, result in enumerate(comparison.results)
            if result.hardware is not None and result.error is None
        ),
        _section("notes", "Notes and warnings", _notes(comparison)),
        _section("repeat", "How to reproduce", _reproduce(comparison)),
    ]


def _section(name: str, title: str, content: str) -> str:
    return f'<section id="{name}"><h2>{title}</h2>{content}</section>' if content else ""


def _grid(*parts: str) -> str:
    shown = [part for part in parts if part]
    return f'<div class="grid">{"".join(shown)}</div>' if shown else ""


def _table(comparison: Comparison) -> str:
    """Return the table of targets: metrics as rows."""
    head = "".join(f"<th scope='col'>{breakable(s.target)}{_badge(s)}</th>" for s in comparison.summaries)
    body = ""
    for section in comparison.sections():
        span = len(comparison.results) + 1
        body += f"<tr class='group'><th colspan='{span}' scope='colgroup'>{escaped(section.title)}</th></tr>"
        for label, texts in section.rows:
            cells = "".join(f"<td>{escaped(text)}</td>" for text in texts)
            body += f"<tr><th scope='row'>{escaped(label)}</th>{cells}</tr>"
    note = TABLE_NOTE.format(window=comparison.settings.window_ms)
    return (
        f"<div class='wide'><table class='figures'><thead><tr><td></td>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div><p class='note'>{note}</p>"
    )


def _badge(summary: Summary) -> str:
    kind = "failed" if summary.failed else "reference" if summary.is_reference else ""
    return f"<span class='badge {kind}'>{kind}</span>" if kind else ""


def _errors(comparison: Comparison) -> str:
    """Return the errors of the targets that failed, in full."""
    return "".join(
        f"<div class='error'><h3>{escaped(result.target)} failed "
        f"<small>{escaped(error_name(result.error))}</small></h3><pre>{escaped(error_text(result.error))}</pre></div>"
        for result in comparison.results
        if result.error is not None
    )


def _divergences(comparison: Comparison) -> str:
    """Return where each target first differs, with the late packets that explain it."""
    items = ""
    for result, summary in zip(comparison.results, comparison.summaries, strict=True):
        if summary.divergence is not None:
            packets = _late_packets(result, summary)
            items += f"<li><b>{escaped(summary.target)}</b>: {escaped(summary.divergence)}.{packets}</li>"
    return f"<h3>Where they first differ</h3><ul>{items}</ul>" if items else ""


def _late_packets(result: RunResult, summary: Summary) -> str:
    rows = summary.divergence.late_packets
    if not len(rows):
        return ""
    packets = result.hardware.packets
    latest = rows[packets.lateness_steps[rows].argsort(kind="stable")[::-1][:MAX_LATE_PACKETS]]
    lines = ""
    for row in latest:
        latency = with_prefix((packets.arrival_ps[row] - packets.emission_ps[row]) * 1e-12, "s")
        lines += (
            f"<tr><td>{packets.source[row]:,}</td><td>{packets.emission_step[row] * result.dt_ms:g}</td>"
            f"<td>{latency}</td><td>{packets.lateness_steps[row]:,}</td></tr>"
        )
    return (
        "<table class='small'><thead><tr><th>from neuron</th><th>sent at (ms)</th><th>latency</th>"
        f"<th>late by (steps)</th></tr></thead><tbody>{lines}</tbody></table>"
    )


def _chip(result: RunResult) -> str:
    """Return what one chip did: floor plan, limits, steps."""
    hardware = result.hardware
    options = _listing(hardware.options)
    lead = (
        f"<p>{escaped(DISCIPLINES.get(hardware.discipline, hardware.discipline)).capitalize()}. "
        f"{hardware.sent:,} packets sent: {hardware.delivered:,} delivered ({hardware.late:,} late), "
        f"{hardware.dropped:,} dropped, {hardware.in_flight:,} in flight at the end.</p>"
        f"<p class='note'>{escaped(options)}</p>"
    )
    limits = f"<div><h3>What limits</h3>{_limits(hardware.utilisation)}</div>" if hardware.utilisation else ""
    plan = floor_plan(hardware)
    place = " class='full'" if is_wide(hardware) else ""
    plan = f"<div{place}><h3>Load on the floor plan</h3>{plan}</div>" if plan else ""
    steps = step_plot(result)
    limits += energy_by_place(result)
    steps = f"<h3>Duration of steps</h3>{steps}" if steps else ""
    return lead + _grid(plan, limits) + rounding_table(hardware.roundings) + steps


def _limits(utilisation: dict[str, tuple[int, int]]) -> str:
    """Return bars of what the mapping uses of each limited resource, the scarcest first."""
    shares = sorted(
        ((used / limit if limit else 1.0, name, used, limit) for name, (used, limit) in utilisation.items()),
        reverse=True,
    )
    rows = "".join(
        f"<tr><th scope='row'>{escaped(name)}</th>"
        f"<td class='bar'><span style='width:{100 * min(share, 1):.1f}%'></span></td>"
        f"<td>{number(100 * share)} %</td><td>{used:,} of {limit:,}</td></tr>"
        for share, name, used, limit in shares
    )
    return f"<table class='limits'><tbody>{rows}</tbody></table>"


def _notes(comparison: Comparison) -> str:
    """Return each target's notes, each once with how often it came."""
    parts = ""
    for result in comparison.results:
        counted = Counter([*result.notes, *(result.hardware.notes if result.hardware else ())])
        if counted:
            items = "".join(
                f"<li>{escaped(note)}{f' <b>({times:,} times)</b>' if times > 1 else ''}</li>"
                for note, times in counted.items()
            )
            parts += f"<h3>{escaped(result.target)}</h3><ul>{items}</ul>"
        if result.log.strip():
            printed = escaped(result.log.strip())
            parts += f"<details><summary>What the script printed on {escaped(result.target)}</summary> "
            parts += f"<pre>{printed}</pre></details>"
    return parts


def _listing(values: Mapping[str, Any]) -> str:
    """Return names and values, those of a group within them in its place."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= value if isinstance(value, Mapping) else {name: value}
    shown = {name: f"{value:g}" if isinstance(value, float) else value for name, value in flat.items()}
    return ", ".join(f"{name} = {value}" for name, value in shown.items() if value not in (None, ""))


def _reproduce(comparison: Comparison) -> str:
    """Return command, script, versions and options."""
    info = comparison.info
    versions = ", ".join(f"{name} {version}" for name, version in info.get("versions", {}).items())
    lines = {
        "Script": f"{info.get('script', '')} (SHA-256 {info['script_sha256']})"
        if info.get("script_sha256")
        else "",
        "Parameters": _listing(info.get("parameters", {})),
        "Options": _listing(info.get("options", {})),
        "Versions": versions,
        "Machine": info.get("machine", ""),
        "Run folder": str(comparison.folder or ""),
    }
    for result in comparison.results:
        lines[f"As run on {result.target}"] = _listing(result.options)
    rows = "".join(
        f"<dt>{escaped(name)}</dt><dd>{escaped(text)}</dd>" for name, text in lines.items() if text
    )
    command = f"<pre class='command'>{escaped(info['command'])}</pre>" if info.get("command") else ""
    return f"{command}<dl>{rows}</dl>" if command or rows else ""
