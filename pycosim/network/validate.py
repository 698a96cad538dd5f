"""The checks that a network must pass before a backend builds it.

All problems are collected, so that a user corrects them in one go.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import ConnectivityError, InvalidInputError
from pycosim.network.columns import Column, Current, Network, Population, Projection
from pycosim.network.currents import current_problems
from pycosim.network.junctions import GapJunctions, junction_problems
from pycosim.network.models import NeuronModel, SourceModel, model_named
from pycosim.network.plasticity import DOPAMINE, INTEGER_PAIR
from pycosim.network.plasticity_checks import plasticity_problems
from pycosim.network.procedural import ProceduralProjection
from pycosim.network.rewiring import rewiring_problems

_POSITIVE = frozenset(
    "cm tau_m tau_syn tau_syn_E tau_syn_E2 tau_syn_I tau_rise tau_decay tau_w tau_sfa tau_rr g_leak "
    "tau_eta tau_gamma delta_v tau_ca2 tau_th du_th".split()
)
_NOT_NEGATIVE = frozenset({"tau_refrac", "rate", "duration", "delta_T", "gbar_Na", "gbar_K", "lambda0"})
_MAY_BE_INFINITE = frozenset({"duration"})
# Delays and steps of emission are added in 32 bits by the native engine; 2^30 steps are 29 hours at 0.1 ms.
MAX_DELAY_STEPS = 2**30


def validate(network: Network) -> None:
    """Check that every column of `network` is complete, finite and in range.

    Raises
    ------
    InvalidInputError
        If a population (or the step) is not valid; the message also lists problems of projections.
    ConnectivityError
        If only projections are not valid.
    NotSupportedError
        If a cell type is unknown.
    """
    general = list(_network_problems(network))
    for population in network.populations:
        general += _population_problems(population)
    for current in network.currents:
        general += _current_problems(network, current)
    connections = [
        text for projection in network.projections for text in _projection_problems(network, projection)
    ]
    for junctions in network.junctions:
        connections += _junction_problems(network, junctions)
    for index, projection in enumerate(network.rewired):
        problems = [
            *rewiring_problems(network, index),
            *_payloads_of(network, projection.candidates, "rewired"),
        ]
        connections += [f"projection {projection.label!r}: {text}" for text in problems]
    if general:
        raise InvalidInputError(_message(general + connections))
    if connections:
        raise ConnectivityError(_message(connections))


def validate_population(population: Population) -> None:
    """Check one population, for example after its parameters have changed.

    Raises
    ------
    InvalidInputError
        If it is not valid.
    """
    problems = _population_problems(population)
    if problems:
        raise InvalidInputError(_message(problems))


def validate_projection(network: Network, projection: Projection) -> None:
    """Check one projection of `network`, for example after its weights have changed.

    Raises
    ------
    ConnectivityError
        If it is not valid.
    """
    problems = list(_projection_problems(network, projection))
    if problems:
        raise ConnectivityError(_message(problems))


def validate_current(network: Network, current: Current) -> None:
    """Check one current source of `network`, for example after its parameters have changed.

    Raises
    ------
    InvalidInputError
        If it is not valid.
    """
    problems = _current_problems(network, current)
    if problems:
        raise InvalidInputError(_message(problems))


def validate_junctions(network: Network, junctions: GapJunctions) -> None:
    """Check gap junctions of `network`, for example after their conductances have changed.

    Raises
    ------
    ConnectivityError
        If they are not valid.
    """
    problems = _junction_problems(network, junctions)
    if problems:
        raise ConnectivityError(_message(problems))


def _junction_problems(network: Network, junctions: GapJunctions) -> list[str]:
    return [f"gap junctions {junctions.label!r}: {text}" for text in junction_problems(network, junctions)]


def _current_problems(network: Network, current: Current) -> list[str]:
    return [f"current source {current.label!r}: {text}" for text in current_problems(network, current)]


def _message(problems: list[str]) -> str:
    count = "1 problem was" if len(problems) == 1 else f"{len(problems)} problems were"
    return f"Building the network: {count} found.\n" + "\n".join(f"  - {problem}" for problem in problems)


def _network_problems(network: Network) -> Iterator[str]:
    if not (np.isfinite(network.dt_ms) and network.dt_ms > 0):
        yield f"the step is {network.dt_ms} ms; it must be a positive number"
    first = 0
    for population in network.populations:
        if population.first != first:
            yield (
                f"population {population.label!r}: its first neuron has the number {population.first} "
                f"instead of {first}; add populations with Network.add"
            )
        first += population.size


def _population_problems(population: Population) -> list[str]:
    model = model_named(population.model)
    problems = [] if population.size >= 0 else [f"the size is {population.size}; it must not be negative"]
    for name in model.parameters:
        if name not in population.parameters:
            problems.append(f"parameter {name} is missing")
            continue
        column = population.parameters[name]
        if name in getattr(model, "sequences", ()):
            problems += _sequence_problems(model, name, column, population.size)
            continue
        # The parameters of receptors have the same limits as others: "AMPA.tau_syn".
        problems += _column_problems(f"parameter {name}", column, population.size, name.rpartition(".")[2])
    for name, column in population.initial.items():
        if isinstance(model, NeuronModel) and name not in model.states:
            problems.append(f"{model.name} has no state variable {name}; it has {', '.join(model.states)}")
        problems += _column_problems(f"initial value of {name}", column, population.size)
    own = getattr(model, "own", None)
    for name, register in (own.registers if own else {}).items():
        if name in population.parameters:
            problems += register.problems(f"parameter {name}", population.parameters[name])
    for name, register in (own.states if own else {}).items():
        if name in population.initial:
            problems += register.problems(f"initial value of {name}", population.initial[name])
    problems += _spike_problems(population)
    problems += _recording_problems(population)
    return [f"population {population.label!r}: {problem}" for problem in problems]


def _sequence_problems(
    model: NeuronModel | SourceModel, name: str, column: Column, size: int
) -> Iterator[str]:
    values = np.asarray(column, np.float64)
    wanted = model.sequences[name] if isinstance(model, NeuronModel) else None
    if values.ndim != 2 or len(values) != size or not values.shape[1]:
        yield f"parameter {name} has the shape {values.shape}; give one sequence to each of {size} cells"
    elif np.any(np.isnan(values)):
        yield f"parameter {name} has values that are not numbers"
    elif wanted not in (None, values.shape[1]):
        yield f"parameter {name} has {values.shape[1]} values for each neuron; give {wanted}"
    elif wanted and name in _POSITIVE and np.any(values <= 0):
        yield f"parameter {name} has the value {values.min()}; it must be above 0"


def _column_problems(what: str, column: Column, size: int, name: str = "") -> Iterator[str]:
    values = np.asarray(column, np.float64)
    if values.shape not in ((), (size,)):
        yield f"{what} has the shape {values.shape}; give one number or {size} numbers"
        return
    bad = np.isnan(values) if name in _MAY_BE_INFINITE else ~np.isfinite(values)
    limit = ""
    if name in _POSITIVE:
        bad, limit = bad | (values <= 0), " above 0"
    elif name in _NOT_NEGATIVE:
        bad, limit = bad | (values < 0), " of at least 0"
    if np.any(bad):
        n_bad, example = np.count_nonzero(bad), values[bad].flat[0]
        whose = f" for {n_bad} of {size} neurons" if values.ndim else ""
        yield f"{what} is {example:g}{whose}; it must be a finite number{limit}"


def _spike_problems(population: Population) -> Iterator[str]:
    steps, indices = np.asarray(population.spike_steps), np.asarray(population.spike_indices)
    if steps.shape != indices.shape or steps.ndim != 1:
        yield f"spike_steps has the shape {steps.shape}, spike_indices {indices.shape}; both must be (n,)"
        return
    if not len(steps):
        return
    if steps.min() < 0:
        yield f"a spike is at step {steps.min()}; the first possible step is 0"
    if np.any(steps[1:] < steps[:-1]):
        yield "spike_steps is not ascending; sort the spikes by step"
    if indices.min() < 0 or indices.max() >= population.size:
        yield f"spike_indices are {indices.min()} to {indices.max()}; there are {population.size} sources"


def _recording_problems(population: Population) -> Iterator[str]:
    model = model_named(population.model)
    possible = ["spikes", *(model.recordables if isinstance(model, NeuronModel) else ())]
    for name, recording in population.recordings.items():
        indices = np.asarray(recording.indices)
        if name not in possible:
            yield f"{name} cannot be recorded from {model.name}; possible: {', '.join(possible)}"
        if len(indices) and (
            indices.min() < 0 or indices.max() >= population.size or np.any(indices[1:] <= indices[:-1])
        ):
            yield f"the indices recorded for {name} are not distinct, ascending and below {population.size}"
        if recording.interval_steps < 1:
            yield f"the sampling interval of {name} is {recording.interval_steps} steps; the smallest is 1"


def _projection_problems(network: Network, projection: Projection) -> Iterator[str]:
    if isinstance(projection, ProceduralProjection):
        problems = list(_rule_problems(network, projection))
    else:
        structure = list(_structure_problems(network, projection))
        problems = structure or list(_target_problems(network, projection))
    problems = problems or list(_register_problems(network, projection))
    problems += _synapse_problems(projection)
    problems += plasticity_problems(projection)
    problems += _payload_problems(network, projection)
    for problem in problems:
        yield f"projection {projection.label!r}: {problem}"


def _structure_problems(network: Network, projection: Projection) -> Iterator[str]:
    """Yield what makes the rows unreadable."""
    sources, indptr = np.asarray(projection.sources), np.asarray(projection.indptr)
    if len(indptr) != len(sources) + 1 or indptr[0] != 0 or indptr[-1] != projection.n_synapses:
        yield (
            f"indptr does not describe {len(sources)} rows of {projection.n_synapses} synapses: it needs "
            f"{len(sources) + 1} entries from 0 to {projection.n_synapses}"
        )
    elif np.any(indptr[1:] < indptr[:-1]):
        yield "indptr is not ascending"
    if len(sources) and (sources.min() < 0 or sources.max() >= network.n_neurons):
        yield (
            f"source neurons are numbered {sources.min()} to {sources.max()}; the network has "
            f"{network.n_neurons} neurons"
        )
    if np.any(sources[1:] <= sources[:-1]):
        yield "sources are not ascending and distinct; merge the rows of equal sources and sort them"


def _target_problems(network: Network, projection: Projection) -> Iterator[str]:
    targets = np.asarray(projection.targets)
    if not len(targets):
        return
    bounds = targets.min(), targets.max()
    if bounds[0] < 0 or bounds[1] >= network.n_neurons:
        yield (
            f"target neurons are numbered {bounds[0]} to {bounds[1]}; the network has "
            f"{network.n_neurons} neurons"
        )
        return
    descents, indptr = np.flatnonzero(targets[1:] < targets[:-1]) + 1, np.asarray(projection.indptr)
    if np.any(indptr[np.searchsorted(indptr, descents)] != descents):
        yield "targets are not ascending within each row; sort every row by target"
    ends = [population.first + population.size for population in network.populations]
    first, last = np.searchsorted(ends, bounds, side="right")
    used = np.zeros(len(ends), np.int64)
    used[first] = len(targets)
    if first != last:
        used = np.bincount(np.searchsorted(ends, targets, side="right"), minlength=len(ends))
    yield from _receptor_problems(network, projection, used, "synapses")


def _receptor_problems(
    network: Network, projection: Projection, counts: NDArray[np.int64], what: str
) -> Iterator[str]:
    """Yield where synapses end on what has no such receptor; `counts` of each population."""
    for population, n in zip(network.populations, counts):
        model = model_named(population.model)
        if n and not isinstance(model, NeuronModel):
            yield f"{n} {what} end on {population.label!r}, a spike source; connect to neurons"
        elif n and projection.receptor not in model.receptors and not _is_dopamine(projection):
            yield (
                f"{model.name} has no receptor {projection.receptor!r}; it has {', '.join(model.receptors)} "
                f"({n} {what} on {population.label!r})"
            )


def _register_problems(network: Network, projection: Projection) -> Iterator[str]:
    """Yield which weights the synapses of chips' neurons cannot hold."""
    made = not isinstance(projection, ProceduralProjection)
    weights = np.asarray(projection.weights) if made else projection.extreme_weights
    for population in network.populations:
        own = getattr(model_named(population.model), "own", None)
        register = own.weights.get(projection.receptor) if own else None
        if register is None:
            continue
        targets = np.asarray(projection.targets if made else projection.rule.post)
        ends_here = (targets >= population.first) & (targets < population.first + population.size)
        if np.any(ends_here) and (not made or weights.shape in ((), targets.shape)):
            values = weights[ends_here] if made and weights.ndim else weights
            rule = projection.plasticity
            if rule is not None and rule.rule != INTEGER_PAIR:
                yield (
                    f"the synapses on {population.label!r} hold whole numbers, and {rule.rule} has real "
                    f"ones; {INTEGER_PAIR} has whole ones"
                )
            yield from register.problems(f"the weight of synapses on {population.label!r}", values)


