"""Synapses with weights and delays that are drawn, made at each spike: bit for bit those that are kept."""

import warnings

import numpy as np
import pytest
from pyNN.random import WrappedRNG

import pycosim.native as sim
from pycosim import memory
from pycosim.errors import ConnectivityError, InvalidInputError, NotEnoughMemoryError, PycosimWarning
from pycosim.frontend.simulator import state
from pycosim.network import ProceduralProjection

NUMBERS = sim.NativeRNG(5)

pytestmark = pytest.mark.usefixtures("settled_memory")


def uniform(low, high):
    return sim.RandomDistribution("uniform", low=low, high=high)


def normal(mu, sigma):
    return sim.RandomDistribution("normal", mu=mu, sigma=sigma, rng=sim.NativeRNG(2))


def clipped(mu, sigma, low, high):
    return sim.RandomDistribution("normal_clipped", mu=mu, sigma=sigma, low=low, high=high, rng=NUMBERS)


def near(rule, **how):
    return sim.DistanceDependentProbabilityConnector(rule, rng=NUMBERS, **how)


# Source, target, connector, weight, delay, receptor; several blocks of 1,024 targets on "cells".
RULES = [
    ("noise", "cells", sim.FixedProbabilityConnector(0.1, rng=NUMBERS), uniform(0, 0.12), 1.5, "excitatory"),
    (
        "noise",
        "cells",
        sim.FixedNumberPostConnector(40, rng=NUMBERS),
        uniform(0.0, 0.1),
        clipped(1.5, 0.8, 0.1, 4),
        "excitatory",
    ),
    (
        "cells",
        "cells",
        sim.FixedNumberPostConnector(150, rng=NUMBERS, allow_self_connections=False),
        0.002,
        uniform(0.1, 30.0),
        "excitatory",
    ),
    (
        "cells",
        "cells",
        sim.FixedNumberPreConnector(5, with_replacement=True, rng=NUMBERS),
        0.0301,
        uniform(0.5, 2.0),
        "excitatory",
    ),
    (
        "cells",
        "cells",
        sim.FixedProbabilityConnector(0.04, rng=NUMBERS, allow_self_connections=False),
        clipped(0.02, 0.02, 0, 0.05),
        uniform(0.1, 2),
        "excitatory",
    ),
    (  # the same target several times in a row, and often the same delay; weights whose sign becomes negative
        "cells",
        "cells",
        sim.FixedNumberPostConnector(1800, rng=NUMBERS, with_replacement=True),
        clipped(0.0004, 0.0002, 0.0, 1.0),
        clipped(1.0, 0.1, 0.2, 30.0),
        "inhibitory",
    ),
    (
        "cells",
        "cells",
        sim.FixedTotalNumberConnector(90_000, rng=NUMBERS, allow_self_connections=False),
        clipped(0.002, 0.002, 0, 0.05),
        uniform(0.1, 9.0),
        "excitatory",
    ),
    (
        "noise",
        "part",
        sim.FixedTotalNumberConnector(20_000, with_replacement=False, rng=NUMBERS),
        uniform(0.0, 0.02),
        normal(2.0, 0.1),
        "excitatory",
    ),
    (
        "cells",
        "cells",
        sim.FixedNumberPreConnector(70, allow_self_connections=False, rng=NUMBERS),
        clipped(0.004, 0.002, 0, 0.05),
        uniform(0.1, 9.0),
        "excitatory",
    ),
    (
        "cells",
        "cells",
        sim.FixedNumberPreConnector(70, with_replacement=True, allow_self_connections=False, rng=NUMBERS),
        clipped(0.002, 0.001, 0, 0.05),
        uniform(0.1, 9.0),
        "excitatory",
    ),
    ("few", "cells", sim.FixedNumberPreConnector(10, rng=NUMBERS), normal(-0.05, 0.005), 2.0, "inhibitory"),
    (  # some sources twice
        "cells",
        "part",
        sim.FixedNumberPreConnector(1700, rng=NUMBERS),
        uniform(0.0, 2e-4),
        1.5,
        "excitatory",
    ),
    ("cells", "few", sim.AllToAllConnector(), uniform(0, 2e-4), 1.5, "excitatory"),
    (
        "few",
        "few",
        sim.AllToAllConnector(allow_self_connections=False),
        2e-4,
        uniform(0.1, 9),
        "inhibitory",
    ),
    (
        "few",
        "part",
        sim.FixedProbabilityConnector(0.4, rng=NUMBERS),
        normal(-0.5, 0.05),
        normal(2.0, 0.1),
        "inhibitory",
    ),
    (
        "cells",
        "cells",
        near("0.8*exp(-d**2/(2*40**2))", allow_self_connections=False),
        "0.01*exp(-d/60)",
        "0.3 + d/300",
        "excitatory",
    ),
    ("noise", "part", near("0.1*(d > 30)"), uniform(0.0, 0.02), "1 + 0.5*cos(d)", "excitatory"),
    (
        "cells",
        "few",
        near("exp(-d/90)"),
        "where(d < 80, 2e-4, maximum(0, 1e-4 - d/1e7))",
        uniform(0.5, 2.0),
        "excitatory",
    ),
    ("few", "cells", sim.FixedProbabilityConnector(0.3, rng=NUMBERS), "-0.01/(1 + d)", 2.0, "inhibitory"),
]


