"""RANC's neuron; see `pycosim.hwmodels.truenorth.neurons`, from which it differs little."""

from pycosim.hwmodels.truenorth.neurons import RANC

__all__ = ["NEURONS"]

NEURONS = (RANC,)
