"""Plastic projections as the engine takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.backends.native.memory import require_memory
from pycosim.errors import NotSupportedError
from pycosim.network import Network, Plasticity, Projection
from pycosim.network.plasticity import (
    ALL_SITES,
    ALL_TO_ALL_RULES,
    DOPAMINE,
    DOPAMINE_SIGN,
    TIMING_RULES,
    WEIGHT_DEPENDENCES,
)
from pycosim.network.plasticity_checks import require_same_delays
from pycosim.network.short_term import draw_stream, receptor_time_constants
from pycosim.network.validate import validate_projection
from pycosim.random import unsigned

# In the order of the engine's PlasticRule and TimingParameter.
_OTHER_TIMING = tuple(rule for rule in TIMING_RULES if rule not in ALL_TO_ALL_RULES)
_RULES = (*WEIGHT_DEPENDENCES, "TsodyksMarkram", "Quantal", *_OTHER_TIMING, DOPAMINE)
_TIMING = ("post_gain", "pre_gain", "pre_loss", "constant_loss", "w_min", "w_max", "mu_plus", "mu_minus")

Taus = tuple[float, float, float, float]
# Rule, weight dependence, time constants of traces in steps (pre, post, slow pre, slow post), steps from
# update to update, columns of parameters; seed, stream and places of draws.
Model = tuple[int, int, Taus, int, list[NDArray[np.float64]], int, int, NDArray[np.uint32]]
_NO_TAUS = (0.0, 0.0, 0.0, 0.0)


class PlasticProjections:
    """Hands the plastic projections of a network to an engine, and changes to them.

    Parameters
    ----------
    network : Network
    engine : pycosim.backends.native._engine.Engine
    columns : callable
        Gives the engine's columns of a projection.
    n_threads : int
    """

    def __init__(self, network: Network, engine: Any, columns: Any, n_threads: int):
        self._network, self._engine, self._columns = network, engine, columns
        self._n_threads = n_threads
        self._index: list[int] = []
        self._delays: list[NDArray[np.int32]] = []
        self._models: list[Model] = []
        self._n_known = 0
        self.network_grown()

    def network_grown(self) -> None:
        """Hand over the projections that are new in the network; their state begins at the present step."""
        every = self._network.projections
        new = [i for i in range(self._n_known, len(every)) if every[i].plasticity is not None]
        self._n_known = len(every)
        if not new:
            return
        projections, models = [every[i] for i in new], [_model(self._network, i) for i in new]
        require_memory(projections, self._network.n_neurons, self._n_threads)
        self._engine.connect_plastic(
            [self._columns(projection, self._network.receptors) for projection in projections],
            [_dendritic(projection) for projection in projections],
            models,
        )
        self._index += new
        self._models += models
        self._delays += [projection.delay_column() for projection in projections]

    def __contains__(self, projection: int) -> bool:
        return projection in self._index

    def weights(self, projection: int) -> NDArray[np.float64]:
        """Return the present weights of a plastic projection, (n_synapses,) float64."""
        return self._engine.plastic_weights(self._index.index(projection))

    def weights_changed(self, projection: int) -> None:
        """Give the engine the weights of the description."""
        number, described = self._index.index(projection), self._network.projections[projection]
        require_same_delays(described, self._delays[number])
        column = np.ascontiguousarray(described.weight_column(), np.float64)
        self._engine.set_plastic_weights(number, column)

    def parameters_changed(self, projection: int) -> None:
        """Give the engine the parameters of the description.

        Raises
        ------
        NotSupportedError
            If time constants of a timing rule changed, or short-term parameters are no longer equal.
        """
        number, described = self._index.index(projection), self._network.projections[projection]
        validate_projection(self._network, described)
        old, new = self._models[number], _model(self._network, projection)
        _check_change(described, old, new)
        self._engine.set_plastic_model(number, new)
        self._models[number] = new

    def neurons_changed(self, population: int) -> None:
        """Read the time constants of the receptors of a population again."""
        neurons = self._network.populations[population].neurons
        for i in self._index:
            projection = self._network.projections[i]
            if not projection.plasticity.changes_weights and np.any(
                (projection.targets >= neurons.start) & (projection.targets < neurons.stop)
            ):
                self.parameters_changed(i)


def _dendritic(projection: Projection) -> NDArray[np.int32]:
    """Return the dendritic parts of the delays; a short-term rule acts on spikes as they are emitted."""
    plasticity = projection.plasticity
    delays = np.atleast_1d(np.asarray(projection.delays, np.int32))
    if plasticity.rule == DOPAMINE:
        return np.zeros_like(delays)
    return plasticity.dendritic_steps(delays) if plasticity.changes_weights else np.ascontiguousarray(delays)


def _model(network: Network, index: int) -> Model:
    """Return what the synapses of a projection do."""
    projection, dt_ms = network.projections[index], network.dt_ms
    plasticity = projection.plasticity
    places = np.empty(0) if projection.places is None else projection.places
    draws = unsigned(network.seed), draw_stream(index), places.astype(np.uint32)
    if plasticity.changes_weights:
        return *_timing_model(plasticity, dt_ms), *draws
    if plasticity.rule == DOPAMINE:
        sign = _column(DOPAMINE_SIGN[projection.receptor])
        return _RULES.index(DOPAMINE), 0, _NO_TAUS, 1, [sign], *draws
    if plasticity.rule == "TsodyksMarkram":
        p, rule = plasticity.parameters, "TsodyksMarkram"
        own = (np.asarray(receptor_time_constants(network, projection)) / dt_ms, 0.0, 0.0)
    else:
        p, rule = plasticity.quantal_parameters(), "Quantal"
        own = (0.0, p["n"], plasticity.initial.get("a", ALL_SITES))
    taus = (np.asarray(p[name]) / dt_ms for name in ("tau_rec", "tau_facil"))
    columns = [p["U"], *taus, plasticity.initial.get("u", 0.0), *own]
    return _RULES.index(rule), 0, _NO_TAUS, 1, [_column(column) for column in columns], *draws


def _timing_model(
    plasticity: Plasticity, dt_ms: float
) -> tuple[int, int, Taus, int, list[NDArray[np.float64]]]:
    """Return a timing rule without its draws; further columns are in the order of the engine's enums."""
    c = plasticity.coefficients()
    dependence = _RULES.index(plasticity.weight_dependence)
    rule = dependence if plasticity.rule in ALL_TO_ALL_RULES else _RULES.index(plasticity.rule)
    columns: list[ArrayLike] = [c[name] for name in _TIMING]
    slow, update_steps = (0.0, 0.0), 1
    if plasticity.rule == "PfisterSpikeTriplet":
        slow = c["tau_x"], c["tau_y"]
        columns += [c["A3_plus"], c["A3_minus"]]
    elif plasticity.rule == "DopaminePairRule":
        slow = c["tau_c"], c["tau_d"]
        columns += [c["d_base"], dt_ms]
    elif plasticity.rule == "HomeostaticPairRule":
        slow = 0.0, c["tau_rate"]
        update_steps = plasticity.update_steps(dt_ms)
        columns += [c["base_rate"], c["homeo_scale"], 1e3 / c["tau_rate"], c["tau_rate"] / 1e3]
        columns += [update_steps * dt_ms / 1e3]
    elif plasticity.rule == "IntegerPairRule":
        columns += [c["impulse"], c["w_step"]]
    taus = tuple(float(tau) / dt_ms for tau in (c["tau_pre"], c["tau_post"], *slow))
    return rule, dependence, taus, update_steps, [_column(column) for column in columns]


def _column(values: ArrayLike) -> NDArray[np.float64]:
    return np.array(values, np.float64, ndmin=1)


def _check_change(projection: Projection, old: Model, new: Model) -> None:
    """Refuse changes that the engine cannot make while its synapses have state."""
    start = "Set them before the first run, or call reset() first."
    if old[:4] != new[:4]:
        raise NotSupportedError(
            f"Projection {projection.label!r}: the rule, its time constants and its update interval cannot "
            f"change during a simulation, as traces have been computed with them. {start}"
        )
    if projection.plasticity.changes_weights:
        return
    if any(a.size == 1 and b.size > 1 and np.any(b != b[0]) for a, b in zip(old[4], new[4])):
        raise NotSupportedError(
            f"Projection {projection.label!r}: parameters of {projection.plasticity.rule} that were equal "
            f"for all synapses cannot become different during a simulation. {start}"
        )
