"""Quantities with units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.errors import InvalidInputError
from pycosim.units import (
    format_energy,
    format_power,
    format_time,
    parse_energy_j,
    parse_power_w,
    parse_time_ps,
    period_ps,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4.1 ns", 4100), ("50ns", 50_000), ("1 ms", 10**9), ("0 s", 0), ("2µs", 2 * 10**6)],
)
def test_times_become_whole_picoseconds(text, expected):
    assert parse_time_ps(text) == expected


@pytest.mark.parametrize("text", ["4.1", "ns", "-1 ns", "1 nm", "", "1 ns 2", 5, None])
def test_text_that_is_no_time_is_refused(text):
    with pytest.raises(InvalidInputError, match="is not a time"):
        parse_time_ps(text)


def test_fractions_of_a_picosecond_are_refused_with_the_nearest_value():
    with pytest.raises(InvalidInputError, match="round it to 1 ps"):
        parse_time_ps("1.4 ps")


def test_energies_and_powers_are_read_in_joules_and_watts():
    # One rounding of a double is allowed: decimal prefixes are exact fractions before it.
    assert parse_energy_j("23.6 pJ") == pytest.approx(23.6e-12, rel=1e-15)
    assert parse_energy_j("6.84 nJ") == pytest.approx(6.84e-9, rel=1e-15)
    assert parse_power_w("64.4 mW") == pytest.approx(0.0644, rel=1e-15)
    assert parse_power_w("3 W") == 3.0


@pytest.mark.parametrize(
    ("parse", "text"), [(parse_energy_j, "3 pW"), (parse_power_w, "3 pJ"), (parse_energy_j, "3")]
)
def test_a_wrong_unit_is_named(parse, text):
    with pytest.raises(InvalidInputError, match="unit"):
        parse(text)


@given(st.integers(0, 10**15))
def test_every_whole_number_of_picoseconds_is_read_exactly(time):
    assert parse_time_ps(f"{time} ps") == time


@given(st.integers(1, 999_999), st.sampled_from(["ps", "ns", "us", "ms", "s"]))
def test_times_of_six_digits_survive_being_written(number, unit):
    time = parse_time_ps(f"{number} {unit}")
    assert parse_time_ps(format_time(time)) == time


def test_quantities_are_written_with_the_unit_that_suits_them():
    assert format_time(4100) == "4.1 ns"
    assert format_time(0) == "0 ps"
    assert format_energy(2.36e-11) == "23.6 pJ"
    assert format_power(0.0644) == "64.4 mW"


def test_the_period_is_dt_divided_by_the_speedup():
    assert period_ps(0.1, 1) == 10**8
    assert period_ps(1.0, 21) == round(10**9 / 21)


@pytest.mark.parametrize("speedup", [0, -1, float("nan"), 1e12])
def test_an_impossible_speedup_is_refused(speedup):
    with pytest.raises(InvalidInputError, match="speedup"):
        period_ps(0.1, speedup)
