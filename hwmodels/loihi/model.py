"""Loihi: what arithmetic="chip" makes of a network, and the limit of compartments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import ChipDescriptionError, NotSupportedError, Violation
from pycosim.hwmodels.arithmetic import Rounding, Translation
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.loihi.learning import hold_plastic, is_translated, learning_in_integers
from pycosim.hwmodels.loihi.translation import RECEPTORS, TranslatedCells, translate_cells
from pycosim.hwmodels.loihi.weights import LIMIT, MAX_BITS, HeldWeights, hold
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.neurons import compartments_of
from pycosim.network import Current, Network, Plasticity, Population, Projection

__all__ = ["Model"]

Float = NDArray[np.float64]

TRANSLATED = ("IF_curr_exp", "IF_curr_delta")
_OWN = "loihi."
# A current that stops later never does: PyNN's default for `stop` is 1e12 ms.
_FOR_EVER_MS = 1e11


class Model(ChipModel):
    """Loihi: `ChipModel` with translation to CUBA compartments."""

    def special_limits(
        self, network: Network, mapping: Mapping
    ) -> tuple[list[Violation], dict[str, tuple[int, int]]]:
        """Return the use of compartments, where neurons have more than one."""
        if not np.any(mapping.units_of_neuron > 1):
            return [], {}
        used = mapping.units_of_core
        limit = self.description.capacity.neurons_per_core.value
        violations = []
        if used.max(initial=0) > limit:
            remedy = "place fewer neurons on a core: with two synaptic time constants they take two"
            affected = int(np.count_nonzero(used > limit))
            violations.append(
                Violation("compartments per core", int(used.max()), limit, affected, "cores", remedy)
            )
        return violations, {"compartments per core": (int(used.max(initial=0)), limit)}

    def translate(self, network: Network, before: Translation | None = None) -> Translation:
        """Return the network with IF_curr_exp and IF_curr_delta as CUBA compartments.

        Populations of Loihi's own neurons, and spike sources, stay as they are.

        Raises
        ------
        NotSupportedError
            If there are cells, currents, synapses or values without a faithful translation; all are listed.
        ChipDescriptionError
            If the description's weights are wider than Loihi's arithmetic.
        """
        memory = self.description.synapse_memory
        bits = memory.weight_bits.value if memory and memory.weight_bits else MAX_BITS
        if bits > MAX_BITS:
            raise ChipDescriptionError(
                f"synapse_memory.weight_bits of {self.name} is {bits}: with arithmetic='chip' it must be 1 "
                f"to {MAX_BITS}, the widths of Loihi's mantissas."
            )
        work = _Work(network, before, bits, self.description.capacity.neurons_per_core.value)
        made = work.translation()
        if work.problems:
            lines = "\n".join(f"  - {problem}" for problem in work.problems)
            count = "1 problem" if len(work.problems) == 1 else f"{len(work.problems)} problems"
            raise NotSupportedError(
                f"arithmetic='chip' on {self.chip.title}: there is no faithful translation, {count}. Use "
                f"arithmetic='float', or change the network.\n{lines}"
            )
        return made


@dataclass(eq=False)
class _Work:
    """A translation in the making.

    Attributes
    ----------
    network : Network
    before : Translation or None
    bits : int
    compartments_per_core : int
    problems : list of str
    cells : dict of int to TranslatedCells
        By population.
    """

    network: Network
    before: Translation | None
    bits: int
    compartments_per_core: int
    problems: list[str] = field(default_factory=list)
    cells: dict[int, TranslatedCells] = field(default_factory=dict)

    def translation(self) -> Translation:
        """Return the translated network; it means something only if there are no problems."""
        network = self.network
        self.problems += [text for p in network.projections for text in _plasticity_problems(network, p)]
        injected = self._constant_currents()
        populations = [self._population(index, injected) for index in range(len(network.populations))]
        made = Translation(
            Network(
                network.dt_ms,
                network.seed,
                populations,
                junctions=network.junctions,
                rewired=network.rewired,
            )
        )
        for index, cells in self.cells.items():
            made.roundings += cells.roundings
            made.readings |= {(index, name): reading for name, reading in cells.readings.items()}
        if not self.problems:
            made.network.projections = [self._projection(n, made) for n in range(len(network.projections))]
        made.remarks = list(self._remarks())
        return made

    def _population(self, index: int, injected: Float) -> Population:
        population = self.network.populations[index]
        if population.is_source or population.model.startswith(_OWN):
            return replace(population)
        if population.model not in TRANSLATED:
            self._refuse(
                population,
                f"{population.model} is not a CUBA compartment, whose synapses add to a current "
                "that decays exponentially and whose membrane is linear. IF_curr_exp and IF_curr_delta are "
                f"translated, and {_OWN}CUBA runs as it is",
            )
            return population
        try:
            self.cells[index] = translate_cells(
                self.network,
                population,
                _plain(injected[population.first : population.first + population.size]),
                self._weights_onto(population),
                self.bits,
                self._chosen_before(index),
            )
        except NotSupportedError as error:
            self._refuse(population, str(error))
            return population
        self._check_recordings(index)
        made = self.cells[index].population
        compartments = compartments_of(made.model)
        if compartments > 1:
            limit = self.compartments_per_core
            made.neurons_per_core = min(made.neurons_per_core or limit, limit // compartments)
        return made

    def _refuse(self, population: Population, reason: str) -> None:
        self.problems.append(f"population {population.label!r}: {reason}")

    def _chosen_before(self, index: int) -> tuple[str, float] | None:
        if self.before is None or index >= len(self.before.network.populations):
            return None
        scale = self.before.reading(index, "v").scale
        return self.before.network.populations[index].model, 1 / float(scale)

    def _weights_onto(self, population: Population) -> dict[str, list[Float]]:
        """Return the weights of each projection onto a population, by receptor in use."""
        found: dict[str, list[Float]] = {}
        for projection in self.network.projections:
            here = _ends_on(projection, population)
            if projection.receptor in RECEPTORS and np.any(here):
                weights = np.asarray(projection.weights, np.float64)
                found.setdefault(projection.receptor, []).append(
                    np.atleast_1d(weights[here] if weights.ndim else weights)
                )
        return {receptor: found[receptor] for receptor in RECEPTORS if receptor in found}

    def _check_recordings(self, index: int) -> None:
        population, readings = self.network.populations[index], self.cells[index].readings
        for name in population.recordings:
            if name != "spikes" and name not in readings:
                self._refuse(
                    population,
                    f"{name} cannot be recorded: where both receptors have one time constant, the chip has "
                    "one current u for both, and none for a receptor without synapses",
                )

    def _projection(self, number: int, made: Translation) -> Projection:
        """Return a projection in the units of its targets, each population's synapses with one exponent."""
        asked = self.network.projections[number]
        got = replace(asked)
        for index, cells in self.cells.items():
            population = self.network.populations[index]
            here = _ends_on(asked, population)
            if not np.any(here):
                continue
            scale = cells.weight_scales[asked.receptor]
            if np.ndim(scale):
                scale = np.asarray(scale)[asked.targets[here] - population.first]
            weights = np.asarray(asked.weights, np.float64)
            weights = weights[here] if weights.ndim else weights
            plasticity = asked.plasticity
            held = (
                hold_plastic(weights, plasticity, scale, self.bits)
                if plasticity
                else hold(weights * scale, self.bits)
            )
            if held is None:
                self.problems.append(_too_large(asked, weights * scale))
                return asked
            unit = "nA" if cells.more_delay else "mV"
            stored = held.weights
            if plasticity is not None:
                stored = stored[: len(weights)]
                got.plasticity = self._learning(number, held, scale, unit, made)
            made.roundings.append(_rounding(asked, "weight", unit, weights, stored / scale, here))
            got.weights = _placed(got.weights, here, stored)
            delays = np.asarray(asked.delays)
            got.delays = _placed(
                got.delays, here, (delays[here] if delays.ndim else delays) + cells.more_delay
            )
        return got

    def _learning(
        self, number: int, held: HeldWeights, scale: Float | float, unit: str, made: Translation
    ) -> Plasticity | None:
        """Return the rule of a plastic projection, all of whose synapses end on one population."""
        projection = self.network.projections[number]
        try:
            rule, *constants = learning_in_integers(projection.plasticity, held, scale, projection.label)
        except NotSupportedError as error:
            self.problems.append(str(error))
            return projection.plasticity
        p, size = projection.plasticity.parameters, projection.n_synapses
        everywhere = np.ones(size, bool)
        for name, got in zip(("A_plus", "A_minus"), constants):
            made.roundings.append(_rounding(projection, name, "", np.asarray(p[name]), got, everywhere))
        for name in ("w_min", "w_max"):
            got = rule.parameters[name] / scale
            made.roundings.append(_rounding(projection, name, unit, np.asarray(p[name]), got, everywhere))
        made.weight_units[number] = 1 / np.asarray(scale)
        return rule

    def _constant_currents(self) -> Float:
        """Return the current that electrodes inject into each neuron during the whole run, in nA."""
        injected = np.zeros(self.network.n_neurons)
        for current in self.network.currents:
            constant = _constant(current)
            if constant is None:
                self.problems.append(
                    f"current source {current.label!r}: a {current.kind} that changes during the run; "
                    "the chip has a constant bias for each compartment. Use one from 0 ms on without an "
                    "end, or i_offset, or spikes"
                )
                continue
            np.add.at(injected, np.asarray(current.targets), constant)
        of_neuron = self.network.population_of_neuron()
        for index in np.unique(of_neuron[np.flatnonzero(injected)]):
            population = self.network.populations[index]
            if population.model not in TRANSLATED:
                self._refuse(
                    population, "an electrode injects a current; its neurons take none, use bias_mant"
                )
        return injected

    def _remarks(self) -> Iterator[str]:
        delayed = [cells.population.label for cells in self.cells.values() if cells.more_delay]
        if delayed:
            yield (
                f"Synapses onto {_listed(delayed)} have one more step of delay on the chip, which adds the "
                "current of the present step to the membrane where IF_curr_exp adds that of the step before; "
                "decays are multiples of 1/4096 in a step, and cm follows tau_m, so that mean inputs stay as "
                "asked."
            )
        made = [cells.population for cells in self.cells.values()]
        joined = [population.label for population in made if compartments_of(population.model) > 1]
        if joined:
            yield (
                f"Neurons of {_listed(joined)} take two joined compartments, as tau_syn_E and tau_syn_I "
                "differ; time and energy count one update for both."
            )


