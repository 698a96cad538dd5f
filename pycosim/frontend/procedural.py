"""Projections whose synapses are not kept but made at each spike: on request, or where memory is short."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from pyNN.parameters import ParameterSpace
from pyNN.random import RandomDistribution

from pycosim import _core, memory
from pycosim.compiled_numbers import compiled_form
from pycosim.errors import InvalidInputError
from pycosim.frontend import simulator
from pycosim.frontend.delays import delay_steps, rounded_delays
from pycosim.frontend.dialects import negative_inhibition
from pycosim.frontend.expansion import check_values, requested
from pycosim.frontend.limits import Limits
from pycosim.frontend.memory_need import needed_bytes
from pycosim.frontend.native_cells import models_weights
from pycosim.frontend.requests import Request
from pycosim.frontend.row_rules import depends_on_distance, gives_way, kept_distances, row_rule, why_stored
from pycosim.frontend.synapse_values import is_text
from pycosim.network import DistanceValues, DrawnValues, ProceduralProjection, RowRule
from pycosim.network.own_values import LONGEST_OWN_DELAY, OWN_VALUES, OwnValues
from pycosim.network.row_rule import SLOTS_PER_SOURCE, TARGET_BLOCK, RowStarts
from pycosim.parallel import world
from pycosim.random import generators_restored, stream_of, stream_of_first_block, told_of, unsigned

FORMS = ("auto", "stored", "procedural")
# Of the engine's copy: a target, and a weight of its own.
_TARGET_BYTES, _WEIGHT_BYTES = 2, 7
# Of a row in a block of targets, where weights or delays are drawn.
_START_BYTES = 4
# Of a source that is drawn, in a block of slots.
_SLOT_BYTES = 4
_NOT_KEPT = "With setup(synapses='auto') they need not be stored. " + memory.FEWER_SYNAPSES


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
    if why_stored(request, parameters) is not None:
        return None
    if state.synapse_form == "auto" and _fits(request, parameters):
        return None
    with generators_restored():  # what is stored after all is drawn again
        rule = _rule(request, parameters)
        values = None if rule is None else _values(projection, rule, request, parameters, seed, stream)
    if not _in_all_processes(values is not None):
        return None
    weight, delay, starts = values
    weight, delay = _with_limits_of_all(weight), _with_limits_of_all(delay)
    if weight is None or delay is None:
        return None
    if isinstance(getattr(request.connector, "n", None), RandomDistribution):
        row_rule(request)  # moves the script's generator on; the same
    others = _what_is_other(request)
    if others:
        state.warn(f"Projection {projection.label!r}: {others}")
    if request.connector.callback is not None:
        request.connector.callback(1.0)
    wanted = np.array(projection.post._mask_local, bool)
    return ProceduralProjection(label, receptor, rule, weight, delay, wanted, starts)


def _rule(request: Request, parameters: ParameterSpace) -> RowRule | None:
    """Return the rule of a connector, with places where weights or delays depend on these."""
    rule = _with_table(row_rule(request), request)
    if rule is None or rule.places is not None or not depends_on_distance(request, parameters):
        return rule
    return replace(rule, places=kept_distances(request).columns)


def _what_is_other(request: Request) -> str:
    """Return in which ways the projection is other than it would be in more memory."""
    said = []
    if simulator.state.synapse_form == "auto":
        said.append(
            "Its synapses would not fit into memory and are made anew at each spike, which takes longer "
            "(setup(synapses='stored') refuses them instead)."
        )
    if gives_way(request):
        said.append(
            "The connector has no rng and draws pycosim's own numbers instead of those of PyNN's default: "
            "another network of the same statistics (with rng=NativeRNG() it is the same in any memory)."
        )
    return " ".join(said)


def remedy(request: Request, parameters: ParameterSpace) -> str:
    """Return what helps where a projection that is to be stored does not fit."""
    state = simulator.state
    if state.target != "native":
        return memory.FEWER_SYNAPSES
    could_be_made = _NOT_KEPT if state.synapse_form == "stored" else memory.FEWER_SYNAPSES
    return why_stored(request, parameters) or could_be_made


def _values(
    projection: Any, rule: RowRule, request: Request, parameters: ParameterSpace, seed: int, stream: int
) -> tuple[float | OwnValues, int | OwnValues, RowStarts | None] | None:
    """Return weights, delays, and where rows begin among what is drawn; None if they are to be stored."""
    state = simulator.state
    weight = _value(parameters, "weight", unsigned(seed), stream, 1.0)
    delay = _value(parameters, "delay", unsigned(seed), stream, state.dt)
    starts, seen = None, None
    if isinstance(delay, OWN_VALUES) and state.is_spinnaker:  # which raises some of them
        return None
    if isinstance(weight, DrawnValues) or isinstance(delay, DrawnValues):
        starts = _starts(rule, request)
        if starts is None:
            return None
    weights, delays = 0.0 if weight is None else weight, delay
    if isinstance(weight, OWN_VALUES):
        weights = _limits(weight, rule, request, starts, parameters["weight"].base_value)
    if isinstance(delay, OWN_VALUES):
        n_synapses = weights.n if isinstance(weights, Limits) else _n_synapses(rule, request, starts)
        seen = _delays_seen(delay, rule, request, starts, parameters["delay"].base_value)
        delays = Limits(*seen[1:3], n_synapses)
        if delays.largest >= LONGEST_OWN_DELAY * state.dt:
            return None
    is_empty = any(isinstance(values, Limits) and values.n == 0 for values in (weights, delays))
    if is_empty:  # other processes may have synapses
        weight = weight if isinstance(weight, OWN_VALUES) else 0.0
    else:
        weights = negative_inhibition(projection, weights, projection.receptor_type)
        check_values(projection, {"weight": weights, "delay": delays})
        weight = _models_weight(projection, weight, weights)
    if seen is None:
        delay = delay_steps(state.default_delay if delay is None else delay, projection.label)
    elif not is_empty:
        delay = replace(delay, limits=_delay_limits(projection, delays, seen))
    return weight, delay, starts


def _with_limits_of_all(values: float | OwnValues) -> float | OwnValues | None:
    """Return values with the limits of all processes; None if there is no synapse on any."""
    if not isinstance(values, OWN_VALUES):
        return values
    lowest, highest = np.transpose(world().gather_to_all(values.limits))
    if np.isnan(lowest).all():
        return None
    return replace(values, limits=(float(np.nanmin(lowest)), float(np.nanmax(highest))))


def _limits(
    values: OwnValues, rule: RowRule, request: Request, starts: RowStarts | None, base: Any
) -> Limits:
    """Return the smallest and the largest value of the synapses."""
    if isinstance(values, DrawnValues):
        with told_of(base, starts.n_synapses):
            return Limits(*values.extremes(starts), starts.n_synapses)
    return Limits(*values.extremes(rule, request.mask))


def _delays_seen(
    values: OwnValues, rule: RowRule, request: Request, starts: RowStarts | None, base: Any
) -> tuple[bool, float, float, float]:
    """Return whether all are possible delays in ms, their extremes, and the largest error of rounding."""
    if isinstance(values, DrawnValues):
        with told_of(base, starts.n_synapses):
            return values.delays_seen(starts)
    return values.delays_seen(rule, request.mask)


def _n_synapses(rule: RowRule, request: Request, starts: RowStarts | None) -> int:
    return _core.count_rows(rule.for_engine(), request.mask) if starts is None else starts.n_synapses


def _models_weight(
    projection: Any, weight: float | OwnValues | None, checked: float | Limits
) -> float | OwnValues:
    """Return the weight, or what makes it, in the units of the targets' model and with its sign."""
    if not isinstance(weight, OWN_VALUES):
        return float(models_weights(projection, checked))
    unit = float(models_weights(projection, -1.0 if checked.is_negated else 1.0))
    limits = np.sort(models_weights(projection, np.asarray(checked)))
    return replace(weight, unit=unit, limits=tuple(limits.tolist()))


