"""Which projections need not be kept, because the same synapses can be made again, and how."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import copy, deepcopy
from numbers import Real
from typing import Any

import numpy as np
from pyNN import connectors as pynn
from pyNN.random import NativeRNG, NumpyRNG, RandomDistribution
from pyNN.space import Space

from pycosim import _core, network
from pycosim.errors import PycosimWarning
from pycosim.frontend import simulator
from pycosim.frontend.delays import RoundedDelays
from pycosim.frontend.dialects import negative_inhibition
from pycosim.frontend.distances import keep_distances
from pycosim.frontend.expansion import expand
from pycosim.frontend.numbering import described
from pycosim.frontend.requests import ascend
from pycosim.frontend.row_rules import is_constant
from pycosim.frontend.shared_totals import kept_total
from pycosim.frontend.synapse_values import copied_parameters, is_text
from pycosim.random import draws_itself

# Fewer pairs of cells are not worth the time to make their synapses twice.
SMALLEST = 2**16

# What these connect depends on nothing that a script may change later, but for generators and positions.
_CONNECTORS = {
    connector.connect
    for connector in (
        pynn.AllToAllConnector,
        pynn.OneToOneConnector,
        pynn.FixedProbabilityConnector,
        pynn.FixedNumberPreConnector,
        pynn.FixedNumberPostConnector,
        pynn.FixedTotalNumberConnector,
        pynn.DistanceDependentProbabilityConnector,
    )
}


def remaker(projection: Any, label: str, seed: int, stream: int) -> Callable[[], network.Projection] | None:
    """Return what makes the synapses of a projection again, once; None if they could become others.

    It is asked for before the synapses are made, as that moves random generators on.

    Parameters
    ----------
    projection : pycosim.frontend.projections.Projection
    label : str
        That of the network description.
    seed, stream : int
        As for `pycosim.frontend.expansion.expand`.
    """
    if not _can_be_remade(projection):
        return None
    as_it_was, dt_ms = _as_it_is(projection), simulator.state.dt

    def make() -> network.Projection:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PycosimWarning)  # all was said when they were made first
            expanded = expand(as_it_was, seed, stream, negative_inhibition, dt_ms)
        delays = expanded.delays_ms
        if isinstance(delays, RoundedDelays):
            steps = delays.steps
        elif np.ndim(delays):  # they are looked at where setup() has other limits by now
            steps = _core.delay_steps(delays, dt_ms)[0]
        else:
            steps = 1  # the description has kept what they all are
        return described(as_it_was, label, expanded, steps)[0]

    return make


def _can_be_remade(projection: Any) -> bool:
    state, connector = simulator.state, projection._connector
    if state.target != "native" or state.is_spinnaker or state.synapse_form == "stored":
        return False
    n_pre, n_post = projection.shape
    if n_pre * n_post < SMALLEST or getattr(projection.synapse_type, "plasticity", None):
        return False
    if type(connector).connect not in _CONNECTORS or connector.callback is not None:
        return False
    if not isinstance(getattr(connector, "p_connect", 1.0), Real):
        return False
    if not isinstance(getattr(connector, "d_expression", ""), str):
        return False
    if _has_distances(projection) and type(projection.space).distances is not Space.distances:
        return False
    distributions = [connector, getattr(connector, "n", None)]
    for _, array in projection.synapse_type.parameter_space.items():
        base = array.base_value
        if isinstance(base, RandomDistribution) and not array.operations:
            distributions.append(base)
        elif is_text(base) and not array.operations:
            continue
        elif base is not None and not is_constant(copy(array), projection.shape):
            return False
    rngs = [getattr(distribution, "rng", None) for distribution in distributions]
    if not all(rng is None or type(rng) is NumpyRNG or isinstance(rng, NativeRNG) for rng in rngs):
        return False
    return all(ascend(cells) for cells in (projection.pre, projection.post))


def _has_distances(projection: Any) -> bool:
    """Return whether the synapses depend on where the cells are."""
    parameters = projection.synapse_type.parameter_space.items()
    return hasattr(projection._connector, "d_expression") or any(is_text(p.base_value) for _, p in parameters)


def _as_it_is(projection: Any) -> Any:
    """Return a projection with positions and generators of its own as they are now.

    Generators that are shared are still shared.
    """
    own: dict[int, NumpyRNG] = {}

    def as_it_is(drawing: Any) -> Any:
        drawing, rng = copy(drawing), getattr(drawing, "rng", None)
        if type(rng) is NumpyRNG and draws_itself(rng):
            if id(rng) not in own:
                own[id(rng)] = deepcopy(rng)
            drawing.rng = own[id(rng)]
        if isinstance(drawing, RandomDistribution):
            drawing.parameters = deepcopy(drawing.parameters)
        return drawing

    kept_total(projection)
    result = copy(projection)
    if _has_distances(projection):
        keep_distances(result, projection)
    result._connector = as_it_is(projection._connector)
    if isinstance(getattr(result._connector, "n", None), RandomDistribution):
        result._connector.n = as_it_is(result._connector.n)
    result.synapse_type = copy(projection.synapse_type)
    parameters = result.synapse_type.parameter_space = copied_parameters(
        projection.synapse_type.parameter_space
    )
    for name, array in projection.synapse_type.parameter_space.items():
        if isinstance(array.base_value, RandomDistribution):
            parameters[name].base_value = as_it_is(array.base_value)
    return result
