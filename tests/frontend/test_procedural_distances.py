"""Distance rules whose synapses are made at each spike: chosen, refused and predicted like others."""

import warnings

import numpy as np
import pytest
from pyNN.space import Space

import pycosim.native as sim
from pycosim import memory
from pycosim.backends.native.memory import predicted_bytes
from pycosim.errors import NotEnoughMemoryError, PycosimWarning
from pycosim.frontend.simulator import state
from pycosim.network import ProceduralProjection

NUMBERS = sim.NativeRNG(5)

pytestmark = pytest.mark.usefixtures("settled_memory")


def cells_in_a_square(n, size, seed=1):
    cells = sim.Population(n, sim.IF_curr_exp(i_offset=1.0))
    cells.positions = np.vstack([np.random.default_rng(seed).uniform(0, size, (2, n)), np.zeros(n)])
    return cells


def near(n=3000, rule="0.9*exp(-d/100)", synapse=None, space=None, rng=NUMBERS, **setup):
    sim.setup(timestep=0.1, **setup)
    cells = cells_in_a_square(n, 100.0)
    connector = sim.DistanceDependentProbabilityConnector(rule, rng=rng)
    synapse = synapse or sim.StaticSynapse(weight=1e-4, delay="0.5 + d/100")
    return sim.Projection(cells, cells, connector, synapse, space=space or Space())


def synapses(projection):
    names = ("presynaptic_index", "postsynaptic_index", "weight", "delay")
    return np.array([projection.attribute(name) for name in names])


def test_what_would_not_fit_is_made_at_each_spike_and_says_so():
    with pytest.warns(PycosimWarning, match="would not fit into memory and are made anew at each spike"):
        made = near(6000, memory_limit=memory.used_bytes() + 60e6)
    assert isinstance(made.column, ProceduralProjection)
    sim.run(20.0)
    assert made.post.mean_spike_count() >= 0
    assert state.simulation.synapse_bytes < 2e6
    with pytest.raises(NotEnoughMemoryError, match=r"reading its \d+ synapses needs about"):
        made.get("weight", "array")


def test_without_a_generator_rows_have_our_numbers_and_the_script_is_told():
    with pytest.warns(PycosimWarning, match="no rng and draws pycosim's own numbers"):
        made = near(200, rng=None, synapses="procedural")
    assert isinstance(made.column, ProceduralProjection)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not isinstance(
            near(200, rng=sim.NumpyRNG(1), synapses="procedural").column, ProceduralProjection
        )


SPACES = {
    "periodic": Space(axes="xy", periodic_boundaries=((0.0, 100.0), (0.0, 90.0), None)),
    "scaled": Space(scale_factor=0.5, offset=(3.0, 0.0, 1.0)),
    "one axis": Space(axes="y"),
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize(
    "rule",
    [
        "0.9*exp(-d/20)",
        "d < 7",
        "0.02",
        "0.5*(1 + cos(d/5))*(d < 80)",
        "(d > 20) & (d < 25)",
        "0.3*exp(-(d - 40)**2/30)",  # does not fall
        "1e-3/(1 + d)",
    ],
)
def test_synapses_are_those_that_are_stored(rule, space):
    kept, made = (near(1300, rule, space=space, synapses=form) for form in ("stored", "procedural"))
    assert isinstance(made.column, ProceduralProjection)
    assert not isinstance(kept.column, ProceduralProjection)
    assert len(made) == len(kept) > 10
    assert np.array_equal(synapses(made), synapses(kept))


def test_cells_that_move_later_keep_their_synapses():
    spikes = []
    for form in ("stored", "procedural"):
        made = near(400, synapse=sim.StaticSynapse(weight=0.02, delay="0.5 + d/100"), synapses=form)
        made.pre.initialize(v=sim.RandomDistribution("uniform", low=-65.0, high=-50.0, rng=NUMBERS))
        made.pre.record("spikes")
        before = synapses(made) if form == "stored" else None
        made.pre.positions = made.pre.positions * 3.0
        made.pre.positions[0, :] = 0.0
        sim.run(30.0)
        spikes.append([train.magnitude.tolist() for train in made.pre.get_data().segments[0].spiketrains])
        if form == "stored":
            kept = before
    assert spikes[0] == spikes[1]
    assert np.array_equal(synapses(made), kept)
    assert len({time for train in spikes[0] for time in train}) > 100


class Crooked(Space):
    """Has distances of its own."""

    def distances(self, a, b, expand=False):
        return 2.0 * super().distances(a, b, expand)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"space": Crooked()}, "in a space with distances of its own have to be stored; those in a Space of"),
        ({"synapse": sim.StaticSynapse(weight=lambda d: 1e-4 * d)}, "with such a weight have to be stored"),
        (
            {"synapse": sim.StaticSynapse(weight="1e-4*d % 2")},
            "those with one number, .* or a text that gives it by the distance d .* need not",
        ),
        ({"rule": "0.9 - 0*fmod(d, 2)"}, "with such a function have to be stored"),
        ({"rng": sim.NumpyRNG(1)}, r"Give the connector rng=NativeRNG\(\)"),
    ],
    ids=["space", "function", "operation", "no bounds", "PyNN's numbers"],
)
def test_what_has_to_be_stored_is_refused_with_the_reason_where_it_does_not_fit(changed, reason):
    # the number of synapses in a space of its own is open until they are there
    said = NotEnoughMemoryError if "space" not in changed else ()
    if said:
        with pytest.raises(NotEnoughMemoryError, match=reason):
            near(6000, memory_limit=memory.used_bytes() + 60e6, **changed)
    assert not isinstance(near(300, synapses="procedural", **changed).column, ProceduralProjection)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_the_engine_takes_is_predicted(threads):
    sim.setup(timestep=0.1, threads=threads, synapses="procedural")
    cells = cells_in_a_square(20_000, 1000.0)
    connector = sim.DistanceDependentProbabilityConnector("exp(-d/30)", rng=NUMBERS)
    projection = sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.1, delay=1.0)).column
    sim.run(0.1)
    predicted = predicted_bytes([projection], state.network.n_neurons, threads)
    taken = state.simulation.synapse_bytes - projection.table_bytes  # of places, which are there before
    # the number of boxes depends on that of the cells: one that is not divided has 16 to 32 of them
    assert taken == pytest.approx(predicted, rel=0.08)


def test_a_rule_that_connects_nothing_is_no_error():
    for form in ("stored", "procedural"):
        made = near(200, "1.0*(d > 1e4)", synapses=form)
        sim.run(1.0)
        assert len(made) == 0
