"""sPyNNaker's connectors that PyNN does not have; those for images are in `image_connectors`.

Each of them returns pairs of indices, and values that go with them, from `pairs`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN.connectors import Connector

from pycosim.errors import ConnectivityError, InvalidInputError
from pycosim.frontend.connectivity import from_pairs
from pycosim.frontend.requests import Request
from pycosim.frontend.simulator import state

Int = NDArray[np.int64]
Pairs = tuple[Int, Int, dict[str, NDArray[np.float64]]]


class PairConnector(Connector, ABC):
    """A connector that gives pairs of indices."""

    @abstractmethod
    def pairs(self, request: Request) -> Pairs:
        """Return sources, targets, and the weights and delays that the connector gives itself."""

    def connect(self, projection: Any) -> None:
        """Give the synapses to what collects those of a projection."""
        sources, targets, values = self.pairs(projection._request)
        projection.take(from_pairs(projection._request, sources, targets, values))


def groups_of(request: Request, per_group: int | None) -> int:
    """Return the size of the groups into which both populations are divided.

    Raises
    ------
    ConnectivityError
        If they are not of the same size, or not made of whole groups.
    """
    n_pre, n_post = request.shape
    size = n_pre if per_group is None else per_group
    if n_pre != n_post or size < 1 or n_pre % size:
        raise ConnectivityError(
            request.problem(
                f"it connects groups of {size} cells with each other; populations of {n_pre} and {n_post} "
                "cells are not both made of as many such groups."
            )
        )
    return size


class AllButMeConnector(PairConnector):
    """Connects each cell of a group with all others of the group, as for winner-take-all.

    Parameters
    ----------
    n_neurons_per_group : int, optional
        By default all cells are one group.
    weights : (n * (n - 1),) sequence of float, optional
        For one group of n cells: all those of its first source, then of the second, and so on.
    """

    parameter_names = ("n_neurons_per_group", "weights")

    def __init__(self, n_neurons_per_group: int | None = None, weights: Any = None, **named: Any):
        super().__init__(**plain_arguments(named))
        self.n_neurons_per_group, self.weights = n_neurons_per_group, weights

    def pairs(self, request: Request) -> Pairs:
        """Return all pairs of different cells within a group."""
        size = groups_of(request, self.n_neurons_per_group)
        n_groups = request.shape[0] // size
        source, target = np.nonzero(~np.eye(size, dtype=bool))
        starts = np.repeat(np.arange(n_groups) * size, len(source))
        values = {}
        if self.weights is not None:
            weights = np.asarray(self.weights, np.float64).ravel()
            if len(weights) != len(source):
                raise InvalidInputError(
                    request.problem(
                        f"{len(weights)} weights were given for {len(source)} synapses of a group."
                    )
                )
            values["weight"] = np.tile(weights, n_groups)
        return starts + np.tile(source, n_groups), starts + np.tile(target, n_groups), values


class OneToOneOffsetConnector(PairConnector):
    """Connects each cell with the one whose index is larger by an offset.

    Parameters
    ----------
    offset : int
    wrap : bool
        Whether the last cells are connected with the first ones.
    n_neurons_per_group : int, optional
        Offsets and wrapping are within groups of this size; by default all cells are one group.
    """

    parameter_names = ("offset", "wrap", "n_neurons_per_group")

    def __init__(self, offset: int, wrap: bool, n_neurons_per_group: int | None = None, **named: Any):
        super().__init__(**plain_arguments(named))
        self.offset, self.wrap, self.n_neurons_per_group = int(offset), wrap, n_neurons_per_group

    def pairs(self, request: Request) -> Pairs:
        """Return each cell, and the one at the offset."""
        size = groups_of(request, self.n_neurons_per_group)
        if abs(self.offset) >= size and size > 1:
            raise ConnectivityError(
                request.problem(f"the offset, {self.offset}, must be smaller than a group, of {size} cells.")
            )
        sources = np.arange(request.shape[0])
        start, place = sources - sources % size, sources % size + self.offset
        inside = np.full(len(sources), True) if self.wrap else (place >= 0) & (place < size)
        return sources[inside], (start + place % size)[inside], {}


def plain_arguments(named: dict[str, Any]) -> dict[str, Any]:
    """Return what PyNN's Connector takes of further arguments; the others steer sPyNNaker's output."""
    for name in ("verbose", "space"):
        if named.pop(name, None):
            state.warn(f"The argument {name} of a connector has no effect here.")
    return named


CONNECTORS: dict[str, type[Connector]] = {
    kind.__name__: kind for kind in (AllButMeConnector, OneToOneOffsetConnector)
}
