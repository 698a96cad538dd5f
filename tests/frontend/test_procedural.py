"""Synapses that are made at each spike: the same network, bit for bit, without the memory."""

import warnings

import numpy as np
import pytest

import pycosim.native as sim
from pycosim import memory
from pycosim.errors import ConnectivityError, InvalidInputError, NotEnoughMemoryError, PycosimWarning
from pycosim.frontend.simulator import state
from pycosim.network import ProceduralProjection

NUMBERS = sim.NativeRNG(5)

pytestmark = pytest.mark.usefixtures("settled_memory")


def near(rule, **how):
    return sim.DistanceDependentProbabilityConnector(rule, rng=NUMBERS, **how)


def network(**setup):
    """Several projections between the same cells, on both receptors, some of one delay."""
    sim.setup(timestep=0.1, seed=7, **setup)
    noise = sim.Population(300, sim.SpikeSourcePoisson(rate=300.0))
    cells = sim.Population(1500, sim.IF_curr_exp(i_offset=0.4))
    few = sim.Population(40, sim.IF_cond_exp(i_offset=0.5))
    connectors = [
        (noise, cells, sim.FixedProbabilityConnector(0.2, rng=NUMBERS), 0.03, 1.5, "excitatory"),
        (noise, cells, sim.FixedNumberPostConnector(3, rng=NUMBERS), 0.2, 0.4, "excitatory"),
        (
            cells,
            cells,
            sim.FixedNumberPostConnector(40, rng=NUMBERS, allow_self_connections=False),
            0.01,
            1.5,
            "excitatory",
        ),
        (
            cells,
            cells,
            sim.FixedNumberPreConnector(9, rng=NUMBERS, with_replacement=True),
            0.0301,
            1.5,
            "excitatory",
        ),
        (
            cells,
            cells,
            sim.FixedProbabilityConnector(0.03, rng=NUMBERS, allow_self_connections=False),
            0.02,
            1.5,
            "excitatory",
        ),
        (
            cells,
            cells,
            sim.FixedNumberPostConnector(20, rng=NUMBERS, with_replacement=True),
            -0.05,
            0.8,
            "inhibitory",
        ),
        (
            cells,
            cells,
            sim.FixedTotalNumberConnector(30_000, with_replacement=False, allow_self_connections=False),
            0.01,
            1.5,
            "excitatory",
        ),
        (noise, cells, sim.FixedTotalNumberConnector(9000, rng=NUMBERS), 0.02, 0.4, "excitatory"),
        (
            few,
            few,
            sim.FixedTotalNumberConnector(2 * 1600 + 7, with_replacement=False, rng=NUMBERS),
            1e-4,
            0.3,
            "inhibitory",
        ),
        (cells, few, sim.AllToAllConnector(), 1e-4, 1.5, "excitatory"),
        (few, few, sim.AllToAllConnector(allow_self_connections=False), 2e-4, 0.3, "inhibitory"),
        (
            cells,
            cells,
            sim.FixedNumberPreConnector(9, rng=NUMBERS, allow_self_connections=False),
            0.02,
            1.5,
            "excitatory",
        ),
        (cells, few, sim.FixedNumberPreConnector(1600, rng=NUMBERS), 1e-4, 0.4, "inhibitory"),
        (
            cells[::1],
            cells[5:1200:2],
            sim.FixedNumberPreConnector(
                sim.RandomDistribution("poisson", lambda_=20, rng=NUMBERS), rng=NUMBERS
            ),
            -0.02,
            0.4,
            "inhibitory",
        ),
        (few, cells[100:700:3], sim.FixedProbabilityConnector(0.4, rng=NUMBERS), -0.1, 2.0, "inhibitory"),
        (cells, cells, near("0.9*exp(-d/15)", allow_self_connections=False), 0.01, 1.5, "excitatory"),
        (noise, cells[3::2], near("0.3*(d < 400)"), 0.02, 0.4, "excitatory"),
        (noise, cells, sim.FixedNumberPreConnector(30, rng=NUMBERS), 0.03, 1.5, "excitatory"),
        (
            few,
            few,
            sim.FixedNumberPreConnector(55, rng=NUMBERS, allow_self_connections=False),
            1e-4,
            0.3,
            "inhibitory",
        ),
        (
            few,
            cells,
            sim.FixedNumberPreConnector(3, with_replacement=True, rng=NUMBERS),
            -0.03,
            0.8,
            "inhibitory",
        ),
        (
            cells[3:1400:2],
            cells,
            sim.FixedNumberPreConnector(
                sim.RandomDistribution("poisson", lambda_=40, rng=NUMBERS),
                with_replacement=True,
                allow_self_connections=False,
                rng=NUMBERS,
            ),
            0.004,
            1.5,
            "excitatory",
        ),
        (
            few,
            few,
            sim.FixedNumberPreConnector(30, with_replacement=True, allow_self_connections=False, rng=NUMBERS),
            2e-4,
            0.6,
            "inhibitory",
        ),
    ]
    made = [
        sim.Projection(
            pre, post, connector, sim.StaticSynapse(weight=weight, delay=delay), receptor_type=receptor
        )
        for pre, post, connector, weight, delay, receptor in connectors
    ]
    return cells, few, made


