"""Plastic projections as the engine takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import NotSupportedError
from pycosim.network import Network, Projection
from pycosim.network.plasticity import ALL_SITES, WEIGHT_DEPENDENCES
from pycosim.network.plasticity_checks import require_same_delays
from pycosim.network.short_term import draw_stream, receptor_time_constants
from pycosim.network.validate import validate_projection
from pycosim.random import unsigned

# In the order of the engine's PlasticRule and TimingParameter.
_RULES = (*WEIGHT_DEPENDENCES, "TsodyksMarkram", "Quantal")
_TIMING = ("post_gain", "pre_gain", "pre_loss", "constant_loss", "w_min", "w_max", "mu_plus", "mu_minus")

Model = tuple[int, float, float, list[NDArray[np.float64]], int, int, NDArray[np.uint32]]


class PlasticProjections:
    """Hands the plastic projections of a network to an engine, and changes to them.

    Parameters
    ----------
    network : Network
    engine : pycosim.backends.native._engine.Engine
    columns : callable
        Gives the engine's columns of a projection.
    """

    def __init__(self, network: Network, engine: Any, columns: Any):
        self._network, self._engine = network, engine
        self._index = [i for i, p in enumerate(network.projections) if p.plasticity is not None]
        projections = [network.projections[i] for i in self._index]
        self._delays = [projection.delay_column() for projection in projections]
        self._models = [_model(network, i) for i in self._index]
        if projections:
            dendritic = [_dendritic(projection) for projection in projections]
            engine.connect_plastic(
                [columns(projection) for projection in projections], dendritic, self._models
            )

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
    return plasticity.dendritic_steps(delays) if plasticity.changes_weights else np.ascontiguousarray(delays)


def _model(network: Network, index: int) -> Model:
    """Return rule, time constants of traces in steps, parameters; seed, stream and places of draws."""
    projection, dt_ms = network.projections[index], network.dt_ms
    plasticity = projection.plasticity
    places = np.empty(0) if projection.places is None else projection.places
    draws = unsigned(network.seed), draw_stream(index), places.astype(np.uint32)
    if plasticity.changes_weights:
        c = plasticity.coefficients()
        rule = _RULES.index(plasticity.weight_dependence)
        columns = [_column(c[name]) for name in _TIMING]
        return rule, c["tau_pre"] / dt_ms, c["tau_post"] / dt_ms, columns, *draws
    if plasticity.rule == "TsodyksMarkram":
        p, rule = plasticity.parameters, "TsodyksMarkram"
        own = (np.asarray(receptor_time_constants(network, projection)) / dt_ms, 0.0, 0.0)
    else:
        p, rule = plasticity.quantal_parameters(), "Quantal"
        own = (0.0, p["n"], plasticity.initial.get("a", ALL_SITES))
    taus = (np.asarray(p[name]) / dt_ms for name in ("tau_rec", "tau_facil"))
    columns = [p["U"], *taus, plasticity.initial.get("u", 0.0), *own]
    return _RULES.index(rule), 0.0, 0.0, [_column(column) for column in columns], *draws


def _column(values: ArrayLike) -> NDArray[np.float64]:
    return np.array(values, np.float64, ndmin=1)


def _check_change(projection: Projection, old: Model, new: Model) -> None:
    """Refuse changes that the engine cannot make while its synapses have state."""
    start = "Set them before the first run, or call reset() first."
    if old[1:3] != new[1:3]:
        raise NotSupportedError(
            f"Projection {projection.label!r}: time constants of an STDP rule cannot change during a "
            f"simulation, as traces have been computed with them. {start}"
        )
    if projection.plasticity.changes_weights:
        return
    if any(a.size == 1 and b.size > 1 and np.any(b != b[0]) for a, b in zip(old[3], new[3])):
        raise NotSupportedError(
            f"Projection {projection.label!r}: parameters of {projection.plasticity.rule} that were equal "
            f"for all synapses cannot become different during a simulation. {start}"
        )
