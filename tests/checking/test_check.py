"""`pycosim check`: what a script uses and which targets take it, without simulating."""

import json
import subprocess
import sys

import numpy as np
import pytest

import pycosim
from pycosim.errors import InvalidInputError, UnknownTargetError

SCRIPT = """
import pyNN.nest as sim
sim.setup(timestep=0.5)
noise = sim.Population(4, sim.SpikeSourcePoisson(rate=50.0), label="noise")
cells = sim.Population(10, sim.IF_curr_exp(i_offset=2.0), label="cells")
cells.inject(sim.DCSource(amplitude=0.5))
cells[:3].record("v")
sim.Projection(noise, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=1.3))
rule = sim.STDPMechanism(
    timing_dependence=sim.SpikePairRule(), weight_dependence=sim.AdditiveWeightDependence(),
    weight=0.1, delay=4.0,
)
sim.Projection(cells, cells, sim.FixedProbabilityConnector(1.0), rule, label="learning")
sim.run(100.0)
v = cells.get_data().segments[0].filter(name="v")[0]
assert v.shape == (201, 3), v.shape
"""


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a script and returns its path."""

    def write(text):
        path = tmp_path / "net.py"
        path.write_text(text)
        return path

    return write


def test_a_report_says_what_a_script_uses(written):
    report = pycosim.check(written(SCRIPT), "native")
    (usage,) = report.networks
    assert usage.cell_types == {"SpikeSourcePoisson": 4, "IF_curr_exp": 10}
    assert usage.synapse_types == {
        "StaticSynapse": 40,
        "STDPMechanism(SpikePairRule, AdditiveWeightDependence)": 100,
    }
    assert usage.connectors == {"AllToAllConnector": 1, "FixedProbabilityConnector": 1}
    assert (usage.electrodes, usage.recordings) == ({"DCSource": 1}, {"v": 3})
    assert (usage.n_neurons, usage.n_sources, usage.n_synapses) == (10, 4, 140)
    assert (usage.dt_ms, usage.min_delay_ms, usage.max_delay_ms, usage.duration_ms) == (0.5, 1.5, 4.0, 100.0)
    assert usage.functions == {"setup": 1, "run": 1}
    assert report.all_take_it
    assert any("rounded to whole steps, by at most 0.2 ms" in note for note in report.notes)


def test_each_target_answers_for_itself_and_all_are_asked_by_default(written):
    report = pycosim.check(written(SCRIPT))
    assert {verdict.target for verdict in report.verdicts} >= {"native", "brian2", "loihi", "truenorth"}
    assert report.verdict("native").answer == "yes"
    assert report.verdict("loihi").utilisation["cores"][1] > 0


def test_a_chip_that_is_too_small_says_by_how_much(written):
    report = pycosim.check(written(SCRIPT), "truenorth[capacity.axons_per_core=3],native")
    chip = report.verdicts[0]
    assert chip.answer == "no"
    assert "inputs per core (axons): needs" in chip.problems[0]
    assert "exceeded by" in chip.problems[0]
    assert report.verdicts[1].takes_it
    assert not report.all_take_it


def test_an_option_that_a_target_does_not_know_is_a_warning(written):
    script = written(SCRIPT.replace("timestep=0.5", "timestep=0.5, threads=2"))
    report = pycosim.check(script, ["native", "reference"])
    assert [verdict.answer for verdict in report.verdicts] == ["yes", "with warnings"]
    assert "threads" in report.verdict("reference").warnings[0]


def test_nothing_is_simulated(written):
    report = pycosim.check(
        written(SCRIPT.replace("run(100.0)", "run(1e9)").replace("cells[:3].record", "#")), "native"
    )
    assert report.networks[0].duration_ms == 1e9


def test_a_script_that_needs_spikes_in_its_own_analysis_is_checked_all_the_same(written):
    text = SCRIPT + "print(cells.get_data().segments[0].spiketrains[0][0])\n"
    report = pycosim.check(written(text), "native")
    assert report.all_take_it
    assert "Nothing fires in a check" in report.failure
    assert "line 17" in report.failure


def test_a_script_that_waits_for_spikes_does_not_wait_for_ever(written, monkeypatch):
    monkeypatch.setattr("pycosim.checking.dry.MOST_RUNS", 20)
    text = SCRIPT.split("v = ")[0] + "while not cells.mean_spike_count(): sim.run(1.0)\n"
    report = pycosim.check(written(text.replace('record("v")', 'record("spikes")')), "native")
    assert "waiting for spikes" in report.failure
    assert report.all_take_it


def test_what_no_target_supports_is_said_once(written):
    text = (
        "import pyNN.nest as sim\nsim.setup()\nsim.Population(1, sim.MultiCompartmentNeuron())\nsim.run(1)\n"
    )
    report = pycosim.check(written(text), ["native", "loihi"])
    assert not report.all_take_it
    assert "MultiCompartmentNeuron" in report.refusal
    assert all(verdict.problems == [report.refusal] for verdict in report.verdicts)


def test_a_network_is_judged_as_it_has_grown_after_run(written):
    text = """
