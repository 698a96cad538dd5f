"""Quantities of a chip description: a value with its unit, its source and how far it can be trusted."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

from pycosim.units import (
    format_energy,
    format_power,
    format_time,
    parse_energy_j,
    parse_power_w,
    parse_time_ps,
)

__all__ = [
    "Constant",
    "Count",
    "Energy",
    "Part",
    "Power",
    "Shape",
    "Size",
    "Text",
    "Time",
    "TimeTable",
    "parse_shape",
]

# Beyond these, a value is a slip of the unit, and sums over a run would no longer fit into 64 bits.
_MOST_PS = 100 * 10**12
_MOST_J, _MOST_W = 1e3, 1e6
_MOST_COUNT = 2**31 - 1
_MOST_SIDE = 2**16

Confidence = Literal["published", "measured", "derived", "recalled", "assumed"]


Text = Annotated[str, Field(min_length=1, strict=True)]


class Part(BaseModel):
    """A part of a description: cannot be changed, and has no other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Constant(Part):
    """A value with its source.

    Attributes
    ----------
    source : str
        Key of ``[sources]``, then the place in it; free text where the confidence is "assumed".
    confidence : {"published", "measured", "derived", "recalled", "assumed"}
        "recalled" is published, but not checked against the paper's text.
    """

    source: Text
    confidence: Confidence


class Count(Constant):
    """A whole number that is not negative."""

    value: StrictInt = Field(ge=0, le=_MOST_COUNT)

    def __str__(self) -> str:
        return str(self.value)


class Size(Count):
    """A whole number that is at least 1."""

    value: StrictInt = Field(ge=1, le=_MOST_COUNT)


# How far a value may be off either way, as a factor, where its description gives no bounds. Our own choice: a
# recalled figure may be misread by a fourth, an assumption be wrong by two.
UNCERTAINTY = {"recalled": 1.25, "assumed": 2.0}


class _Bounded(Constant):
    """A quantity that may be given with bounds, as it is for energies and powers.

    Attributes
    ----------
    low, high : optional
        What the value lies between; both or none.
    """

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        low, value, high = self.low, self.value, self.high
        if (low is None) != (high is None):
            raise ValueError("low and high go together: give both or none")
        if low is not None and not low <= value <= high:
            raise ValueError("the value must lie between low and high")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """What the value lies between: as given, or by `UNCERTAINTY`; (value, value) where it is certain."""
        if self.low is not None:
            return self.low, self.high
        factor = UNCERTAINTY.get(self.confidence, 1.0)
        return self.value / factor, self.value * factor

    @property
    def is_uncertain(self) -> bool:
        """Whether the value is assumed, recalled, or given with bounds."""
        return self.low is not None or self.confidence in UNCERTAINTY

    @property
    def range_text(self) -> str:
        """The bounds as text; empty where the value is certain."""
        low, high = self.bounds
        if not self.is_uncertain or not high > low:
            return ""
        return " to ".join(self._format(float(f"{bound:.3g}")) for bound in (low, high))


def _at_most(most: float, name: str) -> AfterValidator:
    """Return a check that a quantity is not larger than any chip's."""

    def check(value: float) -> float:
        if value > most:
            raise ValueError(f"must be at most {name}; look at its unit")
        return value

    return AfterValidator(check)


Picoseconds = Annotated[int, BeforeValidator(parse_time_ps), _at_most(_MOST_PS, format_time(_MOST_PS))]


class Time(Constant):
    """A duration in picoseconds, written with a unit."""

    value: Picoseconds

    def __str__(self) -> str:
        return format_time(self.value)


Joules = Annotated[float, BeforeValidator(parse_energy_j), _at_most(_MOST_J, format_energy(_MOST_J))]
Watts = Annotated[float, BeforeValidator(parse_power_w), _at_most(_MOST_W, format_power(_MOST_W))]


class Energy(_Bounded):
    """An energy in joules, written with a unit."""

    value: Joules
    low: Joules | None = None
    high: Joules | None = None
    _format = staticmethod(format_energy)

    def __str__(self) -> str:
        return format_energy(self.value)


class Power(_Bounded):
    """A power in watts, written with a unit."""

    value: Watts
    low: Watts | None = None
    high: Watts | None = None
    _format = staticmethod(format_power)

    def __str__(self) -> str:
        return format_power(self.value)


def parse_shape(text: Any) -> tuple[int, int]:
    """Return (columns, rows) of a shape written "8x4"."""
    parts = text.split("x") if isinstance(text, str) else text
    try:
        columns, rows = (int(part) for part in parts)
    except (TypeError, ValueError):
        columns = rows = 0
    if not (1 <= columns <= _MOST_SIDE and 1 <= rows <= _MOST_SIDE):
        raise ValueError(
            f'{text!r:.80} is not a shape: write columns and rows, both from 1 to {_MOST_SIDE}, as "8x4".'
        )
    return columns, rows


class Shape(Constant):
    """Columns and rows."""

    value: Annotated[tuple[int, int], BeforeValidator(parse_shape)]

    @property
    def size(self) -> int:
        """Columns times rows."""
        return self.value[0] * self.value[1]

    def __str__(self) -> str:
        return "{}x{}".format(*self.value)


def _table_keys(table: Any) -> Any:
    """Return a table whose keys are numbers, each written in one way only ("01" could hide "1")."""
    if not isinstance(table, dict):
        return table
    for key in table:
        if not re.fullmatch(r"0|[1-9][0-9]{0,8}", str(key)):
            raise ValueError(
                f"the key {key!r:.80} is not a whole number from 0 to 999999999 without leading zeros; "
                'write { 1 = "10 ns", 32 = "20 ns" }'
            )
    return {int(key): value for key, value in table.items()}


def _not_falling(table: dict[int, int]) -> dict[int, int]:
    keys = sorted(table)
    for low, high in pairwise(keys):
        if table[high] < table[low]:
            raise ValueError(
                f"falls from {format_time(table[low])} at {low} to {format_time(table[high])} at {high}; a "
                "barrier of more cannot take less time: exchange the values"
            )
    return table


class TimeTable(Constant):
    """A duration that depends on a number, given at some numbers; it does not fall.

    Attributes
    ----------
    value : dict of int to int
        Picoseconds by number.
    between : {"line", "previous"}
        Linear interpolation, or the value at the largest key that is not above. Outside, the nearest key's.
    """

    value: Annotated[
        dict[int, Picoseconds],
        Field(min_length=1),
        BeforeValidator(_table_keys),
        AfterValidator(_not_falling),
    ]
    between: Literal["line", "previous"] = "line"

    def at(self, number: int) -> int:
        """Return the duration for `number` in picoseconds."""
        keys = sorted(self.value)
        below = max([key for key in keys if key <= number], default=keys[0])
        above = min([key for key in keys if key >= number], default=keys[-1])
        if self.between == "previous" or above <= below:
            return self.value[below]
        share = (number - below) / (above - below)
        return round(self.value[below] + share * (self.value[above] - self.value[below]))

    def __str__(self) -> str:
        return ", ".join(f"{key}: {format_time(time)}" for key, time in sorted(self.value.items()))
