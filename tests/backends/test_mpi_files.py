"""What several MPI processes write and how they end, and synapses that they do not keep."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from .test_mpi import started

WRITES = """
import pickle, sys
import numpy as np
import pycosim.native as sim

sim.setup(timestep=0.1, threads=2)
cells = sim.Population(7, sim.IF_curr_exp(i_offset=np.linspace(1.0, 1.6, 7)), label="cells")
one = sim.Population(1, sim.IF_curr_exp(i_offset=1.5), label="one")
cells.record(["spikes", "v"])
one.record(["spikes", "v"])
projection = sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=1.0))
sim.run(50.0)
before = sim.state.ranks.gather
def no_gathering(value):
    raise AssertionError("data were gathered")
sim.state.ranks.gather = no_gathering
cells.write_data("cells.pkl", gather=False)
one.write_data("one.pkl", gather=False)
(cells + one).write_data("both.pkl", "spikes", gather=False)
projection.save("all", "synapses.txt", gather=False)
part = cells.get_data(gather=False).segments[0]
assert len(part.spiketrains) == part.analogsignals[0].shape[1] == cells.local_size
sim.state.ranks.gather = before
cells.write_data("whole.pkl")
sim.end()
"""


def segment(path):
    return pickle.loads(path.read_bytes()).segments[0]


def trains(*segments):
    parts = [
        (int(t.annotations["channel_id"]), t.magnitude.tolist()) for s in segments for t in s.spiketrains
    ]
    return sorted(parts)


def test_each_process_writes_a_file_of_its_own_without_gathering(tmp_path):
    (tmp_path / "writes.py").write_text(WRITES)
    run = started(2, tmp_path / "writes.py", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    parts, whole = (
        [segment(tmp_path / f"cells.pkl.{rank}") for rank in (0, 1)],
        segment(tmp_path / "whole.pkl"),
    )
    assert [len(part.spiketrains) for part in parts] == [3, 4]
    assert trains(*parts) == trains(whole)
    assert sum(len(train) for _, train in trains(whole)) > 20
    together = np.hstack([part.analogsignals[0].magnitude for part in parts])
    assert np.array_equal(together, whole.analogsignals[0].magnitude)
    assert [len(segment(tmp_path / f"one.pkl.{rank}").spiketrains) for rank in (0, 1)] == [0, 1]
    both = [segment(tmp_path / f"both.pkl.{rank}") for rank in (0, 1)]
    assert trains(*both)[:7] == trains(whole)
    lines = [np.loadtxt(tmp_path / f"synapses.txt.{rank}") for rank in (0, 1)]
    assert [len(table) for table in lines] == [7 * 3, 7 * 4]
    assert {tuple(row[:2]) for table in lines for row in table} == {
        (i, j) for i in range(7) for j in range(7)
    }


FAILS = """
import numpy as np
import pycosim.native as sim
from pyNN.connectors import MapConnector

class Picky(sim.FixedProbabilityConnector):
    def connect(self, projection):
        if sim.rank() == 1:
            raise ValueError("nobody told me how to connect")
        super().connect(projection)

def interrupt(t):
    if WHERE == "run" and sim.rank() == 1 and t >= 5.0:
        raise ValueError("something broke on the way")
    return t + 5.0

WHERE = {where!r}
sim.setup(timestep=0.1)
cells = sim.Population(40, sim.IF_curr_exp(i_offset=1.0))
connector = (Picky if WHERE == "build" else sim.FixedProbabilityConnector)(0.5)
sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=0.01, delay=1.0))
if WHERE == "engine" and sim.rank() == 1:
    sim.state.network.projections[0].delays = 0
sim.run(20.0, callbacks=[interrupt])
print("never", sim.get_current_time())
cells.get_data()
"""
MESSAGES = {
    "build": "ValueError: nobody told me how to connect",
    "engine": "the smallest delay is 0 steps",
    "run": "ValueError: something broke on the way",
}


@pytest.mark.parametrize("where", MESSAGES)
def test_an_error_of_one_process_while_building_or_running_ends_all_with_its_message(where, tmp_path):
    (tmp_path / "fails.py").write_text(FAILS.format(where=where))
    run = started(2, tmp_path / "fails.py", cwd=tmp_path)
    assert run.returncode != 0
    assert "rank 1 of 2: Traceback" in run.stderr
    assert run.stderr.count(MESSAGES[where]) == 1
    assert "never" not in run.stdout


RULES = """
import pickle, sys
import pycosim.native as sim
from pycosim.network import ProceduralProjection

