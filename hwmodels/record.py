"""The hardware record of a run, from what was accumulated while it ran."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.hwmodels.base import ChipModel
from pycosim.hwmodels.bottleneck import breaks_first
from pycosim.hwmodels.description import Description
from pycosim.hwmodels.energy import EnergyCounts, energy_by_cause, energy_ranges
from pycosim.hwmodels.energy_shares import shared_energy, shares_of
from pycosim.hwmodels.timing.disciplines import Discipline
from pycosim.hwmodels.timing.floorplan import core_positions, plan_shape
from pycosim.hwmodels.timing.ideal import Ideal
from pycosim.results.hardware import CoreTable, HardwareRecord

__all__ = ["make_record"]

Int = NDArray[np.int64]


def make_record(
    chip: ChipModel,
    discipline: Discipline,
    utilisation: dict[str, tuple[int, int]],
    options: dict[str, Any],
    remarks: list[str],
    first: Int,
) -> HardwareRecord:
    """Return what a chip measured so far.

    Parameters
    ----------
    chip : ChipModel
    discipline : Discipline
    utilisation : dict of str to (used, limit)
    options : dict
    remarks : list of str
        They come before all other notes.
    first : (n_populations,) int64
        First neuron of each population.
    """
    traffic, description = discipline.traffic, chip.description
    link_flits = (
        discipline.link_flits() if isinstance(discipline, Ideal) else traffic.fabric.network.link_flits
    )
    packets = traffic.log.table(traffic.routes)
    delivered, dropped = int(np.count_nonzero(packets.arrived)), int(np.count_nonzero(packets.dropped))
    durations = np.array(discipline.durations, np.int64)
    events = _synaptic_events(discipline)
    counts = _energy_counts(description, discipline, events, traffic.fabric.mesh_flits(link_flits))
    energy, assumed = energy_by_cause(description.energy, counts)
    shares = shares_of(description, discipline, events, first)
    of_core, of_population = shared_energy(description.energy, counts, shares)
    links = traffic.fabric.link_table(link_flits)
    late = int(np.count_nonzero(packets.lateness_steps > 0))
    overruns = int(np.count_nonzero(durations > discipline.period_ps))
    if description.chip.discipline == "tick" and late + overruns:
        remarks = [*remarks, breaks_first(discipline, link_flits)]
    return HardwareRecord(
        chip=chip.name,
        title=description.chip.title,
        discipline=description.chip.discipline,
        options=options,
        period_ps=discipline.period_ps,
        step_duration_ps=durations,
        steps_are_timed=description.has_core_times and not isinstance(discipline, Ideal),
        packets=packets,
        sent=len(traffic.log),
        delivered=delivered,
        dropped=dropped,
        in_flight=len(traffic.log) - delivered - dropped,
        late=late,
        overruns=overruns,
        cores=_core_table(description, discipline, events),
        links=links,
        energy_j=energy,
        energy_assumed=assumed,
        energy_range_j=energy_ranges(description.energy, counts),
        energy_of_core_j=of_core,
        energy_of_population_j=of_population,
        shape=plan_shape(description.noc),
        core_of_neuron=traffic.mapping.core_of_neuron.copy(),
        utilisation=dict(utilisation),
        relays=traffic.mapping.n_relays,
        notes=remarks + _notes(description, discipline),
    )


def _synaptic_events(discipline: Discipline) -> Int:
    """Return the synaptic events that arrived at each place, (n_places,) int64."""
    traffic = discipline.traffic
    axons = traffic.routes
    arrived = np.bincount(traffic.log.axon[traffic.log.arrival_ps >= 0], minlength=len(axons))
    place = traffic.places.of_core[axons.core] if len(axons) else np.empty(0, np.int64)
    return np.bincount(place, arrived * axons.events, traffic.n_places).astype(np.int64)


def _energy_counts(
    description: Description, discipline: Discipline, events: Int, mesh_flits: tuple[int, int, int]
) -> EnergyCounts:
    traffic = discipline.traffic
    routes = traffic.routes
    source_core = traffic.mapping.core_of_neuron[routes.source]
    source_core = np.where(routes.relay_core >= 0, routes.relay_core, source_core)
    leaves = (source_core >= 0) & (source_core != routes.core)
    return EnergyCounts(
        neuron_update=discipline.neuron_updates,
        synaptic_event=int(events.sum()),
        spike=int(traffic.spikes[:-1].sum()),
        encode=traffic.encoded,
        packet=int(traffic.messages_out.sum()),
        packet_out=int(traffic.messages_out[:-1].sum()),
        packet_in=int(traffic.messages_in.sum()),
        leave_core=int(np.count_nonzero(leaves[traffic.log.axon])),
        host_packet=int(traffic.messages_out[-1]),
        hop_x=mesh_flits[0] if description.noc.n_routers > 1 else None,
        hop_y=mesh_flits[1] if description.noc.n_routers > 1 else None,
        chip_hop=mesh_flits[2] if description.noc.n_chips > 1 else None,
        static_power=discipline.time_ps * 1e-12 * description.noc.n_chips,
    )


def _core_table(description: Description, discipline: Discipline, events: Int) -> CoreTable:
    traffic = discipline.traffic
    mapping, places = traffic.mapping, traffic.places
    cores = places.cores
    x, y = core_positions(description.noc, cores)
    return CoreTable(
        core=cores.copy(),
        x=x,
        y=y,
        neurons=places.at_cores(mapping.neurons_of_core),
        synapses=places.at_cores(mapping.synapses_of_core),
        relays=places.at_cores(mapping.relays_of_core),
        synaptic_events=events[:-1],
        spikes=traffic.spikes[:-1].copy(),
        packets_in=traffic.messages_in[:-1].copy(),
        packets_out=traffic.messages_out[:-1].copy(),
        busy_ps=discipline.total_busy_ps()[:-1],
    )


def _notes(description: Description, discipline: Discipline) -> list[str]:
    """Return remarks on the chip, the timing, and constants that need care."""
    notes = discipline.notes() + list(description.chip.notes)
    if description.constants != "default":
        notes.append(f"Constants: {description.sets[description.constants]}.")
    by_confidence: dict[str, list[str]] = {}
    for path, constant in description.named_constants():
        section, name = path.split(".")
        if not description.noc.has_links(name):
            continue
        if section in ("noc", "time", "energy"):
            by_confidence.setdefault(constant.confidence, []).append(f"{path} = {constant}")
    if "assumed" in by_confidence:
        notes.append(f"Assumed, with no published value: {', '.join(by_confidence['assumed'])}.")
    if "recalled" in by_confidence:
        notes.append(f"Recalled, not checked against the paper: {', '.join(by_confidence['recalled'])}.")
    if not description.has_core_times:
        notes.append("No time of a core is known: how long steps take is unknown, and delays no packet.")
    elif description.untimed:
        notes.append(f"No time is known for {', '.join(description.untimed)}; taken as 0.")
    return notes
