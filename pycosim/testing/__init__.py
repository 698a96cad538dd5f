"""The conformance suite: what any backend and any chip must do, for their authors to run.

`check_backend` holds a backend to the reference backend, `check_chip` a chip to the native engine.
"""

from pycosim.testing.backend import BACKEND_CHECKS, check_backend
from pycosim.testing.chip import CHIP_CHECKS, check_chip
from pycosim.testing.networks import balanced_network, deterministic_network
from pycosim.testing.report import ConformanceError

__all__ = [
    "BACKEND_CHECKS",
    "CHIP_CHECKS",
    "ConformanceError",
    "balanced_network",
    "check_backend",
    "check_chip",
    "deterministic_network",
]
