"""Unmodified scripts run on the chosen target, and what goes wrong is told in one message."""

import sys

import numpy as np
import pytest

from pycosim.errors import InvalidInputError, NotSupportedError, ScriptError, UnknownTargetError
from pycosim.redirect import as_simulator
from pycosim.runner import run, run_to_compare
from pycosim.targets import TargetSpec, split_targets

BODY = """
sim.setup(timestep=0.1)
cells = sim.Population(3, sim.IF_curr_exp(i_offset=1.0, tau_refrac=2.0), label="cells")
cells.record("spikes")
sim.run(50.0)
print(cells.mean_spike_count())
sim.end()
"""

IMPORTS = {
    "nest": "import pyNN.nest as sim",
    "from": "from pyNN import neuron as sim",
    "spinnaker": "import pyNN.spiNNaker as sim",
    "carlsim": "import pyNN.carlsim as sim",
    "genn": "import pynn_genn as sim",
    "spynnaker8": "import spynnaker8 as sim",
    "brainscales": "import pynn_brainscales.brainscales2 as sim",
    "own": "import pycosim.loihi as sim",
    "importlib": "import importlib; sim = importlib.import_module('pyNN.brian2')",
    "get_simulator": "from pyNN.utility import get_simulator; sim, options = get_simulator()",
    "exec": (
        "from types import SimpleNamespace; names = {}; exec('from pyNN.nest import *', names)\n"
        "sim = SimpleNamespace(**names)"
    ),
}


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("form", IMPORTS)
def test_every_way_of_importing_a_simulator_leads_to_the_target(script, form):
    result = run(script(IMPORTS[form] + BODY), "reference", quiet=True)
    assert result.error is None
    assert result.log == "1.0\n"
    assert len(result.spike_steps) == 3
    assert result.blocks["cells"].annotations["simulator"] == "pycosim"


def test_simulators_imported_before_are_back_afterwards():
    import pyNN
    import pyNN.mock as mock

    with as_simulator("reference") as sim:
        import pyNN.mock as redirected

        assert redirected is not mock
        assert redirected.Population is sim.Population
    assert sys.modules["pyNN.mock"] is mock
    assert pyNN.mock is mock


def test_get_simulator_passes_on_the_scripts_own_arguments(script):
    text = (
        "from pyNN.utility import get_simulator\n"
        "sim, options = get_simulator(('size', 'number of cells', {'type': int}),"
        " ('--twice', '', {'action': 'store_true'}))\n"
        "sim.setup()\n"
        "sim.Population(options.size * (2 if options.twice else 1), sim.IF_curr_exp())\n"
        "sim.run(1.0)\n"
    )
    for arguments in (["5", "--twice"], ["nest", "5", "--twice"]):
        result = run(script(text), "reference", arguments=arguments)
        assert len(result.neurons()) == 10
    assert "arguments do not fit" in str(run(script(text), "reference").error)


def test_get_script_args_works_with_and_without_the_simulators_name(script):
    text = "from pyNN.utility import get_script_args\nname = get_script_args(1)[0]\n" + (
        "exec('from pyNN.%s import *' % name)\nsetup()\nPopulation(1, IF_curr_exp())\nrun(1.0)\n"
    )
    for arguments in ([], ["nest"]):
        assert run(script(text), "reference", arguments=arguments).error is None


def test_options_after_the_targets_name_win_over_those_of_the_script(script):
    text = (
        "import pyNN.nest as sim\nsim.setup(threads=1)\nsim.Population(1, sim.IF_curr_exp())\nsim.run(1.0)\n"
    )
    assert run(script(text), "native[threads=2]").options["threads"] == 2


