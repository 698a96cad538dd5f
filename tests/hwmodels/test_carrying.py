"""Spikes are carried by compiled code; what Python sees of it, and may replace, gives the same results."""

import numpy as np
import pytest

from pycosim.backends.base import Options
from pycosim.hwmodels.simulation import build
from pycosim.hwmodels.timing import _carrying, kinds
from pycosim.hwmodels.timing.disciplines import Acting, Discipline
from pycosim.hwmodels.timing.fabric import Fabric
from pycosim.hwmodels.timing.traffic import Pass

from .chip_networks import random_network, record_all, spikes_of

N_STEPS = 120
SPREAD = np.append(np.arange(60) % 12, np.zeros(20, int))
# Slow enough for packets that are late on TrueNorth and DYNAP-SE, and for queues in the network-on-chip.
SLOW = {"noc.slowdown": 1000}


def build_chip(chip, timing="closed"):
    network = random_network()
    record_all(network)
    options = Options(timing=timing, mapping=SPREAD, overrides=SLOW)
    return build(chip, network, options), network


def measured(simulation, network):
    hardware = simulation.hardware
    packets = hardware.packets
    columns = {
        "spikes": spikes_of(simulation, network),
        "duration": hardware.step_duration_ps,
        "busy": hardware.cores.busy_ps,
        "packets in": hardware.cores.packets_in,
        "packets out": hardware.cores.packets_out,
        "flits": hardware.links.flits,
    }
    names = ("emission_step", "source", "core", "emission_ps", "injection_ps", "arrival_ps", "lateness_steps")
    return columns | {name: getattr(packets, name) for name in names}


def assert_equal(one, other):
    for name, column in one.items():
        np.testing.assert_array_equal(column, other[name], err_msg=name)
    assert one["spikes"].shape[1] > 300


def run_at_once(chip, timing="closed"):
    simulation, network = build_chip(chip, timing)
    simulation.advance(N_STEPS)
    return measured(simulation, network)


@pytest.mark.parametrize("timing", ["trace", "closed"])
def test_a_run_step_by_step_equals_one_in_a_single_call(chip, timing):
    simulation, network = build_chip(chip, timing)
    for _ in range(N_STEPS):
        simulation.advance(1)
    assert_equal(measured(simulation, network), run_at_once(chip, timing))


@pytest.mark.parametrize("timing", ["trace", "closed"])
def test_packets_delivered_one_by_one_act_as_those_of_compiled_steps(chip, timing, monkeypatch):
    expected = run_at_once(chip, timing)
    monkeypatch.setattr("pycosim.hwmodels.simulation.Compiled", ())  # no discipline runs many steps now
    assert_equal(run_at_once(chip, timing), expected)


@pytest.mark.parametrize("name", ["loihi", "truenorth", "dynapse", "spinnaker"])
def test_a_fabric_written_in_python_gives_the_same_results(name, monkeypatch):
    expected = run_at_once(name)
    monkeypatch.setattr(Fabric, "compiled", lambda fabric: None)
    assert_equal(run_at_once(name), expected)


class PythonBarrier(Discipline):
    """The elastic barrier in the words of `disciplines.Barrier`, step by step."""

    start = 0

    @property
    def time_ps(self):
        return self.start

    def carry(self, step, fired):
        if step > 0 and not len(fired):
            self.idle_steps += 1
            self.end_step(step, self.start + int(self.idle.max()))
            return Acting(*np.zeros((3, 0), np.int64))
        begin = np.full(self.traffic.n_places, self.start)
        work = self.traffic.send(step, fired, Pass(self.start, begin, self._no_work))
        work = work - self.idle if step == 0 else work
        arrivals = self.traffic.receive(self.traffic.fabric.run_until_idle())
        self._count_work(np.maximum(work, arrivals.work_ps))
        self.end_step(step, max(self.start + int(work[:-1].max(initial=0)), arrivals.last_ps))
        self.traffic.log.lateness_steps[arrivals.rows] = 0
        zeros = np.zeros(len(arrivals.rows), np.int64)
        return Acting(arrivals.rows, zeros, zeros)

    def end_step(self, step, end):
        if step > 0:
            routers = np.unique(self.traffic.places.cores // self.description.noc.cores_per_router.size)
            end += self.description.time.barrier.at(len(routers))
            self.durations.append(end - self.start)
        self.start = max(end, (step + 1) * self.period_ps)

    def notes(self):
        return []


def test_a_discipline_written_in_python_gives_the_same_results(monkeypatch):
    expected = run_at_once("loihi")
    monkeypatch.setitem(kinds.DISCIPLINES, "barrier", PythonBarrier)
    assert_equal(run_at_once("loihi"), expected)


def test_columns_of_the_log_that_were_read_outlive_its_growth():
    simulation, _ = build_chip("loihi")
    simulation.advance(N_STEPS // 4)
    log = simulation._discipline.traffic.log
    before = log.arrival_ps
    kept = before.copy()
    simulation.advance(3 * N_STEPS // 4)
    assert len(log) > 2 * len(kept) > 0
    np.testing.assert_array_equal(before, kept)
    np.testing.assert_array_equal(log.arrival_ps[: len(kept)], kept)


def test_a_log_keeps_its_rows_when_it_grows_to_millions():
    # Columns of 4 MiB (524,288 rows of 8 bytes) and more lie on large pages: they move there, and grow there.
    log = _carrying.Traffic()
    sizes = [1_000, 600_000, 700_000]
    for step, n in enumerate(sizes):
        first = log.append(step, np.arange(n))
        log.arrival_ps[first:] = np.arange(n) * (step + 1)
    np.testing.assert_array_equal(log.axon, np.concatenate([np.arange(n) for n in sizes]))
    np.testing.assert_array_equal(log.emission_step, np.repeat(np.arange(len(sizes)), sizes))
    expected = [np.arange(n) * (step + 1) for step, n in enumerate(sizes)]
    np.testing.assert_array_equal(log.arrival_ps, np.concatenate(expected))
