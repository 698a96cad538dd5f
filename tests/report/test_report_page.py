import base64
import json
import re
import struct
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from pycosim.comparison import Comparison
from pycosim.hwmodels.arithmetic import Rounding
from pycosim.report import raster
from pycosim.report.floorplan import core_load, floor_plan
from pycosim.report.page import page
from pycosim.results import CoreTable, LinkTable, RunResult


class Reader(HTMLParser):
    """Collects a page's text, addresses, plots and the nesting of its elements."""

    VOID = ("meta", "wbr", "br", "rect", "line")

    def __init__(self):
        super().__init__()
        self.text, self.addresses, self.plots, self.open, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.text.append(" " if tag in ("td", "th", "li") else "")
        if tag not in ("meta", "wbr", "br"):
            self.open.append((tag, dict(attributes).get("type")))
        self.addresses += [value for name, value in attributes if name in ("src", "href", "data", "action")]

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == ("script", "application/json"):
            self.plots.append(json.loads(data))
        elif self.open and self.open[-1][0] not in ("script", "style"):
            self.text.append(data)


def read(comparison):
    reader = Reader()
    reader.feed(page(comparison))
    reader.close()
    assert reader.open == []
    reader.words = " ".join("".join(reader.text).split())
    return reader


def test_the_page_begins_with_the_verdict_and_names_every_target(comparison):
    reader = read(comparison)
    assert reader.words.index(comparison.verdict) < reader.words.index("Targets")
    for result in comparison.results:
        assert result.target in reader.words


def test_the_parts_are_in_reading_order(comparison):
    words = read(comparison).words
    titles = [
        "Targets", "Where they first differ", "Intervals and latencies", "Energy by cause", "Intel Loihi",
        "IBM TrueNorth", "Notes and warnings", "How to reproduce",
    ]  # fmt: skip
    places = [words.index(title) for title in titles]
    assert places == sorted(places)


