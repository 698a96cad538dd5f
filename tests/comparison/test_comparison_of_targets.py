import io
import math
import sys
import types

import numpy as np
import pytest
from rich.console import Console

import pycosim
from pycosim.comparison import Comparison, Settings, compare, rate_correlation, spike_train_distances
from pycosim.errors import DoesNotFitError, InvalidInputError, PycosimError, Violation
from pycosim.results import PopulationInfo, RunResult

SPIKES = [(0, 10), (0, 30), (1, 20), (1, 50), (1, 60), (2, 70), (4, 5)]


@pytest.fixture
def failed():
    violations = [Violation("neurons", 4, 2, 2, "neurons", "use two chips")]
    return RunResult("tiny", error=DoesNotFitError("the tiny chip", violations))


def printed(comparison, width=80):
    stream = io.StringIO()
    comparison.print(Console(file=stream, width=width))
    return stream.getvalue()


def test_a_target_with_the_same_spikes_is_said_to_be_exact(make_result, make_hardware):
    late = make_hardware([(0, 0, 0, 2_000, 1)])
    comparison = Comparison(
        [
            make_result("native", SPIKES),
            make_result("loihi", SPIKES),
            make_result("tick", SPIKES, hardware=late),
        ]
    )
    assert comparison.verdict == (
        "Against native (6 spikes): loihi and tick [1 of 1 packets late, busiest core 1] "
        "give exactly the same spikes."
    )


def test_the_verdict_says_when_a_target_differs_and_that_one_failed(make_result, failed):
    comparison = Comparison([make_result("native", SPIKES), make_result("chip", [(0, 10), (0, 33)]), failed])
    assert comparison.verdict == (
        "Against native (6 spikes): chip differs from 20 ms on (16.7 % of spikes identical); "
        "tiny failed (DoesNotFitError)."
    )
    assert comparison.failed == ["tiny"]


def test_the_first_target_that_finished_is_the_reference(make_result, failed):
    comparison = Comparison([failed, make_result("native", SPIKES), make_result("loihi", SPIKES)])
    assert comparison.reference.target == "native"
    assert comparison.verdict == (
        "tiny failed, so native (6 spikes) is the reference: loihi gives exactly the same spikes."
    )


def test_if_all_targets_fail_each_is_named(failed):
    comparison = Comparison([failed])
    assert comparison.verdict == "No target finished: tiny failed (DoesNotFitError)."
    assert comparison.reference is None
    assert "use two chips" in " ".join(printed(comparison).split())
    assert comparison.table.status.tolist() == ["failed"]


def test_a_single_target_is_only_described(make_result):
    assert Comparison([make_result("native", SPIKES)]).verdict == "native gives 6 spikes."


def test_the_table_holds_one_row_of_figures_for_each_target(make_result, make_hardware, failed):
    hardware = make_hardware([(0, 0, 0, 2_000, 1), (0, 1, 0, None, -1)])
    target = make_result("chip", [(0, 10), (0, 33), (1, 20), (3, 99)], hardware=hardware)
    table = Comparison([make_result("native", SPIKES), target, failed]).table
    assert table.target.tolist() == ["native", "chip", "tiny"]
    chip = table.iloc[1]
    assert (chip.identical_spikes, chip.shifted_spikes, chip.lost_spikes, chip.added_spikes) == (2, 1, 3, 1)
    assert (chip.packets, chip.late_packets, chip.dropped_packets, chip.cores) == (2, 1, 1, 2)
    assert chip.rate_hz == pytest.approx(10)
    assert chip.rate_change_percent == pytest.approx(100 * (4 / 6 - 1))
    assert chip.first_difference_ms == 30
    assert chip.isi_distortion_ms == pytest.approx(3)
    assert chip.latency_max_us == 2000
    assert chip.energy_j == pytest.approx(3e-9)
    assert chip.energy_unknown == "routing"
    assert table.iloc[2].drop(["target", "status", "error"]).isna().all()
    assert "use two chips" in table.error[2]


