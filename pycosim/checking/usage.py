"""What a network is made of, counted for a person to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pycosim.network import Network


@dataclass
class Usage:
    """What a script uses of PyNN.

    Attributes
    ----------
    cell_types, synapse_types, connectors, electrodes, recordings, functions : dict of str to int
        Numbers of neurons (or sources), synapses, projections, sources, cells and calls, by name.
    n_populations, n_neurons, n_sources, n_projections, n_synapses : int
    dt_ms, min_delay_ms, max_delay_ms, duration_ms : float
    """

    cell_types: dict[str, int] = field(default_factory=dict)
    synapse_types: dict[str, int] = field(default_factory=dict)
    connectors: dict[str, int] = field(default_factory=dict)
    electrodes: dict[str, int] = field(default_factory=dict)
    recordings: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    n_populations: int = 0
    n_neurons: int = 0
    n_sources: int = 0
    n_projections: int = 0
    n_synapses: int = 0
    dt_ms: float = 0.0
    min_delay_ms: float = 0.0
    max_delay_ms: float = 0.0
    duration_ms: float = 0.0

    def rows(self) -> list[tuple[str, str]]:
        """Return what is used as pairs of a heading and a text; what is not used is left out."""
        delays = f"{self.min_delay_ms:g} to {self.max_delay_ms:g} ms"
        return [
            (heading, text)
            for heading, text in (
                ("cells", _counted(self.cell_types)),
                ("synapses", _counted(self.synapse_types)),
                ("connectors", _counted(self.connectors)),
                ("electrodes", _counted(self.electrodes)),
                ("recordings", _counted(self.recordings)),
                ("functions", ", ".join(self.functions)),
                (
                    "size",
                    f"{self.n_neurons:,} neurons, {self.n_sources:,} sources, {self.n_synapses:,} synapses",
                ),
                ("delays", delays if self.n_synapses else ""),
                ("time", f"{self.duration_ms:g} ms in steps of {self.dt_ms:g} ms"),
            )
            if text
        ]


def usage_of(network: Network, projections: Sequence[Any], functions: Counter[str], n_steps: int) -> Usage:
    """Return what a network uses.

    Parameters
    ----------
    network : Network
    projections : sequence of pycosim.frontend.projections.Projection
        Those of the network, which know their connectors and synapse types.
    functions : Counter
        Calls of the simulator's functions.
    n_steps : int
        Steps that the script ran.
    """
    cells: Counter[str] = Counter()
    recordings: Counter[str] = Counter()
    for population in network.populations:
        cells[population.model] += population.size
        for variable, recording in population.recordings.items():
            recordings[variable] += len(recording.indices)
    synapses: Counter[str] = Counter()
    for projection in projections:
        synapses[synapse_name(projection.synapse_type)] += projection.column.n_synapses
    shortest, longest = network.delay_range
    n_sources = int(network.source_mask().sum())
    return Usage(
        cell_types=dict(cells),
        synapse_types=dict(synapses),
        connectors=_names(projection._connector for projection in projections),
        electrodes=dict(Counter(current.kind for current in network.currents)),
        recordings=dict(recordings),
        functions=dict(functions),
        n_populations=len(network.populations),
        n_neurons=network.n_neurons - n_sources,
        n_sources=n_sources,
        n_projections=len(network.projections),
        n_synapses=network.n_synapses,
        dt_ms=network.dt_ms,
        min_delay_ms=round(shortest * network.dt_ms, 9),
        max_delay_ms=round(longest * network.dt_ms, 9),
        duration_ms=round(n_steps * network.dt_ms, 9),
    )


def synapse_name(synapse_type: Any) -> str:
    """Return the name of a synapse type, with the parts that it is made of."""
    parts = [
        type(part).__name__
        for part in (
            getattr(synapse_type, which, None)
            for which in ("timing_dependence", "weight_dependence", "voltage_dependence")
        )
        if part is not None
    ]
    name = type(synapse_type).__name__
    return f"{name}({', '.join(parts)})" if parts else name


def _names(things: Iterable[Any]) -> dict[str, int]:
    return dict(Counter(type(thing).__name__ for thing in things))


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count:,})" for name, count in counts.items())
