"""Conversion between written quantities ("4.1 ns", "23.6 pJ", "64.4 mW") and the numbers used in the code.

Hardware times are integer picoseconds, energies are joules and powers are watts (float).
"""

from __future__ import annotations

import re
from fractions import Fraction

from pycosim.errors import InvalidInputError

__all__ = [
    "format_energy",
    "format_power",
    "format_time",
    "parse_energy_j",
    "parse_power_w",
    "parse_time_ps",
    "period_ps",
]

_PS = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12}
_LONGEST_PERIOD_PS = 3600 * _PS["s"]
_PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3}
_QUANTITY = re.compile(r"\s*([0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]{1,3})?)\s*([a-zA-Zµμ]+)\s*")


def parse_time_ps(text: str) -> int:
    """Return the time written in `text` ("4.1 ns", "50us", "1 ms") in picoseconds.

    Raises
    ------
    InvalidInputError
        If the text is not a number with a unit of time, or is not a whole number of picoseconds.
    """
    number, unit = _split(text, "a time", "ns")
    if unit not in _PS:
        raise InvalidInputError(f"{text!r} is not a time: the unit must be one of {', '.join(_PS)}.")
    exact = number * _PS[unit]
    if exact.denominator != 1:
        raise InvalidInputError(
            f"{text!r} is not a whole number of picoseconds; round it to {round(exact)} ps."
        )
    return int(exact)


def parse_energy_j(text: str) -> float:
    """Return the energy written in `text` ("23.6 pJ") in joules.

    Raises
    ------
    InvalidInputError
        If the text is not a number with a unit of energy.
    """
    return _parse_si(text, "an energy", "J", "pJ")


def parse_power_w(text: str) -> float:
    """Return the power written in `text` ("64.4 mW") in watts.

    Raises
    ------
    InvalidInputError
        If the text is not a number with a unit of power.
    """
    return _parse_si(text, "a power", "W", "mW")


def period_ps(dt_ms: float, speedup: float) -> int:
    """Return the hardware time of one step, in picoseconds, rounded to the nearest.

    Raises
    ------
    InvalidInputError
        If the speed-up is not positive, so large that less than a picosecond is left, or so small that a
        step takes longer than an hour.
    """
    if not speedup > 0:
        raise InvalidInputError(
            f"speedup={speedup:g}: it must be greater than 0 (1 is biological real time)."
        )
    period = round(Fraction(str(dt_ms)) * _PS["ms"] / Fraction(str(speedup)))
    if period < 1:
        raise InvalidInputError(
            f"speedup={speedup:g}: a step of {dt_ms:g} ms would take less than 1 ps; the largest speed-up is "
            f"{dt_ms * _PS['ms']:g}."
        )
    if period > _LONGEST_PERIOD_PS:
        raise InvalidInputError(
            f"speedup={speedup:g}: a step of {dt_ms:g} ms would take more than "
            f"{format_time(_LONGEST_PERIOD_PS)}; the smallest speed-up is "
            f"{dt_ms * _PS['ms'] / _LONGEST_PERIOD_PS:g}."
        )
    return period


def format_time(time_ps: float) -> str:
    """Return a time given in picoseconds with the unit that suits it, for example "4.1 ns"."""
    for unit, factor in reversed(_PS.items()):
        if abs(time_ps) >= factor:
            return f"{time_ps / factor:.6g} {unit}"
    return f"{time_ps:.6g} ps"


def format_energy(energy_j: float) -> str:
    """Return an energy given in joules with the unit that suits it, for example "23.6 pJ"."""
    return _format_si(energy_j, "J")


def format_power(power_w: float) -> str:
    """Return a power given in watts with the unit that suits it, for example "64.4 mW"."""
    return _format_si(power_w, "W")


def _split(text: str, kind: str, example: str) -> tuple[Fraction, str]:
    """Return the number and the unit of a quantity."""
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidInputError(
            f'{text!r} is not {kind}: write a number that is not negative and a unit, "50 {example}".'
        )
    return Fraction(match[1]), match[2].replace("µ", "u").replace("μ", "u")


def _parse_si(text: str, kind: str, symbol: str, example: str) -> float:
    number, unit = _split(text, kind, example)
    prefix = unit.removesuffix(symbol)
    if not unit.endswith(symbol) or prefix not in _PREFIXES:
        known = ", ".join(f"{name}{symbol}" for name in _PREFIXES)
        raise InvalidInputError(f"{text!r} is not {kind}: the unit must be one of {known}.")
    return float(number * Fraction(10) ** _PREFIXES[prefix])


def _format_si(value: float, symbol: str) -> str:
    for prefix, exponent in reversed(_PREFIXES.items()):
        if abs(value) >= 10.0**exponent:
            return f"{value / 10.0**exponent:.6g} {prefix}{symbol}"
    return f"{value:.6g} {symbol}"
