"""Integrate-and-fire neurons in Loihi's integers.

With v in units of ``1 / v_scale`` mV above v_rest, the native engine's step (`pycosim.network.models`) of
IF_curr_exp and IF_curr_delta has the form of a compartment's. Two things differ:

- The engine adds the current of the step before to the membrane, the chip the present one. Synapses onto
  IF_curr_exp therefore get one more step of delay, which makes the equations the same.
- Decays are multiples of 1/4096. The time constants that result are reported, and what flows in is scaled
  so that a constant current (or a train of spikes) of IF_curr_exp still has the same mean effect: tau_m / cm
  and weight * tau_syn stay as asked. A jump of IF_curr_delta stays as asked.

Each population has one scale. It is limited by the membrane's 24 bits (the threshold takes a half at most,
to leave room for inhibition), by q (room for 16 of the largest weights at once) and by the bias; within a
factor of two of that, it is the one with which weights are rounded least: whole multiples of 64 times a power
of two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import NotSupportedError
from pycosim.hwmodels.arithmetic import Reading, Rounding
from pycosim.hwmodels.loihi.neurons import NEURONS, REGISTERS
from pycosim.hwmodels.loihi.weights import hold
from pycosim.network import Network, Population

__all__ = ["RECEPTORS", "TranslatedCells", "translate_cells"]

Float = NDArray[np.float64]

RECEPTORS = {"excitatory": "E", "inhibitory": "I"}
_DEFAULTS = NEURONS[0].defaults
_CURRENTS = {"excitatory": ("i_e", "isyn_exc"), "inhibitory": ("i_i", "isyn_inh")}

MAX_THRESHOLD, MAX_WEIGHT = 2.0**22, 2.0**17
_MAX_BIAS = REGISTERS["bias_mant"].high * 2.0 ** REGISTERS["bias_exp"].high
_N_SCALES, _MAX_VALUES = 256, 1000


@dataclass(eq=False)
class TranslatedCells:
    """A population in the chip's registers.

    Attributes
    ----------
    population : Population
    v_scale : float
        Units of v in a mV.
    weight_scales : dict of str to (float or (size,) float64 ndarray)
        By receptor: units of 64 in a weight of 1 nA, or of 1 mV.
    more_delay : int
        Steps by which delays are longer.
    roundings : list of Rounding
    readings : dict of str to Reading
    """

    population: Population
    v_scale: float
    weight_scales: dict[str, float | Float]
    more_delay: int
    roundings: list[Rounding] = field(default_factory=list)
    readings: dict[str, Reading] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Cells:
    """What a population asks for; columns are numbers where all neurons are alike.

    Attributes
    ----------
    population : Population
    p : dict of str to (float or (size,) float64 ndarray)
        Parameters.
    i_offset : float or (size,) float64 ndarray
        With the currents of electrodes.
    dt_ms : float
    weights : dict of str to list of float64 ndarray
        By receptor in use: the distinct weights of each projection.
    bits : int
        Of weights.
    """

    population: Population
    p: dict[str, Float]
    i_offset: Float
    dt_ms: float
    weights: Mapping[str, list[Float]]
    bits: int

    @property
    def has_currents(self) -> bool:
        """Whether spikes add to a current that decays, and not to the membrane."""
        return self.population.model == "IF_curr_exp"

    @property
    def is_joined(self) -> bool:
        """Whether two different decays of currents are in use, for which it takes two compartments."""
        return (
            self.has_currents
            and len(self.weights) == 2
            and np.any(self.p["tau_syn_E"] != self.p["tau_syn_I"])
        )

    @property
    def dv(self) -> Float:
        """Decay of the membrane in 1/4096; a membrane that leaks at all keeps a leak."""
        return np.clip(np.rint(-4096 * np.expm1(-self.dt_ms / self.p["tau_m"])), 1, 4095)

    def du(self, receptor: str) -> Float:
        """Return the decay of a receptor's current in 1/4096 (register + 1)."""
        if not self.has_currents:
            return np.asarray(4096.0)
        tau = self.p[f"tau_syn_{RECEPTORS[receptor]}"]
        return np.clip(np.rint(-4096 * np.expm1(-self.dt_ms / tau)), 1, 4096)

    def membrane_gain(self) -> Float:
        """Return by how much inputs grow with the rounded decay of the membrane."""
        return self.dv / 4096 / -np.expm1(-self.dt_ms / self.p["tau_m"])

    def weight_gain(self, receptor: str) -> Float:
        """Return what a weight of 1 adds to u, in mV."""
        if not self.has_currents:
            return np.asarray(1.0)
        from pycosim.network.coefficients import exponential_response

        tau = self.p[f"tau_syn_{RECEPTORS[receptor]}"]
        response = exponential_response(self.p["tau_m"], tau, self.p["cm"], self.dt_ms)
        return response * self.membrane_gain() * (self.du(receptor) / 4096 / -np.expm1(-self.dt_ms / tau))

    def bias_gain(self) -> Float:
        """Return what a constant current of 1 nA adds to v in a step, in mV."""
        return self.p["tau_m"] / self.p["cm"] * self.dv / 4096

    def refractory(self) -> Float:
        """Return the steps in which the membrane is held."""
        return np.round(self.p["tau_refrac"] / self.dt_ms)

    def problems(self) -> Iterator[str]:
        """Say why there is no faithful translation."""
        p = self.p
        if np.any(p["v_reset"] != p["v_rest"]):
            yield (
                f"v_reset is {_first(p['v_reset'], p['v_reset'] != p['v_rest']):g} mV and v_rest "
                f"{_first(p['v_rest'], p['v_reset'] != p['v_rest']):g} mV; the chip resets v to where it "
                "decays to, 0: make them equal"
            )
        if np.any(p["v_thresh"] <= p["v_rest"]):
            yield "v_thresh is not above v_rest; the chip's threshold is not below 0, the resting potential"
        longest = REGISTERS["refractory"].high - 1
        if np.any(self.refractory() > longest):
            yield (
                f"tau_refrac is {np.max(p['tau_refrac']):g} ms, {np.max(self.refractory()):g} steps; the "
                f"register holds at most {longest:g} steps: use a longer time step or a shorter period"
            )