def test_options_that_have_no_meaning_on_a_target_are_noted_or_refused(script):
    text = "import pyNN.nest as sim\nsim.setup()\nsim.Population(1, sim.IF_curr_exp())\nsim.run(1.0)\n"
    result = run(script(text), "native", options={"speedup": 2.0, "noc.hop_x": "50 ns"})
    assert result.error is None
    assert any("noc.hop_x, speedup" in note for note in result.notes)
    with pytest.raises(InvalidInputError, match="native has no option timing; it takes: threads"):
        TargetSpec.parse("native[timing=trace]")


def test_a_function_is_called_with_the_simulator_and_its_parameters():
    def model(sim, size=1):
        sim.setup()
        sim.Population(size, sim.IF_curr_exp())
        sim.run(1.0)

    assert len(run(model, "reference", parameters={"size": 7}).neurons()) == 7


def test_all_spikes_are_kept_through_clear_and_reset(script):
    text = (
        "import pyNN.nest as sim\nsim.setup(timestep=0.1)\n"
        "a = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0, 4.0]), label='a')\n"
        "a.record('spikes')\nsim.run(2.0)\na.get_data(clear=True)\nsim.run(3.0)\nsim.reset()\nsim.run(2.0)\n"
    )
    result = run(script(text), "reference")
    np.testing.assert_array_equal(result.spike_steps, [10, 10, 40, 40, 60, 60])
    np.testing.assert_array_equal(result.spike_neurons, [0, 1, 0, 1, 0, 1])
    assert result.duration_ms == 7.0


def test_a_script_that_fails_is_reported_with_its_line_and_keeps_what_was_computed(script):
    result = run(script("import pyNN.nest as sim" + BODY + "1 / 0\n"), "reference", quiet=True)
    assert isinstance(result.error, ScriptError)
    assert "line 8" in str(result.error)
    assert "ZeroDivisionError" in str(result.error)
    assert len(result.spike_steps) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys\nsys.exit(3)\n", "exit status 3"),
        ("import pyNN.nest as sim\nsim.setup()\nsim.run(1.0)\n", "empty network"),
    ],
)
def test_a_script_that_does_not_simulate_says_so(script, text, said):
    assert said in str(run(script(text), "reference").error)


def test_a_script_that_only_builds_is_noted_and_cannot_be_compared(script):
    path = script("import pyNN.nest as sim\nsim.setup()\nsim.Population(2, sim.IF_curr_exp())\n")
    result = run(path, "reference")
    assert result.error is None
    assert "without a call of run" in result.notes[0]
    assert "nothing to compare" in str(run_to_compare(path, "reference").error)


def test_what_is_not_supported_is_named(script):
    result = run(script("import pyNN.nest as sim\nsim.setup()\nsim.MultiCompartmentNeuron()\n"), "reference")
    assert isinstance(result.error, NotSupportedError)
    assert "MultiCompartmentNeuron" in str(result.error)


def test_notes_hold_what_was_done_differently(script):
    text = "import pyNN.nest as sim\nsim.setup(verbosity=3)\n"
    text += "sim.Population(1, sim.IF_curr_exp())\nsim.run(1.0)\n"
    assert any("verbosity" in note for note in run(script(text), "reference").notes)


def test_unknown_targets_are_refused_with_the_nearest_name():
    with pytest.raises(UnknownTargetError, match="Did you mean 'native'"):
        TargetSpec.parse("nativ")
    with pytest.raises(UnknownTargetError, match="no such chip description"):
        TargetSpec.parse("./none.toml")


@pytest.mark.parametrize(
    "text", ["native[threads=2", "native[threads]", "native[threads=two]", "loihi[timing=late]"]
)
def test_malformed_options_are_refused(text):
    with pytest.raises(InvalidInputError):
        TargetSpec.parse(text)


def test_a_missing_script_is_refused():
    with pytest.raises(InvalidInputError, match="no such script"):
        run("no_script.py", "reference")


def test_target_lists_are_split_outside_brackets():
    assert split_targets("native, loihi[a=1,b=2],dynapse") == ["native", "loihi[a=1,b=2]", "dynapse"]
