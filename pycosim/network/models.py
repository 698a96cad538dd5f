"""The neuron and source models, and their update over one step in terms of constant coefficients.

Every backend advances a neuron from step k-1 to step k in the same four moves:

1. integrate membrane and synapses over one step, with the synaptic state of step k-1;
2. add the weights of the spikes that arrive at step k;
3. if the neuron is refractory hold it at ``v_reset``, else compare ``v >= v_thresh``: it fires at the
   time of step k, is reset, and stays refractory for ``refractory_steps`` steps;
4. sample the recorded variables.

So a spike that arrives at 6.0 ms moves a synaptic current at 6.0 ms and the membrane one step later,
while a delta synapse moves the membrane at 6.0 ms (and is ignored while the neuron is refractory).

A neuron without a refractory period in this sense, HH_cond_exp, is neither held nor reset: it fires in a
step in one of whose sub-steps the membrane rises to ``v_thresh``. A spike also adds the
coefficients of `NeuronModel.spike_jumps` to other states (in move 3).

Current-based models are integrated exactly (Rotter & Diesmann 1999, Biol Cybern 81:381); conductance-
based ones by an exponential rule: conductances, which are known exactly, are replaced by their means over
the step, which makes the membrane equation linear (error of second order in dt). Models with a
membrane that is not linear take several sub-steps, see `pycosim.network.nonlinear`; during the refractory
period their membrane stays at ``v_reset`` while the adaptation goes on.

Every model has the coefficient ``drive``, what its constant current does in one step (or sub-step), and
``drive_per_na``: a current injected during a step adds its value in nA times this to ``drive``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from pycosim.errors import NotSupportedError
from pycosim.network import nonlinear
from pycosim.network.coefficients import (
    Coefficients,
    Parameters,
    alpha_response,
    cond_alpha,
    cond_exp,
    cond_exp_gsfa_grr,
    curr_alpha,
    curr_delta,
    curr_exp,
    decay,
    exponential_response,
    facets_hardware1,
)
from pycosim.network.composed import KINDS, Composition, composition_of
from pycosim.network.membranes import MEMBRANES
from pycosim.network.own_update import OwnUpdate

__all__ = [
    "MODELS",
    "Coefficients",
    "NeuronModel",
    "Parameters",
    "SourceModel",
    "alpha_response",
    "decay",
    "exponential_response",
    "model_named",
]


@dataclass(frozen=True)
class NeuronModel:
    """A model with dynamics.

    Attributes
    ----------
    name : str
        PyNN's name.
    parameters : tuple of str
    states : tuple of str
        State variables, "v" first. Units: mV, nA for "i_*" and "w", uS for "g_*" ("g_s" and "g_r": nS),
        mV/ms for "u"; "di_*" and "dg_*" are the slopes of alpha-shaped responses per ``e / tau_syn`` (nA,
        uS), so that a spike adds its weight.
    receptors : dict of str to str
        Name of a receptor to the state variable that a spike's weight is added to (after
        multiplication with the coefficient of `jumps`, where the receptor has one).
    jumps : dict of str to str
        Name of a receptor to the coefficient that turns a weight into a jump of the state.
    recordables : dict of str to (state, unit)
    initial : dict of str to float
        Initial values, where not 0.
    coefficients : callable
        ``coefficients(parameters, dt_ms)`` gives the constants of one step by name.
    spike_jumps : dict of str to str
        Name of a state variable to the coefficient that a spike of the neuron adds to it.
    resets : bool
        Whether a spike resets the membrane and begins a refractory period.
    composition : Composition or None
        The parts of a model that is composed (`pycosim.network.composed`); backends need nothing else to
        run it.
    sequences : dict of str to int
        Those parameters that have several values for each neuron, and how many: columns of shape (size, n).
    own : OwnUpdate or None
        The update of a model that is code of its own, as chips' neurons have (`pycosim.network.own_update`);
        of its constants it is only asked that their names are those of the code.
    """

    name: str
    parameters: tuple[str, ...]
    states: tuple[str, ...]
    receptors: dict[str, str]
    recordables: dict[str, tuple[str, str]]
    coefficients: Callable[[Parameters, float], Coefficients]
    jumps: dict[str, str] = field(default_factory=dict)
    initial: dict[str, float] = field(default_factory=lambda: {"v": -65.0})
    spike_jumps: dict[str, str] = field(default_factory=dict)
    resets: bool = True
    composition: Composition | None = None
    sequences: Mapping[str, int] = field(default_factory=dict)
    own: OwnUpdate | None = None

    @property
    def is_stochastic(self) -> bool:
        """Whether the neuron fires at random, with a probability that depends on its membrane."""
        return self.composition is not None and self.composition.parts.escape is not None


@dataclass(frozen=True)
class SourceModel:
    """A model that only emits spikes.

    Attributes
    ----------
    sequences : tuple of str
        Those parameters that have several values for each source: columns of shape (size, n).
    """

    name: str
    parameters: tuple[str, ...]
    sequences: tuple[str, ...] = ()
    initial: dict[str, float] = field(default_factory=dict)


_MEMBRANE = ("v_rest", "cm", "tau_m", "tau_refrac", "i_offset", "v_reset", "v_thresh")
_SYNAPSES = ("tau_syn_E", "tau_syn_I")
_REVERSAL = ("e_rev_E", "e_rev_I")
_V = {"v": ("v", "mV")}
_GSYN = {"gsyn_exc": ("g_e", "uS"), "gsyn_inh": ("g_i", "uS")}
_ISYN = {"isyn_exc": ("i_e", "nA"), "isyn_inh": ("i_i", "nA")}
_CONDUCTANCES = {"excitatory": "g_e", "inhibitory": "g_i"}
_EIF = (
    *("cm", "tau_refrac", "v_spike", "v_reset", "v_rest", "tau_m", "i_offset"),
    *("a", "b", "delta_T", "tau_w", "v_thresh"),
)
_HH = (
    *("gbar_Na", "gbar_K", "g_leak", "cm", "v_offset", "e_rev_Na", "e_rev_K", "e_rev_leak"),
    *("e_rev_E", "e_rev_I", "tau_syn_E", "tau_syn_I", "i_offset"),
)


def composed_model(
    composition: Composition, name: str | None = None, renamed: Mapping[str, str] | None = None
) -> NeuronModel:
    """Return the model of a composition.

    Parameters
    ----------
    composition : Composition
    name : str, optional
        Of a model that is known by another name than its parts.
    renamed : mapping of str to str, optional
        Names of its parameters and recordables, by those of the composition ("excitatory.tau_syn").
    """
    renamed = renamed or {}

    def coefficients(p: Parameters, dt_ms: float) -> Coefficients:
        own = {key: p[renamed.get(key, key)] for key in composition.parameters}
        return composition.coefficients(own, dt_ms)

    receptors = {
        receptor: f"rise_{k}" if KINDS[kind].rises else f"syn_{k}"
        for k, (receptor, kind) in enumerate(composition.receptors)
    }
    return NeuronModel(
        name or composition.text,
        tuple(renamed.get(key, key) for key in composition.parameters),
        composition.states,
        receptors,
        {renamed.get(key, key): value for key, value in composition.recordables.items()},
        coefficients,
        jumps={r: f"jump_{k}" for k, (r, state) in enumerate(receptors.items()) if state.startswith("rise")},
        initial=dict(composition.parts.initial),
        spike_jumps=composition.spike_jumps,
        composition=composition,
        sequences=composition.parts.sequences,
    )


_STANDARD_NAMES = {
    f"{receptor}.{part}": f"{name}_{short}"
    for receptor, short in (("excitatory", "E"), ("inhibitory", "I"))
    for part, name in (("tau_syn", "tau_syn"), ("e_syn", "e_rev"))
} | {
    f"{receptor}.{variable}": f"{variable}_{short}"
    for receptor, short in (("excitatory", "exc"), ("inhibitory", "inh"))
    for variable in ("gsyn", "isyn")
}


def _standard(name: str, membrane: str, kind: str, *more: tuple[str, str]) -> NeuronModel:
    """Return a composed model with PyNN's names for the receptors "excitatory" and "inhibitory"."""
    composition = Composition(membrane, (("excitatory", kind), ("inhibitory", kind), *more))
    second = {"excitatory2.tau_syn": "tau_syn_E2", "excitatory2.isyn": "isyn_exc2"}
    return composed_model(composition, name, _STANDARD_NAMES | second)


