"""What a backend must offer.

A backend is a package ``pycosim.backends.<name>`` (a folder here, or an entry point in the group
``pycosim.backends``) whose ``__init__`` is cheap to import and has

- ``DESCRIPTION``: one line for listings;
- ``MODELS``: the names of the models of `pycosim.network.MODELS` that it runs;
- ``EQUATIONS``: whether it runs cell types that are defined by equations (may be absent);
- ``OPTIONS``: the names of the options that it takes, of `Options` or its own (a frozenset, may be absent);
- ``STEPWISE``: whether it can be advanced a few steps at a time at little cost, as live input and output need
  it (True if absent);
- ``DISTRIBUTED``: whether it runs on several MPI processes, each of which has the populations of the whole
  network, and those synapses and recordings that belong to its neurons (`pycosim.parallel.Ranks.part`);
  may be absent;
- ``build(network, options) -> Simulation``.

Heavy packages are imported inside ``build``. `pycosim.testing.check_backend` tests all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Options:
    """Options of a run, for every kind of target.

    Attributes
    ----------
    threads : int
        Threads of the native engine; spikes do not depend on it.
    timing : {"ideal", "trace", "closed"}
        Chips only. "ideal": every spike on time; "trace": latencies are found but not fed back;
        "closed": a latency changes when the spike acts.
    arithmetic : {"float", "chip"}
        Chips only.
    speedup : float
        Model time per hardware time; 1 is biological real time.
    mapping : str
        Chips only: how neurons are placed on cores.
    detail : {"cycle", "queue", "analytic"} or None
        Chips only: how the network-on-chip is simulated, see `pycosim.hwmodels.noc.Network`; as the chip's
        description says ("cycle") if None.
    inputs : {"steps", "realtime"}
        Chips with a barrier only: whether external sources keep to the steps of the network, or to the wall
        clock, so that a network whose steps overrun meets them earlier.
    overrides : dict of str to Any
        Values that replace those of a chip's description, by dotted path ("noc.hop_x": "50 ns"), and
        options that only one backend knows ("codegen").
    """

    threads: int = 1
    timing: str = "closed"
    arithmetic: str = "float"
    speedup: float = 1.0
    mapping: str = "sequential"
    detail: str | None = None
    inputs: str = "steps"
    overrides: dict[str, Any] = field(default_factory=dict)


@runtime_checkable
class Simulation(Protocol):
    """A network that has been built and can be advanced.

    The simulation reads the network's columns when it is built. If the front end changes a column
    later it says so by one of the ``*_changed`` methods, and the change acts from the next step on.
    A reset is a new Simulation of the same network.
    """

    step: int
    """Number of steps done; model time is step * dt."""

    # A simulation with its own copy of the static synapses says in an attribute `has_own_synapses` whether
    # that is as the network's columns are now; they may be forgotten then, and are made again when read.

    # A simulation that generates and compiles code while it is advanced may say how long that took, in
    # seconds of wall-clock time, in an attribute `preparation_s`; it then counts as building.

    def advance(self, n_steps: int, progress: Progress | None = None) -> None:
        """Advance by `n_steps`; `progress` is called now and then with the steps done since the last call."""

    def spikes(self, population: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the spikes of a population's neurons that record them: steps, and indices in the population.

        Both (n,) int64, in order of (step, index). Spikes since the start, or since `clear`.
        """

    def signal(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the recorded samples, (n_samples, n_recorded) float64 in PyNN units.

        Row i is the sample of step ``start + i * interval_steps``, where start is the step at which the
        recording began or was last cleared; the first row is the state at that very step (the initial
        value if it is step 0). Columns are in the order of the recording's indices.
        """

    def state(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the present values of a state variable, (size,) float64."""

    def set_state(self, population: int, variable: str, values: NDArray[np.float64]) -> None:
        """Set a state variable of all neurons of a population, (size,) float64, at the present step.

        The sample of the present step has been taken already.
        """

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far; recording goes on.

        The first sample after it is that of the present step, taken again; spikes of the present step
        have been forgotten.
        """

    def parameters_changed(self, population: int) -> None:
        """Read the population's parameters (or spike times) again."""

    def weights_changed(self, projection: int) -> None:
        """Read the projection's weights and delays again."""

    def network_grown(self) -> None:
        """Take over populations and projections that were appended to the network since it was built.

        New neurons begin with their initial values at the present step; new sources, and new synapses,
        carry the spikes of the steps after it. A simulation that cannot grow raises NotSupportedError.
        """

    def currents_changed(self) -> None:
        """Read all currents again: there are new ones, or parameters or targets have changed."""

    def recording_changed(self, population: int) -> None:
        """Read the population's recordings again; a new one starts at the present step."""

    def close(self) -> None:
        """Free what the simulation holds (threads, files)."""


@runtime_checkable
class CoupledSimulation(Simulation, Protocol):
    """A simulation of networks that may have gap junctions.

    A backend that does not offer this refuses such networks with NotSupportedError.
    """

    def junctions_changed(self, junctions: int) -> None:
        """Read the conductances of gap junctions again; they act from the next step on."""


@runtime_checkable
class RewiredSimulation(Simulation, Protocol):
    """A simulation of networks whose synapses may be formed and eliminated.

    A backend that does not offer this refuses such networks with NotSupportedError.
    """

    def rewired_synapses(self, projection: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """Return the present synapses of a rewired projection in order of (source, target), (n,) each.

        They are sources and targets (global numbers, int64), weights (float64) and delays in steps (int64).
        """


@runtime_checkable
class PlasticSimulation(Simulation, Protocol):
    """A simulation of networks whose projections may have a `plasticity`.

    A backend that does not offer this refuses such networks with NotSupportedError.
    """

    def plasticity_changed(self, projection: int) -> None:
        """Read the parameters of a projection's plasticity again; weights and traces stay."""

    def weights(self, projection: int) -> NDArray[np.float64]:
        """Return the present weights of a projection, (n_synapses,) float64 in the order of its columns."""
