"""What users give to chips besides a description: values in brackets, options, mappings."""

import re
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim import memory
from pycosim.backends.base import Options
from pycosim.backends.native.simulation import MAX_THREADS, NativeSimulation
from pycosim.errors import (
    ChipDescriptionError,
    DoesNotFitError,
    InvalidInputError,
    NotEnoughMemoryError,
    PycosimError,
)
from pycosim.hwmodels.description import field_kinds
from pycosim.hwmodels.load import chips, load
from pycosim.hwmodels.simulation import build
from pycosim.targets import TargetSpec
from pycosim.units import period_ps

from .chip_networks import random_network, run_chip

CHIPS = sorted(chips())
TEXTS = (
    *(
        "",
        "nan",
        "inf",
        "-1",
        "0",
        "1",
        "3",
        "2.5",
        "1e3",
        "1e300",
        "1" + 30 * "0",
        "abc",
        "true",
        "[]",
        "{}",
    ),
    *("-5us", "5us", "1 ps", "100 s", "5 V", "7 mW", "9 pJ", "8x4", "0x0", "65536x65536", "٣", "5 ns]"),
    *("none", "tree", "mesh", "torus", "hexagon", "hierarchy", "free", "tick", "barrier", "timer", "loihi"),
)
OBJECTS = (
    None,
    True,
    3,
    -1,
    10**400,
    1.5,
    np.nan,
    np.int64(3),
    np.float32(2.5),
    b"5 ns",
    [1],
    (2, 3),
    {},
    {"value": 3},
)


def small_network():
    return random_network(n=12, n_sources=4, fan_in=4)


def require_names(error):
    """Fail unless each problem begins with the name of a value."""
    title, *problems = str(error).splitlines()
    if not title.startswith("The values set for") or not problems:
        pytest.fail(str(error))
    if not all(re.match(r"  - [a-z_]+\.[a-z_]+", problem) for problem in problems):
        pytest.fail(str(error))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(CHIPS), st.sampled_from(sorted(field_kinds())), st.sampled_from(TEXTS))
def test_a_value_in_brackets_is_refused_by_its_name_or_runs(chip, path, text):
    spec = TargetSpec.parse(f"{chip}[{path}={text}]")
    try:
        simulation = build(spec.name, small_network(), spec.merged({"timing": "closed"}))
    except (DoesNotFitError, NotEnoughMemoryError):
        return
    except ChipDescriptionError as error:
        require_names(error)
        return
    simulation.advance(5)
    assert simulation.hardware.sent >= 0


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(CHIPS), st.sampled_from(sorted(field_kinds())), st.sampled_from(OBJECTS))
def test_a_value_from_python_is_taken_or_refused_by_its_name(chip, path, value):
    try:
        load(chip, {path: value})
    except ChipDescriptionError as error:
        require_names(error)


def test_numbers_are_numbers_however_they_are_given():
    given = {
        "capacity.reach": "1e2",
        "noc.slowdown": np.int64(3),
        "noc.hop_x": np.float64(150),
        "chip.notes": "mine",
    }
    description = load("loihi", given).description
    assert (description.capacity.reach.value, description.noc.slowdown) == (100, 3)
    assert (description.noc.hop_x.value, description.chip.notes) == (150_000, ("mine",))


@pytest.mark.parametrize(
    ("chip", "values", "message"),
    [
        ("spinnaker", {"chip.neurons": "abc"}, "there is no chip called 'abc'; those that have neurons are"),
        ("loihi", {"capacity.reach": "nan"}, "capacity.reach.value: must be a valid integer"),
        ("loihi", {"noc.slowdown": "-1"}, r"noc.slowdown: must be greater than or equal to 1 \(given: -1\)"),
        ("loihi", {"energy.spike": "5 us"}, "is not an energy: the unit must be one of"),
        (
            "loihi",
            {"noc.cores_per_router": "60x1"},
            "cores_per_router: .* takes 59 cores at most with .* mesh",
        ),
        ("spinnaker", {"noc.cores_per_router": "58x1"}, "takes 57 cores at most with topology = hexagon"),
        ("dynapse", {"noc.cores_per_router": "8x8"}, "takes 62 cores at most with topology = hierarchy"),
        ("dynapse", {"energy.neuron_update": 3}, "covered: names 'neuron_update', .*: remove one of the two"),
    ],
)
def test_a_value_that_was_taken_or_crashed_is_refused(chip, values, message):
    with pytest.raises(ChipDescriptionError, match=message):
        load(chip, values)


