"""Whatever is wrong with a value of a description is answered with its line, and never with a traceback."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.load import chips, load

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in chips().items()}
# Beginnings of lines, and what may stand there for a value.
KEYS = {name: list(re.finditer(r"^[\w.]+ = .*$", text, re.MULTILINE)) for name, text in TEXTS.items()}
SECTIONS = {name: list(re.finditer(r"^\[[\w.]+\]$", text, re.MULTILINE)) for name, text in TEXTS.items()}
WRONG = (
    *("nan", "inf", "-1", "0", "1.5", "1" + 30 * "0", "true", "[]", "[1]", "{}", "{ a = 1 }", '""', '"abc"'),
    *('{ value = "-1 ns" }', '{ value = "1 V", source = "me", confidence = "assumed" }'),
    *(
        '{ value = nan, source = "me", confidence = "assumed" }',
        '{ value = 0, source = "", confidence = "" }',
    ),
    *(
        f'{{ value = "{number} {unit}", source = "me", confidence = "assumed" }}'
        for number in ("1e300", "1e99999999", "nan", "0x1")
        for unit in ("ns", "pJ", "W")
    ),
)
NEVER_RIGHT = WRONG[:3]


def problems(tmp_path_factory, text):
    """Return what is said of a description; nothing if it is taken."""
    path = tmp_path_factory.getbasetemp() / "mine.toml"
    path.write_text(text, encoding="utf-8")
    try:
        load(path)
    except ChipDescriptionError as error:
        first, *rest = str(error).splitlines()
        places = [re.search(r"line \d+", first)]
        if rest:
            places = [re.match(r"  - line \d+( \(the end\))?: \S+", line) for line in rest]
        if not all(places):
            pytest.fail(f"no line: {error}")
        return rest or [first]
    return []


@settings(deadline=None)
@given(st.data())
def test_a_value_of_the_wrong_kind_or_size_is_answered_with_its_line(tmp_path_factory, data):
    chip = data.draw(st.sampled_from(sorted(TEXTS)))
    found = data.draw(st.sampled_from(KEYS[chip]))
    wrong = data.draw(st.sampled_from(WRONG))
    key = found.group().partition(" = ")[0]
    text = TEXTS[chip][: found.start()] + f"{key} = {wrong}" + TEXTS[chip][found.end() :]
    answers = problems(tmp_path_factory, text)
    if wrong in NEVER_RIGHT:
        assert answers


@settings(deadline=None)
@given(st.data())
def test_a_key_that_is_missing_or_misspelt_is_answered_with_a_line_or_may_be_missing(tmp_path_factory, data):
    chip = data.draw(st.sampled_from(sorted(TEXTS)))
    found = data.draw(st.sampled_from(KEYS[chip] + SECTIONS[chip]))
    before, after = TEXTS[chip][: found.start()], TEXTS[chip][found.end() :]
    problems(tmp_path_factory, before + after)
    if not found.group().startswith("[") and "[sources]" not in before[before.rfind("\n[") :]:
        assert problems(tmp_path_factory, f"{before}zzz_{found.group()}{after}")


@pytest.mark.parametrize("section", ["chip", "capacity", "noc"])
def test_a_section_that_is_missing_belongs_after_the_last_line(tmp_path_factory, section):
    text = TEXTS["ranc"].replace(f"[{section}]", "[mapping]" if section == "chip" else f"[old_{section}]")
    text = text.replace("[mapping]\ndelay_in_axon", "delay_in_axon")
    last = len(text.splitlines())
    answers = problems(tmp_path_factory, text)
    assert any(f"line {last} (the end): {section}: is missing; write a section" in line for line in answers)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('{ 1 = "10 ns", 4 = "9 ns" }', "falls from 10 ns at 1 to 9 ns at 4"),
        ('{ 1 = "10 ns", 01 = "10 ns" }', "the key '01' is not a whole number .* without leading zeros"),
        ('{ x = "10 ns" }', "the key 'x' is not a whole number"),
        ('{ -1 = "10 ns" }', "the key '-1' is not a whole number"),
        ('{ "1.5" = "10 ns" }', "the key '1.5' is not a whole number"),
        ("{}", "at least 1 item"),
        ("{ 1 = 10 }", "is not a time: write a number that is not negative and a unit"),
        ('{ 1 = "10 ns", 1 = "12 ns" }', r"cannot be read: .*line \d+"),
    ],
)
def test_tables_rise_and_have_each_number_once(tmp_path_factory, table, message):
    text = re.sub(r"(?m)^(barrier = { value =) {.*?}", lambda found: f"{found[1]} {table}", TEXTS["loihi"])
    assert text != TEXTS["loihi"]
    answers = problems(tmp_path_factory, text)
    assert any(re.search(message, line) for line in answers), answers


@pytest.mark.parametrize(
    ("chip", "written", "instead", "message"),
    [
        ("truenorth", "[time]",
         '[time]\ndrop_after = { value = "1 us", source = "me", confidence = "assumed" }',
         "drop_after: .* discipline = timer, and chip.discipline is tick; remove it"),
        ("loihi", "buffer_depth = { value = 16", "buffer_depth = { value = 0", "greater than or equal to 1"),
        ("loihi", "[sets.fitted]", "[sets.default]", "give the set another name"),
        ("loihi2", 'neurons = "loihi"', 'neurons = "spinnaker"',
         "'spinnaker' has no neurons; those that have"),
        ("brainscales2", "acceleration = 1000.0", "acceleration = inf", "chip.acceleration: .* finite"),
    ],
)  # fmt: skip
def test_what_was_once_taken_silently_is_refused(tmp_path_factory, chip, written, instead, message):
    assert written in TEXTS[chip]
    answers = problems(tmp_path_factory, TEXTS[chip].replace(written, instead, 1))
    assert any(re.search(message, line) for line in answers), answers
