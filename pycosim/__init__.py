"""PyNN-compatible co-simulation of spiking neural networks in software and on neuromorphic chips.

``import pycosim.native as sim`` (or ``brian2``, ``loihi``, ``truenorth``, ``dynapse``, ...) is a PyNN
simulator module; ``pycosim.compare`` runs one script on several of them; ``pycosim.explore`` searches a
design space.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pycosim._version import __version__

if find_spec("pycosim.backends") is None:
    raise ImportError(
        "This is the bare source folder of pycosim, not the installed package: Python found it first because "
        "it was started in the repository. Run `pip install -e .` there, or start Python elsewhere."
    )

from pycosim import targets as _targets

_targets.install_finder()

_PUBLIC = {
    "as_simulator": "pycosim.redirect",
    "check": "pycosim.checking",
    "compare": "pycosim.comparison",
    "explore": "pycosim.exploration",
    "load": "pycosim.results.folder",
    "run": "pycosim.runner",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (importing PyNN takes a second)."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'pycosim' has no attribute {name!r}")
