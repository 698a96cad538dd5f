"""Rewired projections as the engine takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.network import Network, RewiredProjection
from pycosim.network.plasticity import WEIGHT_DEPENDENCES
from pycosim.network.rewiring import RewiredGroup, rewired_groups
from pycosim.random import unsigned

RECEPTORS = ("excitatory", "inhibitory")
# In the order of the engine's TimingParameter; the weight dependences are in that of its PlasticRule.
_TIMING = ("post_gain", "pre_gain", "pre_loss", "constant_loss", "w_min", "w_max", "mu_plus", "mu_minus")


def set_rewiring(network: Network, engine: Any) -> None:
    """Give an engine the rewired projections of a network."""
    if network.rewired:
        projections = [_projection(network, projection) for projection in network.rewired]
        engine.set_rewiring(projections, [_group(network, group) for group in rewired_groups(network)])


def _projection(network: Network, projection: RewiredProjection) -> tuple[Any, ...]:
    p = projection.parameters
    return (
        RECEPTORS.index(projection.receptor),
        *(np.asarray(x).tolist() for x in (projection.candidates, projection.sources, projection.targets)),
        projection.weight_column().tolist(),
        projection.delay_column().tolist(),
        float(p["initial_weight"]),
        *(int(p[name]) for name in ("initial_delay_low", "initial_delay_high", "grid_x", "grid_y")),
        projection.formation_probabilities().tolist(),
        *(float(p[name]) for name in ("threshold", "prob_elim_depressed", "prob_elim_potentiated")),
        _timing(network, projection),
    )


def _timing(network: Network, projection: RewiredProjection) -> tuple[int, float, float, list[float], float]:
    plasticity = projection.plasticity
    if plasticity is None:
        return -1, 1.0, 1.0, [], 1.0
    c = plasticity.coefficients()
    return (
        list(WEIGHT_DEPENDENCES).index(plasticity.weight_dependence),
        float(c["tau_pre"]) / network.dt_ms,
        float(c["tau_post"]) / network.dt_ms,
        [float(c[name]) for name in _TIMING],
        plasticity.dendritic_delay_fraction,
    )


def _group(network: Network, group: RewiredGroup) -> tuple[Any, ...]:
    first = network.rewired[group.members[0]]
    p = first.parameters
    return (
        group.members,
        np.asarray(first.posts).tolist(),
        int(p["s_max"]),
        group.attempts_per_step,
        bool(p["with_replacement"]),
        first.partner_selection == "LastNeuronSelection",
        int(p["spike_buffer_size"]),
        unsigned(network.seed),
        group.stream,
    )


def sorted_synapses(columns: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """Return sources, targets, weights and delays in order of (source, target)."""
    order = np.lexsort((columns[1], columns[0]))
    return tuple(column[order] for column in columns)
