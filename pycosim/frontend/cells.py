"""PyNN's standard cell types: those that pycosim runs, and placeholders that name the others."""

from __future__ import annotations

from typing import Any

from pyNN.standardmodels import StandardCellType, build_translations, cells

from pycosim.errors import NotSupportedError
from pycosim.network import MODELS, model_named
from pycosim.network.equations_model import EquationsModel

STATE_OF = {
    **{"v": "v", "isyn_exc": "i_e", "isyn_inh": "i_i", "gsyn_exc": "g_e", "gsyn_inh": "g_i"},
    **{name: name for name in ("w", "u", "g_s", "g_r", "m", "h", "n")},
}
"""PyNN's names of initial values, and the state variables they set."""


def state_of(model: str, variable: str) -> str | None:
    """Return the state variable that an initial value called `variable` sets, None if there is none."""
    own = model_named(model)
    return variable if isinstance(own, EquationsModel) else STATE_OF.get(variable)


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
            contents = {"__doc__": base.__doc__, "translations": same_names(base)}
            recordables = getattr(MODELS[name], "recordables", {})
            more = {v: unit for v, (_, unit) in recordables.items() if v not in base.recordable}
            contents["recordable"] = [*base.recordable, *more]
            contents["units"] = base.units | more
            found[name] = type(name, (base,), contents | EXTRA.get(name, {}))
        else:
            found[name] = placeholder("Cell type", name, list(MODELS))
    return found
