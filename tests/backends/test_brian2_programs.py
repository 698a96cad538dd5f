"""Compiled programs of the Brian2 backend: progress, failures, and where they are kept."""

import io
import logging
import os
import sys
import tempfile
from pathlib import Path

import pytest

from pycosim.backends import native
from pycosim.backends.brian2 import cache
from pycosim.errors import BackendError

from .backend_networks import network_of, neurons, one_synapse, recorded
from .test_brian2 import CPP, NUMPY, assert_agree, built, cache_folder, compilations, run

__all__ = ["cache_folder", "compilations"]


class Terminal(io.StringIO):
    """A standard error that is one, or is not."""

    def __init__(self, is_terminal):
        super().__init__()
        self.isatty = lambda: is_terminal


def test_second_run_of_an_unchanged_model_compiles_nothing(compilations):
    network = one_synapse("IF_curr_exp")
    run(built(network, CPP), network, (10,))
    n_first = len(compilations)
    assert n_first <= 1
    run(built(network, CPP), network, (10, 20))
    run(built(one_synapse("IF_curr_exp", delay=3, tau_m=11.0), CPP), network, (10,))
    assert len(compilations) == n_first


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_is_being_compiled_is_shown_in_a_terminal_only(tmp_path, monkeypatch, is_terminal):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("CXX", script(tmp_path / "cxx", "exit 1"))
    monkeypatch.setattr("sys.stderr", Terminal(is_terminal))
    simulation = built(one_synapse("IF_curr_exp"), CPP)
    with pytest.raises(BackendError):
        simulation.advance(1)
    simulation.close()
    shown = sys.stderr.getvalue()
    assert "compiling the program with" in shown if is_terminal else shown == ""


def test_generating_code_is_shown_without_a_compiled_program_and_counts_as_preparation(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr", Terminal(True))
    simulation = built(one_synapse("IF_curr_exp"), NUMPY)
    simulation.advance(1)
    assert "generating NumPy code" in sys.stderr.getvalue()
    prepared, shown = simulation.preparation_s, sys.stderr.getvalue()
    assert prepared > 0
    simulation.advance(1)
    assert (simulation.preparation_s, sys.stderr.getvalue()) == (prepared, shown)
    simulation.close()


def test_a_compiler_in_cxx_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler -O1")
    with pytest.raises(BackendError, match=r"CXX names the compiler 'no-such-compiler'.*unset it"):
        built(one_synapse("IF_curr_exp"), CPP)


def test_compiled_program_reports_progress_while_it_runs():
    network = one_synapse("IF_curr_exp")
    simulation = built(network, CPP)
    done = []
    simulation.advance(1000, done.append)
    assert sum(done) == simulation.step == 1000
    assert len(done) == 50
    simulation.close()


def test_nothing_is_left_behind_but_the_program_in_the_cache(tmp_path, monkeypatch, cache_folder):
    monkeypatch.chdir(tmp_path)
    private = tmp_path / "temporary"
    private.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    network = one_synapse("IF_curr_exp")
    simulation = built(network, CPP)
    simulation.advance(10)
    assert len(list(private.glob("pycosim_brian2_*"))) == 1
    simulation.close()
    assert list(private.iterdir()) == []
    assert list(tmp_path.iterdir()) == [private]
    programs = list((cache_folder / "brian2").iterdir())
    assert programs
    assert all((program / "main").is_file() for program in programs)


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_failing_compiler_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", script(tmp_path / "cxx", "echo 'fatal: no space left'; exit 1"))
    simulation = built(one_synapse("IF_curr_exp"), CPP)
    with pytest.raises(BackendError, match=r"(?s)compiling.*no space left"):
        simulation.advance(1)
    assert simulation.step == 0
    simulation.close()


def test_failing_program_is_quoted_and_leaves_the_state_of_before(monkeypatch, tmp_path):
    network = one_synapse("IF_curr_exp", i_offset=1.0)
    simulation = built(network, CPP)
    simulation.advance(100)
    (plan,) = simulation._engine._programs
    program = simulation._engine._programs[plan]
    broken = tmp_path / "broken"
    (broken / "static_arrays").mkdir(parents=True)
    script(broken / "main", "echo 'steps 2'; echo 'out of memory' >&2; exit 9")
    simulation._engine._programs[plan] = broken
    with pytest.raises(BackendError, match=r"(?s)status 9 after 2 of 400.*out of memory"):
        simulation.advance(400)
    simulation._engine._programs[plan] = program
    simulation.advance(400)
    assert_agree(recorded(simulation, network), run(native.build(network), network, (500,)))
    simulation.close()


def test_unwritable_cache_is_replaced_by_a_temporary_one(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("PYCOSIM_CACHE_DIR", str(blocked / "below"))
    folder = cache.cache_folder()
    assert folder.is_dir()
    assert blocked not in folder.parents


def test_old_programs_are_dropped_from_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PYCOSIM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "MAX_PROGRAMS", 2)
    build = tmp_path / "build"
    build.mkdir()
    (build / "main").write_text("")
    for age, key in enumerate("abc"):
        folder = cache.store(key, build)
        os.utime(folder, (1000 + age, 1000 + age))
    assert cache.find("b")
    cache.store("d", build)
    assert [key for key in "abcd" if cache.find(key)] == ["b", "d"]


def test_compilation_is_logged(caplog, monkeypatch, tmp_path):
    monkeypatch.setenv("PYCOSIM_CACHE_DIR", str(tmp_path))
    with caplog.at_level(logging.INFO, "pycosim"):
        network = network_of(neurons("IF_curr_delta"))
        run(built(network, CPP), network)
    assert any("compiled in" in record.message for record in caplog.records)
    assert Path(tmp_path, "brian2").is_dir()