def test_the_page_refers_to_nothing_outside(comparison):
    reader = read(comparison)
    assert reader.addresses == []
    assert not {"link", "iframe", "img"} & set(reader.tags)
    style = re.search(r"<style>(.*?)</style>", page(comparison), re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_plotly_is_in_the_page_once(comparison):
    assert page(comparison).count("* plotly.js v") == 1


def test_the_error_of_a_failed_target_is_shown_in_full(comparison):
    words = read(comparison).words
    assert "dynapse failed DoesNotFitError" in words
    assert "synapse words per neuron (fan-in): needs 80, the limit is 64" in words
    assert "neurons: needs 4000, the limit is 1024" in words


def test_what_users_wrote_is_escaped(five_targets):
    nasty = "</script><img src=x onerror=alert(1)>"
    five_targets[0].notes.append(nasty)
    five_targets[1].target = nasty
    five_targets[2].hardware.title = nasty
    five_targets[4] = RunResult("dynapse", error=ValueError(nasty))
    comparison = Comparison(five_targets, info={"script": nasty, "script_name": nasty, "command": nasty})
    reader = read(comparison)
    assert "img" not in reader.tags
    assert nasty in reader.words


def test_each_plot_is_complete(comparison):
    plots = read(comparison).plots
    titles = [plot["layout"].get("xaxis", {}).get("title", {}).get("text") for plot in plots]
    assert titles[1:] == [
        "inter-spike interval (ms)",
        "latency (µs)",
        "distance between the cores (core units)",
        "share of the known energy (%)",
        "model time (ms)",
        "model time (ms)",
    ]
    assert all("plot_bgcolor" in plot["layout"] for plot in plots)


def decoded(column):
    if isinstance(column, dict):
        return np.frombuffer(base64.b64decode(column["bdata"]), column["dtype"])
    return np.array([value for value in column if value is not None])


def test_every_spike_is_in_the_raster_in_its_colour(comparison):
    plot = read(comparison).plots[0]
    for panel, summary in enumerate(comparison.summaries, start=1):
        axis = "x" if panel == 1 else f"x{panel}"
        shown = {}
        for trace in plot["data"]:
            if trace["xaxis"] == axis and trace.get("legendgroup"):
                kind = trace["legendgroup"]
                shown[kind] = shown.get(kind, 0) + len(decoded(trace["x"]))
        if summary.match is not None:
            match = summary.match
            assert shown.get("same", 0) == match.n_identical
            assert shown.get("later", 0) + shown.get("earlier", 0) == match.n_shifted
            assert shown.get("lost", 0) == match.n_lost
            assert shown.get("added", 0) == match.n_added
        else:
            assert shown.get("same", 0) == summary.row.get("spikes", 0)


def test_many_spikes_are_drawn_as_images(comparison, monkeypatch):
    monkeypatch.setattr(raster, "MAX_POINTS", 1000)
    plot = read(comparison).plots[0]
    images = plot["layout"]["images"]
    assert len(images) == len(comparison.results)
    assert all(image["source"].startswith("data:image/png;base64,") for image in images)
    assert not any(len(decoded(trace["x"])) for trace in plot["data"])


def test_an_image_has_the_spikes_at_their_place():
    points = {
        "lost": raster.Points(np.array([0.0]), np.array([0])),
        "added": raster.Points(np.array([99.9]), np.array([9])),
    }
    data = base64.b64decode(raster.raster_image(points, (100.0, 10)).partition(",")[2])
    width, height = struct.unpack(">II", data[16:24])
    assert (width, height) == raster.IMAGE_SIZE
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", data[start - 8 : start - 4])
    lines = np.frombuffer(zlib.decompress(data[start : start + length]), np.uint8).reshape(height, -1)
    pixels = lines[:, 1:].reshape(height, width, 4)
    assert np.count_nonzero(pixels[..., 3]) == 2 * raster.DOT_PX**2
    assert pixels[-1, 0].tolist() == [0xD5, 0x5E, 0x00, 255]
    assert pixels[: height // 10, -1, 3].any()


def test_the_floor_plan_shows_each_core_and_link(five_targets):
    hardware = five_targets[2].hardware
    drawing = floor_plan(hardware)
    cores, links = len(hardware.cores.core), len(hardware.links.flits)
    assert drawing.count("<title>core ") == cores
    assert drawing.count("<title>link ") == links
    assert "24 cores in use, of a floor of 16 × 8" in drawing
    # The used 6 x 4 cores and one column and row of their neighbours, not all 128.
    assert drawing.count('class="empty"') == 7 * 5 - 24


def test_the_load_of_a_core_is_its_share_of_the_hardware_time(five_targets):
    barrier, tick = five_targets[2].hardware, five_targets[3].hardware
    load, unit = core_load(barrier)
    assert unit.startswith("%")
    np.testing.assert_allclose(load, 100 * barrier.cores.busy_ps / barrier.step_duration_ps.sum())
    load, _ = core_load(tick)
    np.testing.assert_allclose(load, 100 * tick.cores.busy_ps / (5000 * tick.period_ps))
    tick.cores.busy_ps[:] = 0
    assert core_load(tick)[1] == "synaptic events"


def test_late_packets_that_explain_a_difference_are_listed(five_targets):
    reference, target = five_targets[0], five_targets[3]
    packets = target.hardware.packets
    packets.lateness_steps[packets.arrived] = 7
    words = read(Comparison([reference, target])).words
    assert "acted late" in words
    assert "late by (steps)" in words


def test_unknown_causes_of_energy_are_named(comparison):
    words = read(comparison).words
    assert "static power unknown unknown" in words
    assert "routing 400 nJ (assumed) 400 nJ (assumed)" in words
    assert "total ≥ 3.80 µJ ≥ 3.80 µJ" in words


def test_rounded_values_are_listed_with_the_worst_first(five_targets):
    five_targets[2].hardware.roundings = [
        Rounding.of("population 'E': tau_m", "ms", [20.0, 20.0], 20.4),
        Rounding.of("projection 'E→I': weight", "nA", [0.05, 0.04], [0.04, 0.04]),
    ]
    words = read(Comparison(five_targets)).words
    assert "item asked got relative error values" in words
    weight = "projection 'E→I': weight 0.05 nA 0.04 nA -20 % 1"
    assert f"{weight} population 'E': tau_m 20 ms 20.4 ms +2 % 2" in words
    assert "3 values rounded, largest relative error 20 %" in words


def test_repeated_notes_are_shown_once_with_their_count(five_targets):
    five_targets[0].notes = ["Weights were clipped."] * 3
    words = read(Comparison(five_targets)).words
    assert words.count("Weights were clipped.") == 1
    assert "(3 times)" in words


def test_what_the_script_printed_is_kept(comparison):
    comparison.results[0].log = "rate: <12> Hz\n"
    assert "What the script printed on native rate: <12> Hz" in read(comparison).words


def test_the_page_says_how_to_run_it_again(comparison):
    comparison.results[0].options["seed"] = 1234
    words = read(comparison).words
    assert comparison.info["command"] in words
    assert "python 3.11.9" in words
    assert "seed = 1234" in words


def empty_hardware(hardware):
    """Return a record of a run in which nothing happened on no core."""
    from dataclasses import fields, replace

    def none(table):
        return type(table)(**{f.name: getattr(table, f.name)[:0] for f in fields(table)})

    return replace(
        hardware, packets=none(hardware.packets), cores=none(hardware.cores), links=none(hardware.links),
        step_duration_ps=np.empty(0, np.int64), sent=0, delivered=0, late=0, energy_j={}, utilisation={},
    )  # fmt: skip


@pytest.mark.parametrize("case", ["all failed", "no spikes", "empty network", "idle chip", "nothing"])
def test_a_page_is_made_of_what_there_is(five_targets, case):
    native, _, loihi, _, failed = five_targets
    for result in (native, loihi):
        if case in ("no spikes", "empty network", "idle chip"):
            result.spike_steps = result.spike_neurons = np.empty(0, np.int64)
        if case == "empty network":
            result.populations = []
    if case == "idle chip":
        loihi.hardware = empty_hardware(loihi.hardware)
    chosen = {"all failed": [failed], "nothing": []}.get(case, [native, loihi, failed])
    comparison = Comparison(chosen)
    assert comparison.verdict in read(comparison).words


def test_cores_between_grid_points_and_loops_are_drawn(five_targets):
    hardware = five_targets[2].hardware
    columns = {f: np.zeros(4, np.int64) for f in CoreTable.__dataclass_fields__}
    columns |= {"core": np.arange(4), "x": np.array([0, 0.5, 0, 0.5]), "y": np.array([0, 0, 0.5, 0.5])}
    hardware.cores = CoreTable(**columns)
    ends = np.array([0.25]), np.array([0.25]), np.array([0.25]), np.array([0.25])
    hardware.links = LinkTable(*ends, np.array([5]))
    drawing = floor_plan(hardware)
    assert drawing.count("<title>core ") == 4
    assert "<line" not in drawing


def test_the_report_is_one_file_where_it_was_asked_for(comparison, tmp_path):
    assert comparison.report() == tmp_path / "report.html"
    path = comparison.report(tmp_path / "new" / "page.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(path.parent.iterdir()) == [path]


def test_options_of_a_chip_are_listed_one_by_one(comparison):
    comparison.results[2].hardware.options |= {"speedup": 1e9, "overrides": {"noc.chips": "2x1"}}
    assert "timing = closed, speedup = 1e+09, noc.chips = 2x1<" in page(comparison)