def network(**setup):
    sim.setup(timestep=0.1, seed=7, **setup)
    noise = sim.Population(200, sim.SpikeSourcePoisson(rate=200.0))
    cells = sim.Population(1500, sim.IF_curr_exp(i_offset=0.8))
    few = sim.Population(40, sim.IF_cond_exp(i_offset=0.5))
    named = {"noise": noise, "cells": cells, "few": few, "part": cells[900:1400:3]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PycosimWarning)  # weights that became negative
        made = [
            sim.Projection(
                named[pre],
                named[post],
                connector,
                sim.StaticSynapse(weight=weight, delay=delay),
                receptor_type=receptor,
            )
            for pre, post, connector, weight, delay, receptor in RULES
        ]
    return cells, few, made


def activity(**setup):
    cells, few, projections = network(**setup)
    cells.record("spikes")
    cells[::100].record("v")
    few.record(["spikes", "v"])
    sim.run(20.0)
    segments = [population.get_data().segments[0] for population in (cells, few)]
    spikes = [[train.magnitude.tolist() for train in segment.spiketrains] for segment in segments]
    v = [segment.analogsignals[0].magnitude for segment in segments]
    forms = [isinstance(p.column, ProceduralProjection) for p in projections]
    delays = sim.get_min_delay(), sim.get_max_delay()
    return spikes, v, delays, forms, state.simulation.synapse_bytes


@pytest.fixture(scope="module")
def stored():
    return activity(synapses="stored")


@pytest.mark.parametrize("threads", [1, 3])
def test_spikes_and_potentials_are_the_same_to_the_last_bit(stored, threads):
    spikes, v, delays, forms, n_bytes = activity(synapses="procedural", threads=threads)
    assert spikes == stored[0]
    assert all(np.array_equal(made, kept) for made, kept in zip(v, stored[1]))
    assert delays == stored[2] == (0.1, 30.0)
    assert len(forms) == len(RULES)
    assert all(forms)
    assert not any(stored[3])
    assert sum(map(len, spikes[0])) > 1500
    assert n_bytes < 0.05 * stored[4]  # of rows, targets and places of up to three threads, and counts


def synapses(projection):
    names = ("presynaptic_index", "postsynaptic_index", "weight", "delay")
    return np.array([projection.attribute(name) for name in names])


def test_a_script_reads_weights_and_delays_that_are_not_kept():
    kept = [synapses(p) for p in network(synapses="stored")[2]]
    made = network(synapses="procedural")[2]
    assert [len(p) for p in made] == [columns.shape[1] for columns in kept]
    assert all(np.array_equal(synapses(p), columns) for p, columns in zip(made, kept))
    assert np.array_equal(made[-1].get(["weight", "delay"], "list"), kept[-1].T)


