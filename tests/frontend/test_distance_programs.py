"""Functions of the distance from compiled code: NumPy's values, or none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN import connectors as pynn

from pycosim import _core
from pycosim.frontend.distance_programs import program_of

DISTANCES = np.concatenate(
    [[0.0, 5e-324, 1e-300, 1.0, 2.0, 745.0, 1e5, 1e300], np.random.default_rng(1).uniform(0, 40, 600)]
)

# Operations that IEEE 754 defines to the last bit.
ONE = ["(-{})", "(+{})", "abs({})", "sqrt({})", "({})**2", "({})**0.5", "({})**-1", "floor({})", "ceil({})"]
ONE += ["np.rint({})", "np.trunc({})", "np.square({})", "np.reciprocal({})", "(~({} > 1))", "np.fabs({})"]
TWO = [f"({{}} {op} {{}})" for op in "+ - * / < <= > >= == !=".split()]
TWO += ["(({} < 3) & ({} > 1))", "(({} < 3) | ({} > 1))", "(({} < 3) + ({} > 1))", "(({} < 3) * ({} > 1))"]
TWO += ["maximum({}, {})", "minimum({}, {})", "np.clip({}, 0.5, {})", "np.logical_and({}, {})"]
TEXTS = st.recursive(
    st.sampled_from(["d", "d", "0", "1", "0.3", "2.5", "7", "pi", "(1/3)", "True", "np.inf"]),
    lambda text: (
        st.builds(str.format, st.sampled_from(ONE), text)
        | st.builds(str.format, st.sampled_from(TWO), text, text)
        | st.builds("where({} < {}, {}, {})".format, text, text, text, text)
    ),
    max_leaves=10,
)


def as_written(text):
    return eval(f"lambda d: {text}", {**vars(pynn), "np": np})


def compiled(text):
    program = program_of(as_written(text))
    return None if program is None else _core.function_of_distance(program, DISTANCES)


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_what_ieee_754_defines_has_numpy_s_bits(text):
    values = compiled(text)
    if values is None:
        return
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(as_written(text)(DISTANCES), DISTANCES.shape).astype(float)
    assert np.array_equal(values, expected, equal_nan=True)


FUNCTIONS = (
    "exp(-d); exp(d); np.exp2(-d); np.expm1(-d); log(d); np.log2(d); log10(d); np.log1p(d); np.cbrt(d); "
    "sin(d); cos(d); tan(d); arcsin(d/41); arccos(d/41); arctan(d); sinh(d); cosh(d); tanh(d); "
    "np.arcsinh(d); np.arccosh(1 + d); np.arctanh(d/41); d**1.7; 2**-d; power(d, 3); np.hypot(d, 2.0); "
    "np.arctan2(d, 3.0); fmod(d, 1.5)"
)
OTHERS = (
    "d % 2; d // 2; d.clip(0, 1); d if d < 1 else 0; d and 1; d.max()*d; np.sort(d); len(d)*d; [0.5]*d; "
    "exp(d < 3); (d < 3)**2; np.interp(d, [0, 1], [0, 1]); (d < 1) - (d < 2); -(d < 3); float(d); "
    "unknown(d); d*1j; np.random.rand(len(d)); np.add.reduce(d); np.asarray(d)*2; exp(d, where=True)"
)


@pytest.mark.parametrize("text", FUNCTIONS.split("; "))
def test_other_functions_are_numpy_s_but_for_last_digits(text):
    with np.errstate(all="ignore"):
        expected = as_written(text)(DISTANCES)
    # NumPy states up to 4 units in the last place for its own, C's library up to 2; each is 2.2e-16
    tiny = np.finfo(float).tiny  # below it a unit is a larger part of a number
    np.testing.assert_allclose(compiled(text), expected, rtol=1.4e-15, atol=tiny)


@pytest.mark.parametrize("text", OTHERS.split("; "))
def test_what_is_more_than_operations_one_by_one_has_no_program(text):
    assert program_of(as_written(text)) is None


def test_a_value_does_not_depend_on_the_others():
    program = program_of(as_written("0.3*exp(-d**2/7) + tanh(d)"))
    whole = _core.function_of_distance(program, DISTANCES)
    one_by_one = [_core.function_of_distance(program, DISTANCES[i : i + 1])[0] for i in range(len(DISTANCES))]
    assert np.array_equal(whole, one_by_one)


@pytest.mark.parametrize("steps", [[0, 0, 2, 0], [99, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0]])
def test_a_program_that_needs_what_is_not_there_is_refused(steps):
    with pytest.raises(ValueError, match=r"what is not there|four numbers"):
        _core.function_of_distance((np.array([1.0]), np.array(steps, np.int32)), DISTANCES)
