"""Finding, reading, changing and checking chip descriptions.

A built-in chip is a folder here with a ``chip.toml``, and a ``model.py`` with a class ``Model`` if it has
code of its own. Other packages offer chips by entry points in the group ``pycosim.chips`` that name such a
package. A description can also be given by the path of its file.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pycosim.errors import ChipDescriptionError, UnknownTargetError
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.description import Description
from pycosim.hwmodels.examples import example_of
from pycosim.hwmodels.lines import line_of, lines_of_keys
from pycosim.hwmodels.neurons import neurons_of
from pycosim.hwmodels.overrides import apply_overrides, near_names

__all__ = ["chips", "load", "load_description", "package_of", "read"]

GROUP = "pycosim.chips"
# A hundred times as many as those of the longest description here.
_MOST_CHARACTERS = 1_000_000


@cache
def chips() -> dict[str, Path]:
    """Return the known chips: names, and where their descriptions are."""
    found = {}
    for entry in entry_points(group=GROUP):
        spec = find_spec(entry.value)
        if spec is not None and spec.origin is not None:
            found[entry.name] = Path(spec.origin).with_name("chip.toml")
    for path in sorted(Path(__file__).parent.glob("*/chip.toml")):
        found[path.parent.name] = path
    return found


def load(chip: str | Path, overrides: Mapping[str, Any] | None = None) -> ChipModel:
    """Return a chip model, with some values of its description replaced.

    Parameters
    ----------
    chip : str or Path
        A name of `chips`, or the path of a description (it ends in ".toml").
    overrides : mapping of str to Any
        Values by dotted path, for example ``{"noc.hop_x": "50 ns"}``; a bare number is taken in ns, pJ or
        mW. The name "constants" selects a named set of constants.

    Raises
    ------
    UnknownTargetError
        If there is no such chip.
    ChipDescriptionError
        If the description or an override is not valid; the message lists all problems with their places.
    """
    name, path = _locate(chip)
    description = load_description(name, path, overrides)
    return _model_class(name, path, description.chip.neurons)(name, description)


def load_description(name: str, path: Path, overrides: Mapping[str, Any] | None = None) -> Description:
    """Return the checked description in the file `path`, with overrides applied; see `load`."""
    raw = read(path)
    overrides = dict(overrides or {})
    sets = raw.pop("sets", {})
    selected = str(overrides.pop("constants", "default"))
    problems = _problems(raw) + _set_problems(sets)
    for key, constants in _tables(sets).items():
        problems += [
            problem._replace(of_set=key)
            for problem in _problems(_merged(raw, constants))
            if problem not in problems
        ]
    if problems:
        text = _text(path)
        lines, last = lines_of_keys(text), max(1, len(text.splitlines()))
        problems.sort(key=lambda problem: problem.line(lines) or last)
        texts = [problem.at_line(lines, last) for problem in problems]
        raise ChipDescriptionError(_listed(f"The description {path} is not valid", texts))
    if selected != "default":
        raw = _merged(raw, _selected_set(name, sets, selected))
    apply_overrides(name, raw, overrides)
    problems = _problems(raw) if overrides else []
    if problems:
        raise ChipDescriptionError(
            _listed(f"The values set for {name} are not valid", [str(problem) for problem in problems])
        )
    raw["sets"] = {key: str(constants.get("title", key)) for key, constants in sets.items()}
    raw["constants"] = selected
    return Description.model_validate(raw)


def read(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises
    ------
    ChipDescriptionError
        If it cannot be read; the message has the line.
    """
    try:
        text = _text(path)
        if len(text) > _MOST_CHARACTERS:
            raise ValueError(f"it has {len(text):,} characters, and {_MOST_CHARACTERS:,} are the most")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ChipDescriptionError(
            f"The description {path} cannot be read: it is no text in UTF-8 ({error.reason} at byte "
            f"{error.start}). Save it as UTF-8."
        ) from error
    except RecursionError as error:
        raise ChipDescriptionError(
            f"The description {path} cannot be read: its lists or tables are nested too deeply."
        ) from error
    except (OSError, ValueError) as error:
        hint = ""
        if isinstance(error, tomllib.TOMLDecodeError):
            hint = (
                " TOML has one `name = value` a line, text in quotes, lists in [...], and each name "
                "once in a section."
            )
        raise ChipDescriptionError(f"The description {path} cannot be read: {error}.{hint}") from error


