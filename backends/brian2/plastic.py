"""The data of plastic synapses: constants and states of a part of a projection, and settling.

Brian2 lets a presynaptic spike change a synapse when it acts, which is later than when it reaches the
synapse. Before weights or parameters are read or changed, what has reached the synapses is therefore done
here, with the very statements that Brian2 runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.brian2.plastic_equations import constants_of, rule_named
from pycosim.backends.brian2.wiring import Part
from pycosim.network import Network
from pycosim.network.plasticity import ALL_SITES, Column, Plasticity
from pycosim.network.short_term import draw_key, receptor_time_constants

Columns = dict[str, NDArray[Any]]


def constant_columns(network: Network, part: Part) -> dict[str, Column]:
    """Return the constants in the statements of a part's synapses, each a number or a column of the part."""
    projection = network.projections[part.projection]
    plasticity = projection.plasticity
    assert plasticity is not None
    if plasticity.changes_weights:
        columns = _timing_constants(plasticity, network.dt_ms)
        columns["dendritic"] = plasticity.dendritic_steps(projection.delays)
        columns["post_is_late"] = (columns["dendritic"] == 0).astype(np.int32)
    elif plasticity.rule == "TsodyksMarkram":
        columns = _depressing_constants(network, part)
    else:
        columns = _quantal_constants(plasticity, network.dt_ms)
        key = np.array(draw_key(network, part.projection), np.uint32).view(np.int32)
        columns |= {"key_0": key[0], "key_1": key[1]}
        columns["synapse_number"] = np.arange(projection.n_synapses, dtype=np.int32)
    names = constants_of(plasticity.rule, plasticity.weight_dependence)
    return {name: _of_part(columns[name], part) for name in names}


def _of_part(column: Column, part: Part) -> Column:
    return np.asarray(column)[part.synapses] if np.ndim(column) else column


def _timing_constants(plasticity: Plasticity, dt_ms: float) -> dict[str, Column]:
    columns = dict(plasticity.coefficients())
    columns |= {"pre_tau": columns["tau_pre"] / dt_ms, "post_tau": columns["tau_post"] / dt_ms}
    if plasticity.rule == "PfisterSpikeTriplet":
        columns["pre_slow_tau"] = np.asarray(columns["tau_x"]) / dt_ms
        columns["post_slow_tau"] = np.asarray(columns["tau_y"]) / dt_ms
    if plasticity.rule == "DopaminePairRule":
        base = np.asarray(columns["d_base"], np.float64)
        columns["per_base"] = np.where(base == 0, 0.0, 1 / np.where(base == 0, 1.0, base))
        columns |= {name: columns[name] / dt_ms for name in ("tau_c", "tau_d")}
        columns["both_tau"] = 1 / (1 / columns["tau_c"] + 1 / columns["tau_d"])
        columns["ms_per_step"] = dt_ms
    elif plasticity.rule == "HomeostaticPairRule":
        columns |= {"rate_tau": columns["tau_rate"] / dt_ms, "tau_rate_s": columns["tau_rate"] / 1e3}
        columns["update_steps"] = plasticity.update_steps(dt_ms)
        columns["interval_s"] = columns["update_steps"] * dt_ms / 1e3
    columns["w_low"] = np.minimum(columns["w_min"], columns["w_max"])
    columns["w_high"] = np.maximum(columns["w_min"], columns["w_max"])
    return columns


def _positive(tau: Column, dt_ms: float) -> tuple[Column, Column]:
    """Return time constants in steps, 1 where there is none, and whether there is one, as 0 or 1."""
    steps = np.asarray(tau, np.float64) / dt_ms
    return np.where(steps > 0, steps, 1.0), (steps > 0).astype(np.float64)


def _depressing_constants(network: Network, part: Part) -> dict[str, Column]:
    projection = network.projections[part.projection]
    parameters = projection.plasticity.parameters
    columns: dict[str, Column] = {"U": parameters["U"]}
    columns["tau_rec"] = np.asarray(parameters["tau_rec"]) / network.dt_ms
    columns["tau_facil"], columns["facilitates"] = _positive(parameters["tau_facil"], network.dt_ms)
    tau_psc = receptor_time_constants(network, projection)
    columns["tau_psc"], columns["spreads"] = _positive(tau_psc, network.dt_ms)
    columns["tau_slow"] = np.maximum(columns["tau_psc"], columns["tau_rec"])
    return columns


