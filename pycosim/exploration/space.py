"""A design space: named choices over chip description values, options and script parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pycosim.errors import InvalidInputError

if TYPE_CHECKING:
    import optuna

SCRIPT_PREFIX = "script."


@dataclass(frozen=True)
class Choice:
    """The values that one name may take.

    Attributes
    ----------
    name : str
        "script.NAME" for a script's or function's parameter, else an option of the run ("speedup") or a
        value of the chip's description ("noc.hop_x").
    values : tuple
        All values, if they are listed.
    low, high : int or float or None
        Bounds of a range, both included; whole numbers if both are whole.
    log : bool
        Whether the range is searched on a logarithmic scale.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False

    @property
    def n_values(self) -> int | None:
        """How many values there are; None for a range of real numbers."""
        if self.values:
            return len(self.values)
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        return int(self.high) - int(self.low) + 1 if whole else None

    def suggest(self, trial: optuna.Trial) -> Any:
        """Let a trial pick a value."""
        if self.values:
            return trial.suggest_categorical(self.name, self.values)
        if self.n_values is not None:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(self.name, float(self.low), float(self.high), log=self.log)


def as_choices(space: Mapping[str, Any]) -> list[Choice]:
    """Return a space as choices.

    Parameters
    ----------
    space : mapping
        By name: a list of values, a pair ``(low, high)`` or a triple ``(low, high, "log")``.

    Raises
    ------
    InvalidInputError
        If the space is empty or an entry has another form; all faulty entries are named.
    """
    if not space:
        raise InvalidInputError("explore(): the space is empty; name at least one choice.")
    choices, faults = [], []
    for name, given in space.items():
        try:
            choices.append(_choice(name, given))
        except ValueError as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise InvalidInputError("explore(): the space has entries that are not choices. " + "; ".join(faults))
    return choices


def _choice(name: str, given: Any) -> Choice:
    if isinstance(given, list):
        if not given or not all(isinstance(value, str | int | float | bool) for value in given):
            raise ValueError("a list must hold at least one value, each a text or a number")
        return Choice(name, values=tuple(given))
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise ValueError(
            f"{given!r} is neither a list of values nor a range (low, high) or (low, high, 'log')"
        )
    low, high, log = (*given, None)[:3]
    if not all(isinstance(bound, int | float) for bound in (low, high)) or not low < high:
        raise ValueError(f"the range {given!r} needs two numbers, the lower one first")
    if log not in (None, "log") or (log and low <= 0):
        raise ValueError(f"the range {given!r} may only be followed by 'log', and then begins above 0")
    return Choice(name, low=low, high=high, log=log == "log")


def split_assignment(assignment: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return script parameters, and options with overrides, from the chosen values."""
    script = {n.removeprefix(SCRIPT_PREFIX): v for n, v in assignment.items() if n.startswith(SCRIPT_PREFIX)}
    return script, {n: v for n, v in assignment.items() if not n.startswith(SCRIPT_PREFIX)}


def grid_of(choices: Sequence[Choice]) -> dict[str, list[Any]] | None:
    """Return all values by name, or None if a choice is a range of real numbers."""
    if any(choice.n_values is None for choice in choices):
        return None
    return {c.name: list(c.values) or list(range(int(c.low), int(c.high) + 1)) for c in choices}