def activity(duration_ms=30.0, **setup):
    cells, few, projections = network(**setup)
    cells.record("spikes")
    few.record(["spikes", "v"])
    sim.run(duration_ms)
    spikes = [
        [train.magnitude.tolist() for train in p.get_data().segments[0].spiketrains] for p in (cells, few)
    ]
    forms = [isinstance(p.column, ProceduralProjection) for p in projections]
    return (
        spikes,
        few.get_data().segments[0].analogsignals[0].magnitude,
        forms,
        state.simulation.synapse_bytes,
    )


@pytest.fixture(scope="module")
def stored():
    return activity(synapses="stored")


@pytest.mark.parametrize("threads", [1, 3])
def test_spikes_and_potentials_are_the_same_to_the_last_bit(stored, threads):
    spikes, v, forms, n_bytes = activity(synapses="procedural", threads=threads)
    assert spikes == stored[0]
    assert np.array_equal(v, stored[1])
    assert len(forms) == 22
    assert all(forms)
    assert not any(stored[2])
    assert sum(map(len, spikes[0])) > 3000
    assert n_bytes < threads * stored[3]  # of rows, targets and places, which each thread has


def synapses(projection):
    return projection.get(["weight", "delay"], "list")


def test_a_script_reads_the_synapses_that_are_not_kept():
    kept = [synapses(p) for p in network(synapses="stored")[2]]
    made = network(synapses="procedural")[2]
    assert [len(p) for p in made] == [len(list(columns)) for columns in kept]
    assert [synapses(p) for p in made] == kept


def test_weights_of_each_synapse_are_kept_once_they_are_written():
    outcomes = []
    for form in ("stored", "procedural"):
        cells, _, made = network(synapses=form)
        cells.record("spikes")
        made[0].set(weight=0.04)
        made[2].set(weight=sim.RandomDistribution("uniform", low=0.0, high=0.02))
        sim.run(10.0)
        made[4].set(weight=np.full(made[4].shape, 0.03))
        sim.run(10.0)
        forms = [isinstance(made[i].column, ProceduralProjection) for i in (0, 2, 4)]
        assert forms == [form == "procedural", False, False]
        outcomes.append([train.magnitude.tolist() for train in cells.get_data().segments[0].spiketrains])
    assert outcomes[0] == outcomes[1]


def excitation(connector, synapse=None, n=3000, **setup):
    sim.setup(timestep=0.1, **setup)
    pre, post = (sim.Population(n, sim.IF_curr_exp(i_offset=1.0)) for _ in range(2))
    return sim.Projection(pre, post, connector, synapse or sim.StaticSynapse(weight=0.001, delay=1.0))


def test_a_projection_that_does_not_fit_is_made_at_each_spike_and_says_so():
    with pytest.warns(PycosimWarning, match="would not fit into memory and are made anew at each spike"):
        projection = excitation(
            sim.FixedProbabilityConnector(0.5, rng=NUMBERS), memory_limit=memory.used_bytes() + 20e6
        )
    assert isinstance(projection.column, ProceduralProjection)
    sim.run(30.0)
    assert state.simulation.synapse_bytes < 1e6
    assert projection.post.mean_spike_count() >= 0


@pytest.mark.parametrize("form", ["auto", "procedural"])
def test_without_a_generator_of_the_script_rows_have_our_numbers_and_the_script_is_told(form):
    with pytest.warns(PycosimWarning, match="no rng and draws pycosim's own numbers.*NativeRNG") as said:
        projection = excitation(
            sim.FixedNumberPreConnector(1500), synapses=form, memory_limit=memory.used_bytes() + 20e6
        )
    assert ("would not fit into memory" in str(said[0].message)) == (form == "auto")
    assert isinstance(projection.column, ProceduralProjection)
    assert len(projection) == 1500 * 3000
    sim.run(30.0)
    assert state.simulation.synapse_bytes < 1e6


