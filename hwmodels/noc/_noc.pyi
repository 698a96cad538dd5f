"""Flit-level, cycle-accurate network-on-chip simulation (compiled part)."""

import enum
from typing import Annotated

import numpy
from numpy.typing import NDArray
from typing_extensions import CapsuleType

class RouterKind(enum.Enum):
    credit3 = 0

    credit4 = 1

    credit5 = 2

    handshake = 3

class ArbiterKind(enum.Enum):
    round_robin = 0

    least_recently_served = 1

    oldest_first = 2

class Graph:
    """Routers, ports and links as flat arrays."""

    @staticmethod
    def from_arrays(
        first_port: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        peer: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        terminal: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        link_cycles: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        flit_cycles: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        channel: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        places: Annotated[
            NDArray[numpy.int32], dict(shape=(None, None), order="C", device="cpu", writable=False)
        ],
        terminal_x: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        terminal_y: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        rings: tuple[int, int],
        next_port: Annotated[
            NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> Graph: ...

class Detail(enum.Enum):
    queue = 0

    analytic = 1

class Network:
    """State of one simulated network."""

    def __init__(
        self, graph: Graph, router: RouterKind, buffer_depth: int, arbiter: ArbiterKind, remember: bool
    ) -> None: ...
    def inject(
        self,
        cycle: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        flits: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        joins: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> int: ...
    def advance(self, until: int, max_visits: int) -> bool: ...
    def drain(self, max_visits: int) -> bool: ...
    def take_arrivals(
        self,
    ) -> tuple[
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
    ]: ...
    def face(self) -> CapsuleType: ...
    def paths(
        self,
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        flits: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> tuple[
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
    ]: ...
    def flow_flits(
        self,
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        flits: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        joins: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    def count_links(
        self,
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        joins: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
        kind_of_port: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        n_kinds: int,
    ) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def now(self) -> int: ...
    @property
    def n_packets(self) -> int: ...
    @property
    def n_in_flight(self) -> int: ...
    @property
    def n_visits(self) -> int: ...
    @property
    def n_moves(self) -> int: ...
    @property
    def link_flits(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def launch_cycles(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def arrival_cycles(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def sources(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def destinations(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...

class LinkNetwork:
    """State of one network, simulated with less detail."""

    def __init__(
        self, graph: Graph, router: RouterKind, buffer_depth: int, detail: Detail, remember: bool
    ) -> None: ...
    def inject(
        self,
        cycle: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        flits: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        joins: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> int: ...
    def advance(self, until: int, max_visits: int) -> bool: ...
    def drain(self, max_visits: int) -> bool: ...
    def take_arrivals(
        self,
    ) -> tuple[
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
    ]: ...
    def face(self) -> CapsuleType: ...
    def paths(
        self,
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        flits: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> tuple[
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
    ]: ...
    def flow_flits(
        self,
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        flits: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        joins: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    def count_links(
        self,
        source: Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        destination: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        joins: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
        kind_of_port: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        n_kinds: int,
    ) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def now(self) -> int: ...
    @property
    def n_packets(self) -> int: ...
    @property
    def n_in_flight(self) -> int: ...
    @property
    def n_visits(self) -> int: ...
    @property
    def n_moves(self) -> int: ...
    @property
    def link_flits(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def launch_cycles(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def arrival_cycles(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def sources(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def destinations(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