def _value(
    parameters: ParameterSpace, name: str, seed: int, stream: int, unit: float
) -> float | OwnValues | None:
    """Return the value of a parameter that is the same for all synapses, or what makes it."""
    if name not in parameters.keys() or parameters[name].base_value is None:
        return None
    base = parameters[name].base_value
    if is_text(base):
        return DistanceValues(base.program, unit)
    if not isinstance(base, RandomDistribution):
        return float(parameters[name].evaluate(simplify=True))
    own = stream_of_first_block(base, stream_of(stream, name))
    return DrawnValues(compiled_form(base), seed, own, unit)


def _with_table(rule: RowRule | None, request: Request) -> RowRule | None:
    """Return a rule with what its single rows are made from; None if there is none."""
    if rule is None or rule.kind != "drawn sources":
        return rule
    n_slots = len(rule.pre) + rule.n_expected / SLOTS_PER_SOURCE * float(np.mean(request.local))
    memory.require(
        _SLOT_BYTES * n_slots, request.problem("counting the synapses of its rows, which are not kept, needs")
    )
    try:
        return rule.with_slots(request.wanted)
    except ValueError:  # refused where it is stored
        return None


def _starts(rule: RowRule, request: Request) -> RowStarts | None:
    """Return where rows begin among the numbers of blocks; None if that is no less than the synapses."""
    n_bytes = _START_BYTES * len(rule.pre) * -(-len(rule.post) // TARGET_BLOCK)
    if n_bytes >= (_TARGET_BYTES + _WEIGHT_BYTES) * rule.n_expected:
        return None
    n_bytes *= float(np.mean(request.local))
    memory.require(n_bytes, request.problem("counting the synapses of its rows, which are not kept, needs"))
    try:
        return rule.starts(request.wanted)
    except ValueError:  # more than there are numbers for
        return None


def _delay_limits(projection: Any, delays: Limits, seen: tuple[bool, float, float, float]) -> tuple[int, int]:
    """Return the smallest and the largest delay in steps, refuse impossible ones, and tell of rounding."""
    all_possible, *others = seen
    steps = _core.delay_steps(np.asarray(delays), simulator.state.dt)[0]
    rounded = rounded_delays((steps, all_possible, *others))
    low, high = delay_steps(delays if rounded is None else rounded, projection.label)
    return int(low), int(high)


def _fits(request: Request, parameters: ParameterSpace) -> bool:
    """Return whether memory suffices for building the projection and then running all that there is."""
    n_synapses, n_bytes = needed_bytes(request, parameters)
    others = simulator.state.network.projections
    stored = [p for p in others if not isinstance(p, ProceduralProjection)]
    each = [_TARGET_BYTES + _WEIGHT_BYTES * (np.ndim(p.weights) > 0) for p in stored]
    engine = _TARGET_BYTES * n_synapses + sum(n * p.n_synapses for n, p in zip(each, stored))
    return _in_all_processes(n_bytes + engine <= memory.available_bytes())


def _in_all_processes(holds: bool) -> bool:
    """Return whether something holds in all processes, which have to make the same network."""
    return bool(world().smallest(int(holds))[0])
