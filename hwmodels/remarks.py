"""What a record of a chip says first: how the network changed, and what was chosen for this run."""

from __future__ import annotations

from dataclasses import dataclass, field

from pycosim.backends.base import Options
from pycosim.hwmodels.description import Description
from pycosim.network import Network

__all__ = ["Changes", "change_remarks", "changing_synapses", "choice_remarks"]

_DETAILS = {
    "queue": "links as queues, no arbitration in routers",
    "analytic": "every packet takes the time that it takes alone, no contention",
}


@dataclass
class Changes:
    """How a network changed since it was put on a chip.

    Attributes
    ----------
    grown_at : list of int
        Steps after which populations or projections were added.
    recounted : set of str
        Projections whose synapses are built of unit synapses, and whose weights have changed.
    """

    grown_at: list[int] = field(default_factory=list)
    recounted: set[str] = field(default_factory=set)


def changing_synapses(network: Network) -> str:
    """Return which synapses change by themselves; empty if none do."""
    plastic = [p.label for p in network.projections if p.plasticity is not None]
    return f"Synapses of {', '.join(map(repr, plastic))} change while the network runs" if plastic else ""


def change_remarks(network: Network, changes: Changes, options: Options) -> list[str]:
    """Return how the network changed, by itself and by the script."""
    remarks = []
    if changing := changing_synapses(network):
        remarks.append(f"{changing}: what that takes of the chip, in time and energy, is unknown.")
    if changes.recounted:
        labels = ", ".join(repr(label) for label in sorted(changes.recounted))
        remarks.append(
            f"Weights of {labels} changed; time and energy count the unit synapses that the network was "
            "mapped with."
        )
    if changes.grown_at:
        steps = ", ".join(str(step) for step in changes.grown_at)
        given = "" if isinstance(options.mapping, str) else " in sequence, not by the table of cores"
        remarks.append(
            f"The network grew after step {steps}: neurons stayed on their cores, new ones were placed on "
            f"what was left{given}, and tables of axons and routes were made anew."
        )
    return remarks


def choice_remarks(description: Description, options: Options, input_lead_steps: int) -> list[str]:
    """Return what was chosen for this run and is not seen elsewhere.

    `input_lead_steps` is how many steps the sources are ahead of the network with ``inputs="realtime"``.
    """
    detail = description.noc.detail
    idle = [path for path in options.overrides if not _has_effect(description, path)]
    remarks = [f"Without effect, as there are no such links: {', '.join(idle)}."] if idle else []
    remarks += [] if detail == "cycle" else [f"Network-on-chip: {_DETAILS[detail]} (detail={detail})."]
    if options.inputs == "realtime":
        remarks.append(
            "External sources keep to the wall clock (inputs=realtime); at the end they were "
            f"{input_lead_steps} steps ahead of the network."
        )
    return remarks


def _has_effect(description: Description, path: str) -> bool:
    """Return whether a value that the user set is of something that the chip has."""
    section, _, name = path.partition(".")
    return section not in ("noc", "energy") or description.noc.has_links(name)
