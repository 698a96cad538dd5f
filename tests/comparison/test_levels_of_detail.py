"""Runs at several levels of detail of the network-on-chip."""

import numpy as np
import pytest

import pycosim
from pycosim.comparison import compare_levels
from pycosim.comparison.levels import LEVELS, levels_table
from pycosim.errors import InvalidInputError


def net(sim, slowdown=1):
    sim.setup(timestep=1.0, seed=3, chip={"noc.slowdown": slowdown, "mapping.neurons_per_core": 2})
    sources = sim.Population(30, sim.SpikeSourcePoisson(rate=80.0))
    cells = sim.Population(60, sim.IF_curr_exp())
    sim.Projection(
        sources, cells, sim.FixedProbabilityConnector(0.3), sim.StaticSynapse(weight=2.0, delay=2.0)
    )
    sim.Projection(cells, cells, sim.FixedProbabilityConnector(0.2), sim.StaticSynapse(weight=0.2, delay=2.0))
    cells.record("spikes")
    sim.run(60.0)


@pytest.fixture(scope="module")
def table():
    return compare_levels(net, "loihi")


def test_the_same_packets_are_carried_at_each_level(table):
    assert table.index.tolist() == ["cycle", "queue", "analytic"]
    assert table["packets"].nunique() == 1
    assert table["packets"].iloc[0] > 1000


def test_errors_are_zero_for_the_reference_and_grow_with_less_detail(table):
    reference, queue, analytic = (table.loc[level] for level in table.index)
    errors = ["mean_error_us", "p95_error_us", "worst_error_us"]
    assert (reference[errors] == 0).all()
    assert abs(queue["error_of_mean_percent"]) < 1 < -analytic["error_of_mean_percent"]
    assert queue["mean_error_us"] < 0.2 * analytic["mean_error_us"]
    assert (analytic[errors] <= analytic["worst_error_us"]).all()
    assert np.isfinite(table[["cpu_s", "saved_percent"]].to_numpy()).all()


def test_time_saved_is_that_of_the_steps_and_not_of_building_for_the_first_time():
    results = [pycosim.run(net, f"loihi[timing=trace,detail={level}]", quiet=True) for level in LEVELS]
    for result in results:
        assert 0 < result.seconds["run_cpu"] < result.seconds["cpu"]
    for result, build_s, run_s in zip(results, (5.0, 0.1, 0.1), (2.0, 1.5, 0.5)):
        result.seconds |= {"cpu": build_s + run_s, "run_cpu": run_s}
    table = levels_table(results)
    assert table["cpu_s"].tolist() == [2.0, 1.5, 0.5]
    assert table["saved_percent"].tolist() == [0.0, 25.0, 75.0]


def test_the_level_is_an_option_of_a_run_and_in_the_record():
    by_target = pycosim.run(net, "loihi[detail=queue]", quiet=True)
    by_option = pycosim.run(net, "loihi", options={"detail": "queue"}, quiet=True)
    for result in (by_target, by_option):
        assert result.hardware.options["detail"] == "queue"
        assert any("detail=queue" in note for note in result.hardware.notes)
    np.testing.assert_array_equal(
        by_target.hardware.packets.arrival_ps, by_option.hardware.packets.arrival_ps
    )


def test_levels_are_compared_on_chips_only():
    with pytest.raises(InvalidInputError, match="native: it has no network-on-chip"):
        compare_levels(net, "native")


def test_a_level_that_does_not_exist_is_refused():
    with pytest.raises(InvalidInputError, match="must be one of cycle, queue, analytic"):
        pycosim.run(net, "loihi[detail=exact]")


def test_nothing_to_compare_is_an_error():
    def silent(sim):
        sim.setup(timestep=1.0)
        sim.Population(2, sim.IF_curr_exp())
        sim.run(2.0)

    with pytest.raises(InvalidInputError, match="no packet arrived"):
        compare_levels(silent, "loihi")
