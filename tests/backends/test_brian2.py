"""What is particular to Brian2: code generation, programs that are continued, agreement with native."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.backends import brian2, native
from pycosim.backends.base import Options, Simulation
from pycosim.backends.brian2 import codegen, compiler, inputs, standalone
from pycosim.errors import BackendError, InvalidInputError, MissingDependencyError, UnknownTargetError
from pycosim.network import MODELS, Population, Recording
from pycosim.testing.networks import side_by_side

from .backend_networks import (
    NEURON_MODELS,
    add_pairs,
    assert_identical,
    connect,
    network_of,
    neurons,
    one_synapse,
    random_network,
    recorded,
    spike_array,
)

STEPS = 250
CPP, NUMPY = "cpp_standalone", "numpy"
# Same constants and expressions; only inputs of a step are added in other order, or exp is another library's.
ROUNDING_MV = 1e-9


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory):
    """Programs of these tests are compiled by them, and by no earlier run."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYCOSIM_CACHE_DIR", str(folder))
        yield folder


@pytest.fixture
def compilations(monkeypatch):
    """List that grows with every compilation."""
    done = []

    def counted(folder, *arguments):
        done.append(folder)
        return compiler.compile_program(folder, *arguments)

    monkeypatch.setattr(standalone, "compile_program", counted)
    return done


def built(network, kind):
    return brian2.build(network, Options(overrides={"codegen": kind}))


def run(simulation, network, pieces=(STEPS,)):
    for n_steps in pieces:
        simulation.advance(int(n_steps))
    result = recorded(simulation, network)
    simulation.close()
    return result


def assert_agree(found, expected):
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        if key[1] in ("steps", "indices"):
            np.testing.assert_array_equal(found[key], values, err_msg=str(key))
        else:
            np.testing.assert_allclose(found[key], values, rtol=0, atol=ROUNDING_MV, err_msg=str(key))


@given(seed=st.integers(0, 2**32 - 1), heterogeneous=st.booleans())
@settings(max_examples=5, deadline=None)
def test_numpy_code_agrees_with_native_on_random_networks(seed, heterogeneous):
    network = random_network(seed, heterogeneous=heterogeneous)
    assert_agree(run(built(network, NUMPY), network), run(native.build(network), network))


def test_optimised_program_agrees_with_native_on_every_model(monkeypatch):
    monkeypatch.delenv("CXX")  # which asks for no optimisation during the tests
    network = side_by_side([random_network(7, models=[model], sizes=(19,)) for model in NEURON_MODELS])
    expected = run(native.build(network), network)
    for first in range(0, 3 * len(NEURON_MODELS), 3):
        assert len(expected[first, "steps"]) > 20
    assert_agree(run(built(network, CPP), network), expected)


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, STEPS), max_size=4))
@settings(max_examples=3, deadline=None)
def test_numpy_results_do_not_depend_on_how_the_run_is_cut(seed, cuts):
    network = random_network(seed)
    pieces = np.diff([0, *sorted(cuts), STEPS])
    assert_identical(run(built(network, NUMPY), network, pieces), run(built(network, NUMPY), network))


def test_compiled_program_goes_on_exactly_where_it_stopped(compilations):
    network = random_network(7, models=["IF_curr_exp"])
    whole = run(built(network, CPP), network)
    assert_identical(run(built(network, CPP), network, (1, 0, 100, 7, 142)), whole)
    assert len(compilations) <= 1


def test_networks_of_one_structure_share_a_program(compilations):
    for seed, weight, dt_ms in ((1, 0.3, 0.1), (2, 1.5, 0.1), (3, 0.5, 0.05)):
        network = one_synapse("IF_curr_exp", weight=weight, i_offset=0.8, dt_ms=dt_ms, delay=3 * seed)
        network.seed = seed
        assert_agree(run(built(network, CPP), network), run(native.build(network), network))
    assert len(compilations) == 1


def changed_while_running(simulation, network):
    """Runs with changes of parameters, weights, delays and recordings between them."""
    simulation.advance(60)
    network.populations[0].parameters["i_offset"] = 1.4
    simulation.parameters_changed(0)
    simulation.advance(40)
    for index, projection in enumerate(network.projections):
        projection.weights = 1.1 * np.asarray(projection.weights)
        projection.delays = np.asarray(projection.delays, np.int32) % 7 + 1
        if projection.delays.ndim == 0:
            projection.delays = int(projection.delays)
        simulation.weights_changed(index)
    seen = recorded(simulation, network)
    simulation.advance(50)
    simulation.clear(1)
    network.populations[0].recordings["v"] = Recording(np.array([1, 4]), 5)
    simulation.recording_changed(0)
    simulation.advance(100)
    result = recorded(simulation, network)
    simulation.close()
    return result | {(key, "before"): values for key, values in seen.items()}