def _quantal_constants(plasticity: Plasticity, dt_ms: float) -> dict[str, Column]:
    parameters = plasticity.quantal_parameters()
    columns: dict[str, Column] = {"U": parameters["U"], "n": parameters["n"]}
    columns["tau_rec"], columns["takes_time"] = _positive(parameters["tau_rec"], dt_ms)
    columns["tau_facil"], columns["facilitates"] = _positive(parameters["tau_facil"], dt_ms)
    return columns


def initial_states(network: Network, part: Part, delays: NDArray[np.int64], step: int) -> Columns:
    """Return the states at `step` of a part's new synapses, except for weights; `delays` has one for each."""
    plasticity = network.projections[part.projection].plasticity
    assert plasticity is not None
    late = plasticity.dendritic_steps(delays) if plasticity.changes_weights else delays
    names = rule_named(plasticity.rule, plasticity.weight_dependence).states
    states = {name: np.zeros(len(delays)) for name in names if name != "weight"}
    given = {"use": plasticity.initial.get("u", 0.0), "available": plasticity.initial.get("a", ALL_SITES)}
    given |= {"dopamine": plasticity.parameters.get("d_base", 0.0), "last_update": step}
    given["mean_rate"] = plasticity.parameters.get("base_rate", 0.0)
    for name in given.keys() & states.keys():
        states[name] += _of_part(given[name], part)
    for name in {"last_spike", "since", "rate_step"} & states.keys():
        states[name] += step + late  # what reaches the synapse in the present step acts then
    return states


# Order of what happens at a synapse in a step. Where both sides' spikes reach it at once the postsynaptic one
# comes first, unless it is late: then all of its kinds come after all others.
_RANKS = ("release", "rate", "post", "pre", "update")


@dataclass
class Waiting:
    """Spikes on their way to the statements of plastic synapses.

    Attributes
    ----------
    pathway : str
    side : str
        "pre", "post" or "rate"; "release" of spikes that release dopamine.
    steps : (n,) int64 ndarray
        At which each executes its statements.
    synapses : (n,) int64 ndarray
    amounts : (n,) float64 ndarray or None
        Of dopamine.
    """

    pathway: str
    side: str
    steps: NDArray[np.int64]
    synapses: NDArray[np.int64]
    amounts: NDArray[np.float64] | None = None


@dataclass
class Settled:
    """What `settle` found.

    Attributes
    ----------
    columns : dict of str to ndarray
        States, and weights, after it.
    reached : dict of str to (n,) bool ndarray
        By pathway: which of the waiting spikes have acted.
    steps, synapses, transmitted : list of ndarray
        When presynaptic spikes act, through which synapses, and what they transmit then.
    """

    columns: Columns
    reached: dict[str, NDArray[np.bool_]]
    steps: list[NDArray[np.int64]] = field(default_factory=list)
    synapses: list[NDArray[np.int64]] = field(default_factory=list)
    transmitted: list[NDArray[np.float64]] = field(default_factory=list)


def settle(
    plasticity: Plasticity,
    columns: Columns,
    dendritic: NDArray[np.int64],
    waiting: list[Waiting],
    step: int,
) -> Settled:
    """Let all spikes act that have reached their synapses by `step`.

    Parameters
    ----------
    plasticity : Plasticity
    columns : dict of str to (n_synapses,) ndarray
        Constants and states by name; they are not changed.
    dendritic : (n_synapses,) int64 ndarray
        Dendritic part of the delays; of a short-term rule the whole.
    waiting : list of Waiting
        All spikes on their way to these synapses.
    step : int
    """
    rule = rule_named(plasticity.rule, plasticity.weight_dependence)
    result = Settled({name: np.array(column) for name, column in columns.items()}, {})
    events, released = _events(waiting, dendritic, step, result.reached)
    if rule.every_step:
        events.append(_updates(columns, dendritic, step))
    texts = {"release": rule.on_release, "update": rule.every_step, **rule.on_spike}
    for group in _in_order(np.concatenate(events, axis=1)):
        side, processed = _RANKS[group[1, 0] % len(_RANKS)], group[3]
        given = {"amount": released[group[4]]} if side == "release" else {}
        local = _execute(texts[side], result.columns, rule.states, group[2], processed, given)
        if side == "pre":
            result.steps.append(processed)
            result.synapses.append(group[2])
            result.transmitted.append(local["transmitted"])
    if rule.rest:
        everyone = np.arange(len(dendritic))
        _execute(rule.rest, result.columns, rule.states, everyone, step + dendritic)
    return result


