"""The state of the PyNN front end: one network under construction or running, shared by all target modules.

PyNN's common classes look for a module with `name`, `state` and `ID`; this is it.
"""

from __future__ import annotations

import atexit
import math
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyNN import common

from pycosim import memory, targets
from pycosim.backends.base import Options, Simulation
from pycosim.errors import InvalidInputError, NotSupportedError, PycosimWarning, ScriptError
from pycosim.frontend.identity import ID as ID
from pycosim.frontend.memory_need import require_memory_of_samples
from pycosim.network import Network, Recording
from pycosim.parallel import Ranks, world

name = "pycosim"

DEFAULT_SEED = 42

# Packages whose calls are not the script's.
_OURS = frozenset({"pycosim", "pyNN"})
# What each message to a simulation is about: a place in `_sizes`.
_PARTS = {
    "parameters_changed": 0,
    "recording_changed": 0,
    "weights_changed": 1,
    "plasticity_changed": 1,
    "junctions_changed": 2,
}


def _sizes(network: Network) -> tuple[int, ...]:
    """Return how many parts of each kind a network has."""
    parts = network.populations, network.projections, network.junctions, network.rewired
    return tuple(len(part) for part in parts)


class Spikes:
    """All spikes of all populations, gathered before the simulation forgets them (clear, reset)."""

    def __init__(self) -> None:
        self.parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self.offset_steps = 0

    def take(self, simulation: Simulation, network: Network, population: int) -> None:
        """Copy the spikes that the simulation holds of one population."""
        steps, indices = simulation.spikes(population)
        self.parts.append((steps + self.offset_steps, indices + network.populations[population].first))

    def columns(self, ranks: Ranks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return steps and global neuron numbers, by (step, neuron); on the first process those of all."""
        none = np.empty(0, np.int64), np.empty(0, np.int64)
        own = tuple(np.concatenate(column) for column in zip(none, *self.parts))
        everyone = ranks.gather(own) or [own]
        steps, neurons = (np.concatenate(column) for column in zip(*everyone))
        order = np.lexsort((neurons, steps))
        return steps[order], neurons[order]


def _depth_of_script() -> int:
    """Return how many calls of pycosim and PyNN lie between the caller of this function and a script."""
    depth, frame = 0, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _OURS:
        depth, frame = depth + 1, frame.f_back
    return depth


class State(common.control.BaseState):
    """What PyNN calls the simulator's state.

    Attributes
    ----------
    network : Network
        The description that the script has built so far.
    simulation : Simulation or None
        The network on its target, once run() has been called.
    ranks : Ranks
        The processes that run the script together.
    observer : object or None
        Set by the runner: options that replace those of setup(), and whether all spikes are kept.
    is_spinnaker : bool
        Whether the script imported the simulator under one of sPyNNaker's names.
    live : pycosim.frontend.live.Hub or None
        What exchanges spikes with other threads and programs while a network runs.
    neurons_per_core : dict of str to int or None
        Most neurons on a core that has neurons of a model, for populations to come.
    synapse_form : str
        One of `pycosim.frontend.procedural.FORMS`.
    time_scale_factor : float
        Wall-clock time per model time that a script wants where spikes come and go while it runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ranks = world()
        self.mpi_rank = self.ranks.rank
        self.num_processes = self.ranks.size
        self.observer: Any = None
        self.is_spinnaker = False
        self.live: Any = None
        self.simulation: Simulation | None = None
        self.is_set_up = False
        self.clear()

    def clear(self) -> None:
        """Forget everything, as setup() does."""
        self._close()
        if self.live is not None:
            self.live.clear()
        self.time_scale_factor = 1.0
        self.neurons_per_core: dict[str, int | None] = {}
        self.target = "native"
        self.synapse_form = "auto"
        self.options = Options()
        self.populations: list[Any] = []
        self.projections: list[Any] = []
        self.modulators: list[Any] = []
        self.recorders = set()
        self.write_on_end = []
        self.network = Network(dt_ms=common.control.DEFAULT_TIMESTEP, seed=DEFAULT_SEED)
        self.requested_min_delay: float | None = None
        self.requested_max_delay: float | None = None
        self.segment_counter = 0
        self.step = 0
        self.running = False
        self.t_start = 0
        self.spikes = Spikes()
        self.seconds = {"build": 0.0, "run": 0.0, "cpu": 0.0, "run_cpu": 0.0}
        self.total_steps = 0
        self.n_known = _sizes(self.network)
        self._delay_range: tuple[int, int] | None = None

    def begin(self, target: str, dt_ms: float, seed: int, options: Options) -> None:
        """Start a new, empty network."""
        self.clear()
        self.target, self.options, self.is_set_up = target, options, True
        self.network = Network(dt_ms=dt_ms, seed=seed)

    # --- what PyNN's common code asks for ---

    @property
    def dt(self) -> float:
        """Length of a step in ms."""
        return self.network.dt_ms

    @property
    def t(self) -> float:
        """Present time in ms, computed from the number of steps."""
        return round(self.step * self.dt, 9)

    @property
    def min_delay(self) -> float:
        """Smallest delay in ms: as given to setup(), else one step, or the network's own once it runs."""
        if self.requested_min_delay is None and self.simulation is not None:
            return round((self._delay_range or self.network.delay_range)[0] * self.dt, 9)
        return self.default_delay

    @property
    def default_delay(self) -> float:
        """Delay in ms of synapses for which none is given."""
        return self.dt if self.requested_min_delay is None else self.requested_min_delay

    @property
    def max_delay(self) -> float:
        """Largest delay in ms: as given to setup(), else the largest in the network."""
        if self.requested_max_delay is not None:
            return self.requested_max_delay
        largest = (self._delay_range or self.network.delay_range)[1]
        return max(self.default_delay, round(largest * self.dt, 9))

    def run(self, simtime: float) -> None:
        """Advance by `simtime` ms."""
        self.run_until(self.t + simtime)

    def run_until(self, tstop: float) -> None:
        """Advance to `tstop` ms, rounded up to whole steps."""
        if not math.isfinite(tstop):
            raise InvalidInputError(f"run() was asked to run until {tstop} ms; give a finite time.")
        self.require_setup("run()")
        n_steps = max(0, math.ceil((tstop - self.step * self.dt) / self.dt - 1e-6))
        self.running = True
        self._check_sources()
        with _stopwatch(self.seconds, "build"):
            simulation = self.built()
            self._find_delay_range()
            self._release_synapses()
        require_memory_of_samples(self.network.populations, n_steps, f"run() for {n_steps} steps")
        if n_steps:
            prepared = getattr(simulation, "preparation_s", 0.0)
            with _stopwatch(self.seconds, "run", "run_cpu"):
                run = self.live.run if self._is_live() else self.advance
                run(n_steps, self._progress(n_steps))
            prepared = getattr(simulation, "preparation_s", 0.0) - prepared
            self.seconds["run"] -= prepared
            self.seconds["build"] += prepared
            self._release_synapses()

    def _release_synapses(self) -> None:
        """Forget the synapses that can be made again, if the simulation does not need them any more."""
        if getattr(self.simulation, "has_own_synapses", False):
            memory.return_freed(sum(projection.release() for projection in self.projections))

    def advance(self, n_steps: int, progress: Callable[[int], None] | None = None) -> None:
        """Advance the simulation, which has been built, by `n_steps`."""
        self.simulation.advance(n_steps, progress)
        self.step += n_steps
        self.total_steps += n_steps

    def _is_live(self) -> bool:
        is_dry = self.observer is not None and self.observer.is_dry
        return self.live is not None and not is_dry and self.live.is_used()

    def _check_sources(self) -> None:
        """Refuse sources whose parameters differ between processes; each draws their spikes itself."""
        if self.ranks.size == 1:
            return
        for population in self.network.populations:
            if not population.is_source:
                continue
            columns = [*population.parameters.values(), population.spike_steps, population.spike_indices]
            content = b"".join(np.asarray(column).tobytes() for column in columns)
            number = zlib.crc32(content)
            lowest, negative = self.ranks.smallest(number, -number)
            if lowest != -negative:
                raise NotSupportedError(
                    f"The parameters of the sources {population.label!r} differ between the "
                    f"{self.ranks.size} MPI processes. Change them on all, with set() of a population or "
                    "view, not cell by cell where a cell is local, and without parallel_safe=False."
                )

    def _find_delay_range(self) -> None:
        """Find the delays of the synapses of all processes; a process alone looks when it is asked."""
        if self.ranks.size > 1:
            present = [p for p in self.network.projections if p.n_synapses]
            lowest, highest = self.network.delay_range if present else (2**62, 1)
            lowest, negative = self.ranks.smallest(lowest, -highest)
            self._delay_range = min(lowest, -negative), -negative

    def reset(self) -> None:
        """Go back to time 0 with the initial state; the network stays."""
        self.keep_spikes()
        self.spikes.offset_steps += self.step
        self._close()
        for population in self.network.populations:
            for recording in population.recordings.values():
                recording.start_step = 0
        self.step = 0
        self.running = False
        self.segment_counter += 1

    # --- building and looking ---

    def require_setup(self, what: str) -> None:
        """Raise ScriptError if the script has not called setup()."""
        if not self.is_set_up:
            raise ScriptError(f"{what} was called before setup(); call setup(timestep=...) first.")

    def require_not_running(self, what: str) -> None:
        """Raise NotSupportedError if a simulation has begun, for what can only be given before it."""
        self.require_setup(what)
        if self.simulation is not None:
            raise NotSupportedError(
                f"{what} after run() is not supported: do it before the first run(), or call reset() first."
            )

    def require_one_process(self, what: str) -> None:
        """Raise NotSupportedError if several processes run the script."""
        if self.num_processes > 1:
            raise NotSupportedError(
                f"{what} is not supported with {self.num_processes} processes; run one process with "
                "several threads."
            )

    def built(self) -> Simulation:
        """Return the simulation, built or grown so that it has all of the network."""
        from pycosim.frontend.neuromodulation import warn_of_unused

        n_now = _sizes(self.network)
        if self.simulation is None:
            if not n_now[0] and self.target not in targets.backends():
                raise InvalidInputError("run() was called on an empty network: create a Population first.")
            self._record_all_spikes()
            warn_of_unused()
            build = targets.build if self.observer is None else self.observer.build
            self.simulation = build(self.target, self.network, self.options)
        elif n_now != self.n_known:
            if n_now[3] != self.n_known[3]:
                raise NotSupportedError(
                    "Adding projections with structural plasticity after run() is not supported: their "
                    "neurons share slots. Create them before the first run(), or call reset() first."
                )
            self._record_all_spikes()
            self.simulation.network_grown()
        self.n_known = n_now
        return self.simulation

    def knows(self, population: int) -> bool:
        """Return whether the population is part of a simulation that has begun."""
        return self.simulation is not None and population < self.n_known[0]

    def tell(self, change: str, number: int) -> None:
        """Tell the simulation of a change; what it does not know yet it will read when it grows.

        Parameters
        ----------
        change : str
            A method of the simulation, one of `_PARTS`.
        number : int
            Of the population, projection or gap junctions.
        """
        known = self.n_known[_PARTS[change]]
        if self.simulation is not None and number < known:
            getattr(self.simulation, change)(number)

    def keep_spikes(self, population: int | None = None) -> None:
        """Gather spikes before the simulation forgets them, if a runner wants all of them."""
        if self.observer is None or self.simulation is None:
            return
        which = range(self.n_known[0]) if population is None else [population]
        for index in which:
            self.spikes.take(self.simulation, self.network, index)

    def warn(self, message: str, *, of_all: bool = True) -> None:
        """Tell the user, once, about something that is done differently from what was asked.

        Parameters
        ----------
        message : str
        of_all : bool
            Whether all processes come to the same conclusion; then only the first one says so.
        """
        if self.ranks.rank == 0 or not of_all:
            warnings.warn(message, PycosimWarning, stacklevel=1 + _depth_of_script())

    def _record_all_spikes(self) -> None:
        """Record all spikes of new populations, if a runner wants them."""
        if self.observer is None or self.observer.is_dry:
            return
        known = self.n_known[0] if self.simulation is not None else 0
        for population in self.network.populations[known:]:
            own = self.ranks.part(population.size)
            population.recordings["spikes"] = Recording(np.arange(own.start, own.stop))

    def _progress(self, n_steps: int) -> Callable[[int], None] | None:
        watched = self.observer is not None and self.ranks.rank == 0
        return self.observer.progress(n_steps) if watched else None

    def _close(self) -> None:
        if self.simulation is not None:
            self.simulation.close()
            self.simulation = None


class _stopwatch:
    """Adds the wall-clock time of a block to one entry, and its CPU time to "cpu" and to other entries."""

    def __init__(self, seconds: dict[str, float], entry: str, *cpu_entries: str):
        self.seconds, self.entry, self.cpu_entries = seconds, entry, ("cpu", *cpu_entries)

    def __enter__(self) -> None:
        self.started = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.entry] += time.perf_counter() - self.started[0]
        cpu_s = time.process_time() - self.started[1]
        for entry in self.cpu_entries:
            self.seconds[entry] += cpu_s


state = State()
atexit.register(state.clear)  # ends the threads of a simulation before Python takes the modules apart