@pytest.mark.parametrize(("kind", "seed"), [(NUMPY, 1), (NUMPY, 2), (NUMPY, 3), pytest.param(CPP, 1)])
def test_changes_between_runs_have_the_effect_they_have_on_native(kind, seed):
    networks = [random_network(seed) for _ in range(2)]
    expected = changed_while_running(native.build(networks[0]), networks[0])
    found = changed_while_running(built(networks[1], kind), networks[1])
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=0, atol=ROUNDING_MV, err_msg=str(key))


def synapse_with_weight(weight):
    return one_synapse("IF_curr_exp", weight=weight, i_offset=0.8)


@pytest.mark.parametrize(("kind", "network_for"), [(NUMPY, random_network), (CPP, synapse_with_weight)])
def test_simulations_in_one_process_do_not_disturb_each_other(kind, network_for):
    networks = [network_for(number) for number in (5, 6)]
    expected = [run(native.build(network), network) for network in networks]
    simulations = [built(network, kind) for network in networks]
    for n_steps in (100, 150):
        for simulation in simulations:
            simulation.advance(n_steps)
    for simulation, network, result in zip(simulations, networks, expected):
        assert_agree(recorded(simulation, network), result)
        simulation.close()


@pytest.mark.parametrize("kind", [NUMPY, CPP])
def test_many_spikes_of_a_source_in_one_step_all_act(kind):
    source = spike_array(*[0] * 3, *[7] * 200, 9, size=2, index=1)
    network = network_of(source, neurons("IF_curr_delta", v_thresh=1e6, tau_m=1e9))
    add_pairs(network, 0, 1, [1], [0], 2.0, 1)
    simulation = built(network, kind)
    simulation.advance(5)
    simulation.advance(10)
    jumps = np.diff(simulation.signal(1, "v")[:, 0])
    np.testing.assert_allclose(jumps[[0, 7, 9]], [6, 400, 2], rtol=0, atol=1e-6)  # the leak is 4e-8 mV
    simulation.close()


def poisson(size, rate):
    parameters = {"rate": rate, "start": 0.0, "duration": 1e10}
    recordings = {"spikes": Recording(np.arange(size))}
    return Population("noise", "SpikeSourcePoisson", size, parameters=parameters, recordings=recordings)


def test_poisson_sources_with_several_spikes_per_step_drive_the_same_membrane_as_on_native():
    network = network_of(poisson(4, 30_000.0), neurons("IF_curr_exp", 4, v_thresh=1e6))
    add_pairs(network, 0, 1, range(4), range(4), 0.01, 2)
    expected = run(native.build(network), network)
    assert np.bincount(expected[0, "steps"]).max() > 8
    assert_agree(run(built(network, NUMPY), network), expected)


def test_long_runs_are_cut_so_that_input_spikes_fit_into_memory(monkeypatch):
    network = network_of(poisson(20, 500.0), neurons("IF_curr_exp", 20, i_offset=0.7))
    add_pairs(network, 0, 1, range(20), range(20), 0.1, 3)
    whole = run(built(network, NUMPY), network)
    monkeypatch.setattr(inputs, "MAX_SPIKES_PER_PIECE", 100)
    done = []
    simulation = built(network, NUMPY)
    simulation.advance(STEPS, done.append)
    assert len(done) == 3  # one spike per step is expected
    assert_identical(recorded(simulation, network), whole)
    simulation.close()


def balanced_network(seed):
    """400 excitatory and 100 inhibitory neurons with 10 % connections, and noise."""
    rng = np.random.default_rng(seed)
    exc, inh = (neurons("IF_curr_exp", size) for size in (400, 100))
    network = network_of(exc, inh, poisson(400, 100.0), seed=seed)
    for population, label in zip(network.populations, ("exc", "inh")):
        population.label, population.initial["v"] = label, rng.uniform(-65, -50, population.size)
        population.recordings = {"spikes": Recording(np.arange(population.size))}
    for pre, weight in ((0, 0.1), (1, -0.8), (2, 0.15)):
        size = network.populations[pre].size
        for post in (0, 1):
            connected = rng.random((size, network.populations[post].size)) < 0.1
            receptor = "excitatory" if weight > 0 else "inhibitory"
            add_pairs(network, pre, post, *np.nonzero(connected), weight, 15, receptor)
    return network


