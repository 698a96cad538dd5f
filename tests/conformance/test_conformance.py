"""Every backend and every chip passes the public conformance suite."""

import pytest

from pycosim import targets
from pycosim.backends.base import Options
from pycosim.testing import BACKEND_CHECKS, CHIP_CHECKS, ConformanceError, check_backend
from pycosim.testing.report import run_checks


@pytest.mark.parametrize("title", BACKEND_CHECKS)
@pytest.mark.parametrize("name", sorted(targets.backends()))
def test_backend(name, title):
    assert run_checks(name, {title: BACKEND_CHECKS[title]}, name) == [title]


@pytest.mark.parametrize("title", CHIP_CHECKS)
@pytest.mark.parametrize("name", sorted(targets.chips()))
def test_chip(name, title):
    assert run_checks(name, {title: CHIP_CHECKS[title]}, name) == [title]


class Forgetful:
    """A backend that is the reference backend but loses every other spike."""

    def __init__(self, simulation):
        self.simulation = simulation

    def __getattr__(self, name):
        return getattr(self.simulation, name)

    def spikes(self, population):
        steps, indices = self.simulation.spikes(population)
        return steps[::2], indices[::2]


def test_the_suite_finds_a_backend_that_loses_spikes(monkeypatch):
    build, backends = targets.build, targets.backends()

    def forgetful(name, network, options: Options):
        simulation = build("reference", network, options)
        return Forgetful(simulation) if name == "forgetful" else simulation

    monkeypatch.setattr(targets, "build", forgetful)
    monkeypatch.setattr(targets, "backends", lambda: backends | {"forgetful": "pycosim.backends.reference"})
    with pytest.raises(ConformanceError, match="spikes differ") as caught:
        check_backend("forgetful")
    assert len(caught.value.failures) >= 3
