"""Projections whose synapses are not kept but made at each spike: on request, or where memory is short."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import connectors as pynn
from pyNN.parameters import ParameterSpace
from pyNN.random import RandomDistribution

from pycosim import memory
from pycosim.errors import InvalidInputError
from pycosim.frontend import simulator
from pycosim.frontend.connectivity import numbers_of_rows
from pycosim.frontend.delays import delay_steps
from pycosim.frontend.dialects import negative_inhibition
from pycosim.frontend.expansion import check_values, requested
from pycosim.frontend.memory_need import needed_bytes, require_memory
from pycosim.frontend.native_cells import models_weights
from pycosim.frontend.requests import Request
from pycosim.network import ProceduralProjection, RowRule
from pycosim.random import draws_itself

FORMS = ("auto", "stored", "procedural")
# Of the engine's copy: a target, and a weight of its own.
_TARGET_BYTES, _WEIGHT_BYTES = 2, 7
_OWN_NUMBERS = (
    "Give the connector rng=NativeRNG(): then its synapses need not be stored. The numbers of a seeded "
    "NumpyRNG, PyNN's default, can only be drawn all together."
)


def form_of(value: Any) -> str:
    """Return the form of synapses that setup() was asked for.

    Raises
    ------
    InvalidInputError
        If there is no such form.
    """
    if value not in FORMS:
        raise InvalidInputError(f"setup(synapses={value!r}): choose one of {', '.join(FORMS)}.")
    return value


def procedural_column(
    projection: Any, label: str, receptor: str, seed: int, stream: int
) -> ProceduralProjection | None:
    """Return a projection as a rule; None where it is to be stored, or cannot be a rule.

    Parameters
    ----------
    projection : pycosim.frontend.projections.Projection
    label, receptor : str
    seed, stream : int
        As for `pycosim.frontend.expansion.expand`, which makes the same synapses.

    Raises
    ------
    ConnectivityError
        If weight or delay are impossible.
    """
    state = simulator.state
    if state.synapse_form == "stored" or state.target != "native":
        return None
    request, parameters = requested(projection, seed, stream)
    if not _could_be_rule(request, parameters):
        return None
    if draws_itself(getattr(request.connector, "rng", None)):
        require_memory(request, parameters, _OWN_NUMBERS)
        return None
    if state.synapse_form == "auto" and _fits(request, parameters):
        return None
    rule = _rule(request)
    if rule is None:
        return None
    if state.synapse_form == "auto":
        state.warn(
            f"Projection {projection.label!r}: its synapses would not fit into memory and are made anew at "
            "each spike, which takes longer (setup(synapses='stored') refuses them instead).",
            of_all=False,
        )
    weight, delay = _constant(parameters, "weight"), _constant(parameters, "delay")
    weight = negative_inhibition(projection, weight or 0.0, projection.receptor_type)
    check_values(projection, {"weight": weight, "delay": delay})
    if request.connector.callback is not None:
        request.connector.callback(1.0)
    delay = delay_steps(state.default_delay if delay is None else delay, projection.label)
    weight = float(models_weights(projection, weight))
    return ProceduralProjection(
        label, receptor, rule, weight, delay, np.array(projection.post._mask_local, bool)
    )


def _constant(parameters: ParameterSpace, name: str) -> float | None:
    """Return the value of a parameter that is the same for all synapses."""
    if name not in parameters.keys() or parameters[name].base_value is None:
        return None
    return float(parameters[name].evaluate(simplify=True))


def _could_be_rule(request: Request, parameters: ParameterSpace) -> bool:
    """Return whether our own numbers could make the rows, one by one, with equal weights and delays."""
    connector, projection = request.connector, request.projection
    if type(connector).connect not in _RULES:
        return False
    if (
        getattr(connector, "location_selector", None) is not None
        or connector.allow_self_connections == "NoMutual"
    ):
        return False
    if getattr(projection.synapse_type, "plasticity", None):
        return False
    ascend = all(np.all(np.diff(ids) > 0) for ids in (request.pre_ids, request.post_ids))
    values = [parameters[name] for name in parameters.keys()]
    return bool(ascend) and all(a.base_value is None or is_constant(a, request.shape) for a in values)


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


def _fits(request: Request, parameters: ParameterSpace) -> bool:
    """Return whether memory suffices for building the projection and then running all that there is."""
    n_synapses, n_bytes = needed_bytes(request, parameters)
    others = simulator.state.network.projections
    stored = [p for p in others if not isinstance(p, ProceduralProjection)]
    each = [_TARGET_BYTES + _WEIGHT_BYTES * (np.ndim(p.weights) > 0) for p in stored]
    engine = _TARGET_BYTES * n_synapses + sum(n * p.n_synapses for n, p in zip(each, stored))
    return n_bytes + engine <= memory.available_bytes()


def _rule(request: Request) -> RowRule | None:
    return _RULES[type(request.connector).connect](request)


def _probability(request: Request, p: float) -> RowRule | None:
    if not p >= 0:  # refused where it is stored
        return None
    allow_self = bool(request.connector.allow_self_connections)
    ids = request.seed, request.stream, request.pre_ids, request.post_ids
    return RowRule("probability", *ids, p=float(p), allow_self=allow_self)


def _number(request: Request) -> RowRule | None:
    connector, n_pre = request.connector, request.shape[0]
    varies = isinstance(connector.n, RandomDistribution)
    if not varies and not connector.n >= 0:
        return None
    allow_self = bool(connector.allow_self_connections)
    n_others = 0 if allow_self else 1
    n = numbers_of_rows(request, n_pre) if varies else np.array([connector.n], np.int64)
    if n.max(initial=0) > 0 and request.shape[1] <= n_others:
        return None
    ids = request.seed, request.stream, request.pre_ids, request.post_ids
    replace = bool(connector.with_replacement)
    return RowRule("number", *ids, n=n, with_replacement=replace, allow_self=allow_self)


_RULES = {
    pynn.AllToAllConnector.connect: lambda request: _probability(request, 1.0),
    pynn.FixedProbabilityConnector.connect: lambda request: _probability(
        request, request.connector.p_connect
    ),
    pynn.FixedNumberPostConnector.connect: _number,
}
