"""The Brian2 script that pycosim writes gives the spikes of the PyNN script."""

import subprocess
import sys

import numpy as np
import pytest

import pycosim
from pycosim.backends.brian2.script import export_script
from pycosim.errors import InvalidInputError, NotSupportedError, ScriptError
from pycosim.loihi import CUBA


def small_network(sim):
    """Labels, plastic and static synapses, several spikes of a source in a step, currents that change."""
    sim.setup(timestep=0.1)
    cells = sim.Population(
        12,
        sim.IF_cond_exp(i_offset=np.linspace(0.2, 0.9, 12)),
        initial_values={"v": sim.RandomDistribution("uniform", (-65, -50), rng=sim.NumpyRNG(3))},
        label="cells",
    )
    readout = sim.Population(3, sim.IF_curr_exp(tau_m=10.0), label="read out")
    noise = sim.Population(5, sim.SpikeSourcePoisson(rate=8000.0), label="noise")
    array = sim.Population(2, sim.SpikeSourceArray(spike_times=[[0.0, 3.0, 9.0], [5.0]]), label="array")
    rule = sim.STDPMechanism(
        sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.05, A_minus=0.06),
        sim.AdditiveWeightDependence(w_min=0, w_max=1.0),
        weight=0.3,
        delay=1.5,
    )
    release = sim.StochasticTsodyksMarkramSynapse(U=0.5, tau_rec=20.0, tau_facil=5.0, weight=2.0, delay=0.7)
    sim.Projection(noise, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1e-3, delay=0.3))
    sim.Projection(cells, readout, sim.AllToAllConnector(), rule)
    sim.Projection(array, readout, sim.AllToAllConnector(), release)
    sim.ACSource(amplitude=0.4, frequency=50.0, start=5.0, stop=60.0).inject_into(readout)
    readout.record(["spikes", "v"])
    sim.run(60.0)
    sim.run(40.0)


def run_script(path, *arguments):
    command = [sys.executable, path.name, *arguments]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.load(path.with_name(f"{path.stem}_spikes.npz")), done.stdout


def spikes_of(result, label):
    (population,) = (p for p in result.populations if p.label == label)
    mine = (result.spike_neurons >= population.first) & (
        result.spike_neurons < population.first + population.size
    )
    return result.spike_steps[mine], result.spike_neurons[mine] - population.first


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PYCOSIM_CACHE_DIR", str(tmp_path / "cache"))


def test_the_written_script_gives_the_spikes_of_the_network(tmp_path, cache):
    path = export_script(small_network, tmp_path / "small.py", codegen="numpy")
    assert sorted(file.name for file in tmp_path.glob("small*")) == ["small.npz", "small.py"]
    text = path.read_text()
    assert "cells = NeuronGroup(" in text
    assert "cells_to_read_out = Synapses(" in text
    found, printed = run_script(path)
    expected = pycosim.run(small_network, "native")
    for label, name in (("cells", "cells"), ("read out", "read_out")):
        steps, neurons = spikes_of(expected, label)
        assert len(steps) > 20
        assert f"{name}: {len(steps)} spikes" in printed
        np.testing.assert_array_equal(found[f"{name}_steps"], steps)
        np.testing.assert_array_equal(found[f"{name}_neurons"], neurons)


PLAIN = """
import pyNN.nest as sim
sim.setup(timestep=0.1)
cells = sim.Population(4, sim.IF_curr_alpha(i_offset=1.0), label="cells")
sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=0.5))
sim.run(50.0)
"""


def test_the_command_writes_a_script_that_runs_as_a_standalone_program(tmp_path, cache):
    (tmp_path / "plain.py").write_text(PLAIN)
    command = [sys.executable, "-m", "pycosim", "brian2", "export", "plain.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found, _ = run_script(tmp_path / "plain_brian2.py", "cpp_standalone")
    steps, neurons = spikes_of(pycosim.run(tmp_path / "plain.py", "native"), "cells")
    assert len(steps)
    np.testing.assert_array_equal(found["cells_steps"], steps)
    np.testing.assert_array_equal(found["cells_neurons"], neurons)


def changing(sim):
    """Parameters, state, spike times, currents, and weights change, the last when no spike is on its way."""
    sim.setup(timestep=0.1)
    cells = sim.Population(4, sim.IF_curr_exp(i_offset=0.9, v_thresh=-52.0), label="cells")
    array = sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0, 4.0], [2.0]]), label="array")
    connections = sim.Projection(
        array, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=0.5)
    )
    current = sim.DCSource(amplitude=0.1, start=2.0)
    current.inject_into(cells[0:2])
    cells.record("spikes")
    sim.run(30.0)
    cells.set(i_offset=[0.5, 1.0, 1.5, 2.0])
    cells.initialize(v=-55.0)
    connections.set(weight=np.arange(8.0).reshape(2, 4))
    sim.run(30.0)
    array.set(spike_times=[[62.0], [65.0, 70.0]])
    cells.set(i_offset=1.2)
    current.amplitude = 0.3
    sim.run(30.0)
    cells.set(i_offset=5.0)  # without another run it does not matter