def test_the_printed_table_keeps_to_the_width_of_the_screen(make_result, make_hardware, failed):
    comparison = Comparison(
        [
            make_result("native", SPIKES),
            make_result("brian2", SPIKES[:3]),
            make_result(
                "loihi[timing=trace,noc.hop_x=50 ns]", SPIKES, hardware=make_hardware([(0, 0, 0, 2, 0)])
            ),
            failed,
        ]
    )
    for width in (60, 80, 120):
        text = printed(comparison, width)
        assert max(len(line) for line in text.splitlines()) <= width
    lines = printed(comparison, 120).splitlines()
    spikes = next(line for line in lines if line.startswith("spikes"))
    assert spikes.split() == ["spikes", "6", "3", "6", "–"]
    assert any(line.startswith("energy") and "≥ 3.00 nJ" in line for line in lines)
    assert "neurons: needs 4, the limit is 2" in " ".join(lines)


def test_text_of_users_is_not_read_as_markup(make_result):
    error = ValueError("[red]not markup[/] <b>")
    comparison = Comparison([make_result("native"), RunResult("x[a=[bold]]", error=error)])
    assert "[red]not markup[/] <b>" in printed(comparison)
    assert "&lt;b&gt;" in comparison._repr_html_()


def test_a_network_that_is_empty_has_no_rate(make_result):
    comparison = Comparison([make_result("native", populations=[]), make_result("loihi", populations=[])])
    assert math.isnan(comparison.table.rate_hz[0])
    assert "exactly the same spikes" in comparison.verdict
    assert "mean rate" not in printed(comparison)


def test_a_target_without_spikes_is_compared_all_the_same(make_result, make_hardware):
    comparison = Comparison([make_result("native", SPIKES), make_result("silent", hardware=make_hardware())])
    row = comparison.table.iloc[1]
    assert (row.spikes, row.lost_spikes, row.rate_change_percent) == (0, 6, -100)
    assert "silent gives no spikes" in comparison.verdict
    assert "disorder" not in printed(comparison)


def test_a_reference_without_spikes_is_compared_all_the_same(make_result):
    comparison = Comparison([make_result("native"), make_result("loihi", SPIKES)])
    row = comparison.table.iloc[1]
    assert row.added_spikes == 6
    assert math.isnan(row.rate_change_percent)
    assert comparison.verdict == "Against native (0 spikes): loihi differs from 10 ms on."


@pytest.mark.parametrize(
    "change", [{"dt_ms": 0.5}, {"populations": [PopulationInfo("cells", "IF_curr_exp", 3, 0, False)]}]
)
def test_runs_of_different_networks_are_not_set_against_each_other(make_result, change):
    comparison = Comparison([make_result("native", SPIKES), make_result("other", SPIKES, **change)])
    assert "other: spikes not compared" in comparison.verdict
    assert "identical_spikes" not in comparison.table


def test_rates_that_keep_their_order_are_correlated(make_result):
    first = make_result("a", [(0, 1), (1, 1), (1, 5), (2, 1), (2, 3), (2, 9)])
    second = make_result("b", [(0, 8), (1, 2), (1, 7), (2, 4), (2, 5), (2, 6)])
    assert rate_correlation(first, second) == pytest.approx(1)
    assert math.isnan(rate_correlation(first, make_result("c")))


@pytest.mark.parametrize(("kind", "expected"), [("victor_purpura", 0.5), ("van_rossum", None)])
def test_spike_train_distances_are_zero_only_for_equal_trains(make_result, kind, expected):
    first, second = make_result("a", [(0, 10), (1, 40)]), make_result("b", [(0, 10), (1, 45)])
    distances = spike_train_distances(first, second, kind, tau_ms=10.0)
    assert distances.shape == (4,)
    np.testing.assert_allclose(distances[[0, 2, 3]], 0, atol=1e-6)  # a difference of exponentials is rounded
    assert distances[1] > 0.1
    if expected is not None:  # half of what removing a spike costs, by definition
        assert distances[1] == pytest.approx(expected)


