"""Cell types that are defined by Brian2 equations."""

import numpy as np
import pytest

import pycosim
from pycosim.backends.brian2.script import export_script
from pycosim.errors import BackendError, InvalidInputError, NotSupportedError

from .test_brian2_script import cache, run_script, spikes_of

__all__ = ["cache"]

LEAKY = """
dv/dt = (v_rest - v + resistance*(i_e + offset + injected))/(tau*ms) : 1 (unless refractory)
di_e/dt = -i_e/(tau_syn*ms) : 1
"""


def leaky(sim, **changed):
    """IF_curr_exp, integrated by Brian2."""
    parameters = dict(v_rest=-65.0, resistance=20.0, tau=20.0, tau_syn=5.0, offset=0.0, t_ref=2.0)
    definition = dict(
        threshold="v >= -50",
        reset="v = -65",
        refractory="t_ref",
        receptors={"excitatory": "i_e"},
        parameters=parameters,
        initial_values={"v": -65.0},
        name="Leaky",
    )
    return sim.EquationsCell(LEAKY, **definition | changed)


def network_with(sim, cell, record="v"):
    sim.setup(timestep=0.1)
    cells = sim.Population(6, cell, label="cells")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0, 20.0, 21.0]))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.5, delay=1.0))
    sim.DCSource(amplitude=0.3, start=30.0, stop=70.0).inject_into(cells)
    cells.record(["spikes", record])
    sim.run(100.0)
    return cells


OFFSETS = np.linspace(0.6, 1.4, 6)


def by_equations(sim):
    return network_with(sim, leaky(sim)(offset=OFFSETS))


def built_in(sim):
    return network_with(sim, sim.IF_curr_exp(i_offset=OFFSETS, tau_refrac=2.0, v_reset=-65.0))


def test_a_leaky_neuron_by_equations_fires_like_the_built_in_one(cache):
    found = pycosim.run(by_equations, "brian2", options={"codegen": "numpy"})
    expected = pycosim.run(built_in, "native")
    assert found.error is None
    assert len(expected.spike_steps) > 20
    # The integrator freezes the synaptic current at the beginning of a step: at most a step per interval.
    mine, other = (spikes_of(result, "cells") for result in (found, expected))
    for neuron in range(6):
        late = np.abs(mine[0][mine[1] == neuron] - other[0][other[1] == neuron])
        assert np.all(late <= 1 + np.arange(len(late)))
    v, v_expected = (r.blocks["cells"].segments[0].filter(name="v")[0].magnitude for r in (found, expected))
    assert np.median(np.abs(v - v_expected)) < 0.05


def test_a_cell_by_equations_runs_as_a_compiled_program_and_can_be_written_as_a_script(tmp_path, cache):
    compiled = pycosim.run(by_equations, "brian2")
    path = export_script(by_equations, tmp_path / "leaky.py", codegen="numpy")
    found, _ = run_script(path)
    steps, neurons = spikes_of(compiled, "cells")
    np.testing.assert_array_equal(found["cells_steps"], steps)
    np.testing.assert_array_equal(found["cells_neurons"], neurons)


@pytest.mark.parametrize("target", ["native", "reference", "loihi"])
def test_targets_without_equations_say_so(target):
    result = pycosim.run(by_equations, target)
    assert isinstance(result.error, NotSupportedError)
    assert f"'cells' has a cell type defined by Brian2 equations, which {target} does not run" in str(
        result.error
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"receptors": {"excitatory": "g"}}, "receptors end on g, which is no state variable; it has v, i_e"),
        ({"receptors": {"nmda": "i_e"}}, "no receptor nmda"),
        ({"initial_values": {"w": 1.0}}, "initial values name w"),
        ({"refractory": "t_refrac"}, "refractory='t_refrac' is no parameter"),
        ({"parameters": {"dt": 1.0}}, "dt mean something else"),
    ],
)
def test_definitions_that_do_not_fit_are_refused(changed, message):
    import pycosim.brian2 as sim

    with pytest.raises(InvalidInputError, match=message):
        leaky(sim, **{"refractory": 2.0} | changed)


@pytest.mark.parametrize(
    ("equations", "changed", "named"),
    [
        ("dv/dt = -v/(10*ms) + xi/sqrt(ms) : 1", {}, "xi"),
        ("dv/dt = -v/(10*ms) + xi_1/sqrt(ms) : 1", {}, "xi_1"),
        ("dv/dt = -v/(10*ms) : 1", {"reset": "v = randn ( )"}, r"randn\(\)"),
    ],
)
def test_random_numbers_that_the_seed_does_not_determine_are_refused_by_name(equations, changed, named):
    import pycosim.brian2 as sim

    with pytest.raises(InvalidInputError, match=rf"{named} are random numbers.*NoisyCurrentSource"):
        sim.EquationsCell(equations, threshold="v > 1", **changed)


def test_nonlinear_equations_are_integrated_by_runge_kutta_unless_another_method_is_named(cache):
    def logistic(sim, **method):
        sim.setup(timestep=0.1, codegen="numpy")
        cell = sim.EquationsCell(
            "dv/dt = v*(1 - v)*(2 + v)/(10*ms) : 1", threshold="v > 9", initial_values={"v": 0.1}, **method
        )
        cells = sim.Population(1, cell())
        cells.record("v")
        sim.run(10.0)
        return cells.get_data().segments[0].filter(name="v")[0].magnitude[-1, 0]

    import pycosim.brian2 as sim

    # Its solution: v**3 = k exp(6 t/10) (1 - v)**2 (2 + v), by separation of variables; k from v(0) = 0.1.
    def kept(v, t):
        return np.log(v**3 / ((1 - v) ** 2 * (2 + v))) - 6 * t / 10

    assert abs(kept(logistic(sim), 10.0) - kept(0.1, 0.0)) < 1e-6
    assert abs(kept(logistic(sim, method="euler"), 10.0) - kept(0.1, 0.0)) > 1e-3


@pytest.mark.parametrize(
    ("equations", "changed", "message"),
    [
        ("dv/dt = -v**3/ms : 1", {"method": "exact"}, "could not be separated into linear components"),
        ("dv/dt = -(v - E)/ms : 1", {}, r"'cells_0': KeyError.*\"E\" could not be resolved"),
    ],
)
def test_what_brian2_says_of_wrong_equations_is_told_without_what_it_is_not_about(
    equations, changed, message, caplog
):
    import pycosim.brian2 as sim

    sim.setup(timestep=0.1, codegen="numpy")
    sim.Population(1, sim.EquationsCell(equations, threshold="v > 1", **changed)(), label="cells")
    with pytest.raises(BackendError, match=message) as caught:
        sim.run(1.0)
    assert "created here" not in str(caught.value)
    assert not caplog.records


def test_variables_with_units_are_refused_with_the_way_to_write_them():
    import pycosim.brian2 as sim

    with pytest.raises(InvalidInputError, match=r"v has the unit volt.*: 1"):
        sim.EquationsCell("dv/dt = -v/(10*ms) : volt", threshold="v > 1")
