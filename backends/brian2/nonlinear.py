"""The models whose membranes are not linear (`pycosim.network.nonlinear`) as Brian2 statements, by sub-steps.

Spelled like the reference backend, term by term. Choices are sums of products in which one factor is 0 and
another 1, which are exact; the names of intermediate values end in the number of the sub-step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pycosim.backends.brian2.plan import FIRES

# Far below any membrane potential; Brian2 clips from both sides.
_BELOW = "-1e9"


def statements(model: str, substeps: int) -> str:
    """Return the statements that integrate one step of `model` and leave the membrane in "v_free"."""
    before, substep = _SUBSTEPS[model]
    lines = [*before]
    for k in range(substeps):
        lines += [line.replace("#", f"_{k}") for line in substep(k == substeps - 1)]
    return "\n".join([*lines, "v_free = v"])


def runge_kutta(y: str, slopes: Callable[[int], Iterator[str]]) -> Iterator[str]:
    """Yield one sub-step of `v` and `y`; slopes(stage) computes dv and dy from v_at and y_at of a stage."""
    yield from ("v_1# = v", f"y_1# = {y}")
    for stage, factor in ((1, "half#"), (2, "half#"), (3, "substep_ms"), (4, "")):
        yield f"c_{stage}# = clip(v_{stage}#, {_BELOW}, v_thresh)"
        yield from slopes(stage)
        if stage < 4:
            yield f"v_{stage + 1}# = v + {factor}*dv_{stage}#"
            yield f"y_{stage + 1}# = {y} + {factor}*dy_{stage}#"
    for variable, slope in (("v", "dv"), (y, "dy")):
        total = f"({slope}_1# + 2.0*({slope}_2# + {slope}_3#) + {slope}_4#)"
        yield f"next_{slope}# = {variable} + sixth#*{total}"
    yield "v = moves#*next_dv# + (1 - moves#)*v"
    yield f"{y} = moves#*next_dy# + (1 - moves#)*{y}"


LENGTHS = ("half# = 0.5*substep_ms", "sixth# = substep_ms*(1.0/6.0)")


def _izhikevich() -> Iterator[str]:
    def slopes(stage: int) -> Iterator[str]:
        c = f"c_{stage}#"
        yield f"dv_{stage}# = 0.04*{c}*{c} + slope*{c} + 140.0 - y_{stage}# + drive"
        yield f"dy_{stage}# = a*(b*{c} - y_{stage}#)"

    yield from (*LENGTHS, "moves# = int(v < v_thresh)")
    yield from runge_kutta("u", slopes)


def eif_slopes(stage: int, conductance: str, current: str) -> Iterator[str]:
    """Yield dv and dy of one stage with the synapses of its point."""
    c = f"c_{stage}#"
    yield f"rise_{stage}# = g_rise*exp(({c} - v_rise)*per_delta_t)"
    yield f"inward_{stage}# = drive + rise_{stage}# + {current}"
    yield f"dv_{stage}# = (inward_{stage}# - y_{stage}# - (g_leak + {conductance})*{c})*per_cm*active"
    yield f"dy_{stage}# = (a*({c} - v_rest) - y_{stage}#)*per_tau_w"


def _eif_slopes(stage: int) -> Iterator[str]:
    point = (1, 2, 2, 3)[stage - 1]
    yield from eif_slopes(stage, f"conductance_{point}#", f"current_{point}#")


def _eif(alpha: bool) -> Iterator[str]:
    yield from (*LENGTHS, "moves# = 1 - int(active > 0)*int(v >= v_thresh)", "ge_1# = g_e", "gi_1# = g_i")
    for r in "ei":
        for point in (2, 3):
            rise = f" + dg_{r}*half_rise_{r}" if alpha else ""
            yield f"g{r}_{point}# = (g{r}_{point - 1}#{rise})*half_decay_{r}"
            if alpha:
                yield f"dg_{r} = dg_{r}*half_decay_{r}"
    for point in (1, 2, 3):
        yield f"conductance_{point}# = ge_{point}# + gi_{point}#"
        yield f"current_{point}# = ge_{point}#*e_rev_e + gi_{point}#*e_rev_i"
    yield from runge_kutta("w", _eif_slopes)
    yield from ("g_e = ge_3#", "g_i = gi_3#")


def _hh_membrane(length: str, end: str) -> Iterator[str]:
    """Yield half a sub-step of the membrane, or a whole one; the names of values have an end of their own."""
    yield f"was_above{end} = int(v >= v_thresh)"
    yield f"part_e{end} = g_e*{length}_mean_e"
    yield f"part_i{end} = g_i*{length}_mean_i"
    yield f"g_na{end} = gbar_na*(m*m*m)*h"
    yield f"squared{end} = n*n"
    yield f"g_k{end} = gbar_k*(squared{end}*squared{end})"
    yield f"g_total{end} = g_leak + g_na{end} + g_k{end} + part_e{end} + part_i{end}"
    channels = f"drive + g_na{end}*e_rev_na + g_k{end}*e_rev_k"
    yield f"v_inf{end} = ({channels} + part_e{end}*e_rev_e + part_i{end}*e_rev_i)/g_total{end}"
    yield f"v = v_inf{end} + (v - v_inf{end})*exp(-g_total{end}*{length}_over_cm)"
    yield from (f"g_e = g_e*{length}_decay_e", f"g_i = g_i*{length}_decay_i")
    yield f"{FIRES} = {FIRES} + (1 - was_above{end})*int(v >= v_thresh)"


def _ramp(name: str, x: str) -> Iterator[str]:
    """Yield ``x / (exp(x) - 1)``, near 0 as a series."""
    yield f"x_{name} = {x}"
    yield f"small_{name} = int(abs(x_{name}) < 0.01)"
    yield f"safe_{name} = (1 - small_{name})*x_{name} + small_{name}"
    square = f"x_{name}*x_{name}"
    yield f"series_{name} = 1.0 - 0.5*x_{name} + {square}*(1.0/12.0 - {square}*(1.0/720.0))"
    yield f"quotient_{name} = x_{name}/(exp(safe_{name}) - 1.0)"
    yield f"{name} = small_{name}*series_{name} + (1 - small_{name})*quotient_{name}"


def _hh(is_last: bool) -> Iterator[str]:
    yield "above# = v - v_offset"
    yield from _ramp("r_m_opens#", "(13.0 - above#)*0.25")
    yield from _ramp("r_m_closes#", "(above# - 40.0)*0.2")
    yield from _ramp("r_n_opens#", "(15.0 - above#)*0.2")
    rates = {
        "m": ("1.28*r_m_opens#", "1.4*r_m_closes#"),
        "h": ("0.128*exp((17.0 - above#)*(1.0/18.0))", "4.0/(1.0 + exp((40.0 - above#)*0.2))"),
        "n": ("0.16*r_n_opens#", "0.5*exp((10.0 - above#)*0.025)"),
    }
    for gate, (opens, closes) in rates.items():
        yield f"opens_{gate}# = {opens}"
        yield f"all_{gate}# = opens_{gate}# + {closes}"
        yield f"limit_{gate}# = opens_{gate}#/all_{gate}#"
        yield f"{gate} = limit_{gate}# + ({gate} - limit_{gate}#)*exp(-all_{gate}#*substep_ms)"
    yield from _hh_membrane("half" if is_last else "whole", "#")


_ACTIVE = ("active = int(t_in_timesteps > held_until)",)
# What comes before, and a sub-step, which is told whether it is the last.
_SUBSTEPS: dict[str, tuple[tuple[str, ...], Callable[[bool], Iterator[str]]]] = {
    "Izhikevich": ((), lambda _: _izhikevich()),
    "EIF_cond_exp_isfa_ista": (_ACTIVE, lambda _: _eif(alpha=False)),
    "EIF_cond_alpha_isfa_ista": (_ACTIVE, lambda _: _eif(alpha=True)),
    "HH_cond_exp": ((f"{FIRES} = 0.0", *_hh_membrane("half", "_begin")), _hh),
}
MODELS = frozenset(_SUBSTEPS)
"""Names of the models that have statements here."""
