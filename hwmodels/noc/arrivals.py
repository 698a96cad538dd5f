"""Arrival cycles of a list of packets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.errors import InvalidInputError
from pycosim.hwmodels.noc.network import Network
from pycosim.hwmodels.noc.topology import Mesh, Topology

__all__ = ["simulate"]

Int64Array = NDArray[np.int64]


def simulate(
    cycle: ArrayLike,
    source: ArrayLike,
    destination: ArrayLike,
    flits: ArrayLike = 1,
    *,
    topology: str | Topology = "mesh",
    shape: tuple[int, int] = (8, 8),
    router: str = "credit3",
    buffer_depth: int = 8,
    arbiter: str = "round_robin",
    detail: str = "cycle",
) -> Int64Array:
    """Return the arrival cycle of each packet of a list.

    Parameters
    ----------
    cycle : (n,) int
        Earliest cycle in which each packet may leave its source queue. In any order: the queue of a source is
        ordered by cycle, packets of the same cycle stay in list order.
    source, destination : (n,) int
        Nodes; node y * columns + x of the mesh stands at (x, y).
    flits : (n,) int or int
        Length of each packet in flits.
    topology : "mesh" or Topology
        A plain mesh of the given `shape`, or any topology object (then `shape` is not used).
    shape : (columns, rows)
        Size of the mesh.
    router, buffer_depth, arbiter, detail
        As for `Network`.

    Returns
    -------
    (n,) int64
        Cycle in which the last flit of each packet arrives, in list order.

    Raises
    ------
    InvalidInputError
        If an argument is unknown, out of range or does not go with the others.

    Examples
    --------
    >>> simulate([0, 0], [0, 1], [3, 3], shape=(4, 4)).tolist()
    [14, 11]
    """
    if isinstance(topology, str):
        topology = _named_topology(topology, shape)
    network = Network(topology, router=router, buffer_depth=buffer_depth, arbiter=arbiter, detail=detail)
    network.inject(cycle, source, destination, flits)
    network.drain()
    return network.arrival_cycles


def _named_topology(name: str, shape: tuple[int, int]) -> Topology:
    if name != "mesh":
        raise InvalidInputError(
            f"Asked for topology {name!r}; the only name known is 'mesh'. "
            "Give topology='mesh' with a shape, or an object such as Mesh(8, 8) or Hierarchy(3, 3)."
        )
    if len(shape) != 2:
        raise InvalidInputError(
            f"Asked for a mesh of shape {shape}; it has {len(shape)} numbers and needs 2. "
            "Give shape=(columns, rows)."
        )
    return Mesh(*shape)
