"""The network description: plain columns with units, the only thing that a target sees."""

from pycosim.network.columns import Current, Network, Population, Projection, Recording
from pycosim.network.io import load, save
from pycosim.network.junctions import GapJunctions
from pycosim.network.models import MODELS, NeuronModel, SourceModel, model_named
from pycosim.network.own_values import DistanceValues, DrawnValues
from pycosim.network.plasticity import Plasticity
from pycosim.network.procedural import ProceduralProjection
from pycosim.network.remade import RemadeProjection
from pycosim.network.rewiring import RewiredProjection
from pycosim.network.row_rule import DistanceBounds, RowRule

__all__ = [
    "MODELS",
    "Current",
    "DistanceBounds",
    "DistanceValues",
    "DrawnValues",
    "GapJunctions",
    "Network",
    "NeuronModel",
    "Plasticity",
    "Population",
    "ProceduralProjection",
    "Projection",
    "Recording",
    "RemadeProjection",
    "RewiredProjection",
    "RowRule",
    "SourceModel",
    "load",
    "model_named",
    "save",
]
