"""How alike two runs are as a whole: correlation of rates, and distances between spike trains."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from pycosim.comparison.spikes import neuron_spikes
from pycosim.errors import InvalidInputError
from pycosim.results import RunResult

DISTANCES = ("van_rossum", "victor_purpura")


def spike_counts(result: RunResult) -> NDArray[np.int64]:
    """Return the number of spikes of each neuron that is not a source, (n_neurons,) int64."""
    neurons = result.neurons()
    counts = np.bincount(neuron_spikes(result)[1], minlength=int(neurons.max(initial=-1)) + 1)
    return counts[neurons].astype(np.int64)


def rate_correlation(reference: RunResult, target: RunResult) -> float:
    """Return Pearson's correlation of the neurons' mean rates in two runs.

    It is 1 where every neuron keeps its rate, whatever the single spikes do; nan where all neurons of a
    run have the same rate.
    """
    first, second = spike_counts(reference), spike_counts(target)
    if len(first) != len(second) or len(first) < 2 or first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def spike_train_distances(
    reference: RunResult, target: RunResult, kind: str = "van_rossum", *, tau_ms: float = 10.0
) -> NDArray[np.float64]:
    """Return the distance between each neuron's two spike trains, (n_neurons,) float64, by elephant.

    Parameters
    ----------
    kind : {"van_rossum", "victor_purpura"}
        The metric of van Rossum (2001), with time constant `tau_ms`; or that of Victor and Purpura (1996),
        where shifting a spike by `tau_ms` costs as much as removing it.
    tau_ms : float
        Differences in time much shorter than this count little.

    Raises
    ------
    InvalidInputError
        If there is no such distance.
    """
    if kind not in DISTANCES:
        raise InvalidInputError(
            f"Spike-train distance {kind!r}: there is none; choose from {', '.join(DISTANCES)}."
        )
    import quantities as pq

    elephant = _imported_elephant()

    def distance(pair: list) -> float:
        if kind == "van_rossum":
            return elephant.van_rossum_distance(pair, time_constant=tau_ms * pq.ms)[0, 1]
        return elephant.victor_purpura_distance(pair, cost_factor=1 / (tau_ms * pq.ms))[0, 1]

    pairs = zip(_trains(reference), _trains(target), strict=True)
    return np.array([distance([first, second]) for first, second in pairs], float)


def _imported_elephant() -> ModuleType:
    """Return elephant's module of distances, also where mpi4py is installed without an MPI library.

    elephant takes mpi4py if it is there, and expects it to work.
    """
    try:
        return import_module("elephant.spike_train_dissimilarity")
    except RuntimeError as error:
        if "MPI" not in str(error) or "mpi4py" not in sys.modules:
            raise
        broken = sys.modules["mpi4py"]
        sys.modules["mpi4py"] = None  # makes elephant's import raise ImportError, for which it is prepared
        try:
            return import_module("elephant.spike_train_dissimilarity")
        finally:
            sys.modules["mpi4py"] = broken


def _trains(result: RunResult) -> list:
    """Return a Neo spike train for each neuron that is not a source."""
    import neo

    steps, neurons = neuron_spikes(result)
    order = np.lexsort((steps, neurons))
    steps, neurons = steps[order], neurons[order]
    numbers = result.neurons()
    starts, ends = np.searchsorted(neurons, numbers), np.searchsorted(neurons, numbers, "right")
    stop = max(result.duration_ms, (steps.max(initial=0) + 1) * result.dt_ms)
    return [
        neo.SpikeTrain(steps[start:end] * result.dt_ms, units="ms", t_stop=stop)
        for start, end in zip(starts, ends, strict=True)
    ]