import pyNN.nest as sim
sim.setup(timestep=1.0)
cells = sim.Population(100, sim.IF_curr_exp())
sim.run(1.0)
synapse = sim.StaticSynapse(weight=0.1, delay=1.0)
sim.Projection(cells, cells, sim.AllToAllConnector(), synapse)
sim.run(1.0)
"""
    report = pycosim.check(written(text), ["native", "brian2", "loihi", "dynapse"])
    assert [verdict.takes_it for verdict in report.verdicts] == [True, True, True, False]
    assert "needs 100, the limit is 64" in report.verdict("dynapse").problems[0]


def test_live_input_is_checked_without_waiting_for_it(written):
    text = """
import pyNN.spiNNaker as sim
connection = sim.external_devices.SpynnakerLiveSpikesConnection(send_labels=["in"])
connection.add_start_resume_callback("in", lambda *_: 1 / 0)
sim.setup(1.0)
sim.Population(2, sim.external_devices.SpikeInjector(), label="in")
sim.Population(2, sim.IF_curr_exp())
sim.run(1e6)
"""
    report = pycosim.check(written(text), ["native", "brian2"])
    assert [verdict.takes_it for verdict in report.verdicts] == [True, False]
    assert "Live input and output on brian2" in report.verdict("brian2").problems[0]


def test_each_setup_is_a_network_of_its_own(written):
    build = "sim.setup(); sim.Population(n, sim.IF_cond_exp()); sim.run(1)"
    text = f"import pyNN.nest as sim\nfor n in 1, 2: {build}"
    report = pycosim.check(written(text), "native")
    assert [usage.n_neurons for usage in report.networks] == [1, 2]


def test_a_function_can_be_checked():
    def network(sim, n=3):
        sim.setup()
        cells = sim.Population(n, sim.IF_curr_exp())
        cells.record(["v", "spikes"])
        sim.run(2.0)
        sim.reset()
        sim.run(1.0)
        block = cells.get_data(clear=True)
        assert [segment.filter(name="v")[0].shape for segment in block.segments] == [(21, n), (11, n)]
        assert np.all(np.asarray(block.segments[0].filter(name="v")[0]) == -65.0)
        sim.run(1.0)
        assert cells.get_data().segments[0].filter(name="v")[0].shape == (11, n)

    report = pycosim.check(network, "native", parameters={"n": 5})
    assert report.failure is None
    assert report.all_take_it
    assert report.networks[0].n_neurons == 5


def test_impossible_requests_are_errors(written):
    with pytest.raises(InvalidInputError, match="no such script"):
        pycosim.check("absent.py")
    with pytest.raises(UnknownTargetError, match="loihi"):
        pycosim.check(written(SCRIPT), "lohi")


def test_the_command_prints_a_table_and_its_status_says_whether_all_targets_take_the_script(
    written, tmp_path
):
    path = written(SCRIPT)

    def command(*arguments):
        line = [sys.executable, "-m", "pycosim", "check", path.name, *arguments]
        return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    done = command("--on", "native,loihi[capacity.axons_per_core=3]")
    assert done.returncode == 1, done.stderr
    assert "IF_curr_exp (10)" in done.stdout
    assert "exceeded by" in " ".join(done.stdout.split())
    done = command("--on", "native", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["targets"][0]["answer"] == "yes"
    assert facts["networks"][0]["n_synapses"] == 140
