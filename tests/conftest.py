"""Fixtures that all tests share."""

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def compiled_programs(tmp_path_factory):
    """Keep what is compiled during the tests out of the user's cache, unless told where."""
    os.environ.setdefault("PYCOSIM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True, scope="session")
def quickly_compiled():
    """Compile Brian2's programs without optimisation, in less than half of the time; it changes no result."""
    os.environ.setdefault("CXX", "c++ -O0")


@pytest.fixture
def sim():
    """The PyNN simulator module of the native engine; its network is forgotten after the test."""
    import pycosim.native as module
    from pycosim.frontend.simulator import state

    yield module
    state.clear()
    state.is_set_up = False