def _events(
    waiting: list[Waiting],
    dendritic: NDArray[np.int64],
    step: int,
    reached: dict[str, NDArray[np.bool_]],
) -> tuple[list[NDArray[np.int64]], NDArray[np.float64]]:
    """Find the spikes that have reached their synapses by `step`, and note which they are in `reached`.

    Returns
    -------
    list of (5, n) int64 ndarray
        Step at the synapse, place in `_RANKS`, synapse, step at which Brian2 executes it, and place in:
    (n,) float64 ndarray
        Amounts of dopamine.
    """
    events, amounts, n_amounts = [], [np.empty(0)], 0
    for spikes in waiting:
        late = (dendritic[spikes.synapses] == 0) & (spikes.side in ("post", "rate"))
        at_synapse = spikes.steps - late
        here = at_synapse <= step + dendritic[spikes.synapses]
        reached[spikes.pathway] = here
        ranks = _RANKS.index(spikes.side) + late * len(_RANKS)
        events.append(
            np.stack([at_synapse, ranks, spikes.synapses, spikes.steps, n_amounts + np.arange(len(here))])[
                :, here
            ]
        )
        if spikes.amounts is not None:
            amounts.append(spikes.amounts)
            n_amounts += len(here)
    return events, np.concatenate(amounts)


def _updates(columns: Columns, dendritic: NDArray[np.int64], step: int) -> NDArray[np.int64]:
    """Return the updates at the end of steps, until `step`, that synapses are late with, as events."""
    interval = int(columns["update_steps"][0])
    first = max(1, step - int(dendritic.max(initial=0)))
    updates, synapses = np.meshgrid(
        np.arange(-(-first // interval) * interval, step + 1, interval), np.arange(len(dendritic))
    )
    late = updates >= step - dendritic[:, np.newaxis]
    updates, synapses = updates[late], synapses[late]
    at_synapse = updates + dendritic[synapses]
    rank = np.full(len(updates), 2 * len(_RANKS) - 1)  # after all else in the step
    return np.stack([at_synapse, rank, synapses, at_synapse + 1, np.zeros(len(updates), int)])


def _in_order(spikes: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """Yield spikes that execute their statements together; a synapse is there once."""
    spikes = spikes[:, np.lexsort(spikes[2::-1])]
    if not spikes.shape[1]:
        return
    same = np.all(spikes[:3, 1:] == spikes[:3, :-1], axis=0)
    begins = np.flatnonzero(np.append(True, ~same))
    repeat = np.arange(spikes.shape[1]) - np.repeat(begins, np.diff(np.append(begins, spikes.shape[1])))
    places = np.stack([spikes[0], spikes[1], repeat])
    order = np.lexsort(places[::-1])
    changes = np.flatnonzero(np.any(np.diff(places[:, order], axis=1) != 0, axis=0)) + 1
    for which in np.split(order, changes):
        yield spikes[:, which]


def _exprel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 1.0, np.expm1(safe) / safe)


def _execute(
    text: str,
    columns: Columns,
    changing: tuple[str, ...],
    synapses: NDArray[np.int64],
    now: NDArray[np.int64],
    given: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> Columns:
    """Execute Brian2 statements for some synapses, change `columns`, and return all variables.

    `given` are variables that are not of the synapses.
    """
    from pycosim.backends.brian2.draws import draws_below

    functions: dict[str, Any] = {"exp": np.exp, "clip": np.clip, "abs": np.abs, "exprel": _exprel}
    functions |= {"log1p": np.log1p, "expm1": np.expm1, "int": np.int64}
    functions |= {"draws_below": draws_below.pyfunc, "__builtins__": {}}
    local = {name: column[synapses] if len(column) > 1 else column for name, column in columns.items()}
    local |= {"t_in_timesteps": now, **given}
    exec(compile(text, "<Brian2 statements>", "exec"), functions, local)
    for name in changing:
        columns[name][synapses] = local[name]
    return local
