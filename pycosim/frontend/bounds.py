"""Upper bounds of a rule's probability over intervals of the distance, by interval arithmetic on its text.

The arithmetic operations and comparisons of IEEE 754 are monotone, so that a corner of an interval bounds
what is computed inside it to the last bit; values of other functions are widened by more than their errors.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import connectors as pynn

# NumPy's functions are within a few units in the last place, 1e-15.
SLACK = 1e-12
_LEAST = 1e-300
_MODULES = ("np", "numpy")
_CONSTANTS = ("e", "pi", "inf")

Bound = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64] | None]


class _NoBoundError(Exception):
    """The values cannot be bounded, or might not be numbers."""


def bound_of(connector: Any) -> Bound | None:
    """Return what bounds the probability of a rule that is given as text; None if the text cannot be bounded.

    Parameters
    ----------
    connector : pyNN.connectors.DistanceDependentProbabilityConnector

    Returns
    -------
    callable or None
        Takes the lower and upper ends of n intervals of the distance, (n,) each, both included. Returns
        values, (n,), from 0 to 1, that the probability, cut off at 1, does not exceed there; None if it might
        not be a number.
    """
    text, function = connector.d_expression, connector.distance_function
    if not isinstance(text, str) or not isinstance(function, FunctionType):
        return None
    as_pynn = compile(f"lambda d: {text}", "<text>", "eval", dont_inherit=True)
    written = eval(as_pynn, vars(pynn))
    if function.__code__ != written.__code__ or function.__globals__ is not vars(pynn):
        return None  # not what PyNN made of the text
    return _bound_of_text(text)


@lru_cache(maxsize=64)
def _bound_of_text(text: str) -> Bound | None:
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return None

    def bound(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64] | None:
        try:
            with np.errstate(all="ignore"):
                value = _evaluate(tree, _Values(low, high))
        except _NoBoundError:
            return None
        return np.clip(np.broadcast_to(value.high * (1 + SLACK), low.shape), 0.0, 1.0)

    ends = np.zeros(1), np.ones(1)
    return None if bound(*ends) is None and bound(ends[1], ends[1] + 1) is None else bound


@dataclass(frozen=True)
class _Values:
    """Intervals of values; `kind` is "bool", "whole" or "real", as NumPy treats the values themselves."""

    low: Any
    high: Any
    kind: str = "real"

    def __post_init__(self) -> None:
        if np.isnan(self.low).any() or np.isnan(self.high).any():
            raise _NoBoundError

    @property
    def is_finite(self) -> Any:
        return np.isfinite(self.low) & np.isfinite(self.high)

    @property
    def has_zero(self) -> Any:
        return np.less_equal(self.low, 0) & np.greater_equal(self.high, 0)


def _require(condition: Any) -> None:
    if not np.all(condition):
        raise _NoBoundError


def _evaluate(node: ast.AST, d: _Values) -> _Values:
    if isinstance(node, ast.Name) and node.id == "d":
        return d
    if not any(isinstance(part, ast.Name) and part.id == "d" for part in ast.walk(node)):
        return _constant(node)
    if isinstance(node, ast.BinOp):
        return _binary(type(node.op), _evaluate(node.left, d), _evaluate(node.right, d))
    if isinstance(node, ast.UnaryOp):
        return _unary(type(node.op), _evaluate(node.operand, d))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compared(type(node.ops[0]), _evaluate(node.left, d), _evaluate(node.comparators[0], d))
    if isinstance(node, ast.Call) and not node.keywords:
        function = _FUNCTIONS.get(_name(node.func))
        if function is not None and function[0] == len(node.args):
            return function[1](*(_evaluate(argument, d) for argument in node.args))
    raise _NoBoundError


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _MODULES:
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


_PLAIN = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Call, ast.operator, ast.unaryop, ast.expr_context)


def _constant(node: ast.AST) -> _Values:
    """Return the value of a text without the distance, as Python computes it."""
    known = {*_FUNCTIONS, *_CONSTANTS, *_MODULES}
    for part in ast.walk(node):
        _require(
            _name(part) in known if isinstance(part, ast.Name | ast.Attribute) else isinstance(part, _PLAIN)
        )
    try:
        value = eval(compile(ast.Expression(node), "<constant>", "eval"), vars(pynn))
        kind = "bool" if isinstance(value, bool | np.bool_) else "whole" if isinstance(value, int) else "real"
        return _Values(float(value), float(value), kind)
    except (ArithmeticError, TypeError, ValueError, NameError, AttributeError) as error:
        raise _NoBoundError from error


def _corners(function: Callable[..., Any], a: _Values, b: _Values, kind: str = "real") -> _Values:
    values = [function(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    _require([~np.isnan(value).any() for value in values])
    low, high = values[0], values[0]
    for value in values[1:]:
        low, high = np.minimum(low, value), np.maximum(high, value)
    return _Values(low, high, kind)


def _binary(op: type[ast.operator], a: _Values, b: _Values) -> _Values:
    both_bool = a.kind == b.kind == "bool"
    if op in (ast.BitAnd, ast.BitOr):
        _require(both_bool)
    if both_bool and op in (ast.BitAnd, ast.Mult):
        return _Values(np.minimum(a.low, b.low), np.minimum(a.high, b.high), "bool")
    if both_bool and op in (ast.BitOr, ast.Add):  # NumPy's sum of these is "or"
        return _Values(np.maximum(a.low, b.low), np.maximum(a.high, b.high), "bool")
    kind = "real" if "real" in (a.kind, b.kind) else "whole"
    if op is ast.Add:
        return _sum(a, b, kind)
    if op is ast.Sub:
        _require(not both_bool)
        return _sum(a, _Values(-b.high, -b.low), kind)
    if op is ast.Mult:
        _require(~(a.has_zero & ~b.is_finite) & ~(b.has_zero & ~a.is_finite))
        return _corners(operator.mul, a, b, kind)
    if op is ast.Div:
        _require(~b.has_zero & (a.is_finite | b.is_finite))
        return _corners(np.divide, a, b)
    _require(op is ast.Pow)
    return _power(a, b)


def _sum(a: _Values, b: _Values, kind: str) -> _Values:
    _require(a.is_finite | b.is_finite)
    return _Values(np.add(a.low, b.low), np.add(a.high, b.high), kind)


def _unary(op: type[ast.unaryop], a: _Values) -> _Values:
    if op is ast.Invert:
        _require(a.kind == "bool")
        return _Values(1.0 - a.high, 1.0 - a.low, "bool")
    _require(op in (ast.USub, ast.UAdd) and a.kind != "bool")
    return _Values(-a.high, -a.low, a.kind) if op is ast.USub else a


def _compared(op: type[ast.cmpop], a: _Values, b: _Values) -> _Values:
    if op in (ast.Gt, ast.GtE):
        a, b, op = b, a, ast.Lt if op is ast.Gt else ast.LtE
    if op in (ast.Lt, ast.LtE):
        below = np.less if op is ast.Lt else np.less_equal
        return _Values(below(a.high, b.low) * 1.0, below(a.low, b.high) * 1.0, "bool")
    _require(op in (ast.Eq, ast.NotEq))
    may_equal = ((a.low <= b.high) & (b.low <= a.high)) * 1.0
    zeros = 0.0 * may_equal
    return _Values(zeros, may_equal, "bool") if op is ast.Eq else _Values(1.0 - may_equal, zeros + 1, "bool")


def _widened(low: Any, high: Any) -> _Values:
    """Return intervals that are wider than a function's errors, on the same side of 0."""
    below = np.where(np.isfinite(low), low - np.abs(low) * SLACK - _LEAST, low)
    above = np.where(np.isfinite(high), high + np.abs(high) * SLACK + _LEAST, high)
    return _Values(
        np.where(low >= 0, np.maximum(below, 0.0), below), np.where(high <= 0, np.minimum(above, 0.0), above)
    )