def _first(column: Float, where: NDArray[np.bool_]) -> float:
    return float(np.broadcast_to(column, np.shape(where))[where].flat[0]) if np.ndim(where) else float(column)


def translate_cells(
    network: Network,
    population: Population,
    i_injected: Float | float,
    weights: Mapping[str, list[Float]],
    bits: int,
    before: tuple[str, float] | None = None,
) -> TranslatedCells:
    """Return a population of IF_curr_exp or IF_curr_delta in the chip's registers.

    Parameters
    ----------
    network : Network
    population : Population
    i_injected : float or (size,) float64 ndarray
        Constant currents of electrodes in nA.
    weights : mapping of str to list of float64 ndarray
        By receptor in use: the weights of each projection.
    bits : int
        Of a weight.
    before : (str, float), optional
        Model and scale that were chosen before values changed.

    Raises
    ------
    NotSupportedError
        If there is no faithful translation; the message has all reasons.
    """
    p = {name: np.asarray(column, np.float64) for name, column in population.parameters.items()}
    samples = {r: [_sample(w) for w in of_receptor] for r, of_receptor in weights.items()}
    cells = _Cells(population, p, p["i_offset"] + i_injected, network.dt_ms, samples, bits)
    problems = list(cells.problems())
    model = "loihi.CUBAWithDendrite" if cells.is_joined else "loihi.CUBA"
    if before is not None and before[0] != model:
        if cells.is_joined:
            problems.append(
                "synapses of another time constant than those it runs with were added; it takes a second "
                "compartment: add them before the run, or reset"
            )
        model = before[0]
    if problems:
        raise NotSupportedError("; ".join(problems))
    scale = before[1] if before is not None else _scale(cells)
    return _in_registers(cells, model, scale)


