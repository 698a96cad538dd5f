"""PyNN's standard cell types: those that pycosim runs, and placeholders that name the others."""

from __future__ import annotations

from typing import Any

from pyNN.standardmodels import StandardCellType, build_translations, cells

from pycosim.errors import NotSupportedError
from pycosim.frontend.cell_arguments import CellArguments
from pycosim.network import MODELS, model_named


def model_of(celltype: Any) -> str:
    """Return the name of the model of a cell type, or of a class of cell types."""
    return getattr(celltype, "model", getattr(celltype, "__name__", type(celltype).__name__))


def state_of(model: str, variable: str) -> str | None:
    """Return the state variable that PyNN's initial value of `variable` sets, None if there is none."""
    recordables = getattr(model_named(model), "recordables", {})
    return recordables[variable][0] if variable in recordables else None


def variable_of(celltype: Any, name: str) -> tuple[str, float]:
    """Return what a cell type's recordable is called in its model, and its unit in units of the model's."""
    return getattr(celltype, "model_variables", {}).get(name, (name, 1.0))


def model_receptor(projection: Any) -> str:
    """Return the name of a projection's receptor in the model of its targets."""
    celltype = getattr(projection.post, "celltype", None)
    return getattr(celltype, "model_receptors", {}).get(projection.receptor_type, projection.receptor_type)


def takes_conductance(projection: Any) -> bool:
    """Return whether the weights of a projection are conductances."""
    responses = getattr(getattr(projection.post, "celltype", None), "post_synaptic_receptors", {})
    response = responses.get(projection.receptor_type, projection.post)
    return response.conductance_based


EXTRA: dict[str, dict[str, Any]] = {
    # PyNN lists a receptor for gap junctions as well, and leaves the gates out.
    "HH_cond_exp": {
        "receptor_types": ("excitatory", "inhibitory"),
        "recordable": [*cells.HH_cond_exp.recordable, "m", "h", "n"],
        "units": cells.HH_cond_exp.units | {gate: "dimensionless" for gate in "mhn"},
    }
}
"""What cell types have beyond, or different from, PyNN's definitions."""


def same_names(base: type) -> dict[str, Any]:
    """Return a translation table that keeps PyNN's names and units."""
    return build_translations(*((name, name) for name in base.default_parameters))


def placeholder(kind: str, name: str, supported: list[str]) -> type:
    """Return a class that says, when it is used, that it is not supported."""
    message = f"{kind} {name} is not supported yet. Supported: {', '.join(sorted(supported))}."

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NotSupportedError(message)

    return type(name, (), {"__init__": __init__, "__doc__": message})


def cell_types() -> dict[str, type]:
    """Return all of PyNN's standard cell types by name."""
    found = {}
    for name, base in vars(cells).items():
        if not (isinstance(base, type) and issubclass(base, StandardCellType)) or base is StandardCellType:
            continue
        if name in MODELS:
            bases = (CellArguments, base)
            contents = {"__doc__": base.__doc__, "translations": same_names(base)}
            recordables = getattr(MODELS[name], "recordables", {})
            more = {v: unit for v, (_, unit) in recordables.items() if v not in base.recordable}
            contents["recordable"] = [*base.recordable, *more]
            contents["units"] = base.units | more
            found[name] = type(name, bases, contents | EXTRA.get(name, {}))
        else:
            found[name] = placeholder("Cell type", name, list(MODELS))
    return found