def test_values_that_a_script_sets_take_the_place_of_those_that_are_drawn():
    outcomes = []
    for form in ("stored", "procedural"):
        cells, _, made = network(synapses=form)
        cells.record("spikes")
        made[1].set(weight=0.05)
        made[2].set(delay=1.0)
        made[4].set(weight=uniform(0.0, 0.03))
        sim.run(8.0)
        made[0].set(delay=uniform(0.2, 3.0))
        made[5].set(weight=-0.0005, delay=0.7)
        sim.run(8.0)
        forms = [isinstance(made[i].column, ProceduralProjection) for i in (0, 1, 2, 4, 5)]
        procedural = form == "procedural"
        assert forms == [False, procedural, procedural, False, procedural]
        spikes = [train.magnitude.tolist() for train in cells.get_data().segments[0].spiketrains]
        outcomes.append((spikes, [synapses(made[i]) for i in (0, 1, 2, 4, 5)]))
    assert outcomes[0][0] == outcomes[1][0]
    assert all(np.array_equal(kept, own) for kept, own in zip(outcomes[0][1], outcomes[1][1]))


def test_weights_that_a_model_takes_in_another_unit_are_the_same():
    weights, recorded = [], []
    for form in ("stored", "procedural"):
        sim.setup(timestep=0.1, seed=3, synapses=form)
        pre = sim.Population(20, sim.SpikeSourceArray(spike_times=[1.0]))
        post = sim.Population(1100, sim.native_cell_type("iaf_psc_exp")())
        post[:9].record("V_m")
        synapse = sim.StaticSynapse(weight=uniform(10.0, 20.0), delay=uniform(1.0, 3.0))
        made = sim.Projection(pre, post, sim.AllToAllConnector(), synapse)
        sim.run(10.0)
        weights.append(made.get("weight", "array"))
        recorded.append(post.get_data().segments[0].analogsignals[0].magnitude)
        assert isinstance(made.column, ProceduralProjection) == (form == "procedural")
    assert np.array_equal(*weights)
    assert np.array_equal(*recorded)
    assert np.ptp(recorded[0]) > 0.1


def excitation(connector, synapse, **setup):
    sim.setup(timestep=0.1, **setup)
    pre, post = (sim.Population(3000, sim.IF_curr_exp(i_offset=1.0)) for _ in range(2))
    return sim.Projection(pre, post, connector, synapse, receptor_type="excitatory")


def test_a_projection_that_does_not_fit_is_made_at_each_spike_and_says_so():
    connector = sim.FixedProbabilityConnector(0.5, rng=NUMBERS)
    synapse = sim.StaticSynapse(weight=uniform(0.0, 0.001), delay=uniform(0.5, 2.0))
    with pytest.warns(PycosimWarning, match="would not fit into memory and are made anew at each spike"):
        made = excitation(connector, synapse, memory_limit=memory.used_bytes() + 20e6)
    assert isinstance(made.column, ProceduralProjection)
    sim.run(20.0)
    assert state.simulation.synapse_bytes < 1e6
    assert sim.get_min_delay() == 0.5
    with pytest.raises(NotEnoughMemoryError, match=r"reading its \d+ synapses needs about 81 MB"):
        made.get("weight", "array")


def test_rows_of_few_targets_are_kept_as_counting_them_would_take_more():
    sim.setup(synapses="procedural")
    pre, post = sim.Population(10, sim.IF_curr_exp()), sim.Population(20_000, sim.IF_curr_exp())
    connectors = [sim.FixedNumberPostConnector(n, rng=NUMBERS) for n in (4, 400)]
    synapse = sim.StaticSynapse(weight=uniform(0.0, 1.0))
    made = [sim.Projection(pre, post, connector, synapse) for connector in connectors]
    assert [isinstance(p.column, ProceduralProjection) for p in made] == [False, True]


