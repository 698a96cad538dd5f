"""Between indices of cells, by which connectors connect, and the numbers of neurons in the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim import network
from pycosim.frontend.cells import model_receptor
from pycosim.frontend.expansion import Expanded
from pycosim.frontend.native_cells import models_weights, require_plain_weights
from pycosim.frontend.plastic_synapses import as_magnitudes
from pycosim.frontend.requests import ascend, is_population, numbers_of


def described(
    projection: Any, label: str, expanded: Expanded, delays: int | NDArray[np.int32]
) -> tuple[network.Projection, NDArray[np.int64] | None]:
    """Return what a connector made as columns of the network description.

    Parameters
    ----------
    projection : pycosim.frontend.projections.Projection
    label : str
    expanded : Expanded
        Its targets may become those of the columns.
    delays : int or (n_synapses,) int32 ndarray
        In steps.

    Returns
    -------
    projection : pycosim.network.Projection
    order : (n_synapses,) int64 ndarray or None
        The synapses of `expanded` in the order of the columns; None if it is the same, as where cells ascend.
    """
    indptr, order = expanded.indptr, None
    if ascend(projection.pre) and ascend(projection.post):
        ids, targets = _sources(projection.pre), expanded.targets
        _number(targets, projection.post)
    else:
        numbers, pre = numbers_of(projection.post), numbers_of(projection.pre)
        rows = np.repeat(np.arange(projection.pre.size), np.diff(indptr))
        targets = numbers.astype(np.int32)[expanded.targets]
        order = np.lexsort((targets, pre[rows]))
        ids, which = np.unique(pre, return_inverse=True)
        counts = np.bincount(which, np.diff(indptr), len(ids)).astype(np.int64)
        indptr, targets = np.concatenate([[0], np.cumsum(counts)]), targets[order]
    has_synapses = indptr[1:] > indptr[:-1]
    if not has_synapses.all():
        ids, indptr = ids[has_synapses], np.concatenate([[0], indptr[1:][has_synapses]])
    weights, plasticity = models_weights(projection, _ordered(expanded.weights, order)), expanded.plasticity
    if plasticity is not None:
        require_plain_weights(projection)
        weights = np.array(np.broadcast_to(weights, len(targets)), np.float64)
        parameters = {name: _ordered(value, order) for name, value in plasticity.parameters.items()}
        plasticity = replace(plasticity, parameters=as_magnitudes(projection, parameters))
    columns = network.Projection(
        label=label,
        receptor=model_receptor(projection),
        sources=ids.astype(np.int32, copy=False),
        indptr=indptr,
        targets=targets,
        weights=weights,
        delays=_ordered(delays, order),
        plasticity=plasticity,
    )
    return columns, order


def indices_of(cells: NDArray[np.int32], numbers: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the indices of cells given by global number, (n,) int32; the `numbers` of all ascend."""
    if len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1:
        return cells - np.int32(numbers[0]) if numbers[0] else cells
    return np.searchsorted(numbers, cells).astype(np.int32)


def _sources(cells: Any) -> NDArray[np.integer]:
    """Return the global numbers of cells, as an array that may be kept."""
    if is_population(cells):
        return np.arange(cells.column.first, cells.column.first + cells.column.size, dtype=np.int32)
    return numbers_of(cells)


def _number(indices: NDArray[np.int32], cells: Any) -> None:
    """Put the global numbers of cells in place of their indices; these numbers ascend."""
    if is_population(cells):
        if cells.column.first:
            indices += np.int32(cells.column.first)
        return
    numbers = numbers_of(cells)
    if len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1:
        indices += np.int32(numbers[0])
    else:
        indices[:] = numbers[indices]


def _ordered(values: Any, order: NDArray[np.int64] | None) -> Any:
    return values if order is None or np.ndim(values) == 0 else np.asarray(values)[order]
