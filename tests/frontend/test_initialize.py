"""initialize() before and after run()."""

import numpy as np
import pytest

import pycosim


def network(sim, found):
    sim.setup(timestep=0.1)
    cells = sim.Population(2, sim.IF_curr_exp(tau_m=10.0), initial_values={"v": -62.0})
    cells.record("v")
    sim.run(5.0)
    cells[1:].initialize(v=-55.0)
    sim.run(5.0)
    sim.reset()
    sim.run(1.0)
    found.extend(np.asarray(segment.filter(name="v")[0]) for segment in cells.get_data().segments)


@pytest.mark.parametrize("target", ["native", "reference", "brian2[codegen=numpy]", "loihi"])
def test_initialize_after_run_sets_the_present_value_and_that_of_the_next_reset(target):
    found = []
    result = pycosim.run(lambda sim: network(sim, found), target)
    assert result.error is None, result.error
    first, second = found
    times_ms = 0.1 * np.arange(101)
    np.testing.assert_allclose(first[:, 0], -65 + 3 * np.exp(-times_ms / 10), rtol=0, atol=1e-9)
    np.testing.assert_allclose(first[:51, 1], first[:51, 0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(first[51:, 1], -65 + 10 * np.exp(-times_ms[1:51] / 10), rtol=0, atol=1e-9)
    assert second[0].tolist() == [-62.0, -55.0]
