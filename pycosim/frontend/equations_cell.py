"""Cell types that a user defines by Brian2 equations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyNN.standardmodels import StandardCellType, build_translations

from pycosim.network import NeuronModel
from pycosim.network.equations_model import METHODS, define


def EquationsCell(
    equations: str,
    *,
    threshold: str,
    reset: str = "",
    refractory: str | float = 0.0,
    receptors: Mapping[str, str] | None = None,
    parameters: Mapping[str, float] | None = None,
    initial_values: Mapping[str, float] | None = None,
    method: str | Sequence[str] = METHODS,
    name: str = "EquationsCell",
) -> type[StandardCellType]:
    """Return a cell type that is defined by Brian2 equations; it runs on `pycosim.brian2` only.

    Variables are numbers in PyNN's units, so that units appear with times only, as in
    ``dv/dt = (v_rest - v)/(tau*ms) : 1``. The
    variable ``injected`` is the current of electrodes, in nA. As in every cell a step integrates, adds the
    spikes that arrive, and then compares with the threshold.

    Parameters
    ----------
    equations : str
        In Brian2's language. Every variable with a differential equation, or none, can be recorded and
        initialised; "(unless refractory)" is understood.
    threshold, reset : str
        A condition, and statements.
    refractory : str or float
        A parameter, or a time in ms, during which the neuron does not fire.
    receptors : mapping of str to str
        "excitatory" and "inhibitory": the variable that a spike's weight is added to. Default: "v" for both.
    parameters : mapping of str to float
        Their default values; they need no line in the equations.
    initial_values : mapping of str to float
        Where not 0.
    method : str or sequence of str
        Brian2's names of integrators, of which the first that can integrate the equations is used. By default
        exponential Euler, for equations in which each variable's slope is linear in it, then the Runge-Kutta
        method of fourth order.
    name : str
        For messages.

    Raises
    ------
    InvalidInputError
        If names in the arguments do not fit the equations.

    Examples
    --------
    >>> from pycosim.frontend.equations_cell import EquationsCell
    >>> LeakyCell = EquationsCell(
    ...     "dv/dt = (v_rest - v)/(tau*ms) : 1 (unless refractory)",
    ...     threshold="v > v_thresh", reset="v = v_rest", refractory="t_ref",
    ...     parameters={"tau": 10.0, "v_rest": -65.0, "v_thresh": -50.0, "t_ref": 2.0},
    ...     initial_values={"v": -65.0},
    ... )
    """
    given = dict(parameters or {})
    model = define(
        name,
        equations,
        threshold=threshold,
        reset=reset,
        refractory=refractory,
        receptors=receptors or {"excitatory": "v", "inhibitory": "v"},
        parameters=given,
        initial=dict(initial_values or {}),
        method=method if isinstance(method, str) else tuple(method),
    )
    return type(model.name, (StandardCellType,), _contents(model, equations, given))


def _contents(model: NeuronModel, equations: str, parameters: dict[str, float]) -> dict[str, Any]:
    """Return what PyNN asks of a cell type."""
    return {
        "__doc__": f"A cell type defined by equations:\n\n{equations}",
        "default_parameters": parameters,
        "default_initial_values": {state: model.initial.get(state, 0.0) for state in model.states},
        "recordable": ["spikes", *model.states],
        "units": dict.fromkeys((*model.states, *parameters), "dimensionless"),
        "receptor_types": tuple(model.receptors),
        "conductance_based": False,
        "injectable": "injected" in equations,
        "translations": build_translations(*((parameter, parameter) for parameter in parameters)),
    }
