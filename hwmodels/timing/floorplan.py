"""Where cores, routers and links lie, in units of a core's edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.description import Noc

__all__ = ["core_positions", "plan_shape", "router_positions"]

Float = NDArray[np.float64]


def plan_shape(noc: Noc) -> tuple[int, int]:
    """Return columns and rows of the floor plan in cores."""
    (columns, rows), (inner_columns, inner_rows) = noc.mesh_shape, noc.cores_per_router.value
    return columns * inner_columns, rows * inner_rows


def core_positions(noc: Noc, cores: NDArray[np.integer]) -> tuple[Float, Float]:
    """Return x and y of cores, both (n,) float64; cores of one router have consecutive numbers."""
    inner_columns = noc.cores_per_router.value[0]
    router, inner = np.divmod(np.asarray(cores, np.int64), noc.cores_per_router.size)
    x, y = _corners(noc, router)
    return x + inner % inner_columns, y + inner // inner_columns


def router_positions(noc: Noc) -> tuple[Float, Float]:
    """Return x and y of all routers in the order of the network-on-chip.

    Routers of the mesh, and tree routers below them, lie in the middle of their cores; core routers on them.
    """
    x, y = _corners(noc, np.arange(noc.n_routers))
    inner_columns, inner_rows = noc.cores_per_router.value
    x_middle, y_middle = x + (inner_columns - 1) / 2, y + (inner_rows - 1) / 2
    if noc.topology != "hierarchy":
        return x_middle, y_middle
    size = noc.cores_per_router.size
    x_cores, y_cores = core_positions(noc, np.arange(noc.n_routers * size))
    # The last core router of each chip is that of the host; it lies in the middle.
    x_leaves = np.column_stack((x_cores.reshape(-1, size), x_middle)).ravel()
    y_leaves = np.column_stack((y_cores.reshape(-1, size), y_middle)).ravel()
    return np.concatenate((x_middle, x_middle, x_leaves)), np.concatenate((y_middle, y_middle, y_leaves))


def _corners(noc: Noc, router: NDArray[np.int64]) -> tuple[Float, Float]:
    """Return x and y of the first core at routers of the mesh."""
    inner_columns, inner_rows = noc.cores_per_router.value
    x, y = noc.place_of_router(router)
    return x * float(inner_columns), y * float(inner_rows)