def _text(path: Path) -> str:
    """Return what a file says, without the mark that some editors put before it."""
    return path.read_text(encoding="utf-8-sig")


def _locate(chip: str | Path) -> tuple[str, Path]:
    """Return the name of a chip and the path of its description."""
    known = chips()
    if isinstance(chip, Path) or chip.endswith(".toml"):
        path = Path(chip)
        if not path.is_file():
            raise UnknownTargetError(f"Asked for the chip description {path}: there is no such file.")
        built_in = [name for name, file in known.items() if file.resolve() == path.resolve()]
        if built_in:
            return built_in[0], known[built_in[0]]
        # A file that is called like a chip is not that chip, and does not have its neurons.
        return path.name if path.stem in known else path.stem, path
    if chip not in known:
        near = difflib.get_close_matches(chip, known, 3)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UnknownTargetError(
            f"There is no chip called {chip!r}. {hint}Known: {', '.join(sorted(known))}; a description "
            "of your own is given by the path of its .toml file."
        )
    return chip, known[chip]


def package_of(name: str) -> str | None:
    """Return the package of a chip's own code, None where it is known by a file only."""
    if name not in chips():
        return None
    elsewhere = (entry.value for entry in entry_points(group=GROUP) if entry.name == name)
    return next(elsewhere, f"pycosim.hwmodels.{name}")


def _model_class(name: str, path: Path, other: str) -> type[ChipModel]:
    """Return the class of the chip, or of the one whose neurons it has; else `ChipModel`."""
    if chips().get(name) != path or not path.with_name("model.py").exists():
        if not other:
            return ChipModel
        return _model_class(other, chips()[other], read(chips()[other])["chip"].get("neurons", ""))
    return import_module(f"{package_of(name)}.model").Model


def _selected_set(name: str, sets: Mapping[str, Any], selected: str) -> Mapping[str, Any]:
    if selected in sets:
        return sets[selected]
    raise ChipDescriptionError(
        f"Asked for constants={selected} of {name}: there is no such set. "
        f"Known: {', '.join(['default', *sets])}."
    )


def _tables(sets: Any) -> dict[str, dict[str, Any]]:
    """Return the sets that are tables."""
    named = sets if isinstance(sets, dict) else {}
    return {key: constants for key, constants in named.items() if isinstance(constants, dict)}


