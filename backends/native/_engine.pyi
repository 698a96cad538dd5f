"""The native engine: neurons and synapses of a network, advanced step by step."""

from collections.abc import Sequence
from typing import Annotated

import numpy
from numpy.typing import NDArray
from typing_extensions import CapsuleType

def models() -> list[tuple[str, list[str], list[str]]]:
    """Names of the models, their state variables and constants of one step."""

def register_model(model: object) -> tuple[str, list[str], list[str]]:
    """Makes a model known that another module compiled; its name, state variables and constants."""

class SharedChunks:
    def __init__(
        self,
        memory: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order="C", device="cpu")],
        n_ranks: int,
        rank: int,
        n_words: int,
    ) -> None: ...
    @staticmethod
    def n_needed(n_ranks: int, n_words: int) -> int: ...
    def send(self, engine: Engine) -> None: ...
    def receive(self, engine: Engine) -> int: ...

class Engine:
    def __init__(
        self,
        populations: Sequence[
            tuple[
                str,
                int,
                Sequence[int],
                tuple[int, Sequence[tuple[bool, bool, bool]], int, bool, Sequence[str], Sequence[str]] | None,
            ]
        ],
        core_of_neuron: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        n_threads: int,
        rank: int = 0,
        n_ranks: int = 1,
    ) -> None: ...
    def set_noise(self, seed: int, stream: int) -> None: ...
    def grow(
        self,
        populations: Sequence[
            tuple[
                str,
                int,
                Sequence[int],
                tuple[int, Sequence[tuple[bool, bool, bool]], int, bool, Sequence[str], Sequence[str]] | None,
            ]
        ],
        cores_of_new: Annotated[
            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def connect(
        self,
        projections: Sequence[
            tuple[
                int,
                Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
                Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
                Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
                Annotated[
                    NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
                ],
                Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
            ]
        ],
        rules: Sequence[
            tuple[
                int,
                int,
                int,
                Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
                Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
                float,
                Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
                bool,
                bool,
                tuple[
                    int,
                    int,
                    Annotated[
                        NDArray[numpy.uint32], dict(shape=(None,), order="C", device="cpu", writable=False)
                    ],
                    Annotated[
                        NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
                    ],
                    Annotated[
                        NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
                    ],
                ]
                | None,
                tuple[
                    Annotated[
                        NDArray[numpy.float64],
                        dict(shape=(None, None), order="C", device="cpu", writable=False),
                    ],
                    Annotated[
                        NDArray[numpy.float64],
                        dict(shape=(None, None), order="C", device="cpu", writable=False),
                    ],
                    Annotated[
                        NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
                    ],
                    tuple[
                        int,
                        Annotated[
                            NDArray[numpy.float64],
                            dict(shape=(None,), order="C", device="cpu", writable=False),
                        ],
                        tuple[
                            Annotated[
                                NDArray[numpy.float64],
                                dict(shape=(None,), order="C", device="cpu", writable=False),
                            ],
                            Annotated[
                                NDArray[numpy.int32],
                                dict(shape=(None,), order="C", device="cpu", writable=False),
                            ],
                        ],
                    ]
                    | None,
                ]
                | None,
            ]
            | None
        ] = [],
        values: Sequence[
            tuple[
                tuple[
                    tuple[tuple[int, float, float, float, float], int, int] | None,
                    tuple[
                        Annotated[
                            NDArray[numpy.float64],
                            dict(shape=(None,), order="C", device="cpu", writable=False),
                        ],
                        Annotated[
                            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
                        ],
                    ]
                    | None,
                    float,
                ]
                | None,
                tuple[
                    tuple[tuple[int, float, float, float, float], int, int] | None,
                    tuple[
                        Annotated[
                            NDArray[numpy.float64],
                            dict(shape=(None,), order="C", device="cpu", writable=False),
                        ],
                        Annotated[
                            NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)
                        ],
                    ]
                    | None,
                    float,
                ]
                | None,
                int,
                int,
                Annotated[
                    NDArray[numpy.uint32], dict(shape=(None,), order="C", device="cpu", writable=False)
                ],
            ]
            | None
        ] = [],
        spent: Sequence[bool] = [],
    ) -> None: ...
    def connect_plastic(
        self,
        projections: Sequence[
            tuple[
                int,
                Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
                Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
                Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
                Annotated[
                    NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
                ],
                Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)],
            ]
        ],
        dendritic: Sequence[
            Annotated[NDArray[numpy.int32], dict(shape=(None,), order="C", device="cpu", writable=False)]
        ],
        models: Sequence[
            tuple[
                int,
                int,
                tuple[float, float, float, float],
                int,
                Sequence[
                    Annotated[
                        NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
                    ]
                ],
                int,
                int,
                Annotated[
                    NDArray[numpy.uint32], dict(shape=(None,), order="C", device="cpu", writable=False)
                ],
            ]
        ],
    ) -> None: ...
    def plastic_weights(self, projection: int) -> NDArray[numpy.float64]: ...
    def set_plastic_weights(
        self,
        projection: int,
        weights: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def set_plastic_model(
        self,
        projection: int,
        model: tuple[
            int,
            int,
            tuple[float, float, float, float],
            int,
            Sequence[
                Annotated[
                    NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
                ]
            ],
            int,
            int,
            Annotated[NDArray[numpy.uint32], dict(shape=(None,), order="C", device="cpu", writable=False)],
        ],
    ) -> None: ...
    def set_constants(
        self,
        population: int,
        columns: Sequence[
            Annotated[NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)]
        ],
    ) -> None: ...
    def inject(
        self,
        population: int,
        drive_per_na: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        injections: Sequence[
            tuple[
                int,
                Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
            ]
        ],
    ) -> None: ...
    def couple(
        self,
        neurons: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        drive_per_na: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        offset_na: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        extrapolation: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        indptr: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        partners: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        conductances: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def set_rewiring(
        self,
        projections: Sequence[
            tuple[
                int,
                Sequence[int],
                Sequence[int],
                Sequence[int],
                Sequence[float],
                Sequence[int],
                float,
                int,
                int,
                int,
                int,
                Sequence[float],
                float,
                float,
                float,
                tuple[int, float, float, Sequence[float], float],
            ]
        ],
        groups: Sequence[tuple[Sequence[int], Sequence[int], int, float, bool, bool, int, int, int]],
    ) -> None: ...
    def rewired_synapses(
        self, projection: int
    ) -> tuple[NDArray[numpy.int64], NDArray[numpy.int64], NDArray[numpy.float64], NDArray[numpy.int64]]: ...
    def set_current_values(
        self,
        current: int,
        first_step: int,
        values: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def set_current_noise(
        self, current: int, noise: tuple[float, float, int, int, int, int, int]
    ) -> None: ...
    def set_state(
        self,
        population: int,
        name: str,
        values: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def state(self, population: int, name: str) -> NDArray[numpy.float64]: ...
    def record_spikes(
        self,
        population: int,
        mask: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> None: ...
    def take_spikes(self, population: int) -> tuple[NDArray[numpy.int64], NDArray[numpy.int64]]: ...
    def forget_signals(self, population: int) -> None: ...
    def record_signal(
        self,
        population: int,
        state: str,
        indices: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        origin_step: int,
        interval_steps: int,
        present: Annotated[
            NDArray[numpy.float64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def make_room_for_signals(self, n_steps: int) -> None: ...
    def take_signal(self, population: int, state: str) -> tuple[int, NDArray[numpy.float64]]: ...
    def set_source_spikes(
        self,
        population: int,
        first_step: int,
        last_step: int,
        steps: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        indices: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def draw_inside(
        self, population: int, seed: int, stream: int, rate_per_step: float, first_step: int, last_step: int
    ) -> bool: ...
    def draw_outside(self, population: int) -> None: ...
    def advance(self, n_steps: int) -> None: ...
    def integrate(self, n_steps: int) -> None: ...
    def pack(
        self, chunks: Annotated[NDArray[numpy.uint32], dict(shape=(None,), order="C", device="cpu")]
    ) -> None: ...
    def unpack(
        self,
        chunks: Annotated[
            NDArray[numpy.uint32], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> int: ...
    def sources_needed(self) -> NDArray[numpy.uint8]: ...
    def set_needed(
        self,
        needed: Annotated[NDArray[numpy.uint8], dict(shape=(None,), order="C", device="cpu", writable=False)],
    ) -> None: ...
    @property
    def smallest_delay_steps(self) -> int: ...
    def initial_spikes(self) -> NDArray[numpy.int64]: ...
    def step_deferred(self) -> NDArray[numpy.int64]: ...
    def set_oldest_under_way(self, emission_step: int) -> None: ...
    def deliver_on_time(self) -> None: ...
    def deliver(
        self,
        emission_steps: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        sources: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        cores: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        shifts: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        floors: Annotated[NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)],
        only_delays: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
        only_receptors: Annotated[
            NDArray[numpy.int64], dict(shape=(None,), order="C", device="cpu", writable=False)
        ],
    ) -> None: ...
    def deferred(self) -> CapsuleType: ...
    @property
    def step(self) -> int: ...
    @property
    def started(self) -> bool: ...
    @property
    def n_synapse_bytes(self) -> int: ...
