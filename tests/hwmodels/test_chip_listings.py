"""``pycosim chips``: what is listed, what is shown, and what is said of a description with mistakes."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pycosim.cli.main import app
from pycosim.hwmodels.lines import line_of, lines_of_keys
from pycosim.hwmodels.load import chips, load

from .test_description import MINIMAL


def pycosim(*arguments, columns=100):
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(app, ["chips", *arguments])


def test_all_chips_are_listed_with_their_cores():
    rows = {row["name"]: row for row in json.loads(pycosim("--json").stdout)}
    assert set(rows) == set(chips())
    assert rows["truenorth"]["cores"] == 4096
    assert "Intel Loihi (2018)" in pycosim().stdout


@pytest.mark.parametrize("name", sorted(chips()))
def test_a_chip_is_shown_with_all_its_constants_in_a_hundred_columns(name):
    shown = pycosim("show", name)
    assert shown.exit_code == 0
    tables = shown.stdout.split("\nSources\n")[0].split("\nEnergy unknown")[0].splitlines()
    assert max(len(line.rstrip()) for line in tables[2:] if not line.startswith("energy.")) <= 100
    description = load(name).description
    for path, constant in description.named_constants():
        assert any(line.startswith(path.split(".")[1]) and constant.confidence in line for line in tables), (
            path
        )
    for key in description.sets:
        assert f"  {key}: " in shown.stdout


def test_a_named_set_is_shown_on_request():
    assert "30 ns" not in pycosim("show", "loihi").stdout
    assert "30 ns" in pycosim("show", "loihi", "--constants", "fitted").stdout
    facts = json.loads(pycosim("show", "loihi", "--constants", "fitted", "--json").stdout)
    assert {"name": "time.spike", "value": "30 ns", "confidence": "measured", "source": "SANA-FE"} in facts[
        "constants"
    ]


def test_what_has_no_energy_is_shown_as_unknown():
    assert "Energy unknown for: host_packet, hop_x, hop_y, static_power." in pycosim("show", "dynapse").stdout


def test_an_unknown_chip_is_an_error_with_near_names():
    shown = pycosim("show", "lohi")
    assert shown.exit_code == 2
    assert "Did you mean loihi" in shown.stderr


@pytest.mark.parametrize("name", sorted(chips()))
def test_the_built_in_descriptions_are_valid(name):
    checked = pycosim("check", str(chips()[name]))
    assert checked.exit_code == 0, checked.stdout
    assert "is valid" in checked.stdout


MISTAKES = {
    "a missing field": (
        'hop_y = { value = "10 ns", source = "me", confidence = "assumed" }\n',
        "",
        "line 10: noc.hop_y: is missing; write hop_y = { value =",
    ),
    "a missing section": (
        MINIMAL[: MINIMAL.index("[capacity]")],
        "",
        "chip: is missing; write a section [chip]",
    ),
    "a negative count": ("value = 16", "value = -16", "line 8: capacity.neurons_per_core.value: "),
    "a negative time": (
        'hop_x = { value = "10',
        'hop_x = { value = "-10',
        "line 14: noc.hop_x.value: '-10 ns' is not",
    ),
    "a wrong unit": (
        'local = { value = "10 ns"',
        'local = { value = "10 pJ"',
        "line 16: noc.local.value: '10 pJ' is not",
    ),
    "no unit": (
        'local = { value = "10 ns"',
        "local = { value = 10",
        "line 16: noc.local.value: 10 is not a time: write",
    ),
    "an unknown field": (
        "flits_per_packet",
        "flits_per_paket",
        "line 18: noc.flits_per_paket: there is no such field; d",
    ),
    "an unknown section": (
        "[capacity]",
        "[extras]\na = 1\n[capacity]",
        "line 7: extras: there is no such field",
    ),
    "no confidence": (
        ', source = "me", confidence = "assumed" }\n\n[noc]',
        ', source = "me" }\n\n[noc]',
        "line 8: capacity.neurons_per_core.confidence: is missing; write confidence = ... (one of",
    ),
    "an unknown source": (
        '16, source = "me", confidence = "assumed"',
        '16, source = "Me", confidence = "published"',
        "line 8: capacity.neurons_per_core.source: begins with 'Me', which is not in [sources]",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_its_line_and_a_remedy(tmp_path, mistake):
    right, wrong, message = MISTAKES[mistake]
    assert right in MINIMAL
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL.replace(right, wrong))
    checked = pycosim("check", str(path))
    assert checked.exit_code == 1
    assert message in checked.stdout


def test_a_file_that_is_missing_or_no_toml_is_reported(tmp_path):
    path = tmp_path / "mine.toml"
    checked = pycosim("check", str(path))
    assert checked.exit_code == 1
    assert "no such file" in checked.stdout
    path.write_text("[chip]\ntitle = = 3\n")
    checked = pycosim("check", str(path))
    assert checked.exit_code == 1
    assert "line 2" in checked.stdout


def test_lines_are_found_in_strings_arrays_and_dotted_names_of_several_lines():
    text = '# a\n[a]\nb = [\n  1, # [c]\n  2,\n]\n"x y" = """\n[d]\ne = 1\n"""\n'
    text += "f.g = { h = 1 }\n\n[a.k]\n[[l]]\nm = 1\n"
    tomllib.loads(text)
    lines = lines_of_keys(text)
    assert lines == {
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "x y"): 7,
        ("a", "f"): 11,
        ("a", "f", "g"): 11,
        ("a", "f", "g", "h"): 11,
        ("a", "k"): 13,
        ("l",): 14,
        ("l", "m"): 15,
    }
    assert line_of(lines, ("a", "b", "1")) == 3
    assert line_of(lines, ("z", "b")) is None


WORDS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)


@given(st.dictionaries(st.sampled_from("pqrs"), WORDS, min_size=1), st.integers(0, 3))
def test_every_key_of_a_file_has_the_line_on_which_it_is_written(tables, gap):
    written, where = [], {}
    for table, names in tables.items():
        written += [""] * gap + [f"[{table}]"]
        where[table,] = len(written)
        for name in names:
            written.append(f"{name} = 1 # {table}")
            where[table, name] = len(written)
    assert lines_of_keys("\n".join(written)) == where