def test_distances_are_computed_on_request(make_result):
    runs = [make_result("a", [(0, 10)]), make_result("b", [(0, 15)])]
    assert "victor_purpura_distance" not in Comparison(runs).table
    table = Comparison(runs, settings=Settings(distances=("victor_purpura",))).table
    assert table.victor_purpura_distance[1] == pytest.approx(0.5 / 4)
    with pytest.raises(InvalidInputError, match="euclid"):
        spike_train_distances(*runs, "euclid")


@pytest.fixture
def runner(monkeypatch, make_result, failed):
    """Put a runner in place that fails on dynapse, is interrupted on truenorth, and notes its calls."""
    failed.target = "dynapse"
    canned = {"native": make_result("native", SPIKES), "loihi": make_result("loihi", SPIKES[:-2])}
    calls = []

    def run(script, target, **keywords):
        calls.append((script, target, keywords))
        if target == "truenorth":
            raise KeyboardInterrupt
        return canned.get(target, failed)

    module = types.ModuleType("pycosim.runner")
    module.run_to_compare = run
    monkeypatch.setitem(sys.modules, "pycosim.runner", module)
    monkeypatch.setattr(pycosim, "runner", module, raising=False)
    return calls


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "net.py"
    path.write_text("import pyNN.nest\n")
    return path


def test_every_target_is_run_once_also_after_a_failure(runner, script, tmp_path):
    seen = []
    comparison = compare(
        script,
        "native,dynapse,loihi",
        arguments=["10"],
        options={"timing": "trace"},
        output=tmp_path / "runs",
        watch=lambda target, result: seen.append((target, result is not None)),
    )
    assert [(call[0], call[1]) for call in runner] == [(script, t) for t in ("native", "dynapse", "loihi")]
    assert all(call[2]["arguments"] == ["10"] for call in runner)
    assert all(call[2]["options"] == {"timing": "trace"} for call in runner)
    assert seen == [(t, done) for t in ("native", "dynapse", "loihi") for done in (False, True)]
    assert [result.target for result in comparison.results] == ["native", "dynapse", "loihi"]
    assert comparison.failed == ["dynapse"]
    assert (comparison.folder / "report.html").is_file()


def test_results_are_on_disk_before_the_next_target_runs(runner, script, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        compare(script, ["native", "truenorth"], output=tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    assert [result.target for result in pycosim.load(folder).results] == ["native"]


def test_the_users_score_is_a_figure_like_the_others(runner, script, tmp_path):
    def accuracy(result):
        return 1 / (len(result.spike_steps) - 5)  # divides by zero on loihi

    comparison = compare(script, "native,loihi,dynapse", output=tmp_path, score=accuracy)
    assert comparison.table.score[0] == 0.5
    assert comparison.table.score.isna().tolist() == [False, True, True]
    assert "ZeroDivisionError" in comparison.results[1].notes[-1]
    assert any(line.startswith("accuracy") for line in printed(comparison).splitlines())
    assert pycosim.load(comparison.folder).table.equals(comparison.table)


def test_a_function_is_compared_as_a_script_is(runner, tmp_path):
    def network(sim, size=3):
        pass

    comparison = compare(network, ["native"], parameters={"size": 5}, output=tmp_path)
    assert comparison.folder.name.startswith("network-")
    assert runner[0][0] is network
    assert runner[0][2]["parameters"] == {"size": 5}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"on": ""}, "No target"),
        ({"on": "native,loihy"}, "loihi"),
        ({"script": "absent.py"}, "no such script"),
        ({"window_ms": -1.0}, "window_ms"),
        ({"distances": ["euclid"]}, "euclid"),
    ],
)
def test_impossible_requests_are_refused_before_anything_runs(runner, script, tmp_path, keywords, message):
    output = tmp_path / "runs"
    with pytest.raises(PycosimError, match=message):
        compare(**({"script": script, "on": "native", "output": output} | keywords))
    assert runner == []
    assert not output.exists()