@pytest.mark.parametrize(
    ("topology", "cores"), [("mesh", 59), ("torus", 55), ("hexagon", 57), ("hierarchy", 62)]
)
def test_as_many_cores_as_a_router_has_ports_for_can_be_simulated(topology, cores):
    chip = {"hierarchy": "dynapse", "hexagon": "spinnaker"}.get(topology, "loihi")
    values = {"noc.topology": topology, "noc.cores_per_router": f"{cores}x1"}
    assert run_chip(chip, small_network(), 3, values=values)[1].sent >= 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loihi[noc.hop_x=4 ns,noc.hop_x=5 ns]", "option 'noc.hop_x' is given twice"),
        ("loihi[noc.hop_x=5 ns", "closing bracket is missing"),
        ("loihi[threads=100000]", f"1 to {MAX_THREADS} threads"),
        ("loihi[speedup=1e-300]", "a step of 1 ms would take more than 3600 s; the smallest speed-up is 2.7"),
        ("spinnaker[speedup=1e-9]", "the smallest speed-up is"),
    ],
)
def test_options_in_brackets_that_cannot_be_meant_are_refused(text, message):
    def run():
        spec = TargetSpec.parse(text)
        build(spec.name, small_network(), spec.merged({"timing": "closed"}))

    with pytest.raises(InvalidInputError, match=message):
        run()


def test_hardware_time_ends_where_64_bits_do():
    assert period_ps(1.0, 1e-6) == 1e15
    simulation = build("dynapse", small_network(), Options(timing="closed", speedup=1e-6))
    simulation.advance(100)
    with pytest.raises(InvalidInputError, match=r"Advancing to step .*: hardware time.* larger speedup"):
        simulation.advance(10_000)
    assert 4_000 < simulation.step < 4_612  # 2^62 ps
    assert simulation.hardware.packets.emission_ps.min() >= 0


def test_a_number_of_threads_is_in_range():
    network = small_network()
    for n in (MAX_THREADS + 1, 0):
        with pytest.raises(InvalidInputError, match=f"it must be 1 to {MAX_THREADS} threads"):
            NativeSimulation(network, threads=n)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize(
    "mapping",
    [
        [[0], [1, 2]],
        {0: [[1], [2, 3]]},
        {0: None},
        None,
        3,
        [None] * 16,
        [0.5] * 16,
        [True] * 16,
        ["0"] * 16,
        {},
        set(),
    ],
    ids=str,
)
def test_a_mapping_that_is_none_is_refused_with_its_form(chip, mapping):
    with pytest.raises(InvalidInputError, match="mapping"):
        build(chip, small_network(), Options(mapping=mapping))


def test_delays_below_the_shortest_of_a_chip_are_refused():
    network = random_network(n=12, n_sources=4, fan_in=4, delays=(2, 5))
    values = {"capacity.delay_min": 3}
    with pytest.raises(
        DoesNotFitError,
        match=r"shortest delay in steps: needs 2, the least is 3 \(missed by 1, .*at least 3 steps",
    ):
        build("loihi", network, Options(overrides=values))
    longer = random_network(n=12, n_sources=4, fan_in=4, delays=(3, 5))
    assert build("loihi", longer, Options(overrides=values)).hardware.sent == 0


def test_a_network_on_chip_larger_than_memory_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr(memory, "_limit_bytes", 10e9)
    values = {"noc.shape": "8192x8192", "noc.cores_per_router": "1x1"}
    with pytest.raises(
        NotEnoughMemoryError, match=r"67,108,864 routers .* GB of memory; .* smaller noc.shape"
    ):
        run_chip("loihi", small_network(), 1, values=values)


def test_values_without_effect_are_named_in_the_record():
    values = {"noc.trunk": "10 ns", "noc.chip_hop": "10 ns", "noc.hop_x": "20 ns"}
    _, record = run_chip("loihi", small_network(), 3, values=values)
    assert "Without effect, as there are no such links: noc.trunk, noc.chip_hop." in record.notes
    _, record = run_chip("loihi", small_network(), 3, values={"noc.hop_x": "20 ns"})
    assert not any("Without effect" in note for note in record.notes)


def test_the_file_of_a_chip_is_that_chip_and_one_of_its_name_is_not(tmp_path):
    own = tmp_path / "loihi.toml"
    shutil.copy(chips()["loihi"], own)
    assert type(load(chips()["loihi"])) is type(load("loihi"))
    copied = load(own)
    assert (copied.name, type(copied).__name__) == ("loihi.toml", "ChipModel")
    with pytest.raises(PycosimError, match=r"arithmetic of Intel Loihi .* is not modelled"):
        copied.translate(small_network())


def test_weights_wider_than_loihis_mantissas_are_refused_in_its_arithmetic():
    with pytest.raises(ChipDescriptionError, match=r"weight_bits of loihi is 9: .* must be 1 to 8"):
        build(
            "loihi", small_network(), Options(arithmetic="chip", overrides={"synapse_memory.weight_bits": 9})
        )