def test_one_that_fits_is_kept():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not isinstance(excitation(sim.AllToAllConnector()).column, ProceduralProjection)


@pytest.mark.parametrize(
    ("connector", "synapse", "remedy"),
    [
        (sim.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG(1)), None, r"rng=NativeRNG\(\)"),
        (sim.FixedTotalNumberConnector(4_000_000, rng=sim.NumpyRNG(1)), None, r"rng=NativeRNG\(\)"),
        (
            sim.FixedNumberPreConnector(1500, rng=sim.NumpyRNG(1), with_replacement=True),
            None,
            r"rng=NativeRNG\(\)",
        ),
        (
            near("0.5 + 0*fmod(d, 2)"),
            None,
            "Synapses of DistanceDependentProbabilityConnector with such a function have to be stored; those "
            "with an expression of d and NumPy's functions need not",
        ),
        (
            sim.FixedProbabilityConnector(0.5, allow_self_connections="NoMutual", rng=NUMBERS),
            None,
            "Synapses of FixedProbabilityConnector with allow_self_connections='NoMutual' have to be stored",
        ),
        (
            sim.AllToAllConnector(),
            sim.StaticSynapse(
                weight=sim.RandomDistribution("uniform", low=0.0, high=1.0, rng=sim.NumpyRNG(1))
            ),
            "a RandomDistribution with one",
        ),
        (
            sim.AllToAllConnector(),
            sim.StaticSynapse(weight=sim.RandomDistribution("gamma", k=2.0, theta=1.0)),
            "Synapses with such a weight have to be stored; those with one number, .* 'uniform'.* need not",
        ),
        (
            sim.AllToAllConnector(),
            sim.TsodyksMarkramSynapse(weight=0.1),
            "Synapses of TsodyksMarkramSynapse have to be stored; those of StaticSynapse need not",
        ),
    ],
    ids=[
        "PyNN's numbers",
        "PyNN's pairs",
        "PyNN's sources",
        "distances",
        "one direction",
        "PyNN's weights",
        "NumPy's weights",
        "plastic",
    ],
)
def test_what_no_rule_makes_row_by_row_is_refused_with_the_figure_and_the_reason(connector, synapse, remedy):
    n = 6000 if hasattr(connector, "d_expression") else 3000  # fewer pairs of cells are not counted before
    with pytest.raises(
        NotEnoughMemoryError, match=rf"{n} to {n} cells.*MB of memory; .* is available.*limit.*{remedy}"
    ):
        excitation(connector, synapse, n, memory_limit=memory.used_bytes() + 20e6)


def test_those_that_setup_wants_to_be_stored_are_refused_with_what_would_fit():
    limit = {"memory_limit": memory.used_bytes() + 20e6, "synapses": "stored"}
    with pytest.raises(NotEnoughMemoryError, match=r"With setup\(synapses='auto'\) they need not be stored"):
        excitation(sim.AllToAllConnector(), **limit)
    with pytest.raises(NotEnoughMemoryError, match=r"With setup\(synapses='auto'\) they need not be stored"):
        excitation(sim.FixedNumberPreConnector(1500, with_replacement=True, rng=NUMBERS), **limit)


def test_reading_what_would_not_fit_is_refused_with_the_figure():
    projection = excitation(
        sim.AllToAllConnector(), synapses="procedural", memory_limit=memory.used_bytes() + 20e6
    )
    assert len(projection) == 9_000_000
    with pytest.raises(NotEnoughMemoryError, match=r"reading its 9000000 synapses needs about 54 MB"):
        projection.get("weight", "array")


def test_a_wrong_delay_is_refused_as_if_it_were_kept():
    for form in ("stored", "procedural"):
        with pytest.raises(ConnectivityError, match="delays must not be negative"):
            excitation(sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=-1.0), synapses=form)


def test_a_form_that_there_is_not_is_refused():
    with pytest.raises(InvalidInputError, match="choose one of auto, stored, procedural"):
        sim.setup(synapses="none")


@pytest.mark.parametrize("synapses", ["auto", "stored", "procedural"])
def test_arrays_of_weights_are_taken_by_connectors_that_rules_could_make(synapses):
    sim.setup(synapses=synapses)
    cells = sim.Population(300, sim.IF_curr_exp())
    weights = np.linspace(0.1, 0.2, 300 * 300)
    for given in (weights, weights.reshape(300, 300)):
        made = sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=given))
        assert np.array_equal(made.get("weight", "array"), weights.reshape(300, 300))
