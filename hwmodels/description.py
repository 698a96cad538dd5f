"""The form of a chip description: every constant with its value, its source and how far it can be trusted.

A description is a TOML file (``chip.toml``) with the sections below. Quantities are written with a unit
("4.1 ns", "23.6 pJ", "64.4 mW"), counts as whole numbers, shapes as "8x4" (columns x rows)::

    [noc]
    hop_x = { value = "4.1 ns", source = "D18, table 2", confidence = "published" }

Sources that are not assumptions begin with a key of the section ``[sources]``, which holds full citations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from pycosim.hwmodels.noc_section import Noc
from pycosim.hwmodels.quantities import Constant, Count, Energy, Part, Power, Size, Text, Time, TimeTable

__all__ = [
    "Capacity",
    "Description",
    "EnergyCosts",
    "Mapping",
    "Noc",
    "ServiceTimes",
    "SynapseMemory",
    "field_kinds",
]


class Chip(Part):
    """What the chip is.

    Attributes
    ----------
    title : str
        Full name.
    summary : str
        One line for listings.
    discipline : {"tick", "barrier", "free", "timer"}
        How steps of the network become time on the chip.
    neurons : str
        Name of the chip whose neurons, and arithmetic, it has; those of its own folder, if any, if empty.
    acceleration : float
        Model time per hardware time of a chip that cannot run in real time; a run's speed-up multiplies it.
    notes : tuple of str
        What a reader of results should know; copied to every hardware record.
    """

    title: Text
    summary: Text
    discipline: Literal["tick", "barrier", "free", "timer"]
    neurons: StrictStr = ""
    acceleration: float = Field(default=1.0, gt=0, le=1e9, allow_inf_nan=False, strict=True)
    notes: tuple[Text, ...] = ()


class Capacity(Part):
    """Limits; a limit that is absent does not exist.

    Attributes
    ----------
    cores
        All cores of `Noc` if absent; of all chips together.
    neurons_per_core
        Neurons include relays (splitters).
    axons_per_core
        Distinct inputs of a core: sources, with a delay or a receptor where axons carry these.
    axon_types_per_neuron
        Receptors of a neuron that synapses may reach.
    synapses_per_core, fan_in_per_neuron
        Synapses.
    synapse_words_per_core
        Words of synapse memory, counted by the rule of `SynapseMemory`.
    out_edges_per_core
        Pairs of a neuron in the core and a core that it sends to.
    axon_targets_per_neuron
        Axons that one neuron can send to; beyond it, relays (splitters) are needed.
    target_chips_per_neuron
        Routers of the top-level mesh that one neuron can send to.
    delay_min, delay_max
        Delays of synapses in steps.
    reach
        Distance in routers of the top-level mesh, in x and in y.
    """

    cores: Size | None = None
    neurons_per_core: Size
    axons_per_core: Size | None = None
    synapses_per_core: Size | None = None
    synapse_words_per_core: Size | None = None
    fan_in_per_neuron: Size | None = None
    axon_types_per_neuron: Size | None = None
    out_edges_per_core: Size | None = None
    axon_targets_per_neuron: Size | None = None
    target_chips_per_neuron: Size | None = None
    delay_min: Count | None = None
    delay_max: Size | None = None
    reach: Count | None = None

    @model_validator(mode="after")
    def _check_delays(self) -> Capacity:
        low, high = self.delay_min, self.delay_max
        if low and high and low.value > high.value:
            raise ValueError(f"delay_min is {low.value}, more than delay_max = {high.value}: exchange them")
        return self


class SynapseMemory(Part):
    """How a list of synapses fills memory words.

    A list is cut into chunks; a chunk takes a header and its entries, rounded up to whole words.

    Attributes
    ----------
    weight_bits
        Bits of a weight's mantissa, for chips whose arithmetic is modelled.
    """

    word_bits: Size
    entry_bits: Size
    header_bits: Count
    entries_per_chunk: Size
    weight_bits: Size | None = None


class Mapping(Part):
    """How networks are put on the chip.

    Attributes
    ----------
    neurons_per_core
        How many neurons the sequential mapping puts on a core; the hard limit if absent.
    delay_in_axon : bool
        Whether a packet carries the delay, so that each delay needs an axon of its own, or the synapse does.
    receptor_in_axon : bool
        Whether an axon has a type, so that each receptor that a source reaches needs an axon of its own.
    splitters : bool
        Whether relays may be used where a neuron has more targets than `Capacity.axon_targets_per_neuron`.
    entry_router : int
        Router of the top-level mesh at which spikes of external sources enter.
    """

    neurons_per_core: Size | None = None
    delay_in_axon: StrictBool = False
    receptor_in_axon: StrictBool = False
    splitters: StrictBool = False
    entry_router: StrictInt = Field(default=0, ge=0)


_CORE_WORK = ("neuron_update", "synaptic_event", "spike", "packet_out", "packet_in")
_OF_DISCIPLINE = {
    "barrier": "barrier",
    "chip_barrier": "barrier",
    "shortest_period": "tick",
    "timer_spread": "timer",
    "timer_seed": "timer",
    "drop_after": "timer",
}


class ServiceTimes(Part):
    """Times that cores take; one that is absent takes no time.

    Attributes
    ----------
    step
        Per step and core in use, whatever it holds.
    neuron_update, synaptic_event, spike
        Per neuron and step, per synapse that a spike passes, per spike fired.
    packet_out, packet_in
        Per packet sent and received.
    host_packet
        Least spacing of packets that enter from outside.
    barrier
        Barrier chips only: by the number of routers whose cores are used, on the chip with the most.
    chip_barrier
        The same over several chips, by the columns plus the rows of the chips in use; it includes the
        barriers on the chips, and the longer of both counts.
    shortest_period
        Tick chips only: the shortest tick that was shown to work.
    scans_all_neurons : bool
        Whether a core in use takes the update time for all its neurons, used or not.
    timer_spread
        Timer chips only: the timers of cores begin a step up to this time after the first one.
    timer_seed : int
        Timer chips only: seed of when each core's timer begins a step.
    drop_after
        Timer chips only: time that a packet may wait on its way before it is dropped; never if absent.
    """

    step: Time | None = None
    neuron_update: Time | None = None
    synaptic_event: Time | None = None
    spike: Time | None = None
    packet_out: Time | None = None
    packet_in: Time | None = None
    host_packet: Time | None = None
    barrier: TimeTable | None = None
    chip_barrier: TimeTable | None = None
    shortest_period: Time | None = None
    scans_all_neurons: StrictBool = False
    timer_spread: Time | None = None
    timer_seed: StrictInt = Field(default=1, ge=0, lt=2**63)
    drop_after: Time | None = None


class EnergyCosts(Part):
    """Energies by cause; one that is absent is unknown.

    Attributes
    ----------
    neuron_update, synaptic_event, spike, packet_out, packet_in, host_packet
        As the service times of the same names.
    encode
        Per spike that leaves its neuron, whatever the number of packets.
    packet
        Per packet, whatever its way (within its own routers).
    leave_core
        Per packet that goes to another core than its own.
    hop_x, hop_y
        Per flit and link of the mesh.
    chip_hop
        Per flit and link between chips, in place of `hop_x` and `hop_y`.
    static_power
        Of all that is described, of each chip where `Noc.chips` is given, whether it works or not.
    static_share : {"all_cores", "cores_in_use"}
        Which cores the static power is shared among, equally, where energy is asked for by core.
    covered : dict of str to str
        Causes that have no constant of their own because another one holds them, and which.
    """

    neuron_update: Energy | None = None
    synaptic_event: Energy | None = None
    spike: Energy | None = None
    encode: Energy | None = None
    packet: Energy | None = None
    packet_out: Energy | None = None
    packet_in: Energy | None = None
    leave_core: Energy | None = None
    host_packet: Energy | None = None
    hop_x: Energy | None = None
    hop_y: Energy | None = None
    chip_hop: Energy | None = None
    static_power: Power | None = None
    static_share: Literal["all_cores", "cores_in_use"] = "all_cores"
    covered: dict[str, Text] = Field(default_factory=dict)

    def unknown(self) -> list[str]:
        """Return the causes that have neither a constant nor one that covers them."""
        return [name for name in self._causes() if getattr(self, name) is None and name not in self.covered]

    @classmethod
    def _causes(cls) -> list[str]:
        return [name for name in cls.model_fields if name not in ("covered", "static_share")]

    @model_validator(mode="after")
    def _check_covered(self) -> EnergyCosts:
        causes = self._causes()
        for cause in self.covered:
            if cause not in causes:
                raise ValueError(
                    f"covered names {cause!r}, which is no cause; causes are {', '.join(sorted(causes))}"
                )
            if getattr(self, cause) is not None:
                raise ValueError(
                    f"covered names {cause!r}, which has a constant of its own: remove one of the two"
                )
        return self


class Description(Part):
    """All that is known of a chip; `pycosim.hwmodels.load` reads and checks it.

    Attributes
    ----------
    sources : dict of str to str
        Full citations by key.
    sets : dict of str to str
        Named sets of constants that can replace the default ones, with their titles.
    constants : str
        The set in use; "default" if none.
    """

    chip: Chip
    sources: dict[str, Text] = Field(default_factory=dict)
    capacity: Capacity
    synapse_memory: SynapseMemory | None = None
    mapping: Mapping = Mapping()
    noc: Noc
    time: ServiceTimes = ServiceTimes()
    energy: EnergyCosts = EnergyCosts()
    sets: dict[str, str] = Field(default_factory=dict)
    constants: str = "default"

    @model_validator(mode="after")
    def _check_sizes(self) -> Description:
        cores = self.noc.n_routers * self.noc.cores_per_router.size
        if self.n_cores > cores:
            raise ValueError(
                f"capacity.cores is {self.n_cores}, but noc.shape and noc.cores_per_router hold {cores}"
            )
        if self.mapping.entry_router >= self.noc.n_routers:
            raise ValueError(
                f"mapping.entry_router is {self.mapping.entry_router}, but the mesh has routers 0 to "
                f"{self.noc.n_routers - 1}"
            )
        if self.noc.n_chips > 1 and self.time.barrier is not None and self.time.chip_barrier is None:
            raise ValueError(f"noc.chips = {self.noc.chips} needs time.chip_barrier beside time.barrier")
        for name in sorted(self.time.model_fields_set & _OF_DISCIPLINE.keys()):
            if self.chip.discipline != _OF_DISCIPLINE[name] and getattr(self.time, name) is not None:
                raise ValueError(
                    f"time.{name} is for chips with discipline = {_OF_DISCIPLINE[name]}, and "
                    f"chip.discipline is {self.chip.discipline}; remove it"
                )
        if self.chip.discipline == "timer" and self.mapping.splitters:
            raise ValueError("mapping.splitters = true does not go with chip.discipline = timer")
        if self.capacity.synapse_words_per_core and self.synapse_memory is None:
            raise ValueError("capacity.synapse_words_per_core needs the section [synapse_memory]")
        return self

    @property
    def n_cores(self) -> int:
        """Number of cores."""
        if self.capacity.cores is not None:
            return self.capacity.cores.value
        return self.noc.n_routers * self.noc.cores_per_router.size

    def unknown_energy(self) -> list[str]:
        """Return the causes that can occur here and have neither a constant nor one that covers them."""
        unknown = self.energy.unknown()
        return [name for name in unknown if self.noc.has_links(name)]

    @property
    def untimed(self) -> list[str]:
        """Causes of work, of cores and of a barrier, for which no time is known."""
        work = (*_CORE_WORK, "barrier") if self.chip.discipline == "barrier" else _CORE_WORK
        return [name for name in work if getattr(self.time, name) is None]

    @property
    def has_core_times(self) -> bool:
        """Whether any time of a step is known; without one, nothing can be said of how long steps take."""
        times = (getattr(self.time, name) for name in (*_CORE_WORK, "step", "barrier"))
        return any(time is not None for time in times)

    def named_constants(self) -> Iterator[tuple[str, Constant]]:
        """Iterate over all constants with their dotted paths."""
        for section in SECTIONS:
            part = getattr(self, section)
            for name in type(part).model_fields if part is not None else ():
                value = getattr(part, name)
                if isinstance(value, Constant):
                    yield f"{section}.{name}", value


SECTIONS = ("chip", "capacity", "synapse_memory", "mapping", "noc", "time", "energy")


def field_kinds() -> dict[str, Any]:
    """Return the type of every value that a description can have, by dotted path."""
    kinds = {}
    for section in SECTIONS:
        model = _without_none(Description.model_fields[section].annotation)
        for name, field in model.model_fields.items():
            kinds[f"{section}.{name}"] = _without_none(field.annotation)
    return kinds


def _without_none(annotation: Any) -> Any:
    """Return the annotation X of ``X | None``."""
    if get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation
