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

from pycosim.frontend import control, simulator
from pycosim.frontend.cells import cell_types
from pycosim.frontend.electrodes import electrode_types
from pycosim.frontend.populations import Assembly, Population, PopulationView
from pycosim.frontend.projections import Projection
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


@cache
def shared() -> dict[str, Any]:
    """Return what all simulator modules have in common, by name."""
    connectors = {
        name: value
        for name, value in vars(pyNN.connectors).items()
        if isinstance(value, type) and issubclass(value, pyNN.connectors.Connector)
    }
    record = common.build_record(simulator)
    names: dict[str, Any] = {
        "Assembly": Assembly,
        "GSLRNG": GSLRNG,
        "Network": Network,
        "NumpyRNG": NumpyRNG,
        "Population": Population,
        "PopulationView": PopulationView,
        "Projection": Projection,
        "RandomDistribution": RandomDistribution,
        "Space": Space,
        "connect": common.build_connect(Projection, pyNN.connectors.FixedProbabilityConnector, StaticSynapse),
        "create": common.build_create(Population),
        "errors": errors,
        "list_standard_models": list_standard_models,
        "random": random,
        "record": record,
        "record_gsyn": lambda source, filename: record(["gsyn_exc", "gsyn_inh"], source, filename),
        "record_v": lambda source, filename: record(["v"], source, filename),
        "set": common.set,
        "simulator": simulator,
        "space": space,
        "state": simulator.state,
    }
    names.update({function: getattr(control, function) for function in FUNCTIONS})
    return names | connectors | cell_types() | synapse_types() | electrode_types()


def list_standard_models() -> list[str]:
    """Return the names of the standard cell types that can be used."""
    return sorted(MODELS)


def fill(module: ModuleType, target: str) -> None:
    """Make `module` the PyNN simulator module of `target`."""
    vars(module).update(shared())
    module.__dict__["name"] = target
    module.__dict__["setup"] = control.build_setup(target)
    module.__doc__ = f"PyNN simulator module: networks run on {target}."
