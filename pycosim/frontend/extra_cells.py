"""Cell types that other simulators have beyond PyNN's: sPyNNaker's, under its names and with its defaults.

Their equations are those of `pycosim.network.models`, solved as accurately as PyNN's own cells are;
SpiNNaker's fixed-point rules with one step of 1 ms give other spike times.
"""

from __future__ import annotations

from typing import Any

from pyNN.standardmodels import StandardCellType, cells

from pycosim.frontend.cell_arguments import CellArguments
from pycosim.frontend.cells import same_names
from pycosim.frontend.simulator import state
from pycosim.network import model_named

_LIF = dict(cells.IF_curr_exp.default_parameters)
_TAUS = {"tau_syn_E": 5.0, "tau_syn_I": 5.0}
_REVERSALS = {"e_rev_E": 0.0, "e_rev_I": -70.0}
_IZHIKEVICH = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 2.0, "i_offset": 0.0}

# Parameters and defaults as in sPyNNaker's spynnaker/pyNN/models/neuron/builds.
PARAMETERS: dict[str, dict[str, float]] = {
    "Izk_curr_exp": _IZHIKEVICH | _TAUS,
    "Izk_cond_exp": _IZHIKEVICH | _TAUS | _REVERSALS,
    "IF_curr_dual_exp": _LIF | _TAUS | {"tau_syn_E2": 5.0},
    "IFCurrExpCa2Adaptive": _LIF | _TAUS | {"tau_ca2": 50.0, "i_alpha": 0.1},
    "IFCondExpStoc": _LIF | _TAUS | _REVERSALS | {"du_th": 0.5, "tau_th": 20.0},
}

OTHER_NAMES = {
    **{"Izhikevich_cond": "Izk_cond_exp", "IZK_cond_exp": "Izk_cond_exp", "IzkCondExp": "Izk_cond_exp"},
    **{"IZK_curr_exp": "Izk_curr_exp", "IzkCurrExp": "Izk_curr_exp", "Izhikevich": "Izk_curr_exp"},
    **{"IFCurrDualExp": "IF_curr_dual_exp", "IF_cond_exp_stoc": "IFCondExpStoc"},
    **{"IF_curr_exp_ca2_adaptive": "IFCurrExpCa2Adaptive"},
}
"""Names of the same cells in sPyNNaker's `extra_models`, in its older versions, and in scripts."""

NEAREST_CELLS = {
    "IF_curr_exp_sEMD": "IF_curr_dual_exp has its three synapses, without the multiplication",
    "IFCondExpCerebellum": "IF_cond_exp has its membrane and synapses",
    **dict.fromkeys(
        ("IFCurrCombExp2E2I", "IFCondExp2E2I", "IFCondCombExp2E2I"),
        "PointNeuron(LIF(...), name=CondExpPostSynapticResponse(...), ...) has any number of receptors",
    ),
}
"""What comes nearest to those of sPyNNaker's cells that there are not."""


def _cell(name: str, parameters: dict[str, float]) -> type:
    model = model_named(name)
    units = {variable: unit for variable, (_, unit) in model.recordables.items()}
    initial = {variable: model.initial.get(state, 0.0) for variable, (state, _) in model.recordables.items()}
    contents = {
        "__doc__": f"sPyNNaker's {name}; parameters {', '.join(parameters)}.",
        "default_parameters": {key: float(value) for key, value in parameters.items()},
        "default_initial_values": initial,
        "recordable": ["spikes", *units],
        "units": units,
        "receptor_types": tuple(model.receptors),
        "conductance_based": "uS" in units.values(),
    }
    cell: Any = type(name, (CellArguments, StandardCellType), contents)
    cell.translations = same_names(cell)
    return cell


def extra_cell_types() -> dict[str, type]:
    """Return the cell types by name."""
    return {name: _cell(name, parameters) for name, parameters in PARAMETERS.items()}


def with_synapses(izhikevich: type, with_currents: type) -> type:
    """Return PyNN's Izhikevich type; with synaptic time constants, as in sPyNNaker, it is the other."""

    def __new__(cls: type, *older: Any, **parameters: Any) -> Any:
        given = sorted({"tau_syn_E", "tau_syn_I"} & parameters.keys())
        if not given:
            return object.__new__(cls)
        state.warn(
            f"Izhikevich({given[0]}=...) was read as {with_currents.__name__}, sPyNNaker's "
            "neuron with currents that decay; PyNN's has none."
        )
        return with_currents(*older, **parameters)

    contents = {"__new__": __new__, "__doc__": izhikevich.__doc__}
    return type(izhikevich.__name__, (izhikevich,), contents)
