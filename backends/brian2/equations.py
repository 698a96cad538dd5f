"""The neuron models as Brian2 equations: the update that `pycosim.network.models` prescribes, as statements.

Variables are dimensionless numbers in PyNN units (ms, mV, nA, uS), because the constants are those of all
backends: they already hold the exact propagation over one step. Spelled like the reference backend, term
by term, so that results agree to the last bit where inputs are added in the same order.
"""

from __future__ import annotations

from pycosim.backends.brian2 import composed, nonlinear
from pycosim.backends.brian2.plan import FIRES, HELD_UNTIL, MOVED, GroupPlan, SynapsesPlan
from pycosim.backends.brian2.plastic_equations import INTEGERS, rule_named
from pycosim.errors import NotSupportedError
from pycosim.network import Network, NeuronModel, model_named
from pycosim.network.equations_model import EquationsModel
from pycosim.network.models import SourceModel

SCHEDULE = ("start", "groups", "synapses", "thresholds", "resets", "end")
"""Order of a step: integrate, add arriving spikes, compare with the threshold, reset, sample.

Brian2 sends the spikes of one step at the beginning of the synapses of the next, so a delay of d steps
is d - 1 steps for Brian2.
"""

CURRENT = "current"
"""Which of the table's currents flow into a neuron."""

NOT_HELD = f"t_in_timesteps > {HELD_UNTIL}"

_CURRENT = "v_rest + drive + (v - v_rest)*decay_m"
_ALPHA_CURRENTS = " + i_e*v_per_i_e + di_e*v_per_di_e + i_i*v_per_i_i + di_i*v_per_di_i"
_CONDUCTANCE_MEMBRANE = """
g_total = g_leak + g_mean_e + g_mean_i
v_inf = (drive + g_mean_e*e_rev_e + g_mean_i*e_rev_i)/g_total
v_free = v_inf + (v - v_inf)*exp(-g_total*dt_over_cm)
"""

# Each integrates the membrane without refractory period to "v_free", and its synapses.
_INTEGRATION = {
    "IF_curr_delta": f"v_free = {_CURRENT}",
    "IF_curr_exp": f"""
v_free = {_CURRENT} + i_e*v_per_i_e + i_i*v_per_i_i
i_e = i_e*decay_e
i_i = i_i*decay_i
""",
    "IF_curr_alpha": f"""
v_free = {_CURRENT}{_ALPHA_CURRENTS}
i_e = (i_e + di_e*rise_e)*decay_e
i_i = (i_i + di_i*rise_i)*decay_i
di_e = di_e*decay_e
di_i = di_i*decay_i
""",
    "IF_cond_exp": f"""
g_mean_e = g_e*mean_e
g_mean_i = g_i*mean_i
{_CONDUCTANCE_MEMBRANE}
g_e = g_e*decay_e
g_i = g_i*decay_i
""",
    "IF_cond_alpha": f"""
g_mean_e = g_e*mean_e + dg_e*mean_rise_e
g_mean_i = g_i*mean_i + dg_i*mean_rise_i
{_CONDUCTANCE_MEMBRANE}
g_e = (g_e + dg_e*rise_e)*decay_e
g_i = (g_i + dg_i*rise_i)*decay_i
dg_e = dg_e*decay_e
dg_i = dg_i*decay_i
""",
    "IF_cond_exp_gsfa_grr": """
g_mean_e = g_e*mean_e
g_mean_i = g_i*mean_i
g_mean_s = g_s*mean_s
g_mean_r = g_r*mean_r
g_total = g_leak + g_mean_e + g_mean_i + g_mean_s + g_mean_r
inward = drive + g_mean_e*e_rev_e + g_mean_i*e_rev_i
v_inf = (inward + g_mean_s*e_rev_s + g_mean_r*e_rev_r)/g_total
v_free = v_inf + (v - v_inf)*exp(-g_total*dt_over_cm)
g_e = g_e*decay_e
g_i = g_i*decay_i
g_s = g_s*decay_s
g_r = g_r*decay_r
""",
}
_INTEGRATION["IF_facets_hardware1"] = _INTEGRATION["IF_cond_exp"]

# The products are exact: one factor is 0, the other 1.
_HOLD = """
free = int(t_in_timesteps > held_until)
v = free*v_free + (1 - free)*v_reset
"""


def has_statements(model: NeuronModel | SourceModel) -> bool:
    """Return whether there are Brian2 statements for a model; sources and updates in Python need none."""
    if isinstance(model, SourceModel | EquationsModel) or model.own:
        return True
    return bool(model.composition) or model.name in _INTEGRATION or model.name in nonlinear.MODELS


def require_statements(network: Network) -> None:
    """Refuse cells for which there are none.

    Raises
    ------
    NotSupportedError
        If the network has some; it names them.
    """
    unknown = sorted({p.model for p in network.populations if not has_statements(model_named(p.model))})
    if unknown:
        raise NotSupportedError(
            f"Cell type {', '.join(unknown)} is not supported by Brian2, which has no equations for it. Use "
            "native or reference."
        )


def neuron_equations(model: NeuronModel, plan: GroupPlan) -> str:
    """Return the declarations of a population's variables."""
    lines = [f"{state} : 1" for state in model.states]
    lines.append(f"{HELD_UNTIL} : integer")
    if model.own:
        return "\n".join(
            [*lines, f"{FIRES} : 1", *(f"{received(model, name)} : 1" for name in model.receptors)]
        )
    if not model.resets:
        lines.append(f"{FIRES} : 1")
    if isinstance(model, EquationsModel):
        lines = [model.equations, lines[-1], "injected : 1", *(f"{state}_before : 1" for state in model.held)]
    elif plan.injects or plan.junctions:
        lines += ["drive : 1"] + ["injected : 1"] * plan.injects
    if plan.junctions:
        lines += [f"{name} : 1" for name in (*plan.junctions, MOVED, "v_before")]
    for name in plan.constants:
        kind = "integer" if name in ("refractory_steps", CURRENT) else "1"
        lines.append(f"{name} : {kind} ({'shared, constant' if name in plan.shared else 'constant'})")
    return "\n".join(lines)