def test_rates_of_a_balanced_network_agree_with_native_within_sampling_error():
    """The two start alike; chaos then makes them two samples of the same process."""
    rates = {}
    for backend, options in ((native, Options()), (brian2, Options())):
        for seed in (1, 2):
            network = balanced_network(seed)
            simulation = backend.build(network, options)
            simulation.advance(10_000)
            counts = np.bincount(simulation.spikes(0)[1], minlength=400)
            rates[backend.__name__, seed] = counts.mean(), counts.std() / np.sqrt(400)
            simulation.close()
    for seed in (1, 2):
        (native_hz, error), (brian2_hz, _) = (rates[backend.__name__, seed] for backend in (native, brian2))
        assert 2 < native_hz < 60
        # Four standard errors of the mean over neurons, which is more than that of the network's rate.
        assert abs(native_hz - brian2_hz) < 4 * error


def test_brian2_itself_is_left_as_it_was():
    import brian2 as library

    device, dt, target = library.get_device(), library.defaultclock.dt, library.prefs.codegen.target
    for kind in (NUMPY, CPP):
        network = one_synapse("IF_curr_exp")
        run(built(network, kind), network)
    assert library.get_device() is device
    assert (library.defaultclock.dt, library.prefs.codegen.target) == (dt, target)
    group = library.NeuronGroup(1, "x : 1")
    group.run_regularly("x += 1")
    library.Network(group).run(3 * dt)
    assert group.x[0] == 3


# Started elsewhere, because a checkout shadows an installed pycosim.
def test_importing_the_backend_does_not_import_the_library(tmp_path):
    code = "import sys, pycosim.backends.brian2; sys.exit('brian2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_brian2_is_imported_without_log_file_and_exception_hook(tmp_path):
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]; hook = sys.excepthook\n"
        "from pycosim.backends.brian2.codegen import import_brian2\n"
        "import_brian2(); assert sys.excepthook is hook; raise SystemExit('ended')"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.stderr == "ended\n"
    assert not list(tmp_path.glob("brian_*"))


def test_simulation_offers_what_the_protocol_asks_for():
    simulation = brian2.build(one_synapse("IF_curr_exp"))
    assert isinstance(simulation, Simulation)
    assert brian2.DESCRIPTION
    assert set(brian2.MODELS) <= set(MODELS)
    simulation.close()
    with pytest.raises(BackendError, match="closed"):
        simulation.advance(1)


def test_labels_that_are_no_identifiers_or_not_unique_are_allowed():
    network = network_of(*(neurons("IF_curr_delta", i_offset=1.0) for _ in range(4)))
    for population, label in zip(network.populations, ("int", "1 é/__x_", "", "int")):
        population.label = label
    connect(network, 1, 2, 3.0, 2)
    assert_agree(run(built(network, NUMPY), network, (300,)), run(native.build(network), network, (300,)))


def test_network_without_neurons_only_emits():
    network = network_of(spike_array(0, 3, 20), poisson(2, 500.0))
    assert_agree(run(built(network, CPP), network), run(native.build(network), network))


def test_projection_between_several_populations_is_split():
    network = network_of(
        spike_array(1, 5, size=3, index=1), *(neurons(model, 3) for model in ("IF_curr_exp", "IF_curr_alpha"))
    )
    add_pairs(network, 0, 1, [0, 1, 1], [0, 0, 2], 0.4, np.array([3, 4, 5], np.int32))
    projection = network.projections[0]
    projection.targets = np.array([3, 3, 8], np.int32)
    assert_agree(run(built(network, NUMPY), network), run(native.build(network), network))


def test_unknown_options_are_refused():
    network = one_synapse("IF_curr_exp")
    with pytest.raises(InvalidInputError, match=r"codegen='fortran'.*cpp_standalone, cython, numpy"):
        built(network, "fortran")
    with pytest.raises(UnknownTargetError, match="hop_ns"):
        brian2.build(network, Options(overrides={"hop_ns": 5}))


def test_without_a_compiler_the_default_is_numpy_and_asking_for_one_says_so(monkeypatch):
    monkeypatch.setattr(compiler, "find_compiler", lambda: None)
    monkeypatch.setattr(codegen, "cython_works", lambda: False)
    network = one_synapse("IF_curr_exp")
    assert_agree(run(brian2.build(network), network), run(native.build(network), network))
    for kind in (CPP, "cython"):
        with pytest.raises(BackendError, match=f"codegen='{kind}'.*compil"):
            built(network, kind)


def test_missing_brian2_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise codegen.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(codegen.importlib.metadata, "version", missing)
    with pytest.raises(MissingDependencyError, match="pip install"):
        brian2.build(one_synapse("IF_curr_exp"))