def _sample(weights: Float) -> Float:
    """Return distinct weights that are not 0: all, or as many as one looks at."""
    distinct = np.unique(weights[weights != 0])
    if len(distinct) <= _MAX_VALUES:
        return distinct
    return distinct[np.linspace(0, len(distinct) - 1, _MAX_VALUES).astype(int)]


def _scale(cells: _Cells) -> float:
    """Return the units of v in a mV with which values are rounded least."""
    depth = float(np.max(cells.p["v_thresh"] - cells.p["v_rest"]))
    limits = [MAX_THRESHOLD / depth]
    values = []
    for receptor, projections in cells.weights.items():
        gain = np.asarray(cells.weight_gain(receptor))
        # Where neurons differ, the mean one stands for all when roundings are compared.
        values += [w * float(np.mean(gain)) for w in projections if len(w)]
        largest = max((float(np.abs(w).max()) for w in projections if len(w)), default=0.0) * float(
            np.max(gain)
        )
        limits += [MAX_WEIGHT / largest] if largest else []
    bias = float(np.max(np.abs(cells.i_offset * cells.bias_gain())))
    limits += [_MAX_BIAS / bias] if bias else []
    top = min(limits)
    # The threshold's own grid as well: it is exact there.
    candidates = top * 2.0 ** -np.linspace(0, 1, _N_SCALES)
    candidates = np.maximum(np.floor(candidates * depth / 64), 1) * 64 / depth
    return float(min(candidates, key=lambda scale: _worst_error(values, scale, cells.bits)))


def _worst_error(values: list[Float], scale: float, bits: int) -> float:
    """Return the largest root-mean-square relative rounding of the weights of one projection."""
    worst = 0.0
    for wanted in values:
        wanted = wanted * (scale / 64)
        held = hold(wanted, bits)
        if held is None:
            return np.inf
        worst = max(worst, float(np.sqrt(np.mean((held.weights / wanted - 1) ** 2))))
    return worst


def _in_registers(cells: _Cells, model: str, scale: float) -> TranslatedCells:
    p, population = cells.p, cells.population
    # Where one receptor has no synapses, the decay is that of the other.
    first = next(iter(cells.weights), "excitatory") if model == "loihi.CUBA" else "excitatory"
    bias = np.rint(scale * cells.i_offset * cells.bias_gain())
    mantissa, exponent = _mantissas(bias)
    registers = dict(_DEFAULTS) | {
        "du": cells.du(first) - 1,
        "dv": cells.dv,
        "bias_mant": mantissa,
        "bias_exp": exponent,
        "vth_mant": np.rint(scale * (p["v_thresh"] - p["v_rest"]) / 64),
        "refractory": cells.refractory() + 1,
    }
    if model == "loihi.CUBAWithDendrite":
        registers["du_dendrite"] = cells.du("inhibitory") - 1
    weight_scales = {r: _plain(scale / 64 * cells.weight_gain(r)) for r in RECEPTORS}
    made = Population(
        population.label,
        model,
        population.size,
        population.first,
        {name: _plain(np.asarray(column)) for name, column in registers.items()},
        positions=population.positions,
        neurons_per_core=population.neurons_per_core,
    )
    translated = TranslatedCells(made, scale, weight_scales, int(cells.has_currents))
    translated.readings = _readings(cells, model, translated)
    made.initial = _initial(cells, model, translated)
    translated.roundings = list(_roundings(cells, translated, mantissa * 2.0**exponent))
    return translated


def _plain(column: Float) -> float | Float:
    return float(column) if column.ndim == 0 else column


