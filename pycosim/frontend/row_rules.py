"""Which projections can be made row by row, each time they are needed, and the rules that make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import connectors as pynn
from pyNN.parameters import ParameterSpace
from pyNN.random import NumpyRNG, RandomDistribution

from pycosim import memory
from pycosim.compiled_numbers import is_compiled
from pycosim.frontend.connectivity import chooses_sources, numbers_of_rows, numbers_of_total
from pycosim.frontend.distances import Distances, distances_of
from pycosim.frontend.drawn_connectors import draws_from_script
from pycosim.frontend.requests import Request
from pycosim.frontend.synapse_values import is_text
from pycosim.frontend.thinning import bounded_rule, expected_synapses
from pycosim.frontend.value_sources import draws_in_turn
from pycosim.network import DistanceBounds, RowRule
from pycosim.random import draws_itself, is_default

_CONNECTORS = (
    "of AllToAll, and with rng=NativeRNG() or none of FixedProbability, FixedNumberPost, FixedNumberPre, "
    "FixedTotalNumber and DistanceDependentProbability,"
)
_VALUES = (
    "with one number, a RandomDistribution 'uniform', 'normal' or 'normal_clipped', or a text that gives it "
    "by the distance d with NumPy's functions,"
)
_OWN_SPACE = "in a space with distances of its own"
_OWN_NUMBERS = (
    "Give the connector rng=NativeRNG() or none: then its synapses need not be stored. The numbers of a "
    "seeded NumpyRNG can only be drawn all together; so can those of a RandomDistribution with one."
)


def why_stored(request: Request, parameters: ParameterSpace) -> str | None:
    """Return why the synapses have to be stored, and what helps; None if rows can be made one by one."""
    connector, synapse_type = request.connector, request.projection.synapse_type
    name = type(connector).__name__
    if type(connector).connect not in _RULES:
        return _text(f"of {name}", _CONNECTORS)
    if _is_choice_of_sources(connector) and not chooses_sources(request):
        return _text(f"of {name} from {request.shape[0]:,} cells", _CONNECTORS)
    if getattr(connector, "location_selector", None) is not None:
        return memory.FEWER_SYNAPSES  # refused later
    if connector.allow_self_connections == "NoMutual":
        return _text(f"of {name} with allow_self_connections='NoMutual'", _CONNECTORS)
    if getattr(synapse_type, "plasticity", None):
        return _text(f"of {type(synapse_type).__name__}", "of StaticSynapse")
    if not all(np.all(np.diff(ids) > 0) for ids in (request.pre_ids, request.post_ids)):
        return _text("of cells in another order than that in which they were made", "of others")
    for parameter in parameters.keys():
        if not _is_simple(parameters[parameter], request.shape):
            return _text(f"with such a {parameter}", _VALUES)
    if depends_on_distance(request, parameters) and distances_of(request.projection).by_target_only:
        return _text(_OWN_SPACE, "in a Space of PyNN's")
    if _is_by_distance(connector):
        rule = bounded_rule(request, distances_of(request.projection))
        if rule is None or rule.program is None:
            return _text(f"of {name} with such a function", "with an expression of d and NumPy's functions")
    in_turn = draws_from_script(request) and not gives_way(request)
    in_turn = in_turn or draws_in_turn(parameters) or not _can_draw_again(connector)
    return _OWN_NUMBERS if in_turn else None


def _is_by_distance(connector: Any) -> bool:
    return type(connector).connect == pynn.DistanceDependentProbabilityConnector.connect


def depends_on_distance(request: Request, parameters: ParameterSpace) -> bool:
    """Return whether connections, weights or delays depend on where the cells are."""
    bases = (parameters[name].base_value for name in parameters.keys())
    return _is_by_distance(request.connector) or any(is_text(base) for base in bases)


def gives_way(request: Request) -> bool:
    """Return whether rows are made from other numbers than synapses that are stored: PyNN's default ones."""
    return draws_from_script(request) and is_default(request.connector.rng)


def _can_draw_again(connector: Any) -> bool:
    """Return whether the numbers of synapses of rows can be drawn again, if they are drawn at all."""
    rng = getattr(getattr(connector, "n", None), "rng", None)
    return isinstance(rng, NumpyRNG) or not draws_itself(rng)


