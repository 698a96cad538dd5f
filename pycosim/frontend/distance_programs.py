"""Functions of the distance for compiled code: what they ask NumPy for is written down once, and done there.

So synapses that are stored and those that are made anew at each spike have the same values, and distance
rules connect the same cells whichever version of NumPy there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from pycosim.network.row_rule import Program

# In the order of the compiled enumeration.
_OPERATIONS = (
    "add subtract multiply divide power maximum minimum hypot arctan2 fmod less less_equal greater "
    "greater_equal equal not_equal logical_and logical_or logical_not where negative absolute sqrt floor "
    "ceil rint trunc exp exp2 expm1 log log2 log10 log1p cbrt sin cos tan arcsin arccos arctan sinh cosh "
    "tanh arcsinh arccosh arctanh"
).split()
_NUMBER_OF = {name: number for number, name in enumerate(_OPERATIONS)}
_OTHER_NAMES = {
    "fabs": "absolute",
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "invert": "logical_not",
}
_COMPARISONS = "less less_equal greater greater_equal equal not_equal".split()
_OF_TRUTHS = "logical_and logical_or logical_not".split()
# What NumPy does with truth values only.
_NEEDS_TRUTHS = "bitwise_and bitwise_or invert".split()
# What it makes of two truth values; of others it computes numbers of 8 or 16 bits, or refuses them.
_OF_TWO_TRUTHS = {
    "add": "logical_or",
    "multiply": "logical_and",
    "maximum": "logical_or",
    "minimum": "logical_and",
}
_AS_NUMBERS = ("divide", *_COMPARISONS, *_OF_TRUTHS)


class _NotCompiledError(Exception):
    """The function does something else."""


def program_of(function: Callable[[Any], Any]) -> Program | None:
    """Return what a function of the distance computes; None if compiled code cannot.

    Parameters
    ----------
    function : callable
        Takes distances, an array, and returns a value for each, by operations of NumPy and nothing else.
    """
    recorder = _Recorder()
    try:
        with np.errstate(all="ignore"):
            result = function(_Value(recorder, "distance", 0))
        return recorder.program(result)
    except Exception:
        return None  # NumPy says what is wrong, if anything is


class _Value(NDArrayOperatorsMixin):
    """A column of values that are not there yet."""

    def __init__(self, recorder: _Recorder, kind: str, number: int, is_truth: bool = False):
        self.recorder, self.kind, self.number, self.is_truth = recorder, kind, number, is_truth

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **others: Any) -> Any:
        if method != "__call__" or others:
            return NotImplemented
        return self.recorder.call(ufunc.__name__, inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, others: Any) -> Any:
        if others or len(inputs) != 3 or function not in (np.where, np.clip):
            return NotImplemented
        if function is np.where:
            return self.recorder.where(*inputs)
        value, least, largest = inputs
        return self.recorder.call("minimum", (self.recorder.call("maximum", (value, least)), largest))

    def __array__(self, *_: Any, **__: Any) -> NDArray[Any]:
        raise _NotCompiledError

    def __bool__(self) -> bool:
        raise _NotCompiledError


class _Recorder:
    """Writes down the operations of a function."""

    def __init__(self) -> None:
        self._constants: list[float] = []
        self._steps: list[tuple[str, tuple[_Value, ...]]] = []

    def call(self, name: str, inputs: tuple[Any, ...]) -> _Value:
        values = [self._value(given) for given in inputs]
        if name == "positive" and not values[0].is_truth:
            return values[0]
        if name == "square":
            return self.call("multiply", (values[0], values[0]))
        if name == "reciprocal" and not values[0].is_truth:
            return self.call("divide", (1.0, values[0]))
        if name == "power" and not (values[0].is_truth or values[1].is_truth):
            return self._power(*values)
        are_truths = all(value.is_truth for value in values)
        if name in _NEEDS_TRUTHS and not are_truths:
            raise _NotCompiledError
        name = _OTHER_NAMES.get(name, name)
        if are_truths and name not in _AS_NUMBERS:
            name = _OF_TWO_TRUTHS.get(name, "")
        if name not in _NUMBER_OF or name == "power":
            raise _NotCompiledError
        return self._step(name, values, name in _COMPARISONS or name in _OF_TRUTHS)

    def where(self, condition: Any, a: Any, b: Any) -> _Value:
        values = [self._value(given) for given in (condition, a, b)]
        return self._step("where", values, values[1].is_truth and values[2].is_truth)

    def program(self, result: Any) -> Program:
        result = self._value(result)
        last = [("distance", 0), *(("constant", i) for i in range(len(self._constants)))]
        last += [("result", i) for i in range(len(self._steps))]
        if (result.kind, result.number) != last[-1]:
            raise _NotCompiledError
        first = {"distance": 0, "constant": 1, "result": 1 + len(self._constants)}
        numbers = []
        for name, values in self._steps:
            arguments = [first[value.kind] + value.number for value in values]
            numbers += [_NUMBER_OF[name], *arguments, *[0] * (3 - len(arguments))]
        return np.array(self._constants, np.float64), np.array(numbers, np.int32)

    def _power(self, base: _Value, exponent: _Value) -> _Value:
        """As NumPy's operator does powers of which the exponent is a number."""
        if exponent.kind == "constant":
            number = self._constants[exponent.number]
            if number == 1:
                return base
            if number == 2:
                return self.call("multiply", (base, base))
            if number == 0.5:
                return self.call("sqrt", (base,))
            if number == -1:
                return self.call("divide", (1.0, base))
        return self._step("power", [base, exponent], False)

    def _value(self, given: Any) -> _Value:
        if isinstance(given, _Value):
            return given
        if np.ndim(given) != 0 or not isinstance(
            given, bool | int | float | np.bool_ | np.integer | np.floating
        ):
            raise _NotCompiledError
        number = float(given)
        self._constants.append(number)
        return _Value(self, "constant", len(self._constants) - 1, isinstance(given, bool | np.bool_))

    def _step(self, name: str, values: list[_Value], is_truth: bool) -> _Value:
        self._steps.append((name, tuple(values)))
        return _Value(self, "result", len(self._steps) - 1, is_truth)
