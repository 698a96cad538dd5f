"""A network on a chip: the native engine computes the neurons, the chip model carries the spikes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.base import Options, Progress, Simulation
from pycosim.errors import DoesNotFitError, InvalidInputError, NotSupportedError
from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.energy import CHANGING_SYNAPSES
from pycosim.hwmodels.load import load
from pycosim.hwmodels.mapping.axons import unit_synapses
from pycosim.hwmodels.mapping.build import map_network
from pycosim.hwmodels.mapping.capacity import check_capacity
from pycosim.hwmodels.mapping.table import Mapping
from pycosim.hwmodels.record import make_record
from pycosim.hwmodels.remarks import Changes, change_remarks, changing_synapses, choice_remarks
from pycosim.hwmodels.timing.disciplines import Acting, Compiled, Delivery, Discipline
from pycosim.hwmodels.timing.ideal import Ideal
from pycosim.hwmodels.timing.kinds import DISCIPLINES
from pycosim.network import Network
from pycosim.network.requirements import require_projections_only
from pycosim.network.validate import validate
from pycosim.results.hardware import HardwareRecord
from pycosim.units import format_time, period_ps

__all__ = ["TIMINGS", "ChipSimulation", "build", "fit"]

TIMINGS = ("ideal", "trace", "closed")
ARITHMETICS = ("float", "chip")
INPUTS = ("steps", "realtime")
# Steps of input that one step of a network may take in with inputs="realtime".
MOST_STEPS_AT_ONCE = 10_000
_STEPS_PER_REPORT = 100
_LONGEST_PS = 2**62

Int = NDArray[np.int64]


def build(chip: str | Path | ChipModel, network: Network, options: Options | None = None) -> Simulation:
    """Return a simulation of `network` on a chip: a `ChipSimulation`, or a `TranslatedSimulation` of one.

    Parameters
    ----------
    chip : str, Path or ChipModel
        A name of `pycosim.hwmodels.load.chips`, the path of a description, or a loaded chip.
    network : Network
    options : Options
        `overrides` go to the chip's description; see `pycosim.hwmodels.load.load`.

    Raises
    ------
    DoesNotFitError
        If the network exceeds limits of the chip; it lists all of them.
    UnknownTargetError, ChipDescriptionError
        If the chip or an override is not known or not valid.
    InvalidInputError, ConnectivityError, NotSupportedError
        If the network or an option is not valid or not supported.
    """
    options = options or Options()
    _check_options(options)
    validate(network)
    if not isinstance(chip, ChipModel):
        level = {} if options.detail is None else {"noc.detail": options.detail}
        chip = load(chip, dict(options.overrides) | level)
    if options.arithmetic == "chip":
        from pycosim.hwmodels.translated import TranslatedSimulation

        return TranslatedSimulation(chip, network, options)
    mapping, utilisation = fit(chip, network, options.mapping)
    return ChipSimulation(chip, network, options, mapping, utilisation)


def fit(
    chip: ChipModel, network: Network, method: Any = "sequential", before: Mapping | None = None
) -> tuple[Mapping, dict[str, tuple[int, int]]]:
    """Return where a network goes on a chip, and how much of each limited resource it uses at most.

    `before` is the mapping of the network before it grew: its neurons stay where they are.

    Raises
    ------
    DoesNotFitError
        If it exceeds limits of the chip.
    """
    require_projections_only(network, chip.description.chip.title)
    mapping = map_network(chip.description, network, method, before)
    violations, utilisation = check_capacity(chip.description, network, mapping)
    special_violations, special_utilisation = chip.special_limits(network, mapping)
    if violations or special_violations:
        raise DoesNotFitError(chip.description.chip.title, violations + special_violations)
    return mapping, utilisation | special_utilisation


def _check_options(options: Options) -> None:
    if options.timing not in TIMINGS:
        raise InvalidInputError(f"timing={options.timing!r}: it must be one of {', '.join(TIMINGS)}.")
    if options.inputs not in INPUTS:
        raise InvalidInputError(f"inputs={options.inputs!r}: it must be one of {', '.join(INPUTS)}.")
    if options.inputs == "realtime" and options.timing != "closed":
        raise InvalidInputError(
            f"inputs='realtime' with timing={options.timing!r}: hardware time does not act on the network. "
            "Use timing='closed', or inputs='steps'."
        )
    if options.arithmetic not in ARITHMETICS:
        raise InvalidInputError(
            f"arithmetic={options.arithmetic!r}: it must be one of {', '.join(ARITHMETICS)}."
        )


class ChipSimulation:
    """A `pycosim.backends.base.Simulation` on a chip; use `build`.

    Attributes
    ----------
    chip : ChipModel
    mapping : Mapping
    utilisation : dict of str to (used, limit)
    """

    def __init__(
        self,
        chip: ChipModel,
        network: Network,
        options: Options,
        mapping: Mapping,
        utilisation: dict[str, tuple[int, int]],
    ):
        from pycosim.backends.native.simulation import NativeSimulation

        self.chip = chip
        self.mapping = mapping
        self.utilisation = utilisation
        self._network = network
        self._options = options
        kind = Ideal if options.timing == "ideal" else DISCIPLINES[chip.description.chip.discipline]
        self._discipline: Discipline = kind(
            chip.description, mapping, period_ps(network.dt_ms, options.speedup * chip.chip.acceleration)
        )
        self._on_time = options.timing != "closed" or self._discipline.packets_act_on_time
        self._engine = NativeSimulation(network, threads=options.threads, core_of_neuron=self._cores(mapping))
        self._reached = 0
        if options.inputs == "realtime":
            self._engine.follow_clock(self._input_step)
        self._delays = [np.array(projection.delays) for projection in network.projections]
        self._started = False
        self._changes = Changes()
        self._synapses_changed = False

    def _cores(self, mapping: Mapping) -> NDArray[np.int32]:
        """Return the cores that the engine tells apart: one where all packets act on time."""
        return np.zeros_like(mapping.core_of_neuron) if self._on_time else mapping.core_of_neuron

    def _input_step(self) -> int:
        """Return the step that the wall clock has reached when the next step begins."""
        reached = self._discipline.clock_step if self._started else 0
        if reached - self._reached > MOST_STEPS_AT_ONCE:
            raise InvalidInputError(
                f"inputs='realtime': step {self.step} lasted so long that the input of "
                f"{reached - self._reached:,} steps came meanwhile (at most {MOST_STEPS_AT_ONCE:,} can be "
                "taken at once). The chip falls behind its input for ever: use a smaller speedup, fewer or "
                "slower sources, or inputs='steps'."
            )
        self._reached = reached
        return reached

    @property
    def step(self) -> int:
        """Number of steps done."""
        return self._engine.step

    @property
    def hardware(self) -> HardwareRecord:
        """What the chip measured so far."""
        options = {
            "timing": self._options.timing,
            "arithmetic": self._options.arithmetic,
            "speedup": self._options.speedup,
            "mapping": self._options.mapping if isinstance(self._options.mapping, str) else "table",
            "detail": self.chip.description.noc.detail,
            "inputs": self._options.inputs,
            "overrides": dict(self._options.overrides),
        }
        first = np.array([population.first for population in self._network.populations], np.int64)
        remarks = change_remarks(self._network, self._changes, self._options)
        remarks += choice_remarks(self.chip.description, self._options, self._engine.input_lead_steps)
        record = make_record(self.chip, self._discipline, self.utilisation, options, remarks, first)
        if changing_synapses(self._network):
            record.energy_j[CHANGING_SYNAPSES], record.energy_assumed[CHANGING_SYNAPSES] = None, False
        return record

    def advance(self, n_steps: int, progress: Progress | None = None) -> None:
        """Advance by `n_steps`; `progress` is called now and then with the steps done since the last call."""
        if n_steps < 1:
            self._engine.advance(n_steps)
            return
        if not self._started:
            self._carry(self._engine.initial_spikes())
            self._started = True
        last = self.step + n_steps
        while self.step < last:
            begin = self.step
            self._require_time(min(begin + _STEPS_PER_REPORT, last))
            self._advance(min(begin + _STEPS_PER_REPORT, last))
            if progress:
                progress(self.step - begin)

    def spikes(self, population: int) -> tuple[Int, Int]:
        """Return the recorded spikes of a population: steps, and indices in the population."""
        return self._engine.spikes(population)

    def signal(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the recorded samples, (n_samples, n_recorded) float64 in PyNN units."""
        return self._engine.signal(population, variable)

    def state(self, population: int, variable: str) -> NDArray[np.float64]:
        """Return the present values of a state variable, (size,) float64."""
        return self._engine.state(population, variable)

    def set_state(self, population: int, variable: str, values: NDArray[np.float64]) -> None:
        """Set a state variable of a population's neurons, (size,) float64."""
        self._engine.set_state(population, variable, values)

    def clear(self, population: int) -> None:
        """Forget what was recorded of a population so far; hardware measurements are kept."""
        self._engine.clear(population)

    def parameters_changed(self, population: int) -> None:
        """Read the population's parameters (or spike times) again."""
        self._engine.parameters_changed(population)

    def weights_changed(self, projection: int) -> None:
        """Read the projection's weights again.

        Raises
        ------
        NotSupportedError
            If its delays changed too: they are part of the mapping.
        """
        if not np.array_equal(self._delays[projection], self._network.projections[projection].delays):
            raise NotSupportedError(
                f"The delays of projection {self._network.projections[projection].label!r} changed: on a "
                "chip they are part of the mapping. Set them before the first run, or call reset()."
            )
        self._engine.weights_changed(projection)
        self._synapses_changed = True
        changed = self._network.projections[projection]
        if np.any(unit_synapses(self._network)[changed.targets]):
            self._changes.recounted.add(changed.label)

    def network_grown(self) -> None:
        """Map the populations and projections that were appended to the network.

        Neurons stay on their cores, and new ones take the next free places. Everything else is made anew
        between two steps: axon and routing tables, splitters (which may move to other cores), tags, the
        members of a barrier. Packets under way, and work that waits in cores, go on as they are: a packet
        meets the synapses and splitters for which it was sent.

        Raises
        ------
        DoesNotFitError
            If the grown network exceeds limits of the chip with its neurons where they are. The simulation
            has not changed then.
        InvalidInputError, ConnectivityError, NotSupportedError
            If what is new is not valid or not supported.
        """
        validate(self._network)
        mapping, utilisation = fit(self.chip, self._network, self._options.mapping, self.mapping)
        self._engine.network_grown(self._cores(mapping))
        self._discipline.grow(mapping)
        self.mapping, self.utilisation = mapping, utilisation
        self._delays += [np.array(new.delays) for new in self._network.projections[len(self._delays) :]]
        self._changes.grown_at.append(self.step)
        self._synapses_changed = True

    def plasticity_changed(self, projection: int) -> None:
        """Read the parameters of a projection's plasticity again; weights and traces stay."""
        self._engine.plasticity_changed(projection)

    def weights(self, projection: int) -> NDArray[np.float64]:
        """Return the present weights of a projection, (n_synapses,) float64."""
        return self._engine.weights(projection)

    def currents_changed(self) -> None:
        """Read the currents again."""
        self._engine.currents_changed()

    def recording_changed(self, population: int) -> None:
        """Read the population's recordings again; a new one starts at the present step."""
        self._engine.recording_changed(population)

    def close(self) -> None:
        """Free what the simulation holds."""
        self._engine.close()

    def _require_time(self, last: int) -> None:
        """Refuse to go on to a hardware time that 64 bits do not hold in picoseconds."""
        now, period = self._discipline.time_ps, self._discipline.period_ps
        if now < 0 or now + (last - self.step) * period > _LONGEST_PS:
            raise InvalidInputError(
                f"Advancing to step {last}: hardware time, counted in picoseconds, ends at "
                f"{format_time(_LONGEST_PS)}. Steps take at least {format_time(period)} here: use a larger "
                "speedup, shorter times of cores, or a shorter run."
            )

    def _advance(self, last: int) -> None:
        """Advance to step `last`."""
        discipline = self._discipline
        if isinstance(discipline, Compiled):
            closed = self._options.timing == "closed"
            rules = self.chip.description.mapping
            delivery = Delivery(closed, rules.delay_in_axon, rules.receptor_in_axon, self._synapses_changed)
            run = partial(discipline.run, delivery=delivery)
            self._engine.advance_deferred(run, last)
            return
        while self.step < last:
            if self._synapses_changed:
                self._keep_synapses()
            self._carry(self._engine.step_deferred())

    def _keep_synapses(self) -> None:
        """Let the engine keep the synapses that packets under way will meet."""
        oldest = self._discipline.traffic.log.oldest_under_way()
        self._engine.keep_synapses_since(self.step + 1 if oldest is None else oldest)

    def _carry(self, fired: Int) -> None:
        """Let the chip carry the spikes of the present step, and the engine know when they act."""
        step = self._engine.step
        acting = self._discipline.carry(step, fired)
        if self._on_time:
            self._engine.deliver_on_time()
        else:
            self._deliver(acting)

    def _deliver(self, acting: Acting) -> None:
        """Tell the engine when packets act."""
        if not len(acting.rows):
            return
        traffic = self._discipline.traffic
        axon = traffic.log.axon[acting.rows]
        routes, rules = traffic.routes, self.chip.description.mapping
        self._engine.deliver(
            traffic.log.emission_step[acting.rows].astype(np.int64),
            routes.source[axon].astype(np.int64),
            routes.core[axon].astype(np.int64),
            acting.shift,
            acting.floor,
            routes.delay[axon].astype(np.int64) if rules.delay_in_axon else None,
            routes.receptor[axon].astype(np.int64) if rules.receptor_in_axon else None,
        )