MODELS: dict[str, NeuronModel | SourceModel] = {
    model.name: model
    for model in (
        NeuronModel(
            "IF_curr_delta",
            _MEMBRANE,
            ("v",),
            {"excitatory": "v", "inhibitory": "v"},
            _V,
            curr_delta,
        ),
        NeuronModel(
            "IF_curr_exp",
            _MEMBRANE + _SYNAPSES,
            ("v", "i_e", "i_i"),
            {"excitatory": "i_e", "inhibitory": "i_i"},
            _V | _ISYN,
            curr_exp,
        ),
        NeuronModel(
            "IF_curr_alpha",
            _MEMBRANE + _SYNAPSES,
            ("v", "i_e", "i_i", "di_e", "di_i"),
            {"excitatory": "di_e", "inhibitory": "di_i"},
            _V | _ISYN,
            curr_alpha,
        ),
        NeuronModel(
            "IF_cond_exp",
            _MEMBRANE + _SYNAPSES + _REVERSAL,
            ("v", "g_e", "g_i"),
            {"excitatory": "g_e", "inhibitory": "g_i"},
            _V | _GSYN,
            cond_exp,
        ),
        NeuronModel(
            "IF_cond_alpha",
            _MEMBRANE + _SYNAPSES + _REVERSAL,
            ("v", "g_e", "g_i", "dg_e", "dg_i"),
            {"excitatory": "dg_e", "inhibitory": "dg_i"},
            _V | _GSYN,
            cond_alpha,
        ),
        NeuronModel(
            "IF_cond_exp_gsfa_grr",
            _MEMBRANE
            + _SYNAPSES
            + _REVERSAL
            + ("tau_sfa", "e_rev_sfa", "q_sfa", "tau_rr", "e_rev_rr", "q_rr"),
            ("v", "g_e", "g_i", "g_s", "g_r"),
            _CONDUCTANCES,
            _V | _GSYN | {"g_s": ("g_s", "nS"), "g_r": ("g_r", "nS")},
            cond_exp_gsfa_grr,
            spike_jumps={"g_s": "q_s", "g_r": "q_r"},
        ),
        NeuronModel(
            "IF_facets_hardware1",
            ("g_leak", "tau_syn_E", "tau_syn_I", "v_reset", "e_rev_I", "v_rest", "v_thresh"),
            ("v", "g_e", "g_i"),
            _CONDUCTANCES,
            _V | _GSYN,
            facets_hardware1,
        ),
        NeuronModel(
            "EIF_cond_exp_isfa_ista",
            _EIF + _SYNAPSES + _REVERSAL,
            ("v", "w", "g_e", "g_i"),
            _CONDUCTANCES,
            _V | {"w": ("w", "nA")} | _GSYN,
            nonlinear.eif_cond_exp,
            initial={"v": -70.6},
            spike_jumps={"w": "b"},
        ),
        NeuronModel(
            "EIF_cond_alpha_isfa_ista",
            _EIF + _SYNAPSES + _REVERSAL,
            ("v", "w", "g_e", "g_i", "dg_e", "dg_i"),
            {"excitatory": "dg_e", "inhibitory": "dg_i"},
            _V | {"w": ("w", "nA")} | _GSYN,
            nonlinear.eif_cond_alpha,
            initial={"v": -70.6},
            spike_jumps={"w": "b"},
        ),
        NeuronModel(
            "HH_cond_exp",
            _HH,
            ("v", "m", "h", "n", "g_e", "g_i"),
            _CONDUCTANCES,
            _V | _GSYN | {gate: (gate, "dimensionless") for gate in "mhn"},
            nonlinear.hh_cond_exp,
            initial={"v": -65.0, "h": 1.0},
            resets=False,
        ),
        NeuronModel(
            "Izhikevich",
            ("a", "b", "c", "d", "i_offset"),
            ("v", "u"),
            {"excitatory": "v", "inhibitory": "v"},
            _V | {"u": ("u", "mV/ms")},
            nonlinear.izhikevich,
            initial={"v": -70.0, "u": -14.0},
            spike_jumps={"u": "d"},
        ),
        _standard("GIF_cond_exp", "GIF", "CondExp"),
        # sPyNNaker's; its Izhikevich neurons have a capacitance of 1 nF: 1 nA is 1 mV/ms.
        _standard("Izk_curr_exp", "Izk", "CurrExp"),
        _standard("Izk_cond_exp", "Izk", "CondExp"),
        _standard("IF_curr_dual_exp", "LIF", "CurrExp", ("excitatory2", "CurrExp")),
        _standard("IFCurrExpCa2Adaptive", "LIFCa", "CurrExp"),
        _standard("IFCondExpStoc", "LIFStoc", "CondExp"),
        SourceModel("SpikeSourcePoisson", ("rate", "start", "duration")),
        SourceModel(
            "SpikeSourcePoissonVariable",
            ("rates", "starts", "durations"),
            sequences=("rates", "starts", "durations"),
        ),
        SourceModel("SpikeSourceArray", ()),
        SourceModel("SpikeSourcePoissonRefractory", ("rate", "tau_refrac", "start", "duration")),
        SourceModel("SpikeSourceGamma", ("alpha", "beta", "start", "duration")),
        SourceModel(
            "SpikeSourceInhGamma", ("a", "b", "tbins", "start", "duration"), sequences=("a", "b", "tbins")
        ),
    )
}


_REGISTERED: dict[str, NeuronModel] = {}


def register(model: NeuronModel) -> NeuronModel:
    """Let `model_named` know a model that only some backends run, and return it."""
    return _REGISTERED.setdefault(model.name, model)


@cache
def model_named(name: str) -> NeuronModel | SourceModel:
    """Return the model called `name`.

    It may be a composition such as "LIF(AMPA=CondExp,GABA=CondBeta)", or the neuron of a chip, such as
    "loihi.CUBA".

    Raises
    ------
    NotSupportedError
        If there is no such model.
    """
    known = MODELS.get(name) or _REGISTERED.get(name)
    if known is not None:
        return known
    if "(" in name:
        return composed_model(composition_of(name))
    if "." in name:
        from pycosim.hwmodels.neurons import neuron_named

        return neuron_named(name).model
    raise NotSupportedError(
        f"Cell type {name} is not supported yet. Supported: {', '.join(sorted(MODELS))}, and neurons "
        f"composed of {', '.join(MEMBRANES)} and receptors."
    )
