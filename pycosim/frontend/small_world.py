"""Small-world connectivity: PyNN names the connector, but has no code for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import connectors

from pycosim.errors import NotSupportedError
from pycosim.random import generator


class SmallWorldConnector(connectors.SmallWorldConnector):
    """Connects cells that are nearer than `degree` um, and rewires each synapse with probability `rewiring`.

    A rewired synapse keeps its source; its target is drawn from the cells that this source does not reach.
    With `n_connections`, so many of the near targets of each source are drawn first.
    """

    def __init__(self, degree: float, rewiring: float, *arguments: Any, **named: Any):
        super().__init__(degree, rewiring, *arguments, **named)
        self.degree = degree

    def connect(self, projection: Any) -> None:
        """Say which cells are connected; called with what collects the synapses of a projection."""
        request = projection._request
        if self.allow_self_connections == "NoMutual":
            raise NotSupportedError(
                request.problem("allow_self_connections='NoMutual' has no meaning in a small world.")
            )
        pre, post = (cells.positions.T.astype(np.float64) for cells in (projection.pre, projection.post))
        shape = len(pre), len(post)
        allowed = np.ones(shape, bool)
        if not self.allow_self_connections:
            allowed = request.pre_ids[:, np.newaxis] != request.post_ids
        near = (projection.space.distances(pre, post).reshape(shape) < self.degree) & allowed
        rng = generator(request.seed, request.stream)
        rows = [self._row(rng, *row) for row in zip(near, allowed, strict=True)]
        connected = np.array(rows, bool).reshape(shape)
        projection.take_map(projection, lambda: iter(connected.T))

    def _row(self, rng: np.random.Generator, near: Any, allowed: Any) -> Any:
        """Return which targets one source has."""
        targets = np.flatnonzero(near)
        if self.n_connections is not None and self.n_connections < len(targets):
            targets = rng.choice(targets, self.n_connections, replace=False)
        moved = rng.random(len(targets)) < self.rewiring
        row = np.zeros(len(near), bool)
        row[targets] = True
        free = np.flatnonzero(allowed & ~row)
        n_moved = min(np.count_nonzero(moved), len(free))
        row[targets[moved][:n_moved]] = False
        row[rng.choice(free, n_moved, replace=False)] = True
        return row
