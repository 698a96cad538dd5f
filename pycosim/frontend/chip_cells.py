"""The neurons of chips as PyNN cell types: ``pycosim.loihi.CUBA``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pyNN.standardmodels import StandardCellType

from pycosim.frontend.cells import same_names
from pycosim.hwmodels.neurons import ChipNeuron, neurons_of
from pycosim.network.own_update import Register
from pycosim.targets import backends


@dataclass(frozen=True)
class _Response:
    """What a receptor's weights are: magnitudes, as conductances, or currents with signs."""

    conductance_based: bool


@cache
def chip_cell_types(chip: str) -> dict[str, type]:
    """Return the cell types of a chip by name; they can be used on every target that runs their models.

    Backends have none; descriptions of chips are not even imported for them.
    """
    if chip in backends():
        return {}
    return {name: _cell(neuron) for name, neuron in neurons_of(chip).items()}


def _cell(neuron: ChipNeuron) -> type:
    model = neuron.model
    registers = "\n".join(f"    {name}: {register}" for name, register in model.own.registers.items())
    variables = model.recordables.items()
    contents = {
        "__doc__": f"{neuron.doc}\n\nParameters are registers:\n\n{registers}",
        "model": model.name,
        "default_parameters": {name: float(value) for name, value in neuron.defaults.items()},
        "default_initial_values": {name: model.initial.get(state, 0.0) for name, (state, _) in variables},
        "recordable": ["spikes", *model.recordables],
        "units": {name: unit for name, (_, unit) in variables},
        "receptor_types": tuple(model.receptors),
        "conductance_based": False,
        "post_synaptic_receptors": {name: _Response(_is_magnitude(neuron, name)) for name in model.receptors},
        "injectable": False,
    }
    cell: Any = type(neuron.name, (StandardCellType,), contents)
    cell.translations = same_names(cell)
    return cell


def _is_magnitude(neuron: ChipNeuron, receptor: str) -> bool:
    """Return whether no weight of a receptor can be negative, so that its name alone says what it does."""
    register = neuron.model.own.weights.get(receptor)
    return isinstance(register, Register) and register.low >= 0
