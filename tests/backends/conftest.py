from importlib import import_module

import pytest

from pycosim.backends.base import Options

BACKENDS = ("reference", "native")


@pytest.fixture(params=BACKENDS)
def build(request):
    """Function that builds a network on one of the backends, and ends the simulation with the test."""
    backend = import_module(f"pycosim.backends.{request.param}")
    simulations = []

    def built(network, **options):
        simulations.append(backend.build(network, Options(**options)))
        return simulations[-1]

    yield built
    for simulation in simulations:
        simulation.close()