def _size(a: _Values) -> _Values:
    _require(a.kind != "bool")
    low, high = np.abs(a.low), np.abs(a.high)
    return _Values(np.where(a.has_zero, 0.0, np.minimum(low, high)), np.maximum(low, high), a.kind)


def _power(a: _Values, b: _Values) -> _Values:
    _require(a.kind == "real" or (np.ndim(a.low) == 0 and a.kind == "whole"))
    _require(b.kind != "bool")
    exponent = float(b.low) if np.ndim(b.low) == 0 and b.low == b.high else None
    if exponent is not None and np.isfinite(exponent) and exponent % 1 == 0:
        _require((exponent >= 0) | ~a.has_zero)
        base = _size(a) if exponent % 2 == 0 else a
        ends = np.power(base.low, exponent), np.power(base.high, exponent)
        return _widened(np.minimum(*ends), np.maximum(*ends))
    _require((a.low >= 0) & ((a.low > 0) | (b.low >= 0)) & a.is_finite & b.is_finite)
    values = _corners(np.power, a, b)
    return _widened(values.low, values.high)


def _rising(
    function: Any, least: float = -np.inf, largest: float = np.inf
) -> tuple[int, Callable[..., _Values]]:
    def evaluate(a: _Values) -> _Values:
        _require(a.kind != "bool")  # NumPy computes these with half precision
        _require((a.low >= least) & (a.high <= largest))
        return _widened(function(a.low), function(a.high))

    return 1, evaluate


