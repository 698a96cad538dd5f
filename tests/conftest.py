"""Fixtures that all tests share."""

import pytest


@pytest.fixture
def sim():
    """The PyNN simulator module of the native engine; its network is forgotten after the test."""
    import pycosim.native as module
    from pycosim.frontend.simulator import state

    yield module
    state.clear()
    state.is_set_up = False
