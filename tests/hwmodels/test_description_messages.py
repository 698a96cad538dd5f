"""What is wrong with a description is said with its line and what would be right."""

import pytest

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.load import chips, load

CASES = [
    ("splitters = true", "spliters = true", r"mapping.spliters: .* did you mean mapping.splitters"),
    ("[mapping]", "[maping]", r"maping: there is no such field; did you mean mapping\?"),
    ('"14.32 ns"', '"14.32 pJ"', r"time.synaptic_event.value: .* the unit must be one of ps, ns, us, ms, s"),
    ('"14.32 ns"', '"-14.32 ns"', r"time.synaptic_event.value: .* a number that is not negative and a unit"),
    ("value = 15,", "value = -15,", r"capacity.delay_max.value: must be greater than or equal to 1"),
    ("value = 15,", 'value = "15",', r"delay_max.value: must be a valid integer, without quotes or a point"),
    ("splitters = true", 'splitters = "yes"', r"mapping.splitters: .* true or false, without quotes"),
    ('source = "M14, S4"', 'source = "M15, S4"', r"begins with 'M15', which is not in \[sources\] \(M14"),
    ('value = "64x64"', 'value = "64x"', r'noc.shape.value: .* write columns and rows, .* as "8x4"'),
    ('"mesh"', '"ring"', r"noc.topology: must be 'mesh', 'torus', 'hexagon' or 'hierarchy'"),
    (
        "delay_min = { value = 1",
        "delay_min = { value = 16",
        r"capacity.delay_min: is 16, more than delay_max",
    ),
    ('hop_x = { value = "10 ns"', 'hop_x = { value = "2 ns"', r"noc.hop_x: is 2 ns; .* at least 3 cycles"),
    ("splitters = true", "splitters = true\nentry_router = 5000", r"entry_router: is 5000, .* 0 to 4095"),
    ("splitters = true", "splitters = true\nsplitters = true", r"each name once in a section"),
    ("splitters = true", "splitters = ", r"text in quotes"),
]


@pytest.mark.parametrize(("written", "instead", "message"), CASES)
def test_a_mistake_is_reported_with_its_line_and_a_remedy(tmp_path, written, instead, message):
    text = chips()["truenorth"].read_text(encoding="utf-8")
    assert written in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(ChipDescriptionError, match=message) as caught:
        load(path)
    line = text[: text.index(written)].count("\n") + 1
    # What is written twice, or added, is on the line below.
    assert f"line {line}" in str(caught.value) or f"line {line + 1}" in str(caught.value)
    assert "{'" not in str(caught.value)
