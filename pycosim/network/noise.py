"""The random numbers of neurons that fire at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim import _core
from pycosim.random import stream_of, unsigned

ESCAPE_STREAM = stream_of("escape noise")


def escape_noise(seed: int, neurons: range, step: int) -> NDArray[np.float64]:
    """Return one number in [0, 1) for each neuron, (len(neurons),) float64.

    It is a function of the network's seed, the neuron's global number and the step alone: the first 53 bits
    of Philox block `step` of row `neuron` in the stream `ESCAPE_STREAM`.
    """
    return _core.uniforms(unsigned(seed), ESCAPE_STREAM, neurons.start, len(neurons), step)
