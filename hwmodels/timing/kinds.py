"""The disciplines by the names that descriptions give them."""

from __future__ import annotations

from pycosim.hwmodels.timing.disciplines import Barrier, Discipline, Free, Tick
from pycosim.hwmodels.timing.timer import Timer

__all__ = ["DISCIPLINES"]

DISCIPLINES: dict[str, type[Discipline]] = {"tick": Tick, "barrier": Barrier, "free": Free, "timer": Timer}
