"""Structural plasticity: Python functions that run between Brian2's own operations of a step.

Brian2's Synapses cannot get another source while they run. The slots of the neurons are therefore those of
the reference backend, and Brian2 has the neurons: at the place in the schedule where synapses act, what the
slots transmit is added to the variables of the neurons' receptors, and at the end of a step the slots are
told who fired.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2.plan import HELD_UNTIL
from pycosim.backends.reference.rewiring import RECEPTORS, rewired_synapses
from pycosim.errors import NotSupportedError
from pycosim.network import Network, model_named

Int = NDArray[np.int64]
Float = NDArray[np.float64]


def require_python(network: Network, codegen: str | None) -> str | None:
    """Return the kind of code for a network, which Python functions must be able to change if it is rewired.

    Raises
    ------
    NotSupportedError
        If a kind was asked for which runs no Python.
    """
    if not network.rewired:
        return codegen
    if codegen == "cpp_standalone":
        labels = ", ".join(repr(projection.label) for projection in network.rewired)
        raise NotSupportedError(
            f"Structural plasticity (of {labels}) is not supported by Brian2's C++ standalone mode: Brian2 "
            "cannot move a synapse while it runs, so a Python function does, and a standalone program runs "
            "none. Use codegen='numpy' or 'cython', or native."
        )
    return codegen or "numpy"


class Rewired:
    """The rewired projections of a network, called by an engine in every step.

    Parameters
    ----------
    network : Network
    names : list of str
        Of the populations.
    """

    def __init__(self, network: Network, names: list[str]):
        self._network, self._names = network, names
        self._groups = rewired_synapses(network)
        self._n_known, self._is_started, self._step = len(network.rewired), False, 0
        self._arrivals: dict[int, dict[tuple[int, int], float]] = defaultdict(dict)

    def require_same(self) -> None:
        """Refuse a network that got more rewired projections while it ran.

        Raises
        ------
        NotSupportedError
            If it did.
        """
        if len(self._network.rewired) != self._n_known:
            raise NotSupportedError(
                "Brian2: structural plasticity cannot begin while a network runs. Connect before the first "
                "run."
            )

    def candidates(self) -> set[int]:
        """Return the populations that synapses may be formed from."""
        numbers = [np.asarray(projection.candidates) for projection in self._network.rewired]
        of_neuron = self._network.population_of_neuron()
        return {int(index) for column in numbers for index in np.unique(of_neuron[column])}

    def begin(self, step: int, program: Any) -> None:
        """Let act what acts at `step`, with the neurons of `program`."""
        if not self._is_started:
            self._is_started = True
            for group in self._groups:
                group.emit(0, self._counts(program), self._arrive)
        self._step = step
        for group in self._groups:
            group.arrive(step, self._arrive)
        sums = np.zeros((len(RECEPTORS), self._network.n_neurons))
        for place, weight in self._arrivals.pop(step, {}).items():
            sums[place] = weight
        for name, population in zip(self._names, self._network.populations):
            own = sums[:, population.neurons.start : population.neurons.stop]
            if name in program.groups and own.any():
                self._add(program.groups[name].variables, population.model, own, step)

    @staticmethod
    def _add(variables: Any, model_name: str, sums: Float, step: int) -> None:
        model = model_named(model_name)
        for receptor, amounts in zip(RECEPTORS, sums):
            if not amounts.any():
                continue
            state = model.receptors[receptor]
            factor = variables[model.jumps[receptor]].get_value() if receptor in model.jumps else 1.0
            if state == "v":
                factor = step > variables[HELD_UNTIL].get_value()
            variables[state].set_value(variables[state].get_value() + amounts * factor)

    def end(self, step: int, program: Any) -> None:
        """Take note of who fired at `step`, form synapses, and eliminate some."""
        counts = self._counts(program)
        for group in self._groups:
            group.emit(step, counts, self._arrive)
            group.rewire(step)

    def _counts(self, program: Any) -> Int:
        """Return how often every neuron fired in the present step."""
        counts = np.zeros(self._network.n_neurons, np.int64)
        for name, population in zip(self._names, self._network.populations):
            group = program.groups.get(name) or program.sources.get(name)
            if group is not None:
                space = group.variables["_spikespace"].get_value()
                np.add.at(counts, population.first + space[: space[-1]], 1)
        return counts

    def _arrive(self, receptor: int, neuron: int, n_steps: int, weight: float) -> None:
        at = self._arrivals[self._step + n_steps]
        at[receptor, neuron] = at.get((receptor, neuron), 0.0) + weight

    def synapses(self, projection: int) -> tuple[NDArray[Any], ...]:
        """Return sources, targets, weights and delays (steps) of a projection's present synapses."""
        group = next(one for one in self._groups if projection in one.members)
        columns = group.synapses(group.members.index(projection))
        order = np.lexsort((columns[1], columns[0]))
        return tuple(column[order] for column in columns)
