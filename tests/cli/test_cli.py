"""The commands as a user types them."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import pyNN.nest as sim
sim.setup(timestep=0.1)
cells = sim.Population(3, sim.IF_curr_exp(i_offset=1.0, tau_refrac=2.0), label="cells")
cells.record("spikes")
sim.run(50.0)
"""


@pytest.fixture
def pycosim(tmp_path):
    (tmp_path / "net.py").write_text(SCRIPT)

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pycosim", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )

    command.folder = tmp_path
    return command


def test_help_names_the_commands_and_imports_no_simulator(tmp_path):
    code = "import sys, pycosim.cli.main; print({'numpy', 'neo', 'brian2'} & set(sys.modules))"
    # A checkout shadows an installed pycosim, so this must not run in the repository.
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_run_prints_what_it_came_to(pycosim):
    done = pycosim("run", "net.py", "--on", "reference", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["neurons"], facts["spikes"], facts["duration_ms"]) == (3, 3, 50.0)


def test_run_passes_arguments_to_the_script(pycosim):
    (pycosim.folder / "echo.py").write_text("import sys; print(sys.argv[1:])\n" + SCRIPT)
    done = pycosim("run", "echo.py", "--on", "reference", "CUBA", "--plot")
    assert "['CUBA', '--plot']" in done.stdout
    assert done.returncode == 0


def test_targets_lists_backends_and_chips(pycosim):
    rows = {row["name"]: row["kind"] for row in json.loads(pycosim("targets", "--json").stdout)}
    assert (
        rows.items()
        >= {"native": "software", "brian2": "software", "loihi": "chip", "dynapse": "chip"}.items()
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "net.py", "--on", "nest"), "not known"),
        (("run", "none.py", "--on", "reference"), "no such script"),
        (("run", "net.py", "--on", "native[threads=0]"), "greater than 0"),
        (("compare", "net.py", "--on", "native,nest"), "not known"),
        (("compare", "net.py", "--on", "loihi[noc.hop_q=5]"), "noc.hop_q"),
    ],
)
def test_bad_input_is_one_message_and_a_failing_status(pycosim, arguments, said):
    done = pycosim(*arguments)
    assert done.returncode != 0
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_failing_script_is_one_message_and_a_failing_status(pycosim):
    (pycosim.folder / "bad.py").write_text(SCRIPT + "1 / 0\n")
    done = pycosim("run", "bad.py", "--on", "reference")
    assert done.returncode == 2
    assert "line 7: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_writes_a_folder_with_a_page_and_reports_the_target_that_fails(pycosim):
    (pycosim.folder / "big.py").write_text(SCRIPT.replace("Population(3", "Population(5000"))
    done = pycosim("compare", "big.py", "--on", "native,reference,dynapse", "--output", "runs")
    assert done.returncode == 1
    assert "neurons" in done.stdout
    assert "Traceback" not in done.stderr
    (page,) = (pycosim.folder / "runs").glob("*/report.html")
    text = page.read_text()
    assert "does not fit" in text
    assert "reference" in text