def _mantissas(bias: Float) -> tuple[Float, Float]:
    """Return 13-bit mantissas and the smallest exponents of the nearest biases."""
    register = REGISTERS["bias_mant"]
    exponent = np.zeros_like(bias)
    for _ in range(int(REGISTERS["bias_exp"].high)):
        mantissa = np.rint(bias / 2.0**exponent)
        exponent = exponent + ((mantissa > register.high) | (mantissa < register.low))
    return register.nearest(np.rint(bias / 2.0**exponent)), exponent


def _readings(cells: _Cells, model: str, translated: TranslatedCells) -> dict[str, Reading]:
    rest = _plain(cells.p["v_rest"])
    readings = {"v": Reading("v", 1 / translated.v_scale, rest)}
    if not cells.has_currents or (model == "loihi.CUBA" and len(cells.weights) == 2):
        return readings
    states = {"excitatory": "u", "inhibitory": "u" if model == "loihi.CUBA" else "u_dendrite"}
    for receptor in cells.weights if model == "loihi.CUBA" else RECEPTORS:
        kept = np.maximum(4096 - cells.du(receptor), 1) / 4096
        reading = Reading(
            states[receptor], _plain(kept / (64 * np.asarray(translated.weight_scales[receptor])))
        )
        readings |= dict.fromkeys(_CURRENTS[receptor], reading)
    return readings


def _initial(cells: _Cells, model: str, translated: TranslatedCells) -> dict[str, float | Float]:
    """Return the initial states: the current that is left of u in the first step is the asked one."""
    population, limit = cells.population, 2.0**23 - 1
    v = np.asarray(translated.readings["v"].write(population.initial_column("v")))
    initial = {"v": np.clip(np.rint(v), -limit, limit)}
    for receptor in RECEPTORS if cells.has_currents else ():
        current = population.initial_column(_CURRENTS[receptor][0])
        if np.any(current):
            kept = np.maximum(4096 - cells.du(receptor), 1) / 4096
            state = "u_dendrite" if receptor == "inhibitory" and model != "loihi.CUBA" else "u"
            more = np.rint(current * 64 * np.asarray(translated.weight_scales[receptor]) / kept)
            initial[state] = np.clip(initial.get(state, 0.0) + more, -limit, limit)
    return initial


def _roundings(cells: _Cells, translated: TranslatedCells, bias: Float) -> Iterator[Rounding]:
    p, dt, scale = cells.p, cells.dt_ms, translated.v_scale

    def rounding(name: str, unit: str, asked: Float, got: Float) -> Rounding:
        size = cells.population.size
        asked, got = (np.broadcast_to(column, (size,)) for column in (asked, got))
        return Rounding.of(f"population {cells.population.label!r}: {name}", unit, asked, got)

    def tau(decays: Float) -> Float:
        with np.errstate(divide="ignore"):
            return -dt / np.log1p(-decays / 4096)

    yield rounding("tau_m", "ms", p["tau_m"], tau(cells.dv))
    if cells.has_currents:
        yield rounding("cm", "nF", p["cm"], p["cm"] * tau(cells.dv) / p["tau_m"])
        for receptor in cells.weights:
            name = f"tau_syn_{RECEPTORS[receptor]}"
            yield rounding(name, "ms", p[name], tau(cells.du(receptor)))
    depth = p["v_thresh"] - p["v_rest"]
    threshold = 64 * np.asarray(translated.population.parameters["vth_mant"])
    yield rounding("v_thresh - v_rest", "mV", depth, threshold / scale)
    yield rounding("i_offset", "nA", cells.i_offset, bias / (scale * cells.bias_gain()))
    yield rounding("tau_refrac", "ms", p["tau_refrac"], cells.refractory() * dt)
    asked = cells.population.initial_column("v")
    got = translated.readings["v"].read(np.asarray(translated.population.initial["v"]))
    clipped = np.abs(got - asked) > 1 / scale
    if np.any(clipped):
        yield Rounding.of(
            f"population {cells.population.label!r}: initial v", "mV", asked[clipped], got[clipped]
        )