def _cosine(a: _Values) -> _Values:
    _require(a.is_finite & (a.kind != "bool"))
    slack = SLACK * (1 + np.maximum(np.abs(a.low), np.abs(a.high)))

    def meets(phase: float) -> Any:
        """Whether phase + 2 pi k is inside, for any k."""
        turns = [(end - phase) / (2 * np.pi) for end in (a.low, a.high)]
        return np.ceil(turns[0] - slack) <= turns[1] + slack

    ends = np.cos(a.low), np.cos(a.high)
    low = np.where(meets(np.pi), -1.0, np.minimum(*ends) - slack)
    high = np.where(meets(0.0), 1.0, np.maximum(*ends) + slack)
    return _Values(np.maximum(low, -1.0), np.minimum(high, 1.0))


def _sine(a: _Values) -> _Values:
    _require(a.is_finite & (a.kind != "bool"))
    quarter = SLACK * (1 + np.maximum(np.abs(a.low), np.abs(a.high)))
    return _cosine(_Values(a.low - np.pi / 2 - quarter, a.high - np.pi / 2 + quarter))


def _hypot(a: _Values, b: _Values) -> _Values:
    values = _corners(np.hypot, _size(a), _size(b))
    return _widened(values.low, values.high)


def _hyperbolic_cosine(a: _Values) -> _Values:
    size = _size(a)
    return _widened(np.cosh(size.low), np.cosh(size.high))


def _pairwise(function: Any) -> tuple[int, Callable[..., _Values]]:
    def evaluate(a: _Values, b: _Values) -> _Values:
        _require(a.kind != "bool" and b.kind != "bool")
        kind = "real" if "real" in (a.kind, b.kind) else "whole"
        return _Values(function(a.low, b.low), function(a.high, b.high), kind)

    return 2, evaluate


def _where(condition: _Values, a: _Values, b: _Values) -> _Values:
    _require(condition.kind == "bool" and a.kind == b.kind)
    always, never = condition.low > 0, condition.high == 0
    low = np.where(always, a.low, np.where(never, b.low, np.minimum(a.low, b.low)))
    high = np.where(always, a.high, np.where(never, b.high, np.maximum(a.high, b.high)))
    return _Values(low, high, a.kind)


_ABOVE_MINUS_1 = np.nextafter(-1.0, 0.0)
_FUNCTIONS: dict[str, tuple[int, Callable[..., _Values]]] = {
    **{name: _rising(getattr(np, name)) for name in "exp exp2 expm1 cbrt arctan tanh sinh arcsinh".split()},
    **{name: _rising(getattr(np, name)) for name in "floor ceil rint trunc".split()},
    **{name: _rising(getattr(np, name), 0.0) for name in "sqrt log log2 log10".split()},
    "log1p": _rising(np.log1p, _ABOVE_MINUS_1),
    "arcsin": _rising(np.arcsin, -1.0, 1.0),
    **{name: (1, _size) for name in "abs fabs absolute".split()},
    "square": (1, lambda a: _power(a, _Values(2.0, 2.0))),
    "cosh": (1, _hyperbolic_cosine),
    "cos": (1, _cosine),
    "sin": (1, _sine),
    "maximum": _pairwise(np.maximum),
    "minimum": _pairwise(np.minimum),
    "power": (2, _power),
    "hypot": (2, _hypot),
    "where": (3, _where),
}
