"""Descriptions in files of any form: encodings, nesting, long values, tables of another shape."""

import re

import pytest

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.lines import lines_of_keys
from pycosim.hwmodels.load import chips, load

TEXT = chips()["truenorth"].read_text(encoding="utf-8")


def replaced(pattern, instead):
    """Return the description with the first lines that match replaced."""
    changed, n = re.subn(pattern, instead, TEXT, count=1, flags=re.MULTILINE)
    assert n == 1
    return changed


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.rstrip().encode(),
        replaced("^hop_x =", '"hop_x" =').encode(),
    ],
    ids=["byte order mark", "lines of Windows", "no last newline", "quoted key"],
)
def test_a_description_may_be_written_by_any_editor(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    assert load(path).description == load("truenorth").description


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.encode("utf-16"), r"no text in UTF-8 \(.* at byte 0\). Save it as UTF-8"),
        (b"\0" * 100, "cannot be read: .*line 1"),
        (("a = " + "[" * 20_000 + "]" * 20_000).encode(), "lists or tables are nested too deeply"),
        (("a = " + "{ a = " * 3_000 + "1" + "}" * 3_000).encode(), "lists or tables are nested too deeply"),
        ((".".join(["a"] * 1_500) + " = 1\n" + TEXT).encode(), "line 1: a: there is no such field"),
        (TEXT.replace("value = 256", "value = " + "9" * 5_000).encode(), "cannot be read: .*digits"),
        (b"#" * 1_000_001, "it has 1,000,001 characters, and 1,000,000 are the most"),
        (TEXT.replace("[noc]", "[[noc]]").encode(),
         r"line \d+: noc: must be a table .*; write a section \[noc\]"),
        (replaced("^hop_x = .*", 'hop_x = "10 ns"').encode(),
         r'noc.hop_x: must be a table \(given: .10 ns.\); write hop_x = { value = "10 ns", source = '),
        (replaced(r"^\[energy.covered\]", "covered = 3\n[energy.other]").encode(),
         r'energy.covered: must be a table \(given: 3\); write covered = { name = "..." }'),
        (replaced(r'^topology = "mesh"', 'topology = "hierarchy"').encode(),
         r"line \d+: noc.topology: is hierarchy; it needs trunk and branch"),
    ],
    ids=["UTF-16", "zeros", "lists", "tables", "keys", "digits", "size", "array", "text", "covered", "trunk"],
)  # fmt: skip
def test_a_file_that_is_no_description_is_answered(tmp_path, content, message):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(ChipDescriptionError, match=message):
        load(path)


@pytest.mark.parametrize("value", ['["n",\n' + '"n",\n' * 20_000 + "]", '"""' + "x\n" * 20_000 + '"""'])
def test_the_lines_of_keys_are_found_behind_long_values(value):
    lines = lines_of_keys(f"[one]\na = {value}\nb = 1\n")
    assert lines == {("one",): 1, ("one", "a"): 2, ("one", "b"): 3 + value.count("\n")}
