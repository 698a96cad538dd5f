"""Energy by population and by core, from the run to the page and back from the run folder."""

import math

import pandas as pd
import pytest

import pycosim
from pycosim.errors import InvalidInputError
from pycosim.report.page import page
from pycosim.results.folder import load
from pycosim.testing.networks import balanced_network


def script():
    import pycosim.native as sim

    balanced_network(sim, 60.0)


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    return pycosim.compare(script, ["native", "dynapse", "loihi"], output=tmp_path_factory.mktemp("runs"))


def test_populations_and_cores_are_data_frames_whose_sums_are_the_total(comparison):
    _, dynapse, loihi = comparison.results
    for result in (dynapse, loihi):
        known = sum(energy for energy in result.hardware.energy_j.values() if energy is not None)
        by_population = result.population_energy()
        assert list(by_population.index)[:3] == ["exc", "inh", "noise"]
        # Rounding of sums in double precision.
        assert by_population["total"].sum() == pytest.approx(known, rel=1e-9)
        assert result.hardware.core_energy()["total"].sum() == pytest.approx(known, rel=1e-9)
    assert math.isnan(dynapse.population_energy().loc["static", "total"])
    assert loihi.population_energy().loc["static", "total"] == loihi.hardware.energy_j["static"]


def test_totals_of_places_have_ranges_where_constants_are_uncertain(comparison):
    _, dynapse, loihi = comparison.results
    for frame in (dynapse.population_energy(), dynapse.hardware.core_energy()):
        frame = frame.dropna(subset="total")
        assert (frame["total"] > 0).all()
        # All of DYNAP-SE's known energies are recalled, that is right within a factor of 1.25.
        assert (frame["low"] * 1.25).tolist() == pytest.approx(frame["total"].tolist())
        assert (frame["high"] / 1.25).tolist() == pytest.approx(frame["total"].tolist())
    known = loihi.hardware.core_energy()
    assert (known["low"] == known["total"]).all()
    assert known["spikes"].isna().all()
    assert "static" not in loihi.hardware.core_energy(static=False)


def test_places_whose_energy_is_unknown_are_shown_as_unknown_and_never_as_0(tmp_path):
    comparison = pycosim.compare(script, ["native", "ranc", "brainscales2"], output=tmp_path)
    _, ranc, brainscales2 = comparison.results
    for frame in (ranc.population_energy(), ranc.hardware.core_energy()):
        assert len(frame)
        assert frame.isna().all(axis=None)
    # Of BrainScaleS-2 the power of the whole chip is known, and nothing that spikes cost.
    populations = brainscales2.population_energy()
    assert populations.drop(index="static")["total"].isna().all()
    assert populations.loc["static", "low"] < populations.loc["static", "total"]
    cores = brainscales2.hardware.core_energy()
    assert cores["total"].sum() == pytest.approx(brainscales2.hardware.energy_j["static"])
    text = page(comparison)
    places = text[text.index("<h3>Energy by population</h3>") :].split("</table>")[:2]
    for table in places:
        assert "<td>unknown</td>" in table
        assert ">0 J<" not in table


def test_a_population_called_static_keeps_its_energy(comparison):
    hardware = comparison.results[2].hardware
    named = hardware.population_energy(["static", "inh", "noise"])
    assert named.index.tolist() == ["static", "inh", "noise", "static"]
    assert named["total"].tolist() == comparison.results[2].population_energy()["total"].tolist()


def test_software_has_no_energy(comparison):
    with pytest.raises(InvalidInputError, match="native is not a chip"):
        comparison.results[0].population_energy()


def test_the_page_has_energies_of_populations_and_cores_and_ranges(comparison):
    text = page(comparison)
    assert text.count("<h3>Energy by population</h3>") == 2
    assert "<th scope='row'>noise</th>" in text
    assert "<th scope='row'>core 0</th>" in text
    row = comparison.table.set_index("target").loc["dynapse"]
    assert row["energy_low_j"] == pytest.approx(row["energy_j"] / 1.25)
    assert row["energy_high_j"] == pytest.approx(row["energy_j"] * 1.25)
    assert "recalled (1.25)" in text


def test_energies_of_places_and_ranges_are_read_back_from_the_run_folder(comparison):
    for first, second in zip(comparison.results[1:], load(comparison.folder).results[1:], strict=True):
        pd.testing.assert_frame_equal(first.population_energy(), second.population_energy())
        pd.testing.assert_frame_equal(first.hardware.core_energy(), second.hardware.core_energy())
        assert first.hardware.energy_range_j == second.hardware.energy_range_j