def _merged(raw: Mapping[str, Any], constants: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description in which the constants of a set replace those of the same name."""
    merged = dict(raw)
    for section, values in constants.items():
        if section != "title":
            replaced = raw.get(section, {})
            both = isinstance(values, dict) and isinstance(replaced, dict)
            merged[section] = replaced | values if both else values
    return merged


class _Problem(NamedTuple):
    """Something that is wrong with a description.

    Attributes
    ----------
    place : tuple of str
        Path of the value; empty for the whole description.
    text : str
    of_set : str
        The named set that has it; empty for the description itself.
    """

    place: tuple[str, ...]
    text: str
    of_set: str = ""

    def __str__(self) -> str:
        place = ".".join(self.place) or "description"
        return f"sets.{self.of_set}: {place}: {self.text}" if self.of_set else f"{place}: {self.text}"

    def at_line(self, lines: Mapping[tuple[str, ...], int], last: int) -> str:
        """Return the problem with its line; what is missing altogether belongs after the last one."""
        line = self.line(lines)
        return f"line {last} (the end): {self}" if line is None else f"line {line}: {self}"

    def line(self, lines: Mapping[tuple[str, ...], int]) -> int | None:
        """Return the line that it is on; None if nothing around it is written down."""
        return line_of(lines, ("sets", self.of_set, *self.place) if self.of_set else self.place)


def _problems(raw: Mapping[str, Any]) -> list[_Problem]:
    """Return all that is wrong with a description."""
    try:
        Description.model_validate(raw)
    except ValidationError as error:
        return _found(error) + _other_problems(raw)
    return _other_problems(raw)


def _other_problems(raw: Mapping[str, Any]) -> list[_Problem]:
    """Return the names of sources and of another chip that are not known, and the set that is chosen."""
    problems = _source_problems(raw)
    if "constants" in raw:
        text = "there is no such field, remove it; a run chooses its set: --on 'FILE[constants=NAME]'"
        problems.append(_Problem(("constants",), text))
    chip = raw.get("chip")
    other = chip.get("neurons", "") if isinstance(chip, dict) else ""
    if not isinstance(other, str) or not other:
        return problems
    known = [name for name in sorted(chips()) if neurons_of(name)]
    if other not in known:
        what = (
            f"the chip {other!r} has no neurons" if other in chips() else f"there is no chip called {other!r}"
        )
        text = f"{what}; those that have neurons are {', '.join(known)}"
        problems.append(_Problem(("chip", "neurons"), text))
    return problems


def _set_problems(sets: Any) -> list[_Problem]:
    """Return what is wrong with the form of named sets; their constants are checked as part of the whole."""
    form = 'write [sets.NAME] with a title and values such as time.spike = { value = "10 ns", ... }'
    if not isinstance(sets, dict):
        return [_Problem(("sets",), f"must be a table of sets (given: {sets!r:.80}); {form}")]
    problems = []
    for key, constants in sets.items():
        if not isinstance(constants, dict):
            problems.append(_Problem(("sets", key), f"must be a table (given: {constants!r:.80}); {form}"))
        elif not isinstance(title := constants.get("title", key), str) or not title:
            problems.append(
                _Problem(("sets", key, "title"), f"must be text, in quotes (given: {title!r:.80})")
            )
        if key == "default":
            text = "is what the constants outside of sets are called; give the set another name"
            problems.append(_Problem(("sets", key), text))
    return problems


def _found(error: ValidationError) -> list[_Problem]:
    """Return the problems that pydantic found."""
    problems = []
    for problem in error.errors():
        place = tuple(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            text = f"there is no such field{_did_you_mean(place)}"
        elif problem["type"] == "missing":
            text = f"is missing; write {example_of(place)}"
        elif problem["type"] in ("model_type", "model_attributes_type", "dict_type"):
            text = f"must be a table (given: {problem['input']!r:.80}); write {example_of(place)}"
        elif isinstance(problem["input"], dict) and problem["type"] == "value_error":
            # What does not go together; the message begins with the value to look at.
            text = problem["msg"].removeprefix("Value error, ")
            named, _, rest = text.partition(" ")
            written = _written_place(place, named.split("."), problem["input"])
            place, text = written, rest if written[-1:] == (named.split(".")[-1],) else text
        else:
            text = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
            remedy = _REMEDIES.get(problem["type"], "")
            text = f"{text}{remedy} (given: {problem['input']!r:.80})"
        problems.append(_Problem(place, text))
    return problems


_REMEDIES = {
    "int_type": ", without quotes or a point",
    "int_from_float": ", without a point",
    "bool_type": ": true or false, without quotes",
    "string_type": ", in quotes",
    "tuple_type": ": a list in brackets",
}


def _written_place(place: tuple[str, ...], named: list[str], inside: Any) -> tuple[str, ...]:
    """Return the place of a value that is named from `place` on, as far as it is written down."""
    for name in named:
        if not isinstance(inside, dict) or name not in inside:
            break
        place, inside = (*place, name), inside[name]
    return place


def _did_you_mean(place: tuple[str, ...]) -> str:
    near = near_names(".".join(place)) if len(place) == 2 else []
    if len(place) == 1:
        near = difflib.get_close_matches(place[0], Description.model_fields, 1)
    return f"; did you mean {' or '.join(near)}?" if near else ", remove it"


def _source_problems(raw: Mapping[str, Any]) -> list[_Problem]:
    """Return the constants whose source is not one of ``[sources]``."""
    known = raw.get("sources", {})
    known = known if isinstance(known, dict) else {}
    problems = []
    for section, part in raw.items():
        for name, value in part.items() if isinstance(part, dict) else ():
            if not isinstance(value, dict) or value.get("confidence", "assumed") == "assumed":
                continue
            key = str(value.get("source", "")).replace(",", " ").split(" ")[0]
            if key and key not in known:
                text = (
                    f"begins with {key!r}, which is not in [sources] ({', '.join(known) or 'none given'}); "
                    "add the full citation there"
                )
                problems.append(_Problem((section, name, "source"), text))
    return problems


def _listed(title: str, problems: list[str]) -> str:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return f"{title}: {len(problems)} {'problem' if len(problems) == 1 else 'problems'}.\n{lines}"
