"""PyNN's networks in TrueNorth's arithmetic: IF_curr_delta without a leak is TrueNorthNeuron, up to rounding.

With u = v - v_reset, a neuron without leak and refractory period adds weights and a constant drive to u in
each step, fires if u >= v_thresh - v_reset, and begins again at u = 0. That is a TrueNorthNeuron with
V = scale * u, whose S are the weights, lambda the drive and alpha the threshold, rounded up (V is a whole
number). One scale serves all neurons of a population. Of those that make the largest weight (or drive) a
whole number of at most 255, it is the one with the smallest relative rounding (of initial values: relative to
the threshold), doubled while that number is at most 127: so weights can be halved and doubled later.

A projection is given one type of axon. Its weights may differ from one target to the next, not at one target.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import NotSupportedError
from pycosim.hwmodels.arithmetic import Reading, Rounding, Translation
from pycosim.hwmodels.truenorth.neurons import LEAK, THRESHOLD, TRUENORTH, TYPES, WEIGHT
from pycosim.network import Network, Population, Projection, model_named
from pycosim.network.columns import Column

__all__ = ["translated"]

Float = NDArray[np.float64]

# From the highest threshold that the register holds, a membrane loses less than one unit in a step.
_LEAST_TAU_STEPS = THRESHOLD.high
# Of values that are whole numbers but for the rounding of floating-point arithmetic.
_NOISE = 1e-9


def translated(network: Network, before: Translation | None = None) -> Translation:
    """Return the network with TrueNorth's neurons; see `ChipModel.translate`.

    Raises
    ------
    NotSupportedError
        If a cell, a plastic synapse, a current or a range of weights has no counterpart on the chip.
    """
    _refuse_what_has_no_counterpart(network)
    result = Translation(replace(network, populations=[], projections=[]))
    scale = np.full(network.n_neurons, np.nan)
    for index, population in enumerate(network.populations):
        if population.model == "IF_curr_delta":
            weights = _weights_onto(network, population)
            cells = _Cells(network, population, weights, before and before.readings.get((index, "v")))
            scale[population.first : population.first + population.size] = cells.scale
            result.readings[index, "v"] = Reading("v", 1 / cells.scale, cells.v_reset)
            result.roundings += cells.roundings()
            result.remarks += cells.remarks()
            population = cells.translated()
        result.network.populations.append(replace(population, recordings={}))
    _give_types(network, result, scale, before)
    return result


def _refuse_what_has_no_counterpart(network: Network) -> None:
    problems = []
    for population in network.populations:
        known = population.is_source or population.model in ("IF_curr_delta", TRUENORTH.model.name)
        if not known:
            problems.append(
                f"population {population.label!r}: {population.model} has no faithful translation: synapses "
                "change TrueNorth's membrane at once and by whole numbers, and its leak is a constant. The "
                "nearest are IF_curr_delta without leak, and pycosim.truenorth.TrueNorthNeuron"
            )
        elif population.model == "IF_curr_delta":
            problems += _problems_of(population, network.dt_ms)
    problems += [
        f"projection {projection.label!r}: its synapses change, and TrueNorth cannot learn; use the weights "
        "after learning with static synapses"
        for projection in network.projections
        if projection.plasticity is not None
    ]
    if network.currents:
        problems.append("current sources: TrueNorth's neurons have a constant current only; use i_offset")
    _refuse(problems)


def _refuse(problems: list[str]) -> None:
    if problems:
        lines = "\n".join(f"  - {problem}." for problem in problems)
        raise NotSupportedError(
            f"arithmetic='chip' on TrueNorth: it cannot represent this network faithfully.\n{lines}\n"
            "arithmetic='float' has the equations of the native engine."
        )


def _problems_of(population: Population, dt_ms: float) -> list[str]:
    """Return what TrueNorth's neuron cannot do of IF_curr_delta."""
    problems = []
    tau_ms, held_ms = population.column("tau_m").min(), population.column("tau_refrac").max()
    least_ms = _LEAST_TAU_STEPS * dt_ms
    if tau_ms < least_ms:
        problems.append(
            f"its membrane decays with tau_m = {tau_ms:g} ms, in proportion to v; TrueNorth's leak is a "
            f"constant. Nearest are no leak (tau_m of at least {least_ms:g} ms), or "
            "pycosim.truenorth.TrueNorthNeuron(lambda_=-n, epsilon=1), which goes to 0 by n in each step"
        )
    if round(held_ms / dt_ms) > 0:
        problems.append(
            f"tau_refrac is {held_ms:g} ms, {held_ms / dt_ms:.3g} times dt; TrueNorth's neuron has no "
            f"refractory period. Use less than half a step, {dt_ms / 2:g} ms"
        )
    if np.any(population.column("v_thresh") <= population.column("v_reset")):
        problems.append("v_reset is not below v_thresh; a neuron would fire in every step")
    return [f"population {population.label!r}: {problem}" for problem in problems]


