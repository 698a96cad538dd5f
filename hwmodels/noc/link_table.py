"""The links of a network as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LinkTable"]

Int64Array = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LinkTable:
    """The links of a network, in the order of `Network.link_flits`.

    First the links that leave routers, by router and port, then those from terminals into routers, by
    terminal.

    Attributes
    ----------
    from_router, to_router : (n_links,) int64
        Routers at the ends, -1 where the end is a terminal.
    from_terminal, to_terminal : (n_links,) int64
        Terminals at the ends, -1 where the end is a router.
    cycles : (n_links,) int64
        Traversal time in cycles.
    flit_cycles : (n_links,) int64
        Least spacing of two flits in cycles.
    line : (n_links,) int64
        Serial line that the link shares with others of the same number, -1 if it shares none.
    """

    from_router: Int64Array
    to_router: Int64Array
    from_terminal: Int64Array
    to_terminal: Int64Array
    cycles: Int64Array
    flit_cycles: Int64Array
    line: Int64Array

    def __len__(self) -> int:
        """Return the number of links."""
        return len(self.from_router)
