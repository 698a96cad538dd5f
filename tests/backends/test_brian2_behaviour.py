"""All that reference and native are tested for, on Brian2 with NumPy code."""

import pytest

from pycosim.backends import brian2
from pycosim.backends.base import Options

from . import test_changes, test_dynamics, test_plasticity, test_recording, test_short_term

# Collected again, with the fixture below instead of that of the folder.
for module in (test_changes, test_dynamics, test_plasticity, test_recording, test_short_term):
    globals().update({name: test for name, test in vars(module).items() if name.startswith("test_")})
# Hundreds of networks; test_brian2_plasticity compares the same rules with native.
del globals()["test_the_change_of_a_pair_decays_exponentially_with_the_interval_at_the_synapse"]


@pytest.fixture
def build():
    """Function that builds a network on Brian2, and ends the simulation with the test."""
    simulations = []

    def built(network):
        simulations.append(brian2.build(network, Options(overrides={"codegen": "numpy"})))
        return simulations[-1]

    yield built
    for simulation in simulations:
        simulation.close()
