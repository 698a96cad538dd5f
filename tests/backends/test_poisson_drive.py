"""Poisson sources that the engine draws by itself, against the same sources whose spikes are written down."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pycosim.native as sim
from pycosim._core import philox4x32
from pycosim.frontend.simulator import state
from pycosim.random import stream_of


def potentials(
    recorded: bool, rates: list[float], *, threads: int = 1, change=None, many_delays: bool = False
) -> np.ndarray:
    """Return v of cells driven by sources; recording these makes them write down their spikes."""
    sim.setup(timestep=0.1, seed=3, threads=threads)
    cells = sim.Population(150, sim.IF_cond_exp(), initial_values={"v": -60.0})
    other = sim.Population(20, sim.IF_cond_exp())
    weights = sim.RandomDistribution("uniform", (0.0001, 0.001))
    for i, rate in enumerate(rates):
        noise = sim.Population(150, sim.SpikeSourcePoisson(rate=rate, start=3.0 * i, duration=40.0))
        synapse = sim.StaticSynapse(weight=weights if i % 2 else 0.0005, delay=0.1 + 0.5 * i)
        places = sim.OneToOneConnector() if i < 2 else sim.FixedNumberPostConnector(1)
        sim.Projection(noise, cells, places, synapse)
        if recorded:
            noise.record("spikes")
    delay = sim.RandomDistribution("uniform", (0.2, 40.0)) if many_delays else 0.7
    sim.Projection(
        cells, cells, sim.FixedProbabilityConnector(0.1), sim.StaticSynapse(weight=0.001, delay=delay)
    )
    cells.record("v")
    sim.run(20.0)
    if change is not None:
        change(noise, cells, other)
    sim.run(30.0)
    return cells.get_data().segments[0].analogsignals[0].magnitude


# Means of 0.01, 2 and 40 spikes in a step: the last is beyond what is looked up in a table.
@pytest.mark.parametrize("rates", [[100.0], [20e3, 100.0], [500.0, 400e3, 2000.0]])
@pytest.mark.parametrize("threads", [1, 3])
def test_spikes_drawn_by_the_engine_act_as_those_written_down(rates, threads):
    drawn, written = (potentials(recorded, rates, threads=threads) for recorded in (False, True))
    np.testing.assert_array_equal(drawn, written)
    assert np.ptp(drawn) > 1


def word(seed: int, stream: int, row: int, step: int) -> int:
    """Return the first bits of the number that the spikes of a source in a step are drawn from."""

    def halves(x: int) -> tuple[int, int]:
        return x & 0xFFFFFFFF, x >> 32

    key = philox4x32((*halves(seed), *halves(stream)), (0, 0))[:2]
    return philox4x32((*halves(step // 4), row, 0), key)[step % 4]


# There is a spike if a number of 53 bits is above e^-mean; their first 32 bits are compared beforehand. Here
# these are the same, so that it takes the others: nearly all are above a small rest and below a large one.
@pytest.mark.parametrize("rest", [0.001, 0.999])
@pytest.mark.parametrize("row", [5, 70, 140])  # in two whole blocks of sources and the rest
def test_a_number_that_begins_as_a_threshold_is_compared_in_full(row, rest):
    mean = -math.log((word(3, stream_of("poisson", 2), row, 40) + rest) / 2**32)
    drawn, written = (potentials(recorded, [mean / 0.1 * 1000]) for recorded in (False, True))
    np.testing.assert_array_equal(drawn, written)
    assert np.ptp(drawn) > 1


def set_rate(noise, cells, other):
    noise.set(rate=5000.0)


def set_rates(noise, cells, other):
    noise.set(rate=np.linspace(0, 3000, noise.size))


def set_weights(noise, cells, other):
    state.projections[0].set(weight=0.0008, delay=1.2)


def begin_to_record(noise, cells, other):
    noise[::3].record("spikes")


@pytest.mark.parametrize("threads", [1, 3])
def test_drawn_spikes_act_in_their_order_among_those_of_many_delays(threads):
    drawn = potentials(False, [3000.0, 20e3], threads=threads, many_delays=True)
    written = potentials(True, [3000.0, 20e3], many_delays=True)
    np.testing.assert_array_equal(drawn, written)


def test_drawn_spikes_act_in_their_order_where_a_thread_gets_no_spikes_of_many_delays():
    def membranes(threads):
        sim.setup(timestep=0.1, seed=3, threads=threads)
        cells = sim.Population(60, sim.IF_curr_delta(v_thresh=1e9))
        noise = sim.Population(60, sim.SpikeSourcePoisson(rate=20e3))
        sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.0137, delay=1.0))
        rng = np.random.default_rng(0)
        trains = [0.1 * np.sort(rng.choice(np.arange(1, 400), 40, replace=False)) for _ in range(20)]
        sources = sim.Population(20, sim.SpikeSourceArray(spike_times=trains))
        # The even sources reach the first thread alone, the odd ones the others.
        pairs = [(i, j) for i in range(20) for j in range(30 * (i % 2), 30 * (i % 2) + 20)]
        rows = [(i, j, rng.normal(0.1, 0.05), 0.1 * rng.integers(6, 15)) for i, j in pairs]
        sim.Projection(sources, cells, sim.FromListConnector(rows), sim.StaticSynapse())
        cells.record("v")
        sim.run(50.0)
        return cells.get_data().segments[0].analogsignals[0].magnitude

    np.testing.assert_array_equal(membranes(3), membranes(1))


def another_use(noise, cells, other):
    sim.Projection(noise, other, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.0001, delay=0.4))


@pytest.mark.parametrize("change", [set_rate, set_rates, set_weights, begin_to_record, another_use])
def test_a_change_between_runs_acts_on_spikes_emitted_after_it(change):
    drawn, written = (potentials(recorded, [3000.0, 1000.0], change=change) for recorded in (False, True))
    np.testing.assert_array_equal(drawn, written)


@pytest.mark.parametrize("many_delays", [False, True])
def test_growth_does_not_disturb_spikes_under_way(many_delays):
    def grow(noise, cells, other):
        more = sim.Population(7, sim.IF_curr_exp())
        sim.Projection(cells, more, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=0.3))

    drawn, written = (
        potentials(recorded, [3000.0, 1000.0], change=grow, many_delays=many_delays)
        for recorded in (False, True)
    )
    np.testing.assert_array_equal(drawn, written)
