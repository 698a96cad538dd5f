"""The carrying of spikes through the cores and the network-on-chip of a chip (compiled part)."""

from typing import Annotated

import numpy
from numpy.typing import NDArray
from typing_extensions import CapsuleType

def serve(
    place: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    arrival: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    service: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    free: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...

class Traffic:
    def __init__(self) -> None: ...
    def use(self, tables: dict, fabric: object) -> None: ...
    def move_places(
        self,
        new_place: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def send(
        self,
        step: int,
        fired: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        step_ps: int,
        begin_ps: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        events_ps: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        fire_at_start: bool,
        relays: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    def receive(
        self,
        numbers: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        times_ps: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> tuple[
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        int,
    ]: ...
    def append(
        self,
        step: int,
        axons: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> int: ...
    def oldest_under_way(self) -> int: ...
    @property
    def encoded(self) -> int: ...
    @encoded.setter
    def encoded(self, arg: int, /) -> None: ...
    @property
    def n_rows(self) -> int: ...
    @property
    def emission_step(self) -> Annotated[NDArray[numpy.int32], dict(shape=(None,))]: ...
    @property
    def axon(self) -> Annotated[NDArray[numpy.int32], dict(shape=(None,))]: ...
    @property
    def emission_ps(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def injection_ps(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def arrival_ps(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,))]: ...
    @property
    def lateness_steps(self) -> Annotated[NDArray[numpy.int32], dict(shape=(None,))]: ...

class Discipline:
    def use(
        self,
        busy_ps: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
        slow_steps: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
        free: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu")],
    ) -> None: ...
    def carry(
        self,
        step: int,
        fired: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> tuple[
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
        Annotated[NDArray[numpy.int64], dict(shape=(None,))],
    ]: ...
    def run(
        self,
        engine: CapsuleType,
        closed: bool,
        only_delay: bool,
        only_receptor: bool,
        keep_synapses: bool,
        n_steps: int,
    ) -> None: ...
    def take_durations(self) -> tuple[Annotated[NDArray[numpy.int64], dict(shape=(None,))], int]: ...
    @property
    def time_ps(self) -> int: ...

class Tick(Discipline):
    def __init__(self, traffic: Traffic, period_ps: int) -> None: ...
    def move_places(
        self,
        new_place: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        n_places: int,
    ) -> None: ...

class Barrier(Discipline):
    def __init__(self, traffic: Traffic, period_ps: int) -> None: ...
    @property
    def barrier_ps(self) -> int: ...
    @barrier_ps.setter
    def barrier_ps(self, arg: int, /) -> None: ...

class Free(Discipline):
    def __init__(self, traffic: Traffic, period_ps: int) -> None: ...
    @property
    def worst_rounding_ps(self) -> int: ...