def test_changes_between_runs_are_written_in_order(tmp_path, cache):
    path = export_script(changing, tmp_path / "changing.py", codegen="numpy")
    text = path.read_text()
    assert text.count("network.run(300 * step)") == 3
    assert "cells.v = -55.0" in text
    found, _ = run_script(path)
    steps, neurons = spikes_of(pycosim.run(changing, "native"), "cells")
    assert len(steps) > 20
    np.testing.assert_array_equal(found["cells_steps"], steps)
    np.testing.assert_array_equal(found["cells_neurons"], neurons)


def coupled_and_taught(sim):
    """Gap junctions, dopamine, and homeostasis."""
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=[2.0, 0.0, 1.5]), label="cells")
    taught = sim.Population(3, sim.IF_curr_exp(i_offset=1.5), label="taught")
    scaled = sim.Population(2, sim.IF_curr_exp(i_offset=1.6), label="scaled")
    reward = sim.Population(2, sim.SpikeSourceArray(spike_times=[[30.0, 70.0], [90.0]]), label="reward")
    every, pairs = (
        sim.AllToAllConnector(),
        dict(timing_dependence=sim.SpikePairRule(A_plus=0.1, A_minus=0.05)),
    )
    bounds = sim.AdditiveWeightDependence(w_min=0.0, w_max=20.0)
    sim.Projection(cells, cells, sim.FromListConnector([(0, 1), (1, 2)]), sim.ElectricalSynapse(weight=0.02))
    rule = sim.STDPMechanism(**pairs, weight_dependence=bounds, weight=2.0, delay=1.0)
    sim.Projection(cells, taught, every, rule)
    dopamine = sim.Neuromodulation(weight=0.5, tau_c=100.0, tau_d=30.0, w_max=20.0, delay=3.0)
    sim.Projection(reward, taught, every, dopamine, receptor_type="reward")
    scaling = sim.HomeostaticScaling(base_rate=35.0, time_constant=500.0, update_interval=10.0)
    rule = sim.STDPMechanism(**pairs, weight_dependence=bounds, weight=2.0, delay=1.0, homeostasis=scaling)
    sim.Projection(cells, scaled, every, rule)
    sim.run(150.0)


def test_scripts_have_gap_junctions_dopamine_and_homeostasis(tmp_path, cache):
    path = export_script(coupled_and_taught, tmp_path / "taught.py", codegen="numpy")
    found, _ = run_script(path)
    expected = pycosim.run(coupled_and_taught, "native")
    for label in ("cells", "taught", "scaled"):
        steps, neurons = spikes_of(expected, label)
        assert len(steps) > 5
        np.testing.assert_array_equal(found[f"{label}_steps"], steps)
        np.testing.assert_array_equal(found[f"{label}_neurons"], neurons)


def learning_from_dense_input(sim):
    """A source has up to four spikes in a step, alone or with others, and its synapses are plastic."""
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.IF_curr_exp(), label="cells")
    noise = sim.Population(4, sim.SpikeSourcePoisson(rate=4000.0), label="noise")
    alone = sim.Population(1, sim.SpikeSourceArray(spike_times=[3.0, 3.0, 3.0, 3.0, 9.0, 9.0]))
    rule = sim.STDPMechanism(
        sim.SpikePairRule(A_plus=0.05, A_minus=0.06), sim.AdditiveWeightDependence(w_max=1.0), weight=0.3
    )
    release = sim.TsodyksMarkramSynapse(U=0.5, tau_rec=20.0, weight=2.0)
    for source in (noise, alone):
        sim.Projection(source, cells, sim.AllToAllConnector(), rule)
        sim.Projection(source, cells, sim.AllToAllConnector(), release)
    sim.run(60.0)