def _payload_problems(network: Network, projection: Projection) -> Iterator[str]:
    """Yield that only static, stored synapses take spikes with payloads."""
    if isinstance(projection, ProceduralProjection):
        yield from _payloads_of(network, projection.rule.pre, "made anew at each spike")
    elif projection.plasticity is not None:
        yield from _payloads_of(network, projection.sources, "plastic")


def _payloads_of(network: Network, sources: ArrayLike, kind: str) -> Iterator[str]:
    """Yield which populations of the sources of synapses have spikes with payloads."""
    sources = np.asarray(sources)
    for population in network.populations:
        own = getattr(model_named(population.model), "own", None)
        begins_here = (sources >= population.first) & (sources < population.first + population.size)
        if own and own.payload and np.any(begins_here):
            yield (
                f"it is {kind}, and the spikes of {population.label!r} ({population.model}) carry payloads, "
                "which only static synapses that are stored take; use StaticSynapse (and synapses='stored')"
            )


def _rule_problems(network: Network, projection: ProceduralProjection) -> Iterator[str]:
    """Yield what can be known of synapses that are not there: they may end on every target."""
    rule = projection.rule
    for what, numbers in (("source", rule.pre), ("target", rule.post)):
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= network.n_neurons):
            yield (
                f"{what} neurons are numbered {numbers.min()} to {numbers.max()}; the network has "
                f"{network.n_neurons} neurons"
            )
            return
        if np.any(np.diff(numbers) <= 0):
            yield f"{what} neurons of a rule are not ascending and distinct"
    ends = [population.first + population.size for population in network.populations]
    counts = np.bincount(np.searchsorted(ends, rule.post, side="right"), minlength=len(ends))
    yield from _receptor_problems(network, projection, counts, "targets")


