"""What delta cells receive: sPyNNaker records it as gsyn_exc and gsyn_inh, in mV, though it is no state.

The value of a step is the sum of the weights that arrive at it, computed from the spikes of the whole network
when it is asked for. That needs synapses that do not change, and spikes that arrive on time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import NotSupportedError
from pycosim.frontend.simulator import state
from pycosim.network import Projection, Recording

MODEL = "IF_curr_delta"
RECEPTORS = {"gsyn_exc": "excitatory", "gsyn_inh": "inhibitory"}
UNIT = "mV"

Int = NDArray[np.int64]


def records_inputs(model: str, variable: str) -> bool:
    """Return whether a variable is the input of delta cells, which sPyNNaker scripts record."""
    return state.is_spinnaker and model == MODEL and variable in RECEPTORS


def samples(population: Any, variable: str, recording: Recording) -> NDArray[np.float64]:
    """Return the samples of a recording up to the present step, (n_samples, n_recorded) float64, in mV.

    Raises
    ------
    NotSupportedError
        If synapses onto the population change by themselves, or a chip may deliver spikes late.
    """
    chip = getattr(state.simulation, "chip", None)
    may_be_late = chip is not None and chip.chip.discipline != "barrier"
    if may_be_late and state.options.timing == "closed":
        raise NotSupportedError(
            f"Recording {variable} of the delta cells {population.label!r} on {state.target}: with "
            "timing='closed' spikes may act late, which this does not see. Use timing='ideal', or record v."
        )
    n_steps = state.step - recording.start_step + 1
    received = np.zeros((n_steps, population.size))
    for projection in state.network.projections:
        if projection.receptor == RECEPTORS[variable]:
            _add(received, projection, population, recording.start_step)
    return received[:: recording.interval_steps, recording.indices]


def _add(received: NDArray[np.float64], projection: Projection, population: Any, first_step: int) -> None:
    """Add what arrives through one projection from `first_step` on."""
    column = population.column
    here = (projection.targets >= column.first) & (projection.targets < column.first + column.size)
    if not here.any():
        return
    if projection.plasticity is not None:
        raise NotSupportedError(
            f"Recording the input of the delta cells {population.label!r}: the synapses of projection "
            f"{projection.label!r} change by themselves. Record v."
        )
    sources = projection.source_column()[here]
    steps, neurons = _spikes(np.unique(sources))
    first, last = (np.searchsorted(sources, neurons, side) for side in ("left", "right"))
    synapses = np.repeat(first - np.cumsum(last - first) + (last - first), last - first)
    synapses += np.arange(len(synapses))
    arrival = np.repeat(steps, last - first) + projection.delay_column()[here][synapses] - first_step
    seen = (arrival >= 0) & (arrival < len(received))
    targets = projection.targets[here][synapses] - column.first
    np.add.at(received, (arrival[seen], targets[seen]), projection.weight_column()[here][synapses][seen])


def _spikes(sources: Int) -> tuple[Int, Int]:
    """Return steps and global numbers of the spikes of some neurons since the last reset."""
    if state.ranks.size > 1:
        raise NotSupportedError(
            "Recording the input of delta cells (gsyn) on several MPI processes: none has the spikes of all "
            "sources. Record v, or use one process."
        )
    kept_steps, kept_neurons = state.spikes.columns(state.ranks)
    parts = [(kept_steps - state.spikes.offset_steps, kept_neurons)]
    for number, population in enumerate(state.network.populations):
        if np.any((sources >= population.first) & (sources < population.first + population.size)):
            steps, indices = state.simulation.spikes(number)
            parts.append((steps, indices + population.first))
    steps, neurons = (np.concatenate(column) for column in zip(*parts))
    wanted = np.isin(neurons, sources) & (steps >= 0)
    return steps[wanted], neurons[wanted]
