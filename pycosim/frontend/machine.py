"""sPyNNaker's functions that lay a network out on its machine: respected by chips, noted, or refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pycosim import targets
from pycosim.errors import InvalidInputError
from pycosim.frontend.cells import model_of
from pycosim.frontend.dialects import Unsupported
from pycosim.frontend.simulator import state

_NOTED = "set_number_of_synapse_cores set_allow_delay_extensions register_binary_search_path".split()
"""Functions without an equivalent that do not change what a network computes."""

_MACHINES = "get_machine get_spynnaker".split()
"""Functions that return the machine, of which scripts often make no use."""


def set_number_of_neurons_per_core(neuron_type: Any, max_permitted: Any) -> None:
    """Let a chip's core that has neurons of a type have at most so many neurons.

    Parameters
    ----------
    neuron_type : class of cell type, or Population
        A class limits the populations that are created from now on, until the next setup().
    max_permitted : int, tuple of int or None
        A tuple is a limit for each dimension of a grid, and means their product; None is no limit.

    Raises
    ------
    InvalidInputError
        If it is not a number of at least 1.
    """
    state.require_setup("set_number_of_neurons_per_core()")
    limit = limit_per_core(max_permitted)
    column = getattr(neuron_type, "column", None)
    if column is not None:
        limit_population(neuron_type, limit)
        return
    state.neurons_per_core[model_of(neuron_type)] = limit
    note_on_software("set_number_of_neurons_per_core()")


def limit_population(population: Any, limit: int | None) -> None:
    """Let a chip's core that has neurons of this population have at most so many neurons."""
    state.require_not_running("A limit of neurons per core")
    population.column.neurons_per_core = limit
    note_on_software(f"The limit of neurons per core of population {population.label!r}")


def note_on_software(what: str) -> None:
    """Tell the user that the target has no cores, if it has none."""
    if state.target in targets.backends():
        state.warn(f"{what}: chips place neurons accordingly; {state.target} has no cores, and ignores it.")


def limit_per_core(given: Any) -> int | None:
    """Return a limit of neurons per core; scripts compute it with a division, or give one for each dimension.

    Raises
    ------
    InvalidInputError
        If it is not a number of at least 1.
    """
    if given is None:
        return None
    try:
        values = np.atleast_1d(np.asarray(given, np.float64))
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if not np.all(np.isfinite(values)) or np.any(values < 1):
        raise InvalidInputError(f"Neurons per core: {given!r} was given; give a number of at least 1.")
    return math.prod(int(value) for value in values)


def functions() -> dict[str, Callable[..., Any]]:
    """Return all of these functions by name."""
    per_core = "set_number_of_neurons_per_core", "set_number_of_neurons_per_dimension_per_core"
    found = dict.fromkeys(per_core, set_number_of_neurons_per_core)
    return found | {name: _noted(name) for name in _NOTED} | {name: _machine(name) for name in _MACHINES}


def _noted(name: str) -> Callable[..., None]:
    def function(*arguments: Any, **named: Any) -> None:
        state.warn(f"{name}() is a hint for SpiNNaker without an equivalent on pycosim's chips, and ignored.")

    function.__name__, function.__doc__ = name, "Take note of a hint for SpiNNaker."
    return function


def _machine(name: str) -> Callable[..., Unsupported]:
    instead = "`pycosim targets` lists the chips; a result's `hardware` has the cores and links of one."

    def function(*arguments: Any, **named: Any) -> Unsupported:
        state.warn(f"{name}(): there is no SpiNNaker machine; what is asked of it will be refused.")
        return Unsupported(f"{name}()", instead)

    function.__name__, function.__doc__ = name, "Return what stands for a SpiNNaker machine."
    return function