def _listed(labels: list[str]) -> str:
    return ", ".join(repr(label) for label in labels)


def _plain(column: Float) -> float | Float:
    """Return one number for a column of equal values."""
    return float(column[0]) if len(column) and np.all(column == column[0]) else column


def _ends_on(projection: Projection, population: Population) -> NDArray[np.bool_]:
    targets = np.asarray(projection.targets)
    return (targets >= population.first) & (targets < population.first + population.size)


def _placed(column: float | NDArray, here: NDArray[np.bool_], values: NDArray) -> float | NDArray:
    """Return a column in which those of some synapses are replaced; one number if it is for all."""
    if np.ndim(column) == 0 and np.ndim(values) == 0 and np.all(here):
        return values.item()
    made = np.array(np.broadcast_to(column, here.shape))
    made[here] = values
    return made


def _constant(current: Current) -> float | None:
    """Return the amplitude of a current that flows during the whole run, None if it changes."""
    p = current.parameters
    if current.kind == "DCSource" and float(p["start"]) <= 0 and float(p["stop"]) >= _FOR_EVER_MS:
        return float(p["amplitude"])
    if (
        current.kind == "StepCurrentSource"
        and len(np.atleast_1d(p["times"])) == 1
        and np.ravel(p["times"])[0] <= 0
    ):
        return float(np.ravel(p["amplitudes"])[0])
    return None