def _is_dopamine(projection: Projection) -> bool:
    return projection.plasticity is not None and projection.plasticity.rule == DOPAMINE


def _synapse_problems(projection: Projection) -> Iterator[str]:
    made = not isinstance(projection, ProceduralProjection)
    weights = np.asarray(projection.weights) if made else projection.extreme_weights
    delays = np.asarray(projection.delays) if made else projection.extreme_delays
    for name, column in (("weights", weights), ("delays", delays)):
        if made and column.shape and column.shape != (n_synapses := projection.n_synapses,):
            yield f"{name} has the shape {column.shape}; give one number or {n_synapses} numbers"
    if weights.size and not np.isfinite([weights.min(), weights.max()]).all():
        n_bad = np.count_nonzero(~np.isfinite(weights))
        yield f"{n_bad} of {weights.size} weights are not finite numbers"
    if not np.issubdtype(delays.dtype, np.integer):
        yield f"delays are of type {delays.dtype}; they are whole numbers of steps"
    elif delays.size:
        shortest, longest = projection.delay_range
        if shortest < 1:
            yield f"the smallest delay is {shortest} steps; a spike acts at least one step after its emission"
        elif longest > MAX_DELAY_STEPS:
            yield f"the largest delay is {longest} steps; the limit is {MAX_DELAY_STEPS}"
