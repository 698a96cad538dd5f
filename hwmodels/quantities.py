"""Quantities of a chip description: a value with its unit, its source and how far it can be trusted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from pycosim.units import (
    format_energy,
    format_power,
    format_time,
    parse_energy_j,
    parse_power_w,
    parse_time_ps,
)

__all__ = ["Constant", "Count", "Energy", "Part", "Power", "Shape", "Time", "TimeTable", "parse_shape"]

Confidence = Literal["published", "measured", "derived", "recalled", "assumed"]


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

    source: str = Field(min_length=1)
    confidence: Confidence


class Count(Constant):
    """A whole number that is not negative."""

    value: StrictInt = Field(ge=0)

    def __str__(self) -> str:
        return str(self.value)


class Time(Constant):
    """A duration in picoseconds, written with a unit."""

    value: Annotated[int, BeforeValidator(parse_time_ps)]

    def __str__(self) -> str:
        return format_time(self.value)


class Energy(Constant):
    """An energy in joules, written with a unit."""

    value: Annotated[float, BeforeValidator(parse_energy_j)]

    def __str__(self) -> str:
        return format_energy(self.value)


class Power(Constant):
    """A power in watts, written with a unit."""

    value: Annotated[float, BeforeValidator(parse_power_w)]

    def __str__(self) -> str:
        return format_power(self.value)


def parse_shape(text: Any) -> tuple[int, int]:
    """Return (columns, rows) of a shape written "8x4"."""
    parts = text.split("x") if isinstance(text, str) else text
    try:
        columns, rows = (int(part) for part in parts)
    except (TypeError, ValueError):
        columns = rows = 0
    if columns < 1 or rows < 1:
        raise ValueError(f'{text!r} is not a shape: write columns and rows, both at least 1, as "8x4".')
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


class TimeTable(Constant):
    """A duration that depends on a number, given at some numbers.

    Attributes
    ----------
    value : dict of int to int
        Picoseconds by number.
    between : {"line", "previous"}
        Linear interpolation, or the value at the largest key that is not above. Outside, the nearest key's.
    """

    value: dict[int, Annotated[int, BeforeValidator(parse_time_ps)]] = Field(min_length=1)
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