form, file = sys.argv[1:]
sim.setup(timestep=0.1, threads=2, synapses=form)
numbers, drawn, near = sim.NativeRNG(3), sim.RandomDistribution, sim.DistanceDependentProbabilityConnector
cells = sim.Population(1200, sim.IF_curr_exp(i_offset=1.2))
for connector, weight, delay in (
    (sim.FixedProbabilityConnector(0.05, rng=numbers), 0.02, 1.0),
    (sim.FixedNumberPostConnector(30, rng=numbers, allow_self_connections=False), 0.011, 1.0),
    (sim.FixedNumberPreConnector(30, rng=numbers, allow_self_connections=False), 0.009, 1.0),
    (sim.FixedNumberPreConnector(50, rng=numbers), drawn("uniform", low=0.0, high=0.008), 0.8),
    (
        sim.FixedNumberPreConnector(45, rng=numbers, with_replacement=True, allow_self_connections=False),
        drawn("uniform", low=0.0, high=0.006),
        0.8,
    ),
    (sim.FixedNumberPreConnector(35, rng=numbers, with_replacement=True), 0.003, 1.2),
    (sim.AllToAllConnector(allow_self_connections=False), 0.0003, 0.6),
    (sim.FixedTotalNumberConnector(30_000, with_replacement=False, allow_self_connections=False), 0.008, 1.4),
    (sim.FixedTotalNumberConnector(40_000, rng=numbers), drawn("uniform", low=0.0, high=0.008), 0.8),
    (sim.FixedProbabilityConnector(0.04, rng=numbers), drawn("uniform", low=0.0, high=0.04), 1.0),
    (
        sim.FixedNumberPostConnector(200, rng=numbers, with_replacement=True),
        0.001,
        drawn("normal_clipped", mu=2.0, sigma=1.0, low=0.4, high=20.0),
    ),
    (
        sim.AllToAllConnector(allow_self_connections=False),
        drawn("normal_clipped", mu=0.0002, sigma=0.0002, low=0.0, high=0.001),
        drawn("uniform", low=0.4, high=3.0),
    ),
    (near("0.5*exp(-d/30)", rng=numbers, allow_self_connections=False), "0.02*exp(-d/20)", "0.5 + d/99"),
    (near("0.9*(d > 1100)", rng=numbers), drawn("uniform", low=0.0, high=0.004), "0.4 + 0.01*(d - 1100)"),
):
    sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=weight, delay=delay))
for connector in (sim.FixedProbabilityConnector(0.5, rng=numbers), near("0.8*exp(-d/500)", rng=numbers)):
    synapse = sim.StaticSynapse(weight="0.01/(1 + d)", delay="0.3 + d/500")
    first = sim.Projection(cells, cells[:30], connector, synapse)  # whose targets are on one process
    assert isinstance(first.column, ProceduralProjection) == (form == "procedural")
few_sources = sim.FixedNumberPreConnector(20, rng=numbers, allow_self_connections=False)
sim.Projection(cells[100:400], cells, few_sources, sim.StaticSynapse(weight=0.005, delay=0.8))
cells.record("spikes")
cells[::100].record("v")
sim.run(40.0)
assert sim.get_min_delay() == 0.3
segment = cells.get_data().segments[0]
if sim.rank() == 0:
    spikes = [train.magnitude.tolist() for train in segment.spiketrains]
    potentials = segment.analogsignals[0].magnitude.tolist()
    open(file, "wb").write(pickle.dumps((spikes, potentials)))
"""


def test_synapses_that_are_made_at_each_spike_are_the_same_on_several_processes(tmp_path):
    (tmp_path / "rules.py").write_text(RULES)
    found = []
    for n_ranks, form in ((1, "stored"), (3, "procedural"), (2, "stored")):
        run = started(n_ranks, tmp_path / "rules.py", form, tmp_path / form, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        found.append(pickle.loads((tmp_path / form).read_bytes()))
    assert found[0] == found[1] == found[2]
    assert sum(map(len, found[0][0])) > 1200
