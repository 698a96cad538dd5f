"""Plastic synapses as Brian2 statements: the rules of `pycosim.network.plasticity`.

A presynaptic spike executes its statements when it acts, D steps after its emission. Of the delay D the part
d is dendritic, so it had reached the synapse d steps before. Postsynaptic spikes are kept back for as long:
one of step t, which reaches the synapse at t + d, executes its statements at t + 2 d. All times at a synapse
are therefore d steps late, and their order and their intervals are those of the rule. Where d is 0 a
postsynaptic spike executes its statements at the beginning of the next step; "post_is_late" corrects that.

Choices are sums of products in which one factor is 0 and another 1, which are exact. Time constants are in
steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from pycosim.network.plasticity import DOPAMINE, INTEGER_PAIR, WEIGHT_DEPENDENCES, Plasticity

_UP = {
    "AdditiveWeightDependence": "w_max",
    "MultiplicativeWeightDependence": "(w_max - weight)",
    "AdditivePotentiationMultiplicativeDepression": "w_max",
    "GutigWeightDependence": "(w_max - w_min)*clip((w_max - weight)/(w_max - w_min), 0.0, 1e300)**mu_plus",
}
_DOWN = {
    "AdditiveWeightDependence": "w_max",
    "MultiplicativeWeightDependence": "(weight - w_min)",
    "AdditivePotentiationMultiplicativeDepression": "(weight - w_min)",
    "GutigWeightDependence": "(w_max - w_min)*clip((weight - w_min)/(w_max - w_min), 0.0, 1e300)**mu_minus",
}

# A trace just after the spikes of the last step that had some, and just before them.
_TRACE = """
is_first = int({now} > {side}_step)
{side}_before = is_first*{side}_trace*exp(-({now} - {side}_step)/{side}_tau) + (1 - is_first)*{side}_before
{side}_trace = {grown}
{side}_step = {now}
"""
_GROWS = "is_first*{side}_before + (1 - is_first)*{side}_trace + 1.0"
# The second trace of a side, brought up to date before the first, which notes the step.
_SLOW_TRACE = """
is_first = int({now} > {side}_step)
decay = exp(-({now} - {side}_step)/{side}_slow_tau)
{side}_slow_before = is_first*{side}_slow*decay + (1 - is_first)*{side}_slow_before
{side}_slow = is_first*{side}_slow_before + (1 - is_first)*{side}_slow + 1.0
"""
# Eligibility and dopamine act since the last event at the synapse, with a stop where dopamine crosses 0.
_LEARN = """
elapsed = now - since
far = dopamine - d_base
crosses = int(dopamine*d_base < 0.0)
until_0 = clip(crosses*tau_d*log1p(-crosses*dopamine*per_base), 0.0, 1.0*elapsed)
to_0 = -(d_base*tau_c*expm1(-until_0/tau_c) + far*both_tau*expm1(-until_0/both_tau))
whole = -(d_base*tau_c*expm1(-elapsed/tau_c) + far*both_tau*expm1(-elapsed/both_tau))
learned = clip(clip(weight, w_low, w_high) + ms_per_step*eligibility*to_0, w_low, w_high)
learned = clip(learned + ms_per_step*eligibility*(whole - to_0), w_low, w_high)
learns = int(eligibility != 0.0)*int(elapsed > 0)
weight = learns*learned + (1 - learns)*weight
eligibility = eligibility*exp(-elapsed/tau_c)
dopamine = d_base + far*exp(-elapsed/tau_d)
since = now
"""
_NOW = "now = t_in_timesteps"
_RELEASE = "dopamine = dopamine + amount"
# The update at the end of the step that is "dendritic" + 1 steps ago, if it is due and not yet done.
_SCALE = """
update = now - 1 - dendritic
due = int(update % update_steps == 0)*int(update > last_update)
lacking = 1.0 - mean_rate*exp(-(now - 1 - rate_step)/rate_tau)/base_rate
pace = base_rate/(tau_rate_s*(1.0 + 50.0*abs(lacking)))
scaled = clip(weight + (homeo_scale*lacking*weight*interval_s + change)*pace, w_low, w_high)
weight = due*scaled + (1 - due)*weight
change = (1 - due)*change
last_update = due*update + (1 - due)*last_update
"""
_RATE = """
mean_rate = mean_rate*exp(-(now - rate_step)/rate_tau)
rate_step = now
"""
_RATE_GROWS = "mean_rate = mean_rate + 1.0/tau_rate_s"
_PARTNER_IS_TAKEN = "pre_trace = pre_trace*int(pre_step >= now)"
# Spikes of both sides that reach the synapse at the same step are not paired.
_OTHER_TRACE = """
is_earlier = int({now} > {side}_step)
trace = is_earlier*{side}_trace*exp(-({now} - {side}_step)/{side}_tau) + (1 - is_earlier)*{side}_before
"""
_POST = """
{now}
{catch_up}
{other_trace}
{slow_trace}
gain = {gain}*trace
{potentiation}
{own_trace}
{after}
"""
_LATE_NOW = "now = t_in_timesteps - post_is_late"
_POTENTIATION = """
changed = clip(weight + gain*{up}, w_low, w_high)
weight = int(gain != 0.0)*changed + int(gain == 0.0)*weight
"""
# Of the rules whose pairs change something else than the weight.
_COLLECTORS = {"DopaminePairRule": "eligibility", "HomeostaticPairRule": "change"}
_COLLECT_POST = "{collector} = {collector} + gain*{up}"
_COLLECT_PRE = """
loss = {loss}*trace
{collector} = {collector} - loss*{down}
"""
_PRE_PAIR = """
loss = {loss}*trace
changed = clip(weight - loss*{down}, w_low, w_high)
weight = int(loss != 0.0)*changed + int(loss == 0.0)*weight
"""
_PRE_VOGELS = """
gain = pre_gain*trace
stays = int(gain == 0.0)*int(constant_loss == 0.0)
changed = clip(weight + gain*{up} - constant_loss*{down}, w_low, w_high)
weight = (1 - stays)*changed + stays*weight
"""
_PRE = {
    "SpikePairRule": _PRE_PAIR,
    "Vogels2011Rule": _PRE_VOGELS,
    "SpikeNearestPairRule": _PRE_PAIR,
    "PfisterSpikeTriplet": _PRE_PAIR,
    "DopaminePairRule": _COLLECT_PRE,
    "HomeostaticPairRule": _COLLECT_PRE,
}

# The last factors are the integral of exp(-(T - s)/tau_rec) exp(-s/tau_psc)/tau_psc for s from 0 to T.
_REST_TSODYKS_MARKRAM = """
interval = t_in_timesteps - last_spike
difference = interval*abs(1.0/tau_psc - 1.0/tau_rec)
moves = spreads*interval/tau_psc*exp(-interval/tau_slow)*exprel(-difference)
moves_at_once = (1 - spreads)*exp(-interval/tau_rec)
z_inactive = z_inactive*exp(-interval/tau_rec) + y_active*(moves + moves_at_once)
y_active = spreads*y_active*exp(-interval/tau_psc)
use = facilitates*use*exp(-interval/tau_facil)
last_spike = t_in_timesteps
"""
_TSODYKS_MARKRAM = """
use = use + U*(1.0 - use)
moved = use*(1.0 - y_active - z_inactive)
y_active = y_active + moved
transmitted = weight*moved
"""
# Every draw has a number, see pycosim.backends.brian2.draws.
_QUANTAL = """
interval = t_in_timesteps - last_spike
left = facilitates*use*exp(-interval/tau_facil)
use = left + U*(1.0 - left)
recovery = 1.0 - takes_time*exp(-interval/tau_rec)
full = clip(available, 0.0, n)
ready = full + draws_below(recovery, n - full, 0.0, n_spikes, synapse_number, key_0, key_1)
released = draws_below(use, ready, n - full, n_spikes, synapse_number, key_0, key_1)
available = ready - released
n_spikes = n_spikes + 1
last_spike = t_in_timesteps
transmitted = weight*(released/n)
"""

_OTHER_CONSTANTS = {
    "DopaminePairRule": ("d_base", "per_base", "tau_c", "tau_d", "both_tau", "ms_per_step"),
    "HomeostaticPairRule": (
        *("base_rate", "homeo_scale", "rate_tau", "tau_rate_s", "update_steps", "interval_s", "dendritic"),
    ),
}
_TRACES = ("pre_trace", "pre_before", "pre_step", "post_trace", "post_before", "post_step")
_SLOW_TRACES = ("pre_slow", "pre_slow_before", "post_slow", "post_slow_before")
_QUANTAL_RULES = ("Quantal", "StochasticTsodyksMarkram", "SimpleStochastic")
INTEGERS = frozenset(
    (
        *("pre_step", "post_step", "last_spike", "n_spikes", "post_is_late", "synapse_number"),
        *("key_0", "key_1", "since", "rate_step", "last_update", "update_steps", "dendritic"),
    )
)
"""Names of the variables that are integers."""


@dataclass(frozen=True)
class Rule:
    """What the synapses of one rule do.

    Attributes
    ----------
    states : tuple of str
        Variables that change; "weight" is one of a timing rule.
    on_spike : dict of str to str
        Statements by side: for a presynaptic spike that acts ("pre"), which leave "transmitted"; for a
        postsynaptic spike that reaches the synapse ("post"), and for the rate of the neuron ("rate").
    rest : str
        Statements that bring the state to the present step; empty where there is nothing to do.
    on_release : str
        Statements for "amount" of dopamine, where the synapse has some.
    every_step : str
        Statements of every step, between the spikes of the neuron and presynaptic spikes.
    """

    states: tuple[str, ...]
    on_spike: dict[str, str]
    rest: str = ""
    on_release: str = ""
    every_step: str = ""


def supported_rules() -> tuple[str, ...]:
    """Return the names of the rules that have statements, or are done by Python functions."""
    return (*_PRE, "TsodyksMarkram", *_QUANTAL_RULES, DOPAMINE, INTEGER_PAIR)


def is_in_python(plasticity: Plasticity | None) -> bool:
    """Return whether the synapses of a rule are not Brian2's: traces are rounded at random in every step."""
    return plasticity is not None and plasticity.rule == INTEGER_PAIR