def _weights_onto(network: Network, population: Population) -> Float:
    """Return the distinct weights of all synapses onto a population."""
    found = [np.empty(0)]
    for projection in network.projections:
        ends_here = (projection.targets >= population.first) & (
            projection.targets < population.first + population.size
        )
        found.append(np.unique(projection.weight_column()[ends_here]))
    return np.unique(np.concatenate(found))


class _Cells:
    """A population of IF_curr_delta as TrueNorth's neurons; all columns in mV, relative to v_reset."""

    def __init__(self, network: Network, population: Population, weights: Float, before: Reading | None):
        self.asked = population
        constants = model_named(population.model).coefficients(population.parameters, network.dt_ms)
        self.v_reset = _narrow(population.column("v_reset"))
        self.threshold = population.column("v_thresh") - population.column("v_reset")
        self.drive = np.broadcast_to(constants["drive"], (population.size,))
        self.drive_per_na = constants["drive_per_na"]
        self.start = population.initial_column("v") - population.column("v_reset")
        if before is not None:
            self.scale = float(1 / np.asarray(before.scale))
        else:
            self.scale = self._best_scale(weights)
        self.leak = _rounded(self.drive * self.scale)
        self.alpha = np.ceil(self.threshold * self.scale * (1 - _NOISE))
        self._check(weights)

    def _best_scale(self, weights: Float) -> float:
        """Return units per mV."""
        steps = np.unique(np.concatenate((weights, self.drive)))
        steps = steps[steps != 0]
        most = THRESHOLD.high / self.threshold.max()
        if not len(steps):
            return float(WEIGHT.high / 2 / self.threshold.max())  # for weights that may come later
        candidates = np.arange(1, WEIGHT.high + 1) / np.abs(steps).max()
        if candidates[0] > most:
            _refuse(
                [
                    f"population {self.asked.label!r}: its threshold is {self.threshold.max():g} mV above "
                    f"v_reset and its largest weight {np.abs(steps).max():g} mV; TrueNorth's threshold is "
                    f"at most {THRESHOLD.high:g} times the smallest weight. Use larger weights"
                ]
            )
        possible = candidates[candidates <= most]
        values = np.concatenate((steps, np.unique(self.start)))[:, None]
        measure = np.concatenate((np.abs(steps), np.full(len(values) - len(steps), self.threshold.min())))
        errors = np.abs(_rounded(values * possible) / possible - values) / measure[:, None]
        best = np.argmin(np.maximum(errors.max(axis=0), _NOISE))
        largest = best + 1
        while 2 * largest < WEIGHT.high / 2 and 2 * largest <= len(possible):
            largest *= 2
        return float(possible[largest - 1])

    def _check(self, weights: Float) -> None:
        problems = []
        for name, asked, unit, register in (
            ("weight", weights, "mV", WEIGHT),
            ("i_offset", self.drive, "mV per step", LEAK),
        ):
            got = _rounded(asked * self.scale)
            lost = (got == 0) & (asked != 0)
            if np.any(lost):
                problems.append(
                    f"the {name} {asked[lost][0]:g} {unit} would be 0: whole numbers up to {register.high:g} "
                    "hold weights and drive of a population, so that they may differ 510 times at most"
                )
            if np.any(~register.holds(got)):
                problems.append(
                    f"the {name} {np.max(np.abs(asked)):g} {unit} exceeds what the scale holds that was "
                    "chosen before the first run; call reset()"
                )
        if self.alpha.max() > THRESHOLD.high:
            problems.append("v_thresh exceeds what the scale holds that was chosen first; call reset()")
        _refuse([f"population {self.asked.label!r}: {problem}" for problem in problems])

    def translated(self) -> Population:
        """Return the population, without weights yet."""
        registers: dict[str, Column] = dict(TRUENORTH.defaults)
        registers |= {f"S{i}": 0.0 for i in range(4)}
        registers |= {"beta": THRESHOLD.high, "kappa": 1.0, "gamma": 0.0, "VR": 0.0}
        registers |= {"alpha": _narrow(self.alpha), "lambda_": _narrow(self.leak)}
        start = {"v": _narrow(_rounded(self.start * self.scale))}
        return replace(self.asked, model=TRUENORTH.model.name, parameters=registers, initial=start)

    def roundings(self) -> list[Rounding]:
        """Return what differs from what was asked."""
        name = f"population {self.asked.label!r}"
        v_reset = self.asked.column("v_reset")
        rows = (
            ("v_thresh", "mV", self.asked.column("v_thresh"), v_reset + self.alpha / self.scale),
            ("i_offset", "nA", self.asked.column("i_offset"), self.leak / self.scale / self.drive_per_na),
            (
                "initial v",
                "mV",
                self.start + v_reset,
                v_reset + _rounded(self.start * self.scale) / self.scale,
            ),
        )
        return [
            Rounding.of(f"{name}: {parameter}", unit, asked, got)
            for parameter, unit, asked, got in rows
            if _differ(asked, got)
        ]

    def remarks(self) -> list[str]:
        """Return what is not a rounding of one value."""
        floor = THRESHOLD.high / self.scale
        return [
            f"population {self.asked.label!r}: 1 mV is {self.scale:g} units of TrueNorth's membrane; tau_m "
            f"is infinite, and v cannot fall more than {floor:g} mV below v_reset."
        ]