@pytest.mark.parametrize("n_post", [300, 20_000], ids=["made at each spike", "stored after all"])
@pytest.mark.parametrize(
    "connector",
    [
        lambda n: sim.FixedNumberPostConnector(n, rng=NUMBERS),
        lambda n: sim.FixedTotalNumberConnector(n, rng=NUMBERS),
    ],
)
def test_numbers_of_synapses_are_drawn_once_from_a_script_s_generator(connector, n_post):
    outcomes = []
    for form in ("stored", "procedural"):
        sim.setup(synapses=form)
        rng = sim.NumpyRNG(seed=1)
        pre, post = sim.Population(10, sim.IF_curr_exp()), sim.Population(n_post, sim.IF_curr_exp())
        n = sim.RandomDistribution("uniform_int", (2, 8), rng=rng)
        made = sim.Projection(pre, post, connector(n), sim.StaticSynapse(weight=uniform(0.0, 1.0)))
        outcomes.append((synapses(made).tolist(), rng.next(3).tolist()))
    assert outcomes[0] == outcomes[1]


class Three(WrappedRNG):
    """A script's own generator, which cannot be put back."""

    def __init__(self):
        super().__init__(seed=None, parallel_safe=True)
        self.n_drawn = 0

    def _next(self, distribution, n, parameters):
        self.n_drawn += n
        return np.full(n, 3)


def test_numbers_of_synapses_from_a_generator_that_a_script_wrote_are_drawn_once():
    sim.setup(synapses="procedural")
    cells, rng = sim.Population(10, sim.IF_curr_exp()), Three()
    n = sim.RandomDistribution("uniform_int", (2, 8), rng=rng)
    n_checked = rng.n_drawn
    connector = sim.FixedNumberPostConnector(n, rng=NUMBERS)  # PyNN looks at a hundred of them
    made = sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.1))
    assert len(made) == 30
    assert rng.n_drawn == n_checked + 100 + 10


def test_delays_too_long_to_be_written_down_at_the_spike_are_kept():
    for longest_ms, is_made in ((6500.0, True), (6600.0, False)):  # 65,536 steps of 0.1 ms are too many
        synapse = sim.StaticSynapse(weight=0.1, delay=uniform(1.0, longest_ms))
        sim.setup(timestep=0.1, synapses="procedural")
        cells = sim.Population(100, sim.IF_curr_exp())
        made = sim.Projection(cells, cells, sim.AllToAllConnector(), synapse)
        assert isinstance(made.column, ProceduralProjection) == is_made


@pytest.mark.parametrize(
    ("weight", "delay", "message"),
    [
        (uniform(-1.0, 1.0), 1.0, "weights must be positive"),
        (0.1, uniform(-1.0, 1.0), "delays must not be negative"),
        (
            0.1,
            uniform(0.1, 0.4),
            r"(some|\d+) delays \(for example 0\.[12]\d* ms\) are below min_delay=0.3 ms",
        ),
        (0.1, uniform(0.4, 30.0), "above max_delay=20.0 ms"),
        (normal(np.inf, 1.0), 1.0, "weights must be finite"),
        ("d - 100", 1.0, "weights must be positive"),
        ("log(d - 5)", 1.0, "weights must be finite"),
        (0.1, "1 - d/30", "delays must not be negative"),
        (0.1, "0.1 + d/1e3", r"(some|\d+) delays \(for example 0\.1\d* ms\) are below min_delay=0.3 ms"),
        (0.1, "0.4 + d", "above max_delay=20.0 ms"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_impossible_values_are_refused_as_if_they_were_kept(weight, delay, message):
    for form in ("stored", "procedural"):
        synapse = sim.StaticSynapse(weight=weight, delay=delay)
        with pytest.raises(ConnectivityError, match=message):
            excitation(sim.AllToAllConnector(), synapse, synapses=form, min_delay=0.3, max_delay=20.0)


def test_a_distribution_without_numbers_within_its_limits_is_refused_as_if_they_were_kept():
    for form in ("stored", "procedural"):
        synapse = sim.StaticSynapse(weight=clipped(0.0, 0.1, 10.0, 11.0), delay=1.0)
        with pytest.raises(InvalidInputError, match="normal_clipped"):
            excitation(sim.AllToAllConnector(), synapse, synapses=form)


def test_delays_below_a_step_are_told_as_if_they_were_kept():
    for form in ("stored", "procedural"):
        synapse = sim.StaticSynapse(weight=0.1, delay=uniform(0.0, 1.0))
        with pytest.warns(PycosimWarning, match="delays below one time step became one time step"):
            excitation(sim.AllToAllConnector(), synapse, synapses=form)