def _text(these: str, others: str) -> str:
    return f"Synapses {these} have to be stored; those {others} need not. {memory.FEWER_SYNAPSES}"


def _is_simple(array: Any, shape: tuple[int, int]) -> bool:
    """Return whether a parameter is the same for all synapses, or drawn for each by compiled code."""
    base = array.base_value
    if isinstance(base, RandomDistribution):
        return not array.operations and is_compiled(base)
    if is_text(base):
        return not array.operations and base.program is not None
    return base is None or is_constant(array, shape)


def is_constant(array: Any, shape: tuple[int, int]) -> bool:
    """Return whether a parameter is the same number for all pairs of so many cells."""
    base = array.base_value
    is_drawn = (
        isinstance(base, RandomDistribution | np.ndarray) or callable(base) or hasattr(base, "__next__")
    )
    if is_drawn or np.ndim(base) != 0 or not np.isreal(base):
        return False
    array.shape = shape
    return bool(array.is_homogeneous)


def row_rule(request: Request) -> RowRule | None:
    """Return what makes the rows of a connector that need not be stored; None if it is to be refused."""
    return _RULES[type(request.connector).connect](request)


def _probability(request: Request, p: float) -> RowRule | None:
    if not p >= 0:  # refused where it is stored
        return None
    return RowRule("probability", *_ids(request), p=float(p), allow_self=_allows_self(request))


def _number(request: Request) -> RowRule | None:
    n = _numbers(request, *request.shape)
    return None if n is None else _with_numbers(request, n)


def _is_choice_of_sources(connector: Any) -> bool:
    return type(connector).connect is pynn.FixedNumberPreConnector.connect and not connector.with_replacement


def _number_of_sources(request: Request) -> RowRule | None:
    n = _numbers(request, *request.shape[::-1])
    if n is None:
        return None
    kind = "number of sources" if _is_choice_of_sources(request.connector) else "drawn sources"
    return RowRule(kind, *_ids(request), n=n, allow_self=_allows_self(request))


def _numbers(request: Request, n_rows: int, n_items: int) -> NDArray[np.int64] | None:
    """Return the connector's `n`, of all rows or of each; None if it is to be refused."""
    n = request.connector.n
    varies = isinstance(n, RandomDistribution)
    if not varies and not n >= 0:
        return None
    numbers = numbers_of_rows(request, n_rows) if varies else np.array([n], np.int64)
    if numbers.max(initial=0) > 0 and n_items <= (0 if _allows_self(request) else 1):
        return None
    return numbers


def _with_numbers(request: Request, n: NDArray[np.int64]) -> RowRule:
    how = {"with_replacement": bool(request.connector.with_replacement), "allow_self": _allows_self(request)}
    return RowRule("number", *_ids(request), n=n, **how)


def _ids(request: Request) -> tuple[Any, ...]:
    return request.seed, request.stream, request.pre_ids, request.post_ids


def _distance(request: Request) -> RowRule | None:
    rule = bounded_rule(request, kept_distances(request))
    if rule is None or rule.program is None:
        return None
    n_pre, n_post = request.shape
    return RowRule(
        "distance",
        *_ids(request),
        p=expected_synapses(rule) / (n_pre * n_post),
        allow_self=_allows_self(request),
        places=rule.distances.columns,
        bounds=DistanceBounds(rule.base, rule.most, rule.program),
    )


def kept_distances(request: Request) -> Distances:
    """Return the distances of a projection's cells as they are now, wherever a script moves these later."""
    return Distances(request.projection, np.array)


def _allows_self(request: Request) -> bool:
    return bool(request.connector.allow_self_connections)


_RULES: dict[Any, Callable[[Request], RowRule | None]] = {
    pynn.AllToAllConnector.connect: lambda request: _probability(request, 1.0),
    pynn.FixedProbabilityConnector.connect: lambda request: _probability(
        request, request.connector.p_connect
    ),
    pynn.FixedNumberPostConnector.connect: _number,
    pynn.FixedNumberPreConnector.connect: _number_of_sources,
    pynn.FixedTotalNumberConnector.connect: lambda request: _with_numbers(request, numbers_of_total(request)),
    pynn.DistanceDependentProbabilityConnector.connect: _distance,
}
