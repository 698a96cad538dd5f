"""The neurons of chips: where they are, and how they become models and cell types.

A chip's folder may have a module ``neurons`` with a tuple ``NEURONS`` of `ChipNeuron`, and its description
may name a chip whose neurons it has too. All targets know their models by names of the form "<chip>.<cell>".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from pycosim.errors import NotSupportedError
from pycosim.network.models import NeuronModel

__all__ = ["ChipNeuron", "compartments_of", "neuron_named", "neurons_of"]


@dataclass(frozen=True)
class ChipNeuron:
    """A chip's neuron as a PyNN cell type.

    Attributes
    ----------
    model : NeuronModel
        Its name is "<chip>.<name of the cell type>"; it has an `own` update.
    defaults : dict of str to float
        Default values of all parameters.
    doc : str
        What the parameters are: units, widths of registers, source.
    compartments : int
        Units of a core that one neuron takes, each with an update in every step.
    """

    model: NeuronModel
    defaults: dict[str, float]
    doc: str
    compartments: int = 1

    @property
    def name(self) -> str:
        """Name of the cell type."""
        return self.model.name.rpartition(".")[2]


@cache
def neurons_of(chip: str) -> dict[str, ChipNeuron]:
    """Return the neurons of a chip by name; none where neither it nor a chip that it names describes any."""
    from pycosim.hwmodels.load import chips, package_of, read

    package = package_of(chip)
    if package is None:
        return {}
    other = read(chips()[chip]).get("chip", {}).get("neurons", "")
    known = neurons_of(other) if other in chips() and other != chip else {}
    if find_spec(f"{package}.neurons") is None:
        return known
    return known | {neuron.name: neuron for neuron in import_module(f"{package}.neurons").NEURONS}


def compartments_of(model: str) -> int:
    """Return how many units of a core a neuron takes, by the name of its model; 1 if it is no chip's own."""
    chip, _, cell = model.rpartition(".")
    known = neurons_of(chip) if chip else {}
    return known[cell].compartments if cell in known else 1


def neuron_named(name: str) -> ChipNeuron:
    """Return the neuron whose model has a name such as "<chip>.<cell>".

    Raises
    ------
    NotSupportedError
        If there is none.
    """
    chip, _, cell = name.rpartition(".")
    known = neurons_of(chip)
    if cell not in known:
        raise NotSupportedError(
            f"Cell type {name} is not known: {chip} has {', '.join(known) or 'no neurons of its own'}."
        )
    return known[cell]
