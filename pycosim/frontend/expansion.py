"""Turns a PyNN projection, a connector and a synapse type, into columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.connectors import FixedNumberPostConnector, FixedTotalNumberConnector
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels.base import check_weights, excitatory_receptor_types, inhibitory_receptor_types

from pycosim import _core
from pycosim.errors import ConnectivityError
from pycosim.frontend.cells import takes_conductance
from pycosim.frontend.connectivity import connect
from pycosim.frontend.delays import RoundedDelays
from pycosim.frontend.limits import Limits
from pycosim.frontend.memory_need import require_memory
from pycosim.frontend.requests import Connectivity, Request, of_targets
from pycosim.frontend.shared_totals import total_of
from pycosim.frontend.synapse_values import (
    TARGET_BLOCK,
    SynapseValues,
    Values,
    copied_parameters,
)
from pycosim.frontend.value_sources import draws_by_blocks, draws_in_turn, has_lists
from pycosim.memory import FEWER_SYNAPSES
from pycosim.network import Plasticity
from pycosim.parallel import world
from pycosim.random import seed_of, stream_of, unsigned

__all__ = ["Expanded", "check_values", "expand", "requested"]


@dataclass(frozen=True)
class Expanded:
    """The synapses of a projection on cells of this process, as compressed sparse rows by presynaptic index.

    Attributes
    ----------
    indptr : (n_pre + 1,) int64 ndarray
    targets : (n_synapses,) int32 ndarray
        Indices in the projection's postsynaptic cells, ascending within a row.
    weights : float or (n_synapses,) float64 ndarray
        In PyNN units; a number stands for all synapses.
    delays_ms : float, (n_synapses,) float64 ndarray, RoundedDelays or None
        None means the smallest delay.
    plasticity : Plasticity or None
        Columns in the order of the synapses.
    """

    indptr: NDArray[np.int64]
    targets: NDArray[np.int32]
    weights: Values
    delays_ms: Values | RoundedDelays | None
    plasticity: Plasticity | None = None

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return len(self.targets)


def expand(
    projection: Any,
    seed: int,
    stream: int,
    adjust: Callable[[Any, Values, str], Values] | None = None,
    dt_ms: float | None = None,
    remedy: Callable[[Request, ParameterSpace], str] = lambda *asked: FEWER_SYNAPSES,
) -> Expanded:
    """Return the synapses that a PyNN projection asks for.

    Parameters
    ----------
    projection : pyNN.common.Projection
        The numbers of its cells (``int(id)``) are the global numbers of the neurons.
    seed, stream : int
        All that is random comes from these, and from the seeds of the script's own random generators
        (``rng=NumpyRNG(seed=...)`` of the connector or of a distribution).
    adjust : callable, optional
        Called with the projection, its weights before they are checked, and its receptor; returns those to
        use.
    dt_ms : float, optional
        Delays that are drawn may then be given as steps of this length.
    remedy : callable, optional
        Returns what is said to help where the synapses would not fit into memory.

    Raises
    ------
    ConnectivityError
        If the connector cannot connect these cells, or weights or delays are impossible.
    InvalidInputError
        If a parameter of the connector or of the synapse type has an impossible value.
    NotSupportedError
        If the connector needs what pycosim does not have.
    NotEnoughMemoryError
        If the synapses would not fit into memory.
    """
    connector, local = projection._connector, _local(projection)
    request, parameters = requested(projection, seed, stream)
    require_memory(request, parameters, lambda: remedy(request, parameters))
    connectivity = connect(request)
    if isinstance(connector, FixedNumberPostConnector | FixedTotalNumberConnector):  # drawn before the copy
        parameters = _parameters(projection)
    others = None if request.wanted is not None and np.array_equal(request.wanted, local) else local
    in_all = None
    if draws_in_turn(parameters) and not has_lists(parameters):
        in_all = _in_all(request, connectivity, local)
    values = SynapseValues(projection, parameters, connectivity, request.seed, stream, in_all, others)
    weights, delays = values("weight"), values("delay") if dt_ms is None else values.delays(dt_ms)
    weights = 0.0 if weights is None else weights
    if adjust is not None:
        weights = adjust(projection, weights, projection.receptor_type)
    connectivity = of_targets(connectivity, others)
    if connectivity.n_synapses:
        check_values(projection, {"weight": weights, "delay": delays}, signs=connectivity.checked)
    if connector.callback is not None:
        connector.callback(1.0)
    described = getattr(projection.synapse_type, "plasticity", None)
    plasticity = described(values, projection.label) if described else None
    return Expanded(connectivity.indptr, connectivity.targets, weights, delays, plasticity)


def requested(projection: Any, seed: int, stream: int) -> tuple[Request, ParameterSpace]:
    """Return what the connector is asked for, and a copy of the synapse type's parameters.

    Parameters
    ----------
    projection, seed, stream
        See `expand`.
    """
    connector, parameters = projection._connector, _parameters(projection)
    structure = stream_of(stream, "connectivity", seed_of(getattr(connector, "rng", None)))
    wanted = _local(projection)
    # lists are of all synapses; and who passes over others' numbers has to know how many there are
    if has_lists(parameters) or (draws_in_turn(parameters) and world().size == 1):
        wanted = None
    elif draws_by_blocks(parameters):
        wanted = _drawn_with(wanted)
    return Request(connector, projection, unsigned(seed), structure, wanted), parameters


def _in_all(
    request: Request, connectivity: Connectivity, local: NDArray[np.bool_] | None
) -> NDArray[np.int64] | None:
    """Return how many synapses each target has in all processes; None if there is only this one."""
    if world().size == 1:
        return None
    counts = _core.counts_from(np.ascontiguousarray(connectivity.targets, np.int32), 0, request.shape[1])
    if local is not None:
        counts[~local] = 0
    return total_of(request.projection, counts)


def _local(projection: Any) -> NDArray[np.bool_] | None:
    """Return which postsynaptic cells belong to this process; None if all do."""
    mask = projection.post._mask_local
    return None if np.all(mask) else np.array(mask, bool)


def _drawn_with(local: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    """Return the cells whose synapses are drawn together with those of the local ones."""
    if local is None:
        return None
    block = np.arange(len(local)) // TARGET_BLOCK
    return np.bincount(block, local)[block] > 0


def _parameters(projection: Any) -> ParameterSpace:
    """Return a copy of what the synapse type was given, with generators that stand where the script's stand.

    PyNN draws from such a copy: weights and delays do not move the script's generator on.
    """
    return copied_parameters(projection.synapse_type.parameter_space)


def check_values(
    projection: Any, columns: dict[str, Values | RoundedDelays | Limits | None], *, signs: bool = True
) -> None:
    """Refuse impossible weights and delays and, if the connector is safe, what PyNN would refuse.

    Parameters
    ----------
    projection : PyNN projection
    columns : dict of str to float, ndarray, RoundedDelays, Limits or None
        "weight" and "delay", in PyNN units.
    signs : bool
        Whether PyNN checks the signs of weights that the connector makes.

    Raises
    ------
    ConnectivityError
        If any value is impossible.
    """
    found = {name: _extremes(column) for name, column in columns.items() if column is not None}
    for name, limits in found.items():
        if not np.isfinite(limits).all():
            _require(
                projection,
                np.isfinite(np.asarray(columns[name])),
                columns[name],
                f"{name}s must be finite numbers",
            )
    delays = columns["delay"]
    if delays is not None and found["delay"][0] < 0:
        remedy = "delays must not be negative; 'normal_clipped' is a distribution with limits"
        _require(projection, np.asarray(delays) >= 0, delays, remedy)
    if not (projection._connector.safe and signs):
        return
    for name, check in projection.synapse_type.parameter_checks.items():
        if check is check_weights:
            _check_signs(projection, columns["weight"], *found["weight"])
        elif columns.get(name) is not None:
            check(columns[name], projection)


def _check_signs(projection: Any, weights: Values | Limits, smallest: float, largest: float) -> None:
    """Check weights as PyNN's `check_weights` does, and say how many are wrong."""
    values, receptor = np.asarray(weights), projection.receptor_type
    if takes_conductance(projection) or receptor in excitatory_receptor_types:
        rule = "weights must be positive for conductance-based and/or excitatory synapses"
        if smallest < 0:
            _require(projection, values >= 0, weights, rule)
    elif receptor in inhibitory_receptor_types:
        rule = "weights must be negative for current-based, inhibitory synapses"
        if largest > 0:
            _require(projection, values <= 0, weights, rule)
    elif smallest < 0 < largest:
        _require(projection, values >= 0, weights, "weights must be either all positive or all negative")


def _extremes(values: Values | RoundedDelays | Limits) -> tuple[float, float]:
    """Return the smallest and the largest value; nan if any value is."""
    if isinstance(values, RoundedDelays):
        return values.smallest_ms, values.largest_ms
    if isinstance(values, Limits):
        return values.smallest, values.largest
    return _core.extremes(np.ascontiguousarray(values, np.float64).reshape(-1))


def _require(projection: Any, right: Any, values: Values | Limits, rule: str) -> None:
    wrong = ~np.asarray(right)
    if not wrong.any():
        return
    found = np.asarray(values)[wrong]
    how_many = f"{found.size} of {wrong.size} are not" if wrong.ndim else "the value given is not"
    extremes = f"{found.min():g}" if found.size == 1 else f"from {found.min():g} to {found.max():g}"
    if isinstance(values, Limits):
        how_many = f"some of {values.n} are not"
        extremes = f"all are from {values.smallest:g} to {values.largest:g}"
    name = f"Projection {projection.label!r} (receptor {projection.receptor_type!r})"
    raise ConnectivityError(f"{name}: {rule}; {how_many} ({extremes}).")
