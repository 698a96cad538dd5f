"""Errors and warnings that pycosim raises; each says what was asked, what is wrong and what would help.

Errors that PyNN also knows are PyNN errors too, so that a script which catches those keeps working.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyNN import errors as pynn_errors

__all__ = [
    "BackendError",
    "ChipDescriptionError",
    "ConnectivityError",
    "DoesNotFitError",
    "InvalidInputError",
    "MissingDependencyError",
    "NotEnoughMemoryError",
    "NotSupportedError",
    "PycosimError",
    "PycosimWarning",
    "ScriptError",
    "UnknownTargetError",
    "Violation",
]


class PycosimError(Exception):
    """Base of all errors that pycosim raises on purpose."""


class InvalidInputError(PycosimError, pynn_errors.InvalidParameterValueError):
    """A value has the wrong type, size, sign or range."""


class UnknownTargetError(PycosimError, LookupError):
    """The name of a backend, chip or option is not known."""


class NotSupportedError(PycosimError, NotImplementedError):
    """The target, or pycosim as a whole, cannot do what was asked; the message names the feature."""


class ConnectivityError(PycosimError, pynn_errors.ConnectionError):
    """A projection cannot be built as asked, for example because of an impossible delay."""


class BackendError(PycosimError, RuntimeError):
    """A backend failed while it built or ran a network."""


class MissingDependencyError(PycosimError, ImportError):
    """An optional package is needed; the message has the command that installs it."""


class NotEnoughMemoryError(PycosimError, MemoryError):
    """More memory would be taken than there is, or than the script allows; nothing has been taken."""


class ChipDescriptionError(PycosimError, ValueError):
    """A chip description file, or an override of one of its values, is not valid."""


class ScriptError(PycosimError, RuntimeError):
    """A user's script failed, or did not do what the command needs (for example never called run)."""


class PycosimWarning(UserWarning):
    """Something was done differently from what was asked; the message says what and why."""


@dataclass(frozen=True)
class Violation:
    """One limit of a chip that a network exceeds, or a least value that it does not reach.

    Attributes
    ----------
    resource : str
        What is short, for example "synapse words per neuron (fan-in)".
    needed, limit : int
        The largest need, and what the chip has.
    n_affected : int
        How many neurons (or cores) exceed the limit.
    affected : str
        What is counted in `n_affected`: "neurons" or "cores".
    remedy : str
        The cheapest change that would help.
    """

    resource: str
    needed: int
    limit: int
    n_affected: int
    affected: str
    remedy: str

    def __str__(self) -> str:
        """Return the violation as one sentence."""
        excess = self.needed - self.limit
        limit, by = ("limit", f"exceeded by {excess}") if excess > 0 else ("least", f"missed by {-excess}")
        return (
            f"{self.resource}: needs {self.needed}, the {limit} is {self.limit} "
            f"({by}, for {self.n_affected} {self.affected}); {self.remedy}"
        )


class DoesNotFitError(PycosimError, ValueError):
    """A network exceeds one or more limits of a chip.

    Attributes
    ----------
    chip : str
    violations : list of Violation
        Every violated limit, not only the first.
    """

    def __init__(self, chip: str, violations: list[Violation]):
        self.chip = chip
        self.violations = violations
        lines = "\n".join(f"  - {violation}" for violation in violations)
        plural = "limit is" if len(violations) == 1 else "limits are"
        super().__init__(f"The network does not fit on {chip}: {len(violations)} {plural} exceeded.\n{lines}")