def update_statements(model: NeuronModel, plan: GroupPlan) -> str:
    """Return the statements that integrate one step, with its sub-steps, and hold refractory neurons.

    Brian2 itself integrates a model that is defined by equations, before.
    """
    if model.own:
        return ""
    if isinstance(model, EquationsModel):
        free = f"int({NOT_HELD})"
        return "\n".join(f"{state} = {free}*{state} + (1 - {free})*{state}_before" for state in model.held)
    flows = [*["injected"] * plan.injects, *plan.junctions, *["(-anchored)"] * bool(plan.junctions)]
    injection = f"drive = drive_at_rest + drive_per_na*({' + '.join(flows)})\n" if flows else ""
    if model.composition:
        integration = composed.statements(model.composition, plan.substeps)
    else:
        integration = _INTEGRATION.get(model.name) or nonlinear.statements(model.name, plan.substeps)
    return _without_empty_lines(injection + integration + (_HOLD if model.resets else ""))


def before_statements(model: NeuronModel, plan: GroupPlan) -> str:
    """Return the statements before neurons are integrated, which note what is needed later."""
    held = model.held if isinstance(model, EquationsModel) else ("v",) if plan.junctions else ()
    return "\n".join(f"{state}_before = {state}" for state in held)


def arrived_statements(plan: GroupPlan) -> str:
    """Return the statements after spikes have arrived, and before any threshold."""
    return f"{MOVED} = v - v_before" if plan.junctions else ""


def threshold(model: NeuronModel) -> str:
    """Return the condition under which a neuron fires."""
    if model.own or not model.resets:
        return f"{FIRES} > 0.5"
    if isinstance(model, EquationsModel):
        condition = f"({model.threshold})"
    else:
        condition = composed.threshold(model) if model.is_stochastic else "v >= v_thresh"
    return f"{condition} and {NOT_HELD}"


def method(model: NeuronModel) -> str | tuple[str, ...]:
    """Return integrators, of which the first that fits is used; without slopes it has nothing to do."""
    return model.method if isinstance(model, EquationsModel) else "exact"


def reset_statements(model: NeuronModel, plan: GroupPlan) -> str:
    """Return the statements that a spike executes in its neuron."""
    if model.own or not model.resets:
        return f"{FIRES} = 0.0"
    if isinstance(model, EquationsModel):
        return f"{model.reset}\n{HELD_UNTIL} = t_in_timesteps + refractory_steps"
    lines = ["v = v_reset", f"{HELD_UNTIL} = t_in_timesteps + refractory_steps"]
    lines += [f"{state} += {jump}" for state, jump in model.spike_jumps.items()]
    lines += [f"{MOVED} = 0.0"] * bool(plan.junctions)
    return "\n".join([*lines, *(composed.sums(model.composition) if model.composition else ())])


def received(model: NeuronModel, receptor: str) -> str:
    """Return the variable that what arrives at a receptor is added to."""
    if model.own:
        return f"received_{list(model.receptors).index(receptor)}"
    return model.receptors[receptor]


def arrival_statement(model: NeuronModel, receptor: str, amount: str = "weight") -> str:
    """Return the statement that adds `amount`, a variable of a synapse, to what its receptor receives."""
    state = received(model, receptor)
    if state == "v":
        return f"v_post += {amount}*int(t_in_timesteps > held_until_post)"
    jump = model.jumps.get(receptor)
    return f"{state}_post += {amount}*{jump}_post" if jump else f"{state}_post += {amount}"


def synapse_equations(plan: SynapsesPlan) -> str:
    """Return the declarations of the variables of synapses."""
    lines = []
    for name in plan.variables:
        flags = [
            flag
            for flag, holds in (("shared", name in plan.shared), ("constant", name not in plan.states))
            if holds
        ]
        kind = "integer" if name in INTEGERS else "1"
        lines.append(f"{name} : {kind}" + (f" ({', '.join(flags)})" if flags else ""))
    if plan.sums:
        lines.append(f"{plan.sums}_post = weight*(v_pre + lead_post*{MOVED}_pre) : 1 (summed)")
    return "\n".join(lines)


def synapse_statements(plan: SynapsesPlan, target: NeuronModel | None) -> dict[str, str]:
    """Return the statements that a spike executes when it acts, for each side whose spikes do.

    `target` is the model of the neurons; None where the target is synapses.
    """
    if plan.releases_at is not None:
        released = rule_named(plan.releases_at.rule, plan.releases_at.weight_dependence).on_release
        return {"pre": _without_empty_lines(released)}
    if not plan.sides:
        return {}
    if plan.rule is None:
        return {"pre": arrival_statement(target, plan.receptor)}
    arrival = arrival_statement(target, plan.receptor, "transmitted")
    found = plan.rule.on_spike | {"pre": f"{plan.rule.on_spike['pre']}\n{arrival}"}
    return {side: _without_empty_lines(found[side]) for side in plan.sides}


def every_step_statements(plan: SynapsesPlan) -> str:
    """Return the statements that synapses execute in every step; empty where there are none."""
    return _without_empty_lines(plan.rule.every_step) if plan.rule else ""


def order_of(plan: SynapsesPlan, side: str) -> int:
    """Return the order of a side's statements in a step; those of every step have the side ""."""
    if plan.releases_at is not None:
        return -1
    return {"pre": 0, "": -1, "post": -2, "rate": -3}[side]


def _without_empty_lines(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line)
