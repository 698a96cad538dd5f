"""What is left of a network once setup() has begun the next one."""

import gc
import weakref

import pytest

import pycosim.native as sim
from pycosim.errors import ScriptError


def _network():
    sim.setup(timestep=0.1)
    cells = sim.Population(100, sim.IF_curr_exp())
    projection = sim.Projection(cells, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1))
    sim.run(1.0)
    return cells, projection


def test_setup_frees_the_network_before():
    freed = [weakref.ref(part) for part in _network()]
    assert all(part() is not None for part in freed)
    sim.setup(timestep=0.1)
    gc.collect()
    assert all(part() is None for part in freed)


def test_a_cell_without_its_population_says_so():
    cell = _network()[0][3]
    assert cell.tau_m == 20.0
    sim.setup(timestep=0.1)
    gc.collect()
    with pytest.raises(ScriptError, match=r"Cell 3: its population is gone; setup\(\)"):
        _ = cell.tau_m
