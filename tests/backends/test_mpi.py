"""One network on several MPI processes: the same spikes, recordings and weights, bit for bit."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pycosim.parallel import Ranks

SCRIPT = Path(__file__).with_name("mpi_network.py")
# Much longer than any of these runs takes: a hang must fail the test.
PATIENCE_S = 120


def mpiexec() -> str:
    """Return the launcher of the MPI that is installed with the package, before that of the system."""
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    assert found, "MPI is part of the test requirements: pip install '.[test]'"
    return found


def started(n_ranks: int, *command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a Python program on some processes."""
    python = [sys.executable, *map(str, command)]
    # MPICH waits actively otherwise, which on fewer cores than processes takes the others' time.
    environment = os.environ | {"MPIR_CVAR_ENABLE_HEAVY_YIELD": "1"}
    return subprocess.run(
        python if n_ranks == 1 else [mpiexec(), "-n", str(n_ranks), *python],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def outcome(n_ranks: int, n_threads: int, folder: Path, script: Path = SCRIPT) -> dict[object, object]:
    file = folder / f"{n_ranks}x{n_threads}"
    run = started(n_ranks, script, file, n_threads, cwd=folder)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [f"{n_ranks} ranks"]
    return pickle.loads(file.read_bytes())


@pytest.fixture(scope="module")
def of_one_process(tmp_path_factory):
    return outcome(1, 1, tmp_path_factory.mktemp("mpi"))


@pytest.mark.parametrize(("n_ranks", "n_threads"), [(3, 1), (2, 2), (4, 1)])
def test_processes_and_threads_do_not_change_a_bit(n_ranks, n_threads, of_one_process, tmp_path):
    several = outcome(n_ranks, n_threads, tmp_path)
    assert several.keys() == of_one_process.keys()
    assert [key for key in several if several[key] != of_one_process[key]] == []
    assert sum(len(train) for train in of_one_process["first", "E", 0, "spikes"]) > 1000


@pytest.mark.parametrize("most_shared_words", [0, 2**20])
def test_spikes_travel_alike_in_messages_and_in_memory_that_processes_share(
    most_shared_words, of_one_process, tmp_path
):
    script = tmp_path / "script.py"
    script.write_text(
        "import runpy\n"
        "import pycosim.backends.native.exchange as exchange\n"
        f"exchange._MOST_SHARED_WORDS = {most_shared_words}  # as on several machines, without\n"
        "exchange._FIRST_CAPACITY = 20  # so that it has to grow\n"
        f"runpy.run_path({str(SCRIPT)!r})\n"
    )
    several = outcome(3, 1, tmp_path, script)
    assert [key for key in of_one_process if several[key] != of_one_process[key]] == []


def test_every_connector_with_any_values_makes_the_same_synapses_on_several_processes(tmp_path):
    made = []
    for n_ranks in (1, 3):
        run = started(n_ranks, SCRIPT.with_name("mpi_building.py"), tmp_path / str(n_ranks), cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        made.append(pickle.loads((tmp_path / str(n_ranks)).read_bytes()))
    alone, together = made
    assert alone.keys() == together.keys()
    assert [key for key in alone if alone[key] != together[key]] == []


def test_a_process_of_several_takes_little_more_than_its_part(tmp_path):
    run = started(3, SCRIPT.with_name("mpi_memory.py"), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    lines = [line.split() for line in run.stdout.splitlines()]
    assert len(lines) == 3 * 7
    for case, n_own, predicted, taken, limit in lines:
        # Bytes for each own synapse, of which there are 3.6 million: those of one process that builds alone,
        # and 2 for large pages and buffers. Values drawn by blocks of 1,024 cells are made for at most 3,072
        # instead of 2,000 cells, and copied from there. All processes' synapses would take thrice as much.
        assert float(taken) / float(n_own) < float(limit) + 2, case
        # As for one process: a little more than is taken, never much less; one has a large page more.
        assert 0.9 * (float(taken) - 2**21) < float(predicted) < 1.7 * float(taken), case


def test_spikes_under_way_act_on_time_for_any_delay_and_any_end_of_a_run(tmp_path):
    script = tmp_path / "net.py"
    script.write_text(
        "import sys\n"
        "import pycosim.native as sim\n"
        "for delay_steps in (1, 2, 3, 6):\n"
        "    sim.setup(timestep=0.1, seed=1)\n"
        "    cells = sim.Population(4000, sim.IF_curr_delta(i_offset=40.0, tau_refrac=0.3))\n"
        "    cells.initialize(v=sim.RandomDistribution('uniform', (-65, -50)))\n"
        "    synapse = sim.StaticSynapse(weight=0.7, delay=0.1 * delay_steps)\n"
        "    connector = sim.FixedNumberPostConnector(20, rng=sim.NativeRNG(seed=2))\n"
        "    sim.Projection(cells, cells, connector, synapse)\n"
        "    cells.record('spikes')\n"
        "    for steps in (1, 2, 3, 40, 7):\n"
        "        sim.run(0.1 * steps)\n"
        "    trains = [train.magnitude.tolist() for train in cells.get_data().segments[0].spiketrains]\n"
        "    if sim.rank() == 0:\n"
        "        print(delay_steps, trains)\n"
        "    sim.end()\n"
    )
    alone, together = (started(n_ranks, script, cwd=tmp_path) for n_ranks in (1, 2))
    assert together.returncode == 0, together.stderr
    assert together.stdout == alone.stdout
    # With 4 delays, 53 steps, 2 processes: more than 256 in a step, for which there is no room at first.
    assert alone.stdout.count(",") > 4 * 53 * 2 * 256


def test_an_error_on_one_process_ends_all_with_its_message(tmp_path):
    script = tmp_path / "fails.py"
    script.write_text(
        "import pycosim.native as sim\n"
        "sim.setup(timestep=0.1)\n"
        "cells = sim.Population(4, sim.IF_curr_exp())\n"
        "if sim.rank() == 1: raise RuntimeError('this process has had enough')\n"
        "sim.run(10.0)\n"
    )
    run = started(2, script, cwd=tmp_path)
    assert run.returncode != 0
    assert "rank 1 of 2: Traceback" in run.stderr
    assert run.stderr.count("RuntimeError: this process has had enough") == 1
    assert "line 4" in run.stderr


def test_sources_that_differ_between_processes_are_refused(tmp_path):
    script = tmp_path / "differs.py"
    script.write_text(
        "import pycosim.native as sim\n"
        "sim.setup(timestep=0.1)\n"
        "noise = sim.Population(4, sim.SpikeSourcePoisson(rate=10.0), label='noise')\n"
        "if noise[3].local: noise[3].rate = 20.0\n"
        "sim.run(10.0)\n"
    )
    run = started(2, script, cwd=tmp_path)
    assert run.returncode != 0
    assert run.stderr.count("The parameters of the sources 'noise' differ") == 1


def test_an_error_of_all_processes_is_told_once(tmp_path):
    script = tmp_path / "fails.py"
    script.write_text("import pycosim.native as sim\nsim.setup(timestep=-1.0)\n")
    run = started(2, script, cwd=tmp_path)
    assert run.returncode != 0
    # the last line: Python 3.13 and later show the text in the lines that raise, too
    assert run.stderr.count("InvalidInputError: setup(timestep=-1.0): the time step must be") == 1


def test_the_command_line_runs_on_several_processes_and_prints_once(tmp_path):
    script = tmp_path / "net.py"
    script.write_text(
        "import pyNN.nest as sim\n"
        "sim.setup(timestep=0.1)\n"
        "noise = sim.Population(50, sim.SpikeSourcePoisson(rate=500.0))\n"
        "cells = sim.Population(50, sim.IF_curr_exp())\n"
        "sim.Projection(noise, cells, sim.FixedProbabilityConnector(0.3), sim.StaticSynapse(weight=1.0))\n"
        "sim.run(50.0)\n"
        "print('done')\n"
    )
    command = ["-P", "-m", "pycosim", "run", script, "--on", "native", "--json"]
    printed = [started(n_ranks, *command, cwd=tmp_path).stdout for n_ranks in (1, 2)]
    assert [text.split("{")[0].split() for text in printed] == [["done"], ["done"]]
    facts = [json.loads(text.removeprefix("done\n")) for text in printed]
    for name in ("neurons", "sources", "synapses", "duration_ms", "spikes"):
        assert facts[0][name] == facts[1][name]
    assert facts[0]["spikes"] > 0


@pytest.mark.parametrize("target", ["loihi"])
def test_a_target_for_one_process_refuses_several(target, tmp_path):
    script = tmp_path / "net.py"
    script.write_text(f"import pycosim.{target} as sim\nsim.setup(timestep=0.1)\n")
    run = started(2, script, cwd=tmp_path)
    assert run.returncode != 0
    assert f"Running on the target {target} on 2 MPI processes is not supported" in run.stderr


def test_comparing_on_several_processes_is_refused(tmp_path):
    script = tmp_path / "net.py"
    script.write_text("")
    run = started(2, "-P", "-m", "pycosim", "compare", script, "--on", "native,brian2", cwd=tmp_path)
    assert run.returncode != 0
    assert "Comparing targets on 2 MPI processes is not supported" in run.stderr


@pytest.mark.parametrize("n", [0, 1, 2, 7, 100])
def test_every_neuron_belongs_to_one_process(n):
    class Fake:
        rank, size = 2, 3

    ranks = Ranks(Fake())
    assert [i for part in ranks.parts(n) for i in part] == list(range(n))
    assert ranks.part(n) == ranks.parts(n)[2]
