"""Memory is predicted before it is taken, and what cannot fit is refused with the figure."""

import subprocess
import sys

import numpy as np
import pytest

import pycosim.native as sim
from pycosim import memory
from pycosim.backends.native.memory import predicted_bytes
from pycosim.errors import InvalidInputError, NotEnoughMemoryError
from pycosim.frontend.simulator import state

pytestmark = pytest.mark.usefixtures("settled_memory")


def network(synapse=None, connector=None, n=1000, **setup):
    sim.setup(timestep=0.1, synapses="stored", **setup)
    pre, post = (sim.Population(n, sim.IF_curr_exp()) for _ in range(2))
    synapse = synapse or sim.StaticSynapse(weight=0.1, delay=1.0)
    return sim.Projection(pre, post, connector or sim.FixedProbabilityConnector(0.1), synapse)


CONNECTORS = [
    sim.AllToAllConnector(),
    sim.FixedProbabilityConnector(0.5),
    sim.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG(1)),
    sim.FixedNumberPreConnector(500),
    sim.FixedNumberPostConnector(500),
    sim.FixedTotalNumberConnector(500_000, with_replacement=True),
    sim.FixedTotalNumberConnector(500_000, with_replacement=False),
]


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda c: type(c).__name__)
def test_a_projection_beyond_the_limit_is_refused_with_the_figures(connector):
    sim.setup(timestep=0.1, synapses="stored")
    cells = sim.Population(1000, sim.IF_curr_exp())
    memory.limit_to(memory.used_bytes() + 1e6)  # 4 bytes for each of half a million synapses are 2 MB
    with pytest.raises(
        NotEnoughMemoryError, match=r"1000 to 1000 cells.*MB of memory; .* is available.*limit"
    ):
        sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.1))
    assert not state.network.projections


def test_a_network_larger_than_any_machine_is_refused_without_a_limit():
    with pytest.raises(NotEnoughMemoryError, match=r"1e\+12 synapses here needs about 4 TB"):
        network(connector=sim.AllToAllConnector(), n=1_000_000)


def test_synapses_that_a_rule_could_make_at_each_spike_are_refused_with_that_advice():
    sim.setup(timestep=0.1)
    cells = sim.Population(1_000_000, sim.IF_curr_exp())
    connector = sim.FixedProbabilityConnector(0.1, rng=sim.NumpyRNG(seed=1))
    with pytest.raises(NotEnoughMemoryError, match=r"e\+11 synapses here needs.*rng=NativeRNG\(\)"):
        sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.1))


def test_cells_beyond_the_memory_are_refused_before_they_are_made():
    sim.setup(timestep=0.1)
    with pytest.raises(NotEnoughMemoryError, match=r"Population\(10{11}, .*about 30 TB.*available"):
        sim.Population(10**11, sim.IF_curr_exp())
    assert not state.network.populations


def test_recorded_values_beyond_the_memory_are_refused_before_the_run():
    sim.setup(timestep=0.1)
    cells = sim.Population(100, sim.IF_curr_exp(i_offset=1.0))
    cells.record("v", sampling_interval=0.2)
    sim.run(10.0)
    with pytest.raises(NotEnoughMemoryError, match=r"50000000000000 recorded values need about 400 TB"):
        sim.run(1e11)
    (signal,) = cells.get_data().segments[0].analogsignals  # what was computed is there
    assert signal.shape == (51, 100)
    assert sim.run(10.0) == 20.0


MEASURED = """
import pycosim.frontend.expansion as expansion
import pycosim.native as sim
from pycosim.frontend.memory_need import needed_bytes
from pycosim.memory import used_bytes

predicted = []
expansion.require_memory = lambda *asked: predicted.append(needed_bytes(*asked[:2])[1])
draw = lambda *description: sim.RandomDistribution(*description)
sim.setup(timestep=0.1)
cells = sim.Population(6000, sim.IF_curr_exp(), structure=sim.Line(dx=1.0))
before = used_bytes()
sim.Projection(cells, cells, {connector}, sim.StaticSynapse(weight={weight}, delay={delay}))
status = open("/proc/self/status").read()
print(predicted[0], 1024 * int(status.split("VmHWM:")[1].split()[0]) - before)
"""
UNIFORM = 'draw("uniform", (0.1, 1.0))'