def test_plastic_synapses_of_sources_with_several_spikes_in_a_step_are_written(tmp_path, cache):
    found, _ = run_script(export_script(learning_from_dense_input, tmp_path / "dense.py", codegen="numpy"))
    steps, neurons = spikes_of(pycosim.run(learning_from_dense_input, "native"), "cells")
    assert len(steps) > 20
    np.testing.assert_array_equal(found["cells_steps"], steps)
    np.testing.assert_array_equal(found["cells_neurons"], neurons)


def test_cells_that_fire_at_random_are_written(tmp_path, cache):
    def script(sim):
        sim.setup(timestep=0.1)
        cell = sim.GIF_cond_exp(i_offset=2.0, lambda0=50.0, delta_v=2.0, v_t_star=-50.0)
        sim.Population(20, cell, label="cells")
        sim.run(100.0)

    found, _ = run_script(export_script(script, tmp_path / "fires.py", codegen="numpy"))
    steps, neurons = spikes_of(pycosim.run(script, "native"), "cells")
    assert len(np.unique(steps)) > 10
    np.testing.assert_array_equal(found["cells_steps"], steps)
    np.testing.assert_array_equal(found["cells_neurons"], neurons)


def test_a_written_script_says_how_constants_follow_from_the_parameters(tmp_path, cache):
    def script(sim):
        sim.setup(timestep=0.2)
        sim.Population(3, sim.IF_curr_exp(tau_m=[5.0, 7.0, 9.0], cm=0.5, i_offset=0.1), label="cells")
        sim.Population(1, sim.IF_cond_alpha(tau_refrac=3.0), label="others")
        sim.run(1.0)

    text = export_script(script, tmp_path / "said.py", codegen="numpy").read_text()
    assert "# IF_curr_exp: cm 0.5, i_offset 0.1, tau_m 5 to 9, tau_refrac" in text
    assert 'cells.decay_m = data["cells.decay_m"]  # exp(-dt/tau_m)' in text
    np.testing.assert_allclose(
        np.load(tmp_path / "said.npz")["cells.decay_m"], np.exp(-0.2 / np.array([5, 7, 9])), rtol=1e-12
    )
    assert 'cells.drive = data["cells.drive"]  # i_offset*tau_m/cm*(1 - exp(-dt/tau_m))' in text
    assert "others.drive = -3.25  # cm/tau_m*v_rest + i_offset" in text
    assert "others.refractory_steps = 15.0  # round(tau_refrac/dt)" in text


@pytest.mark.parametrize(
    ("name", "message"),
    [("none/x.py", "no folder .*none that can"), ("", "is a folder"), ("x.npz", "where its arrays go")],
)
def test_places_where_no_script_can_be_written_are_refused_before_the_simulation(tmp_path, name, message):
    def script(sim):
        raise AssertionError("simulated")

    with pytest.raises(InvalidInputError, match=message):
        export_script(script, tmp_path / name)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            lambda sim, cells, loop: loop.set(weight=0.2),
            r"weights of cells_0_to_cells_0_0_synapses while spikes",
        ),
        (lambda sim, cells, loop: cells.record("v"), "which signals are recorded"),
        (lambda sim, cells, loop: sim.Population(1, sim.IF_curr_exp()), "populations or connections"),
    ],
)
def test_changes_that_a_script_cannot_say_are_refused_by_name(tmp_path, change, what):
    def script(sim):
        sim.setup(timestep=0.1)
        cells = sim.Population(2, sim.IF_curr_exp(i_offset=2.0), label="cells")
        synapse = sim.StaticSynapse(weight=0.1, delay=20.0)
        loop = sim.Projection(cells, cells, sim.AllToAllConnector(), synapse)
        sim.run(20.0)
        change(sim, cells, loop)
        sim.run(10.0)

    with pytest.raises(NotSupportedError, match=rf"changes {what}.*between two calls of run\(\)"):
        export_script(script, tmp_path / "x.py", codegen="numpy")
    assert not list(tmp_path.iterdir())


def test_a_script_without_neurons_is_an_error(tmp_path):
    with pytest.raises(ScriptError, match="ran no neurons"):
        export_script(lambda sim: sim.setup(), tmp_path / "x.py", codegen="numpy")


def test_chips_neurons_are_refused_by_name_and_no_file_is_written(tmp_path):
    def script(sim):
        sim.setup(timestep=1.0, min_delay=1.0)
        sim.Population(1, CUBA())
        sim.run(1.0)

    with pytest.raises(NotSupportedError, match=r"neurons of loihi\.CUBA in every step.*leave that out"):
        export_script(script, tmp_path / "x.py")
    assert not list(tmp_path.iterdir())
