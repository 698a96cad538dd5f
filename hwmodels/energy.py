"""Energy by cause: counts times the constants of the description."""

from __future__ import annotations

from dataclasses import dataclass, fields

from pycosim.hwmodels.description import EnergyCosts

__all__ = ["CHANGING_SYNAPSES", "EnergyCounts", "energy_by_cause", "energy_ranges"]

# Causes as results name them, and the constants that each adds up.
CAUSES = {
    "neuron updates": ("neuron_update",),
    "synaptic events": ("synaptic_event",),
    "spikes": ("spike",),
    "encoding": ("encode",),
    "packets": ("packet",),
    "packets sent": ("packet_out",),
    "packets received": ("packet_in",),
    "packets to other cores": ("leave_core",),
    "packets from outside": ("host_packet",),
    "hops": ("hop_x", "hop_y"),
    "links between chips": ("chip_hop",),
    "static": ("static_power",),
}

CHANGING_SYNAPSES = "changing synapses"
"""Cause of what plasticity takes: unknown on all chips, as is how often they work on a synapse."""


@dataclass(frozen=True)
class EnergyCounts:
    """How often each cause of `EnergyCosts` occurred, None where it cannot.

    `static_power` is the hardware time in seconds, of all chips together.
    """

    neuron_update: int = 0
    synaptic_event: int = 0
    spike: int = 0
    encode: int = 0
    packet: int = 0
    packet_out: int = 0
    packet_in: int = 0
    leave_core: int = 0
    host_packet: int = 0
    hop_x: int | None = 0
    hop_y: int | None = 0
    chip_hop: int | None = None
    static_power: float = 0.0


def energy_by_cause(
    costs: EnergyCosts, counts: EnergyCounts
) -> tuple[dict[str, float | None], dict[str, bool]]:
    """Return the energy of each cause, and whether it rests on an assumption.

    Returns
    -------
    energy_j : dict of str to (float or None)
        None where the description has no constant. Causes that another constant covers, or that cannot
        occur, are left out.
    assumed : dict of str to bool
    """
    assert {name for names in CAUSES.values() for name in names} == {
        field.name for field in fields(EnergyCounts)
    }
    energy: dict[str, float | None] = {}
    assumed: dict[str, bool] = {}
    for cause, names in CAUSES.items():
        if all(name in costs.covered or getattr(counts, name) is None for name in names):
            continue
        constants = [getattr(costs, name) for name in names]
        known = None not in constants
        energy[cause] = sum(c.value * getattr(counts, n) for n, c in zip(names, constants)) if known else None
        assumed[cause] = any(c is not None and c.confidence == "assumed" for c in constants)
    return energy, assumed


def energy_ranges(costs: EnergyCosts, counts: EnergyCounts) -> dict[str, tuple[float, float]]:
    """Return what the energy of each cause lies between, in joules, where a constant behind it is uncertain.

    A constant is uncertain if it is assumed or recalled, or has bounds of its own; see
    `pycosim.hwmodels.quantities.UNCERTAINTY`. Counts are taken as exact.
    """
    ranges = {}
    for cause, names in CAUSES.items():
        constants = [getattr(costs, name) for name in names]
        numbers = [getattr(counts, name) for name in names]
        if None in (*constants, *numbers) or not any(constant.is_uncertain for constant in constants):
            continue
        low, high = (
            sum(constant.bounds[end] * number for constant, number in zip(constants, numbers))
            for end in (0, 1)
        )
        ranges[cause] = (low, high)
    return ranges
