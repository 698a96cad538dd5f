"""Chip descriptions: what is read, what is refused, and how values are replaced."""

import re
import tomllib
from pathlib import Path

import pytest

from pycosim.errors import ChipDescriptionError, UnknownTargetError
from pycosim.hwmodels import load as loading
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.description import field_kinds
from pycosim.hwmodels.load import chips, load

MINIMAL = """
[chip]
title = "My chip"
summary = "Two by two cores"
discipline = "tick"

[capacity]
neurons_per_core = { value = 16, source = "me", confidence = "assumed" }

[noc]
topology = "mesh"
shape = { value = "2x2", source = "me", confidence = "assumed" }
cores_per_router = { value = "1x1", source = "me", confidence = "assumed" }
hop_x = { value = "10 ns", source = "me", confidence = "assumed" }
hop_y = { value = "10 ns", source = "me", confidence = "assumed" }
local = { value = "10 ns", source = "me", confidence = "assumed" }
flit = { value = "1 ns", source = "me", confidence = "assumed" }
flits_per_packet = { value = 1, source = "me", confidence = "assumed" }
buffer_depth = { value = 4, source = "me", confidence = "assumed" }
cycle = { value = "1 ns", source = "me", confidence = "assumed" }
"""


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return path


def test_the_three_chips_are_found_by_looking_into_the_folders():
    assert {"loihi", "truenorth", "dynapse"} <= set(chips())


def test_every_constant_has_a_source_and_a_confidence(chip):
    constants = dict(load(chip).description.named_constants())
    assert len(constants) > 15
    assert all(constant.source and constant.confidence for constant in constants.values())


def test_every_source_that_is_no_assumption_is_cited_in_full(chip):
    description = load(chip).description
    for path, constant in description.named_constants():
        if constant.confidence != "assumed":
            key = re.split("[, ]", constant.source)[0]
            assert key in description.sources, path


def test_a_description_of_ones_own_is_loaded_by_its_path(tmp_path):
    chip = load(str(written(tmp_path, MINIMAL)))
    assert type(chip) is ChipModel
    assert chip.name == "mine"
    assert chip.description.n_cores == 4
    assert chip.description.noc.hop_x.value == 10_000


def test_all_problems_of_a_description_are_reported_at_once_with_their_places(tmp_path):
    text = (
        MINIMAL.replace('hop_x = { value = "10 ns"', 'hop_x = { value = "10 nm"')
        .replace("value = 16", "value = -1")
        .replace('discipline = "tick"', 'discipline = "tock"')
        .replace('topology = "mesh"', 'topologie = "mesh"')
        .replace('value = "1x1", source = "me"', 'value = "1x1", source = "Knuth"')
        .replace(
            '"1x1", source = "Knuth", confidence = "assumed"',
            '"1x1", source = "Knuth", confidence = "published"',
        )
    )
    with pytest.raises(ChipDescriptionError) as error:
        load(str(written(tmp_path, text)))
    message = str(error.value)
    assert "6 problems" in message
    for place in (
        "noc.hop_x.value",
        "capacity.neurons_per_core.value",
        "chip.discipline",
        "noc.topologie",
        "noc.topology: is missing",
        "noc.cores_per_router.source: begins with 'Knuth'",
    ):
        assert place in message


def test_a_misspelt_field_is_answered_with_near_names(tmp_path):
    with pytest.raises(
        ChipDescriptionError, match=r"noc\.hop_z: there is no such field; did you mean .*noc\.hop_x"
    ):
        load(str(written(tmp_path, MINIMAL.replace("hop_x", "hop_z"))))


def test_a_file_that_is_no_toml_is_refused_with_the_line(tmp_path):
    with pytest.raises(ChipDescriptionError, match="line 2"):
        load(str(written(tmp_path, "[chip]\ntitle = = 3\n")))


def test_a_constant_set_with_an_error_is_refused(tmp_path):
    text = (
        MINIMAL
        + '[sets.fast]\ntitle = "fast"\nnoc.hop_x = { value = "x", source = "me", confidence = "assumed" }\n'
    )
    with pytest.raises(ChipDescriptionError, match=r"sets\.fast: noc\.hop_x\.value"):
        load(str(written(tmp_path, text)))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("noc.hop_x", "10.5 ns", "multiple of cycle"),
        ("noc.hop_x", "2 ns", "at least 3 cycles"),
        ("mapping.entry_router", 4, "routers 0 to 3"),
        ("capacity.cores", 5, "hold 4"),
        ("capacity.synapse_words_per_core", 5, "synapse_memory"),
        ("noc.topology", "hierarchy", "trunk and branch"),
        ("noc.shape", "2x0", "not a shape"),
    ],
)
def test_values_that_do_not_go_together_are_refused(tmp_path, field, value, message):
    with pytest.raises(ChipDescriptionError, match=message):
        load(str(written(tmp_path, MINIMAL)), {field: value})


