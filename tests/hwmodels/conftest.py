"""Fixtures of the tests of chip models."""

import pytest

from .chip_networks import random_network


@pytest.fixture
def network():
    """A small random network with Poisson input in steps of 1 ms that needs no delay of one step."""
    return random_network()


@pytest.fixture(params=["loihi", "truenorth", "dynapse"])
def chip(request):
    """The name of each built-in chip."""
    return request.param