def _give_types(network: Network, result: Translation, scale: Float, before: Translation | None) -> None:
    """Append the projections, each with its type, and set the weights S of the neurons."""
    types = _Types(network.n_neurons)
    given = before.network.projections if before else []
    for index, projection in enumerate(network.projections):
        on_chip = ~np.isnan(scale[projection.targets])
        if not projection.n_synapses or not np.any(on_chip):
            # Onto neurons that are TrueNorth's own; an empty one needs no type of its own.
            receptor = projection.receptor if projection.receptor in TYPES else TYPES[0]
            result.network.projections.append(replace(projection, receptor=receptor))
            continue
        weights = projection.weight_column()
        units = _rounded(weights * scale[projection.targets])
        fixed = TYPES.index(given[index].receptor) if index < len(given) else None
        chosen = types.give(projection, units, fixed)
        bits = _narrow((units != 0).astype(np.float64))
        result.network.projections.append(replace(projection, receptor=TYPES[chosen], weights=bits))
        got = units / scale[projection.targets]
        if _differ(weights, got):
            result.roundings.append(
                Rounding.of(f"projection {projection.label!r}: weight", "mV", weights, got)
            )
    for old, new in zip(network.populations, result.network.populations):
        if old.model == "IF_curr_delta":
            weights_of = np.nan_to_num(types.weights[:, new.first : new.first + new.size])
            new.parameters |= {f"S{i}": _narrow(column) for i, column in enumerate(weights_of)}


class _Types:
    """Types that sources and neurons use so far.

    Attributes
    ----------
    weights : (4, n_neurons) float64 ndarray
        S of each neuron; not a number where the type is free.
    sources : (4, n_neurons) bool ndarray
        Which sources have axons of a type.
    """

    def __init__(self, n_neurons: int):
        self.weights = np.full((len(TYPES), n_neurons), np.nan)
        self.sources = np.zeros((len(TYPES), n_neurons), bool)

    def give(self, projection: Projection, units: Float, fixed: int | None) -> int:
        """Return the type for a projection: one that its sources have already, if it is possible."""
        is_set = units != 0
        targets, units = projection.targets[is_set], units[is_set]
        column = np.full(self.weights.shape[1], np.nan)
        column[targets] = units
        several = column[targets] != units
        if np.any(several):
            neuron = targets[several][0]
            values = np.unique(units[targets == neuron])
            _refuse(
                [
                    f"projection {projection.label!r}: its weights onto one neuron have {len(values)} "
                    "values; an axon has one type, and a neuron one weight for each. Use one projection for "
                    f"each weight, {len(TYPES)} at most"
                ]
            )
        possible = [
            i
            for i, used in enumerate(self.weights)
            if fixed in (None, i) and not np.any(~np.isnan(used[targets]) & (used[targets] != units))
        ]
        if not possible:
            _refuse([self._no_type_left(projection, fixed)])
        shared = [np.count_nonzero(self.sources[i, projection.sources]) for i in possible]
        chosen = possible[int(np.argmax(shared))]
        self.weights[chosen, targets] = units
        self.sources[chosen, projection.sources] = True
        return chosen

    def _no_type_left(self, projection: Projection, fixed: int | None) -> str:
        if fixed is not None:
            return (
                f"projection {projection.label!r}: its new weights differ from those of another projection "
                "that shares its type of axons; set them before the first run, or call reset()"
            )
        return (
            f"projection {projection.label!r}: its targets have {len(TYPES)} other weights already, one for "
            "each type of axons. Use equal weights for some of the projections onto these neurons"
        )


def _rounded(x: Float) -> Float:
    return np.copysign(np.floor(np.abs(x) + 0.5), x) + 0.0


def _differ(asked: Float, got: Float) -> bool:
    return bool(np.any(np.abs(got - asked) > _NOISE * np.abs(asked)))


def _narrow(column: Float) -> Column:
    """Return one number for a column of equal values."""
    return float(column[0]) if len(column) and np.all(column == column[0]) else np.array(column)