def test_an_unknown_chip_is_answered_with_near_names():
    with pytest.raises(UnknownTargetError, match="Did you mean loihi"):
        load("lohi")
    with pytest.raises(UnknownTargetError, match="no such file"):
        load("nowhere.toml")


@pytest.mark.parametrize("value", ["50 ns", "50ns", "0.05 us", 50, "50", 50.0])
def test_a_time_is_replaced_with_or_without_its_unit(value):
    constant = load("loihi", {"noc.hop_x": value}).description.noc.hop_x
    assert constant.value == 50_000
    assert (constant.source, constant.confidence) == ("set by the user", "assumed")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("capacity.neurons_per_core", "2000", 2000),
        ("capacity.neurons_per_core", 2000, 2000),
        ("energy.synaptic_event", 30, pytest.approx(30e-12)),
        ("energy.static_power", "50", pytest.approx(0.05)),
        ("noc.shape", "4x4", (4, 4)),
        ("noc.shape", (4, 4), (4, 4)),
        ("time.spike", "3 ns", 3000),
    ],
)
def test_constants_of_every_kind_can_be_replaced(path, value, expected):
    section, name = path.split(".")
    assert getattr(getattr(load("loihi", {path: value}).description, section), name).value == expected


def test_switches_and_names_can_be_replaced_as_text():
    description = load(
        "truenorth", {"mapping.splitters": "false", "noc.router": "credit4", "noc.slowdown": "10"}
    ).description
    assert description.mapping.splitters is False
    assert description.noc.router == "credit4"
    assert description.noc.slowdown == 10


@pytest.mark.parametrize(
    ("path", "hint"), [("noc.hopx", "noc.hop_x"), ("hop_x", "noc.hop_x"), ("noc.zzz", "noc.arbiter")]
)
def test_a_wrong_path_is_answered_with_near_names(path, hint):
    with pytest.raises(ChipDescriptionError, match=f"no such value.*{hint}"):
        load("loihi", {path: 1})


@pytest.mark.parametrize("value", ["fast", "-1 ns", "3 pJ", True, None])
def test_an_impossible_value_is_refused_with_its_place(value):
    with pytest.raises(ChipDescriptionError, match=r"noc\.hop_x"):
        load("loihi", {"noc.hop_x": value})


def test_a_named_set_replaces_constants_and_keeps_the_others():
    default, fitted = load("loihi").description, load("loihi", {"constants": "fitted"}).description
    assert default.time.spike is None
    assert fitted.time.spike.value == 30_000
    assert fitted.noc == default.noc
    assert fitted.constants == "fitted"
    assert set(default.sets) == {"fitted", "at_rest"}


def test_an_unknown_set_is_answered_with_the_known_ones():
    with pytest.raises(ChipDescriptionError, match="Known: default, fitted, at_rest"):
        load("loihi", {"constants": "fited"})


def test_values_set_by_the_user_win_over_a_named_set():
    assert load("loihi", {"constants": "fitted", "time.spike": 5}).description.time.spike.value == 5000


def test_every_field_of_every_section_can_be_named():
    kinds = field_kinds()
    for path in chips().values():
        raw = tomllib.loads(path.read_text())
        for section in set(raw) - {"sources", "sets"}:
            assert {f"{section}.{name}" for name in raw[section]} <= set(kinds)


def test_a_chip_of_another_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    package = tmp_path / "their_chip"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "chip.toml").write_text(MINIMAL)
    (package / "model.py").write_text(
        "from pycosim.hwmodels.base import ChipModel\n\n\nclass Model(ChipModel):\n    theirs = True\n"
    )
    metadata = tmp_path / "their_chip-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-chip\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[pycosim.chips]\ntheirs = their_chip\n")
    monkeypatch.syspath_prepend(tmp_path)
    loading.chips.cache_clear()
    try:
        assert load("theirs").theirs
    finally:
        loading.chips.cache_clear()


def test_no_shared_file_names_a_chip():
    root = Path(__file__).parents[2]
    folders = [path.parent for path in root.glob("hwmodels/*/chip.toml")]
    assert len(folders) >= 9
    # Also with hyphens, as in DYNAP-SE.
    names = re.compile("|".join(rf"\b{'-?'.join(folder.name)}\b" for folder in folders), re.IGNORECASE)
    texts = {".py", ".pyi", ".hpp", ".cpp", ".toml"}
    shared = [
        path
        for part in ("hwmodels", "backends")
        for path in (root / part).rglob("*")
        if path.suffix in texts and not set(path.parents) & set(folders)
    ]
    assert len(shared) > 100
    found = [f"{path}: {match[0]}" for path in shared for match in names.finditer(path.read_text("utf-8"))]
    assert found == []
