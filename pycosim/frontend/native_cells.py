"""Cell types under the names that other simulators have for their own models.

A script for `pyNN.nest` asks for ``sim.native_cell_type("iaf_psc_exp")``, one for `pyNN.neuron` for
``sim.IntFire1``. Parameters, recordables and their units are those of the other simulator (pF, pA, nS;
weights are multiplied by 1000 by pyNN.nest, whatever their unit), the dynamics those of the model named in
`model`, as documented in `pycosim.network.models`. Parameters and defaults are those of NEST 3.10 and of
pyNN.neuron 0.13; what NEST has beyond them (V_min, the calcium trace) is not there.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
from pyNN import errors
from pyNN.parameters import Sequence
from pyNN.standardmodels import StandardCellType, build_translations

from pycosim.errors import NotSupportedError
from pycosim.frontend.cell_arguments import CellArguments

__all__ = [
    "NativeCellType",
    "models_weights",
    "native_cell_type",
    "native_cell_types",
    "require_plain_weights",
    "scripts_weights",
]

_PICO = 1e-3  # of pA in nA, pF in nF, nS in uS
_FOR_EVER = float(np.finfo(np.float64).max)

_MEMBRANE = {"C_m": 250.0, "E_L": -70.0, "I_e": 0.0, "V_reset": -70.0, "V_th": -55.0, "t_ref": 2.0}
_CURRENTS = {"tau_m": 10.0, "tau_syn_ex": 2.0, "tau_syn_in": 2.0}
_CONDUCTANCES = {"g_L": 16.6667, "E_ex": 0.0, "E_in": -85.0, "tau_syn_ex": 0.2, "tau_syn_in": 2.0}
_COND = _MEMBRANE | _CONDUCTANCES | {"V_reset": -60.0}
_AEIF = _COND | {"C_m": 281.0, "g_L": 30.0, "E_L": -70.6, "V_th": -50.4, "t_ref": 0.0}
_AEIF |= {"V_peak": 0.0, "Delta_T": 2.0, "a": 4.0, "b": 80.5, "tau_w": 144.0}

# Where both g_L and C_m are parameters, tau_m follows from them: texts, so that PyNN computes all anew.
_TRANSLATIONS: dict[str, tuple[Any, ...]] = {
    "I_e": ("i_offset", _PICO),
    "C_m": ("cm", _PICO),
    "g_L": ("tau_m", "C_m / g_L", "cm / tau_m * 1000.0"),
    "E_L": ("v_rest",),
    "V_reset": ("v_reset",),
    "V_th": ("v_thresh",),
    "t_ref": ("tau_refrac",),
    "tau_syn_ex": ("tau_syn_E",),
    "tau_syn_in": ("tau_syn_I",),
    "E_ex": ("e_rev_E",),
    "E_in": ("e_rev_I",),
    "V_peak": ("v_spike",),
    "Delta_T": ("delta_T",),
    "b": ("b", _PICO),
    "start": ("start", "start", "start"),
    "stop": ("duration", "stop - start", "start + duration"),
    "tau": ("tau_m",),
    "refrac": ("tau_refrac",),
}
_WITH_G_L = {"C_m": ("cm", "C_m / 1000.0", "cm * 1000.0")}

_V = {"V_m": ("v", 1.0)}
_I_SYN = {"I_syn_ex": ("isyn_exc", 1e3), "I_syn_in": ("isyn_inh", 1e3)}
_G = {"g_ex": ("gsyn_exc", 1e3), "g_in": ("gsyn_inh", 1e3)}
_UNITS = {"V_m": "mV", "I_syn_ex": "pA", "I_syn_in": "pA", "g_ex": "nS", "g_in": "nS", "w": "pA"}
_UNITS |= {"U_m": "mV/ms", "m": "dimensionless"}


class NativeCellType(CellArguments, StandardCellType):
    """A cell type of another simulator.

    Attributes
    ----------
    model : str
        The model whose dynamics it has.
    model_variables : dict of str to (str, float)
        By recordable: the model's recordable, and how many of the cell's units one of the model's is.
    model_receptors : dict of str to str
        By receptor: that of the model, where it has another name.
    fixed_parameters : dict of str to float
        Parameters of the model that the cell does not have.
    weight_factor : float
        What a weight is multiplied with to be one of the model's.
    """

    model: ClassVar[str]
    model_variables: ClassVar[dict[str, tuple[str, float]]] = {}
    model_receptors: ClassVar[dict[str, str]] = {}
    fixed_parameters: ClassVar[dict[str, float]] = {}
    weight_factor: ClassVar[float] = 1.0

    def needed_for(self, names: Iterable[str]) -> list[str]:
        """Return the parameters of the model from which these are computed."""
        unknown = [name for name in names if name not in self.default_parameters]
        if unknown:
            known = self.get_parameter_names()
            raise errors.NonExistentParameterError(unknown[0], type(self).__name__, known)
        computed = self.computed_parameters_include(names)
        return self.get_native_names(*(() if computed else names))


def _cell(
    name: str,
    model: str,
    parameters: dict[str, Any],
    variables: dict[str, tuple[str, float]] | None = None,
    initial: dict[str, float] | None = None,
    receptors: tuple[str, ...] = ("excitatory", "inhibitory"),
    **more: Any,
) -> type:
    variables = variables or {}
    table = _TRANSLATIONS | (_WITH_G_L if "g_L" in parameters else {})
    if model == "Izhikevich":
        table = table | {"b": ("b",)}
    translations = build_translations(*((key, *table.get(key, (key,))) for key in parameters))
    return type(
        name,
        (NativeCellType,),
        {
            "__doc__": f"{name}, run as {model}; parameters {', '.join(parameters)}.",
            "model": model,
            "default_parameters": dict(parameters),
            "default_initial_values": dict.fromkeys(variables, 0.0) | (initial or {}),
            "recordable": ["spikes", *variables],
            "units": {variable: _UNITS[variable] for variable in variables},
            "receptor_types": receptors,
            "injectable": bool(variables),
            "conductance_based": "g_ex" in variables,
            "translations": translations,
            "model_variables": variables,
            **more,
        },
    )


def _nest() -> dict[str, type]:
    psc, rest = _MEMBRANE | _CURRENTS, {"V_m": -70.0}
    delta = _MEMBRANE | {"tau_m": 10.0}
    adapting = _V | _G | {"w": ("w", 1e3)}
    izhikevich = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "I_e": 0.0}
    cells = [
        _cell("iaf_psc_exp", "IF_curr_exp", psc, _V | _I_SYN, rest),
        _cell("iaf_psc_alpha", "IF_curr_alpha", psc, _V | _I_SYN, rest),
        _cell("iaf_psc_delta", "IF_curr_delta", delta, _V, rest, weight_factor=1e3),
        _cell("iaf_cond_exp", "IF_cond_exp", _COND, _V | _G, rest),
        _cell("iaf_cond_alpha", "IF_cond_alpha", _COND, _V | _G, rest),
        _cell("aeif_cond_exp", "EIF_cond_exp_isfa_ista", _AEIF, adapting, {"V_m": -70.6}),
        _cell("aeif_cond_alpha", "EIF_cond_alpha_isfa_ista", _AEIF, adapting, {"V_m": -70.6}),
        _cell(
            *("izhikevich", "Izhikevich", izhikevich, _V | {"U_m": ("u", 1.0)}),
            {"V_m": -65.0, "U_m": -13.0},
            weight_factor=1e3,
        ),
        _cell(
            *("poisson_generator", "SpikeSourcePoisson", {"rate": 0.0, "start": 0.0, "stop": _FOR_EVER}),
            receptors=(),
        ),
        _cell("spike_generator", "SpikeSourceArray", {"spike_times": Sequence([])}, receptors=()),
    ]
    return {cell.__name__: cell for cell in cells}


def _intfire1() -> type:
    # NEURON's intfire1.mod: m decays with tau, a spike adds its weight, m > 1 fires and is 0 after refrac.
    fixed = {"v_rest": 0.0, "v_reset": 0.0, "v_thresh": float(np.nextafter(1.0, 2.0))}
    note = (
        "NEURON's IntFire1, run as IF_curr_delta that rests at 0 and fires above 1. Spikes are on the grid "
        "of steps, where NEURON has exact times; m is recorded as it decays, where NEURON has its value "
        "after the last event."
    )
    return _cell(
        *("IntFire1", "IF_curr_delta", {"tau": 10.0, "refrac": 5.0}, {"m": ("v", 1.0)}),
        receptors=("default",),
        model_receptors={"default": "excitatory"},
        fixed_parameters=fixed | {"cm": 1.0, "i_offset": 0.0},
        injectable=False,
        __doc__=note,
    )


_NEST = _nest()
_NEAREST = {
    "parrot_neuron": "connect the sources that it repeats with its targets",
    "hh_psc_alpha": "the standard cell type HH_cond_exp",
    "hh_cond_exp_traub": "the standard cell type HH_cond_exp",
    "ht_neuron": "the standard cell types HH_cond_exp and PointNeuron",
    "aeif_cond_beta_multisynapse": "PointNeuron with an AdExp membrane",
    "aeif_cond_alpha_multisynapse": "PointNeuron with an AdExp membrane",
    "iaf_psc_exp_multisynapse": "PointNeuron with a LIF membrane",
    "iaf_cond_beta": "PointNeuron with a LIF membrane",
    "gif_cond_exp": "the standard cell type GIF_cond_exp",
    "iaf_cond_exp_sfa_rr": "the standard cell type IF_cond_exp_gsfa_grr",
    "inhomogeneous_poisson_generator": "SpikeSourcePoissonVariable",
    "dc_generator": "the current source DCSource",
    "ac_generator": "the current source ACSource",
    "step_current_generator": "the current source StepCurrentSource",
    "noise_generator": "the current source NoisyCurrentSource",
}


def native_cell_type(model_name: str) -> type:
    """Return NEST's model of this name as a cell type, as `pyNN.nest` does.

    Raises
    ------
    NotSupportedError
        If there is none that is faithful to it; it names the nearest.
    """
    if model_name in _NEST:
        return _NEST[model_name]
    close = difflib.get_close_matches(str(model_name), _NEST, 1, 0.0)[0]
    raise NotSupportedError(
        f"native_cell_type({model_name!r}) is not supported. The nearest: "
        f"{_NEAREST.get(model_name, f'native_cell_type({close!r})')}. Supported: {', '.join(_NEST)}."
    )


def _no_native(name: str, standard: str) -> Callable[[str], None]:
    def refuse(model_name: str) -> None:
        raise NotSupportedError(f"{name}({model_name!r}) is not supported. The nearest are {standard}.")

    return refuse


def _missing(name: str) -> type:
    message = (
        f"Cell type {name} of NEURON is not supported. The nearest is IntFire1; IF_curr_exp has a synaptic "
        "current as well."
    )

    def __init__(self: Any, *older: Any, **parameters: Any) -> None:
        raise NotSupportedError(message)

    return type(name, (), {"__init__": __init__, "__doc__": message})


def _weight_factor(projection: Any) -> float:
    return getattr(getattr(projection.post, "celltype", None), "weight_factor", 1.0)


def models_weights(projection: Any, weights: Any) -> Any:
    """Return a script's weights as the model of the projection's targets takes them."""
    factor = _weight_factor(projection)
    return weights if factor == 1 else np.asarray(weights) * factor


def scripts_weights(projection: Any, weights: Any) -> Any:
    """Return the model's weights as the script gave them."""
    factor = _weight_factor(projection)
    return weights if factor == 1 else weights / factor


def require_plain_weights(projection: Any) -> None:
    """Raise NotSupportedError for plastic synapses whose weights the targets' model takes in another unit."""
    if _weight_factor(projection) != 1:
        celltype = projection.post.celltype
        raise NotSupportedError(
            f"Projection {projection.label!r}: plastic synapses onto {type(celltype).__name__} are not "
            f"supported, as pyNN.nest scales their weights by {_weight_factor(projection):g}. Use the "
            f"standard cell type {celltype.model}, whose weights are in mV."
        )


def native_cell_types() -> dict[str, Any]:
    """Return what simulator modules have for scripts with models of one simulator, by name."""
    neuron = {"IntFire1": _intfire1(), "IntFire2": _missing("IntFire2"), "IntFire4": _missing("IntFire4")}
    others = {
        "native_synapse_type": "StaticSynapse, TsodyksMarkramSynapse and STDPMechanism",
        "native_electrode_type": "DCSource, ACSource, StepCurrentSource and NoisyCurrentSource",
    }
    functions = {name: _no_native(name, standard) for name, standard in others.items()}
    return neuron | functions | {"native_cell_type": native_cell_type}
