"""Replacing values of a chip description by dotted path."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_origin

import numpy as np

from pycosim.errors import ChipDescriptionError
from pycosim.hwmodels.description import field_kinds
from pycosim.hwmodels.quantities import Constant, Count, Energy, Power, Time, TimeTable

__all__ = ["apply_overrides", "near_names"]

# Whole numbers that a float holds.
_MOST_EXACT = 2**53
_CUSTOMARY_UNIT = {Time: "ns", Energy: "pJ", Power: "mW"}


def apply_overrides(chip: str, raw: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Replace values of `raw`, the content of a description, in place.

    Raises
    ------
    ChipDescriptionError
        If paths do not exist; the message names similar ones.
    """
    kinds = field_kinds()
    unknown = [path for path in overrides if path not in kinds]
    if unknown:
        raise ChipDescriptionError("\n".join(_unknown(chip, path) for path in unknown))
    for path, value in overrides.items():
        section, name = path.split(".")
        raw[section] = dict(raw.get(section, {})) | {name: _constant(kinds[path], value)}


def near_names(path: str) -> list[str]:
    """Return up to three paths of a description that are similar to `path`."""
    kinds = field_kinds()
    same_end = [known for known in kinds if known.split(".")[1] == path.split(".")[-1]]
    return (same_end + [name for name in difflib.get_close_matches(path, kinds, 3) if name not in same_end])[
        :3
    ]


def _unknown(chip: str, path: str) -> str:
    near = near_names(path)
    if not near:
        near = sorted(name for name in field_kinds() if name.split(".")[0] == path.split(".")[0])
    hint = (
        f"Similar: {', '.join(near)}." if near else "Values are named section.field, for example noc.hop_x."
    )
    return f"Asked to set {path!r} of {chip}: its description has no such value. {hint}"


def _constant(kind: Any, value: Any) -> Any:
    """Return `value` in the form of a description file."""
    if isinstance(value, np.generic):
        value = value.item()
    if not (isinstance(kind, type) and issubclass(kind, Constant)):
        return _plain(kind, value)
    if isinstance(value, dict) and "value" in value:
        return value
    return {"value": _quantity(kind, value), "source": "set by the user", "confidence": "assumed"}


def _quantity(kind: type[Constant], value: Any) -> Any:
    """Return a value as the field expects it: bare numbers get the customary unit."""
    if kind in _CUSTOMARY_UNIT and _is_number(value):
        return f"{value} {_CUSTOMARY_UNIT[kind]}"
    if issubclass(kind, Count):
        is_exact = _is_number(value) and float(value).is_integer() and abs(float(value)) < _MOST_EXACT
        return int(float(value)) if is_exact else value
    if kind is TimeTable and not isinstance(value, dict):
        return {1: _quantity(Time, value)}
    return value


def _plain(kind: Any, value: Any) -> Any:
    """Return a value for a field that is not a constant; text becomes what the field holds."""
    if not isinstance(value, str) or kind is str:
        return value
    if get_origin(kind) is tuple:
        return (value,)
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind is float and _is_number(value):
        return float(value)
    try:
        return int(value)
    except ValueError:
        return value


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, bool)
