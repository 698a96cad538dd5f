"""Energy by cause, where a cause without a known constant is unknown and never zero."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pycosim.results import HardwareRecord


@dataclass(frozen=True)
class EnergySummary:
    """Energy of a run on a chip.

    Attributes
    ----------
    known_j : dict of str to float
        Energy of each cause that the chip's description has a constant for.
    unknown : tuple of str
        Causes that it has none for.
    assumed : tuple of str
        Causes whose constant is an assumption.
    range_j : dict of str to (low, high)
        Of the causes whose constant is uncertain: assumed, recalled, or given with bounds.
    """

    known_j: dict[str, float]
    unknown: tuple[str, ...]
    assumed: tuple[str, ...]
    range_j: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def total_j(self) -> float:
        """Sum of the known causes; nan where none is known. A lower bound if some cause is unknown."""
        return math.fsum(self.known_j.values()) if self.known_j else math.nan

    @property
    def total_range_j(self) -> tuple[float, float]:
        """What the total of the known causes lies between; the total twice where all are certain."""
        ends = (
            [self.range_j.get(cause, (value, value))[end] for cause, value in self.known_j.items()]
            for end in (0, 1)
        )
        low, high = (math.fsum(values) if values else math.nan for values in ends)
        return low, high

    @property
    def is_lower_bound(self) -> bool:
        """Whether the total leaves out a cause."""
        return bool(self.unknown)

    @property
    def remark(self) -> str:
        """Which causes the total leaves out or is unsure of, in one line; empty where there are none."""
        if not self.known_j:
            return "energy: unknown, as the chip's description has no constants" if self.unknown else ""
        uncertain = [cause for cause in self.range_j if cause not in self.assumed]
        parts = {
            "constants assumed for": self.assumed,
            "recalled or given with bounds for": uncertain,
            "unknown for": self.unknown,
        }
        texts = [f"{what} {', '.join(causes)}" for what, causes in parts.items() if causes]
        return f"energy: {'; '.join(texts)}" if texts else ""


def energy_summary(hardware: HardwareRecord) -> EnergySummary:
    """Return the energy of a run by cause, with what is unknown and what is assumed."""
    known = {cause: float(value) for cause, value in hardware.energy_j.items() if value is not None}
    unknown = tuple(cause for cause, value in hardware.energy_j.items() if value is None)
    assumed = tuple(cause for cause in known if hardware.energy_assumed.get(cause, False))
    ranges = {cause: bounds for cause, bounds in hardware.energy_range_j.items() if cause in known}
    return EnergySummary(known, unknown, assumed, ranges)