def rule_named(rule: str, weight_dependence: str) -> Rule:
    """Return the statements of a rule of `supported_rules`, with one of PyNN's weight dependences."""
    if rule == "TsodyksMarkram":
        states = ("y_active", "z_inactive", "use", "last_spike")
        return Rule(states, {"pre": _REST_TSODYKS_MARKRAM + _TSODYKS_MARKRAM}, _REST_TSODYKS_MARKRAM)
    if rule in _QUANTAL_RULES:
        return Rule(("use", "available", "n_spikes", "last_spike"), {"pre": _QUANTAL})
    return _timing_rule(rule, {"up": _UP[weight_dependence], "down": _DOWN[weight_dependence]})


def _timing_rule(rule: str, changes: dict[str, str]) -> Rule:
    is_triplet, is_nearest = rule == "PfisterSpikeTriplet", rule == "SpikeNearestPairRule"

    def traces(side: str, now: str) -> tuple[str, str]:
        grown = "1.0" if is_nearest else _GROWS.format(side=side)
        slow = _SLOW_TRACE.format(side=side, now=now) if is_triplet else ""
        return slow, _TRACE.format(side=side, now=now, grown=grown)

    catch_up = {"DopaminePairRule": _LEARN, "HomeostaticPairRule": _SCALE}.get(rule, "")
    changes["collector"] = _COLLECTORS.get(rule, "")
    slow_trace, own_trace = traces("post", "now")
    on_post = _POST.format(
        now=_LATE_NOW,
        catch_up=catch_up,
        other_trace=_OTHER_TRACE.format(side="pre", now="now"),
        slow_trace=slow_trace,
        gain="(post_gain + A3_plus*post_slow_before)" if is_triplet else "post_gain",
        own_trace=own_trace,
        after=_PARTNER_IS_TAKEN if is_nearest else "",
        potentiation=(_COLLECT_POST if rule in _COLLECTORS else _POTENTIATION).format(**changes),
    )
    slow_trace, own_trace = traces("pre", "t_in_timesteps")
    loss = "(pre_loss + A3_minus*pre_slow_before)" if is_triplet else "pre_loss"
    on_pre = "\n".join(
        (
            *((_NOW, catch_up) if catch_up else ()),
            _OTHER_TRACE.format(side="post", now="t_in_timesteps"),
            slow_trace,
            _PRE[rule].format(loss=loss, **changes),
            own_trace,
            "transmitted = weight",
        )
    )
    states, on_spike = ("weight", *_TRACES), {"pre": on_pre, "post": on_post}
    if rule == "DopaminePairRule":
        learn = f"{_NOW}\n{_LEARN}"
        return Rule((*states, "eligibility", "dopamine", "since"), on_spike, learn, learn + _RELEASE)
    if rule == "HomeostaticPairRule":
        on_spike["rate"] = "\n".join((_LATE_NOW, _SCALE, _RATE, _RATE_GROWS))
        states += ("change", "mean_rate", "rate_step", "last_update")
        return Rule(states, on_spike, f"{_NOW}\n{_RATE}", every_step=f"{_NOW}\n{_SCALE}")
    return Rule((*states, *(_SLOW_TRACES if is_triplet else ())), on_spike)


def constants_of(rule: str, weight_dependence: str) -> tuple[str, ...]:
    """Return the names of the constants in the statements of a rule."""
    if rule == "TsodyksMarkram":
        return ("U", "tau_rec", "tau_facil", "tau_psc", "tau_slow", "facilitates", "spreads")
    if rule in _QUANTAL_RULES:
        own = ("U", "n", "tau_rec", "tau_facil", "facilitates", "takes_time")
        return (*own, "synapse_number", "key_0", "key_1")
    gains = ("pre_gain", "constant_loss") if rule == "Vogels2011Rule" else ("pre_loss",)
    if rule == "PfisterSpikeTriplet":
        gains += ("A3_plus", "A3_minus", "pre_slow_tau", "post_slow_tau")
    gains += _OTHER_CONSTANTS.get(rule, ())
    powers = WEIGHT_DEPENDENCES[weight_dependence][2:]
    bounds = ("w_min", "w_max", "w_low", "w_high", *powers)
    return ("pre_tau", "post_tau", "post_gain", *gains, *bounds, "post_is_late")
