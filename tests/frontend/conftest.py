"""Fixtures for tests of what a script takes."""

import gc

import pytest


@pytest.fixture
def settled_memory():
    """Leave no garbage of earlier tests that would be collected in this one, and no limit afterwards."""
    import pycosim.native as sim
    from pycosim import _core

    gc.collect()
    _core.return_freed_memory()
    yield
    sim.setup()
