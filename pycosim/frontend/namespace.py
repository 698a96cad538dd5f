"""The contents of a PyNN simulator module, the same for every target but for setup()."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import pyNN.connectors
from pyNN import common, errors, random, space
from pyNN.network import Network
from pyNN.random import GSLRNG, NumpyRNG, RandomDistribution
from pyNN.space import Space

from pycosim.frontend import carlsim, control, external_devices, machine, simulator
from pycosim.frontend.carlsim import ScriptState
from pycosim.frontend.cells import cell_types
from pycosim.frontend.chip_cells import chip_cell_types
from pycosim.frontend.composed_cells import components
from pycosim.frontend.dialects import (
    EXTRA_CELLS,
    SynapseDynamics,
    TargetName,
    Unsupported,
    connector_types,
)
from pycosim.frontend.electrical import ElectricalSynapse
from pycosim.frontend.electrodes import electrode_types
from pycosim.frontend.equations_cell import EquationsCell
from pycosim.frontend.extra_cells import extra_cell_types, with_synapses
from pycosim.frontend.image_connectors import IMAGE_CONNECTORS, IMAGE_SYNAPSES
from pycosim.frontend.native_cells import native_cell_types
from pycosim.frontend.native_rng import NativeRNG
from pycosim.frontend.neuromodulation import Neuromodulation
from pycosim.frontend.populations import Assembly, Population, PopulationView
from pycosim.frontend.projections import Projection
from pycosim.frontend.small_world import SmallWorldConnector
from pycosim.frontend.spynnaker_cells import CELLS
from pycosim.frontend.spynnaker_connectors import CONNECTORS
from pycosim.frontend.stdp_parts import EXTRA_PARTS
from pycosim.frontend.structural import STRUCTURAL
from pycosim.frontend.synapses import StaticSynapse, synapse_types
from pycosim.network import MODELS

FUNCTIONS = (
    "end",
    "get_current_time",
    "get_max_delay",
    "get_min_delay",
    "get_time_step",
    "initialize",
    "num_processes",
    "rank",
    "reset",
    "run",
    "run_for",
    "run_until",
)


SPACE = "Cuboid", "Grid2D", "Grid3D", "Line", "RandomStructure", "Sphere", "distance"
"""What sPyNNaker has of PyNN's module space."""


@cache
def shared() -> dict[str, Any]:
    """Return what all simulator modules have in common, by name."""
    connectors = connector_types(
        {
            name: value
            for name, value in vars(pyNN.connectors).items()
            if isinstance(value, type) and issubclass(value, pyNN.connectors.Connector)
        }
        | {"SmallWorldConnector": SmallWorldConnector}
        | CONNECTORS
        | IMAGE_CONNECTORS
    )
    record = common.build_record(simulator)
    cells = cell_types() | extra_cell_types() | components()
    cells["Izhikevich"] = with_synapses(cells["Izhikevich"], cells["Izk_curr_exp"])
    known = {name: cells[model] for name, model in EXTRA_CELLS.items()}
    known |= EXTRA_PARTS | {"Neuromodulation": Neuromodulation}
    known |= CELLS | {name: connectors[name] for name in CONNECTORS}
    names: dict[str, Any] = {
        "Assembly": Assembly,
        "EquationsCell": EquationsCell,
        "GSLRNG": GSLRNG,
        "NativeRNG": NativeRNG,
        "Network": Network,
        "NumpyRNG": NumpyRNG,
        "Population": Population,
        "PopulationView": PopulationView,
        "Projection": Projection,
        "RandomDistribution": RandomDistribution,
        "Space": Space,
        "SpiNNakerProjection": Projection,
        "SynapseDynamics": SynapseDynamics,
        "connect": common.build_connect(Projection, pyNN.connectors.FixedProbabilityConnector, StaticSynapse),
        "create": common.build_create(Population),
        "errors": errors,
        "external_devices": external_devices,
        "extra_models": Unsupported(
            "extra_models", "list_standard_models() returns the cell types that can be used.", known
        ),
        "list_standard_models": list_standard_models,
        "random": random,
        "record": record,
        "record_gsyn": lambda source, filename: record(["gsyn_exc", "gsyn_inh"], source, filename),
        "record_v": lambda source, filename: record(["v"], source, filename),
        "set": common.set,
        "simulator": simulator,
        "space": space,
        "state": ScriptState(),
    }
    names.update({name: getattr(space, name) for name in SPACE})
    names.update({function: getattr(control, function) for function in FUNCTIONS})
    names |= machine.functions() | {name: name for name in carlsim.NAMES}
    synapses = synapse_types() | IMAGE_SYNAPSES | {"ElectricalSynapse": ElectricalSynapse}
    names |= native_cell_types()
    return names | connectors | STRUCTURAL | cells | CELLS | synapses | electrode_types()


def list_standard_models() -> list[str]:
    """Return the names of the standard cell types that can be used."""
    return sorted([*MODELS, "PointNeuron"])


def fill(module: ModuleType, target: str) -> None:
    """Make `module` the PyNN simulator module of `target`."""
    vars(module).update(shared() | chip_cell_types(target))
    module.__dict__["name"] = TargetName(target)
    module.__dict__["setup"] = control.build_setup(target)
    module.__doc__ = f"PyNN simulator module: networks run on {target}."
