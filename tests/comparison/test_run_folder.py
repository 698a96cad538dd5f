import dataclasses
import hashlib
import io
import json

import numpy as np
import pytest
from rich.console import Console

from pycosim.comparison import Comparison, Settings
from pycosim.errors import DoesNotFitError, InvalidInputError, Violation
from pycosim.hwmodels.arithmetic import Rounding
from pycosim.results import RunResult
from pycosim.results.folder import RunFolder, describe_run, load, slug
from pycosim.results.roundings import summary_line

SPIKES = [(0, 10), (0, 30), (1, 20), (2, 70)]


@pytest.fixture
def saved(tmp_path, make_result, make_hardware):
    """A comparison of three targets, one of which failed, that has been written to a folder."""
    hardware = make_hardware([(0, 0, 0, 2_000, 1), (0, 1, 0, None, -1), (0, 0, 10, 15, 0)])
    results = [
        make_result("native", SPIKES, notes=["same note", "same note"]),
        make_result("mesh[timing=closed]", SPIKES[1:], hardware=hardware, options={"seed": 42}),
        RunResult("tiny", error=DoesNotFitError("tiny", [Violation("axons", 9, 4, 1, "cores", "use fewer")])),
    ]
    settings = Settings(window_ms=7.0)
    info = describe_run("net.py", [result.target for result in results], arguments=["10"])
    folder = RunFolder.create(info, tmp_path, settings)
    comparison = Comparison([], info=info, folder=folder.path, settings=settings)
    for result in results:
        comparison.results.append(result)
        folder.save(comparison)
    folder.finish(comparison)
    return comparison


def assert_equal_fields(first, second):
    for field in dataclasses.fields(first):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype
        elif dataclasses.is_dataclass(one):
            assert_equal_fields(one, other)
        elif field.name not in ("blocks", "error"):
            assert one == other


def test_everything_is_read_back_as_it_was_written(saved):
    loaded = load(saved.folder)
    for first, second in zip(saved.results, loaded.results, strict=True):
        assert_equal_fields(first, second)
    assert loaded.settings == saved.settings
    assert loaded.info["command"] == saved.info["command"]


def test_rounded_values_are_kept_and_summed_up(tmp_path, make_result, make_hardware):
    roundings = [
        Rounding.of("population 'E': tau_m", "ms", np.full(3, 20.0), 20.4),
        Rounding.of("projection 'E→I': weight", "nA", [0.03, 0.05, 0.05, 0.0], [0.03, 0.04, 0.04, 0.0]),
        Rounding.of("projection 'E→I': weight", "nA", [0.05], [0.04]),
    ]
    results = [make_result("native", SPIKES), make_result("mesh", SPIKES)]
    results[1].hardware = make_hardware(roundings=roundings)
    folder = RunFolder.create(describe_run("net.py", ["native", "mesh"]), tmp_path, Settings())
    comparison = Comparison([], folder=folder.path)
    for result in results:
        comparison.results.append(result)
        folder.save(comparison)
    frame = load(folder.path).results[1].hardware.rounded
    assert frame.to_dict("records") == [
        {
            **{"item": "projection 'E→I': weight", "unit": "nA", "asked": 0.05, "got": 0.04},
            **{"relative_error": pytest.approx(-0.2), "count": 3},
        },
        {
            **{"item": "population 'E': tau_m", "unit": "ms", "asked": 20.0, "got": 20.4},
            **{"relative_error": pytest.approx(0.02), "count": 3},
        },
    ]
    assert comparison.table["rounded_values"].tolist()[1] == 6
    line = summary_line(results[1].hardware.roundings)
    assert line == "arithmetic: 6 values rounded, largest relative error 20 % (projection 'E→I': weight)"
    assert line in printed(comparison)


def printed(comparison):
    stream = io.StringIO()
    comparison.print(Console(file=stream, width=120))
    return stream.getvalue()


