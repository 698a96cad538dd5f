"""The network description: plain columns with units, the only thing that a target sees."""

from pycosim.network.columns import Current, Network, Population, Projection, Recording
from pycosim.network.io import load, save
from pycosim.network.junctions import GapJunctions
from pycosim.network.models import MODELS, NeuronModel, SourceModel, model_named
from pycosim.network.plasticity import Plasticity

__all__ = [
    "MODELS",
    "Current",
    "GapJunctions",
    "Network",
    "NeuronModel",
    "Plasticity",
    "Population",
    "Projection",
    "Recording",
    "SourceModel",
    "load",
    "model_named",
    "save",
]