@pytest.mark.parametrize(
    ("connector", "weight", "delay"),
    [
        ("sim.FixedProbabilityConnector(0.3)", "0.1", "1.0"),
        ("sim.FixedProbabilityConnector(0.3, rng=sim.NativeRNG())", UNIFORM, UNIFORM),
        ("sim.FixedNumberPostConnector(1500)", 'draw("gamma", (2.0, 1.0))', UNIFORM),
        ("sim.FixedNumberPreConnector(2000)", UNIFORM, UNIFORM),
        ("sim.FixedTotalNumberConnector(10**7, with_replacement=True)", "0.1", UNIFORM),
        ("sim.FixedTotalNumberConnector(2 * 10**7, with_replacement=False)", "0.1", "1.0"),
        ("sim.FixedTotalNumberConnector(10**7, rng=sim.NativeRNG())", UNIFORM, UNIFORM),
        ('sim.DistanceDependentProbabilityConnector("exp(-d/1000)")', '"exp(-d)"', '"0.1 + d/1000"'),
        ('sim.FixedProbabilityConnector(0.3, allow_self_connections="NoMutual")', "0.1", "1.0"),
    ],
)
def test_what_is_predicted_for_building_is_about_what_it_takes(connector, weight, delay, tmp_path):
    code = MEASURED.format(connector=connector, weight=weight, delay=delay)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    predicted, taken = map(float, run.stdout.split())
    # a little more than is taken is asked for, never much less; large pages are 2 MB of 60 and more
    assert 0.9 * taken < predicted < 1.7 * taken


def test_the_copy_of_the_engine_is_refused_too():
    network(n=4000)
    memory.limit_to(memory.used_bytes() + 1e6)
    with pytest.raises(NotEnoughMemoryError, match=r"native engine: 1\d{6} synapses need about 3\.\d+ MB"):
        sim.run(1.0)


def test_what_fits_runs_under_a_limit():
    network(memory_limit="100 GB")
    assert sim.run(1.0) == 1.0


def drawn(**parameters):
    return sim.StaticSynapse(
        **{
            name: sim.RandomDistribution("uniform", low=low, high=high)
            for name, (low, high) in parameters.items()
        }
    )


PAIR_RULE = sim.STDPMechanism(
    sim.SpikePairRule(), sim.AdditiveWeightDependence(w_max=0.2), weight=0.1, delay=1.0
)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "synapse",
    [None, drawn(weight=(0.1, 0.2)), drawn(delay=(0.1, 3.0)), drawn(weight=(0, 1), delay=(1, 5)), PAIR_RULE],
    ids=["equal", "weights", "delays", "weights and delays", "plastic"],
)
def test_the_prediction_is_what_the_engine_takes(synapse, threads):
    projection = network(synapse, threads=threads).column
    sim.run(0.1)
    predicted = predicted_bytes([projection], state.network.n_neurons, threads)
    # odd segments and rows without synapses, padding and the rows of the store without synapses are left out
    assert state.simulation.synapse_bytes == pytest.approx(predicted, rel=0.08)


DRAWN_NUMBER = sim.RandomDistribution("poisson", lambda_=50, rng=sim.NativeRNG())


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("n_pre", [500, 20_000])
@pytest.mark.parametrize(
    "connector",
    [
        sim.AllToAllConnector(),
        sim.FixedNumberPreConnector(50, rng=sim.NativeRNG()),
        sim.FixedNumberPreConnector(50, rng=sim.NativeRNG(), with_replacement=True),
        sim.FixedNumberPreConnector(DRAWN_NUMBER, rng=sim.NativeRNG(), with_replacement=True),
    ],
    ids=["all", "in-degree", "replaced", "drawn numbers"],
)
def test_the_prediction_holds_for_rows_that_are_made_at_each_spike(connector, n_pre, threads):
    sim.setup(timestep=0.1, threads=threads, synapses="procedural")
    cells = sim.Population(20_000, sim.IF_curr_exp())
    synapse = sim.StaticSynapse(weight=0.1, delay=1.0)
    projection = sim.Projection(cells[:n_pre], cells, connector, synapse).column
    sim.run(0.1)
    predicted = predicted_bytes([projection], state.network.n_neurons, threads) + projection.table_bytes
    assert state.simulation.synapse_bytes == pytest.approx(predicted, rel=0.08)  # as above


@pytest.mark.parametrize(
    ("value", "n_bytes"), [(2048, 2048), ("2 GB", 2e9), ("1.5GiB", 1.5 * 2**30), (1e9, 1e9)]
)
def test_amounts_of_memory_are_read(value, n_bytes):
    assert memory.parse_bytes(value) == n_bytes


@pytest.mark.parametrize("value", [0, -1, "much", "2 bananas", True, np.inf])
def test_impossible_limits_are_refused(value):
    with pytest.raises(InvalidInputError, match="memory_limit"):
        sim.setup(memory_limit=value)