def test_figures_and_verdict_of_a_loaded_run_are_the_same(saved):
    loaded = load(saved.folder)
    assert loaded.table.equals(saved.table)
    assert loaded.verdict == saved.verdict
    stored = json.loads((saved.folder / "run.json").read_text())
    assert stored["verdict"] == saved.verdict
    assert stored["metrics"][1]["lost_spikes"] == 1


def test_the_error_of_a_failed_target_is_kept_as_class_and_text(saved):
    assert load(saved.folder).errors == saved.errors
    assert "axons: needs 9" in saved.errors["tiny"]


def test_recordings_are_read_when_they_are_asked_for(saved):
    blocks = load(saved.folder).results[0].blocks
    assert list(blocks) == ["cells"]
    block = blocks["cells"]
    assert block.annotations["spikes_of"] == "cells"
    assert block.segments[0].spiketrains[0].magnitude.tolist() == [1.0, 2.5]


def test_spikes_can_be_read_without_pycosim(saved):
    arrays = np.load(saved.folder / "native" / "spikes.npz")
    assert arrays["steps"].tolist() == [10, 20, 30, 70]
    assert arrays["neurons"].tolist() == [0, 1, 0, 2]
    assert arrays["population_labels"].tolist() == ["cells", "input"]


def test_a_folder_is_never_written_over(tmp_path):
    info = describe_run("net.py", ["native"])
    first, second, third = (RunFolder.create(info, tmp_path, Settings()).path for _ in range(3))
    assert second.name == f"{first.name}-2"
    assert third.name == f"{first.name}-3"


def test_the_same_target_twice_has_two_folders(tmp_path, make_result):
    folder = RunFolder.create(describe_run("net.py", ["native"] * 2), tmp_path, Settings())
    comparison = Comparison([])
    for spikes in (SPIKES, SPIKES[:1]):
        comparison.results.append(make_result("native", spikes))
        folder.save(comparison)
    assert load(folder.path).table.spikes.tolist() == [4, 1]


def test_recordings_that_cannot_be_written_lose_nothing_else(tmp_path, make_result):
    result = make_result("native", SPIKES)
    result.blocks["cells"].annotations["function"] = lambda: None
    folder = RunFolder.create(describe_run("net.py", ["native"]), tmp_path, Settings())
    folder.save(Comparison([result]))
    (loaded,) = load(folder.path).results
    assert loaded.spike_steps.tolist() == [10, 20, 30, 70]
    assert "could not be written" in loaded.notes[-1]
    assert dict(loaded.blocks) == {}


def test_numbers_that_do_not_exist_are_null_in_json(tmp_path, make_result):
    folder = RunFolder.create(describe_run("net.py", ["native"]), tmp_path, Settings())
    comparison = Comparison([make_result("native", duration_ms=0.0)])
    folder.save(comparison)
    folder.finish(comparison)
    stored = json.loads((folder.path / "run.json").read_text(), parse_constant=pytest.fail)
    assert stored["metrics"][0]["rate_hz"] is None


def test_the_script_is_described_with_its_hash_and_command(tmp_path):
    script = tmp_path / "my net.py"
    script.write_text("print('spikes')\n")
    info = describe_run(script, ["native", "loihi[timing=trace]"], arguments=["--size", "10"])
    assert info["script_sha256"] == hashlib.sha256(script.read_bytes()).hexdigest()
    assert info["command"] == f"pycosim compare '{script}' --size 10 --on 'native,loihi[timing=trace]'"
    assert info["versions"]["numpy"] == np.__version__
    assert describe_run(describe_run, ["native"])["command"] == "pycosim.compare(describe_run, on=['native'])"


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "...", "loihi[a.b=1,c=2]", "ä ö"])
def test_a_name_becomes_one_plain_folder_name(name):
    assert "/" not in slug(name)
    assert slug(name)[0] != "."


def test_a_folder_that_holds_no_run_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"no run\.json"):
        load(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"format": 99, "versions": {"pycosim": "9.9"}}))
    with pytest.raises(InvalidInputError, match=r"9\.9"):
        load(tmp_path)
