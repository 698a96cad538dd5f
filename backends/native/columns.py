"""What the engine is given of a network: populations, projections and cores as plain columns."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.backends.native import MODELS, _engine
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.network import (
    Network,
    NeuronModel,
    Population,
    ProceduralProjection,
    Projection,
    SourceModel,
    model_named,
)
from pycosim.network.models import Coefficients
from pycosim.parallel import world

_CONSTANTS = {model: constants for model, _, constants in _engine.models()}
# In the order of the engine's MembraneRule.
_RULES = ("exact", "mean", "AdExp", "Izk")


def constants_of(model: NeuronModel, coefficients: Coefficients) -> list[str]:
    """Return the names of a model's constants in the order in which the engine takes them."""
    if model.composition is None:
        return _CONSTANTS[model.name]
    return [name for name in coefficients if name != "drive_per_na"]


def of_a_step(model: NeuronModel, coefficients: Coefficients) -> Coefficients:
    """Return the coefficients as the engine takes them.

    Its models with conductances have no `dt_over_cm`: conductances and currents are in units of what they do
    in a step.
    """
    if model.composition is not None or "dt_over_cm" not in coefficients:
        return coefficients
    scaled = {
        name: value * coefficients["dt_over_cm"]
        for name, value in coefficients.items()
        if name in ("g_leak", "drive", "drive_per_na") or name.startswith("mean_")
    }
    return coefficients | scaled


def _learn(model: NeuronModel) -> None:
    """Let the engine know a model that has an update of its own."""
    if model.name in _CONSTANTS:
        return
    for compiled in import_module(model.own.native).models():
        name, _, constants = _engine.register_model(compiled)
        _CONSTANTS[name] = constants


def populations_for_engine(network: Network, populations: list[Population]) -> list[tuple[Any, ...]]:
    """Return model, size, numbers of receptors and parts of populations as the engine takes them."""
    receptors = network.receptors
    return [
        _engine_population(population, model_named(population.model), receptors, network.dt_ms)
        for population in populations
    ]


def _engine_population(
    population: Population, model: NeuronModel | SourceModel, receptors: tuple[str, ...], dt_ms: float
) -> tuple[Any, ...]:
    if isinstance(model, SourceModel):
        return "", population.size, [], None
    if model.own:
        if model.own.payload and world().size > 1:
            raise NotSupportedError(
                f"{population.label!r} ({model.name}) on {world().size} processes: payloads of spikes are "
                "not exchanged between them. Run it on one process, with threads."
            )
        _learn(model)
    parts = None
    if model.composition is not None:
        composition = model.composition
        constants = constants_of(model, model.coefficients(population.parameters, dt_ms))
        responses = [(r.conductance, r.rises, r.receptor is None) for r in composition.responses]
        rule, states = _RULES.index(composition.rule), list(model.states)
        parts = rule, responses, composition.n_thresholds, model.is_stochastic, states, constants
    return model.name, population.size, [receptors.index(name) for name in model.receptors], parts


def check_models(network: Network) -> None:
    """Refuse models that the engine does not have.

    Raises
    ------
    NotSupportedError
        If there is one.
    """
    unknown = sorted({population.model for population in network.populations if not _knows(population.model)})
    if unknown:
        raise NotSupportedError(
            f"Cell type {', '.join(unknown)} is not supported by the native backend. "
            f"Supported: {', '.join(sorted(MODELS))}."
        )


def _knows(name: str) -> bool:
    """Return whether the engine has a model; it runs all that are composed, or bring their own code."""
    model = model_named(name)
    return name in MODELS or bool(getattr(model, "composition", None) or getattr(model, "own", None))


def core_column(network: Network, core_of_neuron: ArrayLike | None) -> NDArray[np.int32]:
    """Return the core of each neuron as the engine takes it, empty where synapses are not split by core.

    Raises
    ------
    InvalidInputError
        If there is not one core for each neuron.
    """
    if core_of_neuron is None:
        return np.empty(0, np.int32)
    column = np.ascontiguousarray(core_of_neuron, np.int32)
    if column.shape != (network.n_neurons,):
        raise InvalidInputError(
            f"Splitting synapses by core: core_of_neuron has the shape {column.shape}; "
            f"one core is needed for each of the {network.n_neurons} neurons and sources."
        )
    return column


def projection_for_engine(
    projection: Projection, receptors: tuple[str, ...]
) -> tuple[int, *tuple[NDArray, ...]]:
    """Return the columns of a projection as the engine takes them; one number stands for equal values."""
    if isinstance(projection, ProceduralProjection):
        columns = [], [], projection.extreme_weights[:1], projection.extreme_delays
    else:
        columns = projection.indptr, projection.targets, projection.weights, projection.delays
    indptr, targets, weights, delays = columns
    return (
        receptors.index(projection.receptor) if projection.receptor in receptors else 0,  # dopamine: anywhere
        np.ascontiguousarray(projection.sources, np.int32),
        np.ascontiguousarray(indptr, np.int64),
        np.ascontiguousarray(targets, np.int32),
        np.atleast_1d(np.ascontiguousarray(weights, np.float64)),
        np.atleast_1d(np.ascontiguousarray(delays, np.int32)),
    )


def rule_for_engine(projection: Projection) -> tuple[object, ...] | None:
    """Return the rule by which a projection's rows are made at each spike; None if they are stored."""
    return projection.rule.for_engine() if isinstance(projection, ProceduralProjection) else None


def values_for_engine(projection: Projection) -> tuple[object, ...] | None:
    """Return what draws weights or delays of such rows; None if they are stored, or equal."""
    return projection.values_for_engine() if isinstance(projection, ProceduralProjection) else None