def _too_large(projection: Projection, weights: Float) -> str:
    return (
        f"projection {projection.label!r}: a weight is {np.abs(weights).max():.6g} in the chip's unit, "
        f"{LIMIT:g} is the largest; scales stay as they were chosen at the start: reset, or make the weight "
        "smaller"
    )


def _rounding(
    projection: Projection, name: str, unit: str, asked: Float, got: Float, here: NDArray[np.bool_]
) -> Rounding:
    """Return the rounding of a value of those synapses of a projection that are `here`."""
    size = np.count_nonzero(here)
    columns = (np.broadcast_to(column, size) for column in (asked, got))
    return Rounding.of(f"projection {projection.label!r}: {name}", unit, *columns)


def _plasticity_problems(network: Network, projection: Projection) -> Iterator[str]:
    plasticity = projection.plasticity
    if plasticity is None:
        return
    if not is_translated(plasticity):
        kind = f"{plasticity.rule}, {plasticity.weight_dependence}".rstrip(", ")
        yield (
            f"projection {projection.label!r}: plastic synapses ({kind}) are not translated; SpikePairRule "
            "with AdditiveWeightDependence is, with integer traces"
        )
    ends = {
        network.populations[i].model for i in np.unique(network.population_of_neuron()[projection.targets])
    }
    if not ends <= set(TRANSLATED) or len(ends) > 1:
        yield (
            f"projection {projection.label!r}: plastic synapses end on {', '.join(sorted(ends))}; they learn "
            "in integers where all end on one population that is translated"
        )
