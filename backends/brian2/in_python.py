"""What Brian2 has no statements for, done by Python functions between Brian2's own operations of a step.

- Structural plasticity: Brian2's Synapses cannot get another source while they run. The slots of the neurons
  are those of the reference backend.
- Plasticity that acts in every step on all synapses, with random numbers: the synapses are those of the
  reference backend as well.
- Neurons whose update is code of their own: see `own_neurons`.
- Synapses of neurons whose spikes carry a number: see `graded`.

Brian2 has all other neurons. At the place in the schedule where synapses act, what these synapses transmit is
added to the variables of the neurons' receptors, and at the end of a step they are told who fired.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pycosim.backends.brian2.equations import received
from pycosim.backends.brian2.graded import GradedSynapses
from pycosim.backends.brian2.own_neurons import OwnNeurons
from pycosim.backends.brian2.plan import HELD_UNTIL
from pycosim.backends.brian2.plastic_equations import is_in_python
from pycosim.backends.reference.plasticity import plastic_synapses
from pycosim.backends.reference.rewiring import RECEPTORS, rewired_synapses
from pycosim.backends.reference.timing_rules import Dopamine
from pycosim.errors import NotSupportedError
from pycosim.network import Network, SourceModel, model_named

Int = NDArray[np.int64]
Float = NDArray[np.float64]


def reasons_for_python(network: Network) -> list[str]:
    """Return in words what of a network Python functions have to do; empty if nothing."""
    reasons = []
    if network.rewired:
        reasons.append(f"structural plasticity (of {_labels(network.rewired)})")
    models = [model_named(population.model) for population in network.populations]
    names = sorted({model.name for model in models if not isinstance(model, SourceModel) and model.own})
    if names:
        reasons.append(f"the neurons of {', '.join(names)}")
    learning = [projection for projection in network.projections if is_in_python(projection.plasticity)]
    for rule in sorted({projection.plasticity.rule for projection in learning}):
        of_rule = [projection for projection in learning if projection.plasticity.rule == rule]
        reasons.append(f"{rule} (of {_labels(of_rule)})")
    return reasons


def _labels(projections: list[Any]) -> str:
    return ", ".join(repr(projection.label) for projection in projections)


def require_python(network: Network, codegen: str | None) -> str | None:
    """Return the kind of code for a network, of which Python functions may have to do a part.

    Raises
    ------
    NotSupportedError
        If a kind was asked for which runs no Python.
    """
    reasons = reasons_for_python(network)
    if not reasons:
        return codegen
    if codegen == "cpp_standalone":
        raise NotSupportedError(
            f"Not supported by Brian2's C++ standalone mode: {'; '.join(reasons)}. Brian2 has no statements "
            "for that, so Python functions do it in every step, and a standalone program runs none. Use "
            "codegen='numpy' or 'cython', or native."
        )
    return codegen or "numpy"


class _Learning:
    """A plastic projection of the reference backend; see `backends.reference.plasticity.PlasticSynapses`."""

    def __init__(self, network: Network, index: int, step: int):
        self.synapses = plastic_synapses(network, index, step, Dopamine())
        self._projection = network.projections[index]
        self._delays = np.asarray(self._projection.delay_column())

    def arrive(self, step: int, transmit: Any) -> None:
        """Begin a step."""
        left = self._projection.plasticity.dendritic_steps(self._delays)
        self._transmit(self.synapses.arrive(step), left, transmit)

    def emit(self, step: int, counts: Int, transmit: Any) -> None:
        """End a step."""
        self._transmit(self.synapses.emit(step, counts), self._delays, transmit)

    def _transmit(self, sent: list[tuple[Int, Float]], left: Int, transmit: Any) -> None:
        for synapses, weights in sent:
            for delay in np.unique(left[synapses]):
                here = left[synapses] == delay
                targets = self._projection.targets[synapses[here]]
                transmit(self._projection.receptor, targets, int(delay), weights[here])


class InPython:
    """All that Python does in a network's steps; an engine calls it.

    Parameters
    ----------
    network : Network
    names : list of str
        Of the populations.
    """

    def __init__(self, network: Network, names: list[str]):
        self._network, self._names = network, names
        self.neurons = OwnNeurons(network, names)
        self._graded = GradedSynapses(network, names)
        self._groups = rewired_synapses(network)
        self._learning: dict[int, _Learning] = {}
        self._n_known, self._n_projections = len(network.rewired), 0
        self._step = 0
        self._arrivals: dict[int, dict[str, Float]] = defaultdict(dict)

    def start(self, step: int) -> None:
        """Begin with the projections that are new in a network that is at `step`."""
        projections = self._network.projections
        for index in range(self._n_projections, len(projections)):
            if is_in_python(projections[index].plasticity):
                self._learning[index] = _Learning(self._network, index, step)
        self._n_projections = len(projections)
        self._graded.start()
        for sums in self._arrivals.values():
            for receptor, column in sums.items():
                sums[receptor] = np.pad(column, (0, self._network.n_neurons - len(column)))

    def reasons(self) -> list[str]:
        """Return in words what there is to do; empty if nothing."""
        return reasons_for_python(self._network)

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

    def learning(self, projection: int) -> Any:
        """Return the plastic synapses of a projection; None if Brian2 has them."""
        one = self._learning.get(projection)
        return one and one.synapses

    def candidates(self) -> set[int]:
        """Return the populations from which there may be synapses."""
        numbers = [np.asarray(projection.candidates) for projection in self._network.rewired]
        numbers += [self._network.projections[index].sources for index in self._learning]
        of_neuron = self._network.population_of_neuron()
        return {int(index) for column in numbers for index in np.unique(of_neuron[column])}

    def begin(self, step: int, program: Any) -> None:
        """Let act what acts at `step`, with the neurons of `program`."""
        if step == 1:
            self._emit(0, program)
        self._step = step
        for one in self._learning.values():
            one.arrive(step, self._arrive)
        for group in self._groups:
            group.arrive(step, self._arrive_of_group)
        sums = self._arrivals.pop(step, {})
        for name, population in zip(self._names, self._network.populations):
            own = {
                receptor: column[population.first :][: population.size] for receptor, column in sums.items()
            }
            if name in program.groups and any(amounts.any() for amounts in own.values()):
                self._add(program.groups[name].variables, population.model, own, step)

    def update(self, step: int, program: Any) -> None:
        """Advance the neurons that Brian2 has no statements for, after all spikes have arrived."""
        self.neurons.update(step, program)

    @staticmethod
    def _add(variables: Any, model_name: str, sums: dict[str, Float], step: int) -> None:
        model = model_named(model_name)
        for receptor, amounts in sums.items():
            if not amounts.any():
                continue
            state = received(model, receptor)
            factor = variables[model.jumps[receptor]].get_value() if receptor in model.jumps else 1.0
            if state == "v":
                factor = step > variables[HELD_UNTIL].get_value()
            variables[state].set_value(variables[state].get_value() + amounts * factor)

    def end(self, step: int, program: Any) -> None:
        """Take note of who fired at `step`, form synapses, and eliminate some."""
        self._emit(step, program)
        for group in self._groups:
            group.rewire(step)

    def _emit(self, step: int, program: Any) -> None:
        counts = self._counts(program)
        self._graded.emit(counts, program, self._arrive)
        for one in self._learning.values():
            one.emit(step, counts, self._arrive)
        for group in self._groups:
            group.emit(step, counts, self._arrive_of_group)

    def _counts(self, program: Any) -> Int:
        """Return how often every neuron fired in the present step."""
        counts = np.zeros(self._network.n_neurons, np.int64)
        for name, population in zip(self._names, self._network.populations):
            group = program.groups.get(name) or program.sources.get(name)
            if group is not None:
                space = group.variables["_spikespace"].get_value()
                np.add.at(counts, population.first + space[: space[-1]], 1)
        return counts

    def _arrive(self, receptor: str, neurons: ArrayLike, n_steps: int, weights: ArrayLike) -> None:
        at = self._arrivals[self._step + n_steps]
        if receptor not in at:
            at[receptor] = np.zeros(self._network.n_neurons)
        np.add.at(at[receptor], neurons, weights)

    def _arrive_of_group(self, receptor: int, neuron: int, n_steps: int, weight: float) -> None:
        self._arrive(RECEPTORS[receptor], neuron, n_steps, weight)

    def synapses(self, projection: int) -> tuple[NDArray[Any], ...]:
        """Return sources, targets, weights and delays (steps) of a projection's present synapses."""
        group = next(one for one in self._groups if projection in one.members)
        columns = group.synapses(group.members.index(projection))
        order = np.lexsort((columns[1], columns[0]))
        return tuple(column[order] for column in columns)
