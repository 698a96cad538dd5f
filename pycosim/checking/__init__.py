"""What a script uses, and which targets take it, without simulating anything."""

from pycosim.checking.report import CheckReport, Verdict
from pycosim.checking.script import check

__all__ = ["CheckReport", "Verdict", "check"]
