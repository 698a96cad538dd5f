"""Quantities of a chip description: a value with its unit, its source and how far it can be trusted."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

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


class Time(Constant):
    """A duration in picoseconds, written with a unit."""

    value: Annotated[int, BeforeValidator(parse_time_ps)]

    def __str__(self) -> str:
        return format_time(self.value)


Joules = Annotated[float, BeforeValidator(parse_energy_j)]
Watts = Annotated[float, BeforeValidator(parse_power_w)]


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
