"""A description that names another chip has its neurons and arithmetic."""

from pathlib import Path

import numpy as np
import pytest

import pycosim.loihi2 as loihi2
from pycosim.backends.base import Options
from pycosim.errors import ChipDescriptionError, NotSupportedError
from pycosim.hwmodels.load import chips, load
from pycosim.hwmodels.simulation import build
from pycosim.loihi import CUBA

from .chip_networks import random_network, run_chip, spikes_of


def in_integers(chip):
    network = random_network(n=40, seed=3)
    simulation = build(chip, network, Options(arithmetic="chip", timing="ideal"))
    simulation.advance(200)
    return spikes_of(simulation, network), simulation.hardware


def own_description(folder, neurons):
    """Return the path of a user's description: Loihi 2's with other neurons."""
    text = chips()["loihi2"].read_text(encoding="utf-8")
    assert 'neurons = "loihi"' in text
    path = Path(folder, "mine.toml")
    path.write_text(text.replace('neurons = "loihi"', f'neurons = "{neurons}"'), encoding="utf-8")
    return path


def test_loihi_2_and_a_users_description_compute_in_loihis_integers(tmp_path):
    expected, hardware = in_integers("loihi")
    assert len(expected[0]) > 100
    assert hardware.roundings
    for chip in ("loihi2", own_description(tmp_path, "loihi")):
        spikes, record = in_integers(chip)
        np.testing.assert_array_equal(spikes, expected)
        assert len(record.roundings) == len(hardware.roundings)


def test_a_borrowed_neuron_is_the_lenders_cell_type():
    assert loihi2.CUBA is CUBA or loihi2.CUBA.model == CUBA.model
    assert load("loihi2").neurons_of == "loihi"


def test_a_payload_takes_a_second_flit_on_every_link_and_changes_no_spike():
    network = random_network(n=40, seed=3)
    cores = np.append(np.arange(40) % 12 * 4, np.zeros(20, int))
    plain, without = run_chip("loihi2", network, 100, mapping=cores)
    graded, with_payload = run_chip("loihi2", network, 100, mapping=cores, values={"constants": "graded"})
    np.testing.assert_array_equal(graded, plain)
    assert without.links.flits.sum() > 0
    np.testing.assert_array_equal(with_payload.links.flits, 2 * without.links.flits)
    assert with_payload.energy_j["hops"] == pytest.approx(2 * without.energy_j["hops"])
    assert with_payload.packets.latency_ps.mean() > without.packets.latency_ps.mean()
    assert any("payload of 32 bits" in note for note in with_payload.notes)


def test_a_description_that_names_no_chip_is_refused_at_its_line(tmp_path):
    path = own_description(tmp_path, "loihi3")
    with pytest.raises(
        ChipDescriptionError, match=r"line \d+: chip.neurons: there is no chip called 'loihi3'"
    ):
        load(path)


def test_ranc_says_why_it_takes_no_cell_of_pynn():
    with pytest.raises(NotSupportedError, match=r"9 bits and wraps around .* Write .*RANCNeuron"):
        run_chip("ranc", random_network(), 1, arithmetic="chip")
