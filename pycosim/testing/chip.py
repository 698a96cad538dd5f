"""What every chip model must do, held against the native engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pycosim import targets
from pycosim.backends.base import Options
from pycosim.errors import DoesNotFitError
from pycosim.hwmodels.load import load
from pycosim.network import Network, Population
from pycosim.results import HardwareRecord
from pycosim.testing.backend import expect_equal_spikes, simulated, spikes_of
from pycosim.testing.networks import PARAMETERS, add_part, deterministic_network
from pycosim.testing.report import run_checks

STEPS = 600
TOO_MANY = 2_000_000
LONGEST_DELAY = 6
TIMINGS = ("ideal", "trace", "closed")


def check_chip(name: str) -> list[str]:
    """Run the whole suite on the chip called `name`, or described in the file `name`.

    Returns
    -------
    list of str
        The names of the checks that passed, which is all of them.

    Raises
    ------
    ConformanceError
        With every check that failed, and how.
    """
    return run_checks(f"Chip {name}", CHIP_CHECKS, name)


def on_chip(name: str, network: Network, **options: Any) -> Any:
    """Build a network on a chip, advance it, and return the simulation."""
    simulation = targets.build(name, network, Options(**options))
    simulation.advance(STEPS)
    return simulation


def _network(name: str, delay: tuple[int, int] = (2, LONGEST_DELAY)) -> Network:
    """Return a network with delays that the chip has."""
    longest = _longest_delay(name)
    return deterministic_network(delay=(min(delay[0], longest), min(delay[1], longest)))


def _longest_delay(name: str) -> int:
    limit = load(name).description.capacity.delay_max
    return limit.value if limit is not None else STEPS


def _ideal(name: str) -> None:
    network = _network(name)
    native, ideal = simulated("native", network, STEPS), on_chip(name, network, timing="ideal")
    expect_equal_spikes(spikes_of(native, network), spikes_of(ideal, network))
    np.testing.assert_array_equal(native.signal(0, "v"), ideal.signal(0, "v"))


def _trace(name: str) -> None:
    network = _network(name)
    native, trace = simulated("native", network, STEPS), on_chip(name, network, timing="trace")
    expect_equal_spikes(spikes_of(native, network), spikes_of(trace, network))
    packets = trace.hardware.packets
    assert len(packets.source), "no packet was recorded"
    assert np.all(packets.injection_ps >= packets.emission_ps), "a packet is injected before its neuron fires"
    assert np.all(packets.latency_ps > 0), "a packet arrives without any latency"


def _closed_without_lateness(name: str) -> None:
    network = _network(name)
    native, closed = simulated("native", network, STEPS), on_chip(name, network, timing="closed")
    if _all_on_time(closed.hardware):
        expect_equal_spikes(spikes_of(native, network), spikes_of(closed, network))
        np.testing.assert_array_equal(native.signal(0, "v"), closed.signal(0, "v"))


def expect_conserved(record: HardwareRecord) -> None:
    """Raise AssertionError unless every packet is delivered, dropped or in flight, and counted once."""
    assert record.sent == record.delivered + record.dropped + record.in_flight, (
        f"{record.sent} packets sent, but {record.delivered} delivered, {record.dropped} dropped and "
        f"{record.in_flight} in flight"
    )
    assert record.sent == len(record.packets.source), "the packet table does not have a row for each packet"
    assert int(record.packets.arrived.sum()) == record.delivered, "arrivals and deliveries differ"
    assert int(record.packets.dropped.sum()) == record.dropped, (
        "the packet table has other packets as dropped"
    )
    late = int((record.packets.lateness_steps[record.packets.arrived] > 0).sum())
    assert late == record.late, f"{late} packets act late, {record.late} are counted"


def expect_energy_sums(record: HardwareRecord) -> None:
    """Raise AssertionError unless the energies of cores, and of populations, add up to those by cause."""
    known = {cause: energy for cause, energy in record.energy_j.items() if energy is not None}
    assert set(record.energy_of_core_j) == set(known), "cores do not have the energies that the chip has"
    for cause, energy in known.items():
        # Rounding of sums in double precision.
        shares = {"cores": record.energy_of_core_j[cause].sum()}
        if cause == "static":
            assert shares["cores"] <= energy * (1 + 1e-9), "cores have more static energy than the chip"
            continue
        shares["populations"] = record.energy_of_population_j[cause].sum()
        for whose, total in shares.items():
            assert abs(total - energy) <= 1e-9 * energy, (
                f"{cause}: {whose} have {total:.6g} J together, the chip has {energy:.6g} J"
            )


def _all_on_time(record: HardwareRecord) -> bool:
    """Return whether no packet was late or dropped, or is under way although it should have acted by now."""
    packets = record.packets
    under_way = packets.emission_step[~packets.arrived]
    return record.late == record.dropped == 0 and bool(np.all(under_way >= STEPS - LONGEST_DELAY))


def _conservation(name: str) -> None:
    network = _network(name)
    for timing in TIMINGS:
        record = on_chip(name, network, timing=timing).hardware
        expect_conserved(record)
        expect_energy_sums(record)


def _every_spike_is_sent(name: str) -> None:
    network = _network(name)
    simulation = on_chip(name, network, timing="trace")
    record = simulation.hardware
    has_targets = np.unique(np.concatenate([p.source_column() for p in network.projections]))
    rows = spikes_of(simulation, network)
    first = np.array([population.first for population in network.populations])
    fired = {(int(step), int(index + first[p])) for p, step, index in rows}
    expected = {pair for pair in fired if pair[1] in set(has_targets.tolist())}
    sent = set(zip(record.packets.emission_step.tolist(), record.packets.source.tolist()))
    assert sent == expected, (
        f"{len(expected - sent)} spikes were not sent, {len(sent - expected)} never happened"
    )


def _threads(name: str) -> None:
    network = _network(name)
    one, two = (on_chip(name, network, timing="closed", threads=threads) for threads in (1, 2))
    expect_equal_spikes(spikes_of(one, network), spikes_of(two, network))
    np.testing.assert_array_equal(one.hardware.packets.arrival_ps, two.hardware.packets.arrival_ps)


# Few delays, so that chips on which each needs an axon have axons left.
_GROWING_DELAY = (2, 4)


def _growing(name: str, chip: str, **options: Any) -> tuple[Network, Any]:
    """Return a network for a chip that grew twice while it ran, and its simulation on the target `name`."""
    network = _network(chip, _GROWING_DELAY)
    simulation = targets.build(name, network, Options(**options))
    for part in (1, 2):
        simulation.advance(STEPS // 3)
        add_part(network, part, delay=min(2 + part, _longest_delay(chip)))
        simulation.network_grown()
    simulation.advance(STEPS - 2 * (STEPS // 3))
    return network, simulation


def _growth(name: str) -> None:
    network, native = _growing("native", name)
    spikes = spikes_of(native, network)
    for timing in TIMINGS:
        network, grown = _growing(name, name, timing=timing, threads=2)
        record = grown.hardware
        expect_conserved(record)
        expect_energy_sums(record)
        if timing != "closed" or _all_on_time(record):
            expect_equal_spikes(spikes, spikes_of(grown, network))
            np.testing.assert_array_equal(native.signal(0, "v"), grown.signal(0, "v"))
        at_first = on_chip(name, _network(name, _GROWING_DELAY), timing=timing).hardware.core_of_neuron
        np.testing.assert_array_equal(
            record.core_of_neuron[: len(at_first)], at_first, "neurons moved when the network grew"
        )
        grew = [note for note in record.notes if f"grew after step {STEPS // 3}, " in note]
        assert grew, "the record does not say when the network grew"


def _too_large(name: str) -> None:
    network = Network(dt_ms=0.1)
    population = Population("many", "IF_curr_exp", TOO_MANY, parameters=dict(PARAMETERS))
    network.add(population)
    try:
        targets.build(name, network, Options())
    except DoesNotFitError as error:
        violations = error.violations
    else:
        raise AssertionError(f"a network of {TOO_MANY} neurons is accepted")
    assert violations, "the error names no limit"
    for violation in violations:
        assert violation.needed > violation.limit, f"{violation.resource} is within its limit"
        assert violation.n_affected > 0, f"{violation.resource} affects nothing"
        assert violation.remedy, f"{violation.resource} comes without a remedy"


CHIP_CHECKS: dict[str, Callable[[str], None]] = {
    "ideal timing gives exactly the native engine's spikes": _ideal,
    "tracing does not change the spikes and finds a latency for each packet": _trace,
    "feeding back latencies changes nothing where nothing is late": _closed_without_lateness,
    "every packet is delivered, dropped or in flight, and energies add up": _conservation,
    "every spike of a neuron with targets is sent": _every_spike_is_sent,
    "threads change neither spikes nor arrival times": _threads,
    "a network that grows keeps its neurons in place and ideal timing exact": _growth,
    "a network that does not fit is refused with all violated limits": _too_large,
}
