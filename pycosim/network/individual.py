"""Devices that differ from one another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pycosim.network.coefficients import Parameters
from pycosim.network.own_update import OwnUpdate

__all__ = ["individual_parameters"]


def individual_parameters(
    own: OwnUpdate | None, parameters: Parameters, seed: int, neurons: Iterable[int]
) -> Parameters:
    """Return a population's parameters as its devices have them; as they are set, for most models."""
    if own is None or own.individual is None:
        return parameters
    return own.individual(parameters, seed, np.asarray(neurons, np.int64))
