"""The result of running one script on one target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import neo
import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError
from pycosim.results.hardware import HardwareRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PopulationInfo:
    """A population as the comparison sees it.

    Attributes
    ----------
    label, model : str
    size, first : int
        Number of neurons, and the global number of the first.
    is_source : bool
        Whether it is a spike source.
    """

    label: str
    model: str
    size: int
    first: int
    is_source: bool


@dataclass
class RunResult:
    """What one script did on one target.

    Attributes
    ----------
    target : str
        As asked for, for example "loihi" or "loihi[timing=trace]".
    error : Exception or None
        Why the run failed; what was computed before is in the other attributes.
    dt_ms, duration_ms : float
    populations : list of PopulationInfo
    spike_steps, spike_neurons : (n,) int64 ndarray
        All spikes of all populations, ordered by (step, neuron); neurons by global number.
    blocks : mapping of str to neo.Block
        What the script recorded, by population label.
    hardware : HardwareRecord or None
        Only on chips.
    seconds : dict of str to float
        Wall-clock seconds of "build" and "run", and CPU seconds "cpu" of both and "run_cpu" of the run.
    notes : list of str
        Warnings and remarks, once each.
    n_synapses : int
    options : dict
        Seed, options and overrides as used.
    log : str
        What the script printed, if that was kept.
    """

    target: str
    error: Exception | None = None
    dt_ms: float = 0.1
    duration_ms: float = 0.0
    populations: list[PopulationInfo] = field(default_factory=list)
    spike_steps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    spike_neurons: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    blocks: Mapping[str, neo.Block] = field(default_factory=dict)
    hardware: HardwareRecord | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n_synapses: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    log: str = ""

    def neurons(self) -> NDArray[np.int64]:
        """Return the global numbers of all neurons that are not spike sources."""
        ranges = [np.arange(p.first, p.first + p.size) for p in self.populations if not p.is_source]
        return np.concatenate(ranges) if ranges else np.empty(0, np.int64)

    def population_energy(self) -> pd.DataFrame:
        """Return the energy on the chip by population and cause, in joules, by the populations' labels.

        Raises
        ------
        InvalidInputError
            If the target is not a chip.
        """
        if self.hardware is None:
            raise InvalidInputError(f"{self.target} is not a chip: nothing is known of its energy.")
        return self.hardware.population_energy([population.label for population in self.populations])
