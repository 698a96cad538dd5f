"""Composed neurons: against the models that they make up, closed forms, and SciPy's integrators."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pycosim.backends import native, reference
from pycosim.backends.base import Options
from pycosim.backends.brian2 import build as build_brian2
from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.network import Plasticity, Population, Recording, load, model_named, save
from pycosim.network.composed import peak
from pycosim.testing.backend import V_TOLERANCE_MV, expect_equal_spikes, spikes_of
from pycosim.testing.networks import WEIGHTS, deterministic_network, parameters_of

from .backend_networks import connect, network_of, spike_array

COMPOSED = [name for name in WEIGHTS if model_named(name).composition is not None]
NEURON = {"v_rest": -65.0, "cm": 0.2, "tau_m": 20.0, "tau_refrac": 2.0, "v_reset": -65.0, "v_thresh": -50.0}


def neurons(model, size=1, recorded=("spikes", "v"), **parameters):
    values = parameters_of(model) | NEURON | {"i_offset": 0.0} | parameters
    names = model_named(model).parameters
    recordings = {name: Recording(np.arange(size)) for name in recorded}
    return Population(model, model, size, parameters={n: values[n] for n in names}, recordings=recordings)


def advanced(build, network, steps, **options):
    simulation = build(network, **options)
    simulation.advance(steps)
    return simulation


@pytest.mark.parametrize("model", COMPOSED)
def test_native_and_brian2_agree_with_the_reference_on_every_composed_model(model):
    network = deterministic_network(model, n=20)
    expected = advanced(reference.build, network, 400)
    rows = spikes_of(expected, network)
    assert (rows[:, 0] < 2).sum() > 10
    for build in (native.build, lambda n: build_brian2(n, Options(overrides={"codegen": "numpy"}))):
        found = advanced(build, network, 400)
        expect_equal_spikes(rows, spikes_of(found, network))
        for population in (0, 1):
            v = found.signal(population, "v")
            np.testing.assert_allclose(v, expected.signal(population, "v"), rtol=0, atol=V_TOLERANCE_MV)


@pytest.mark.parametrize("model", ["GIF_cond_exp", "AdExp(AMPA=CondBeta,GABA=CondAlpha,NMDA=CondExp)"])
def test_composed_neurons_spike_the_same_for_any_number_of_threads(model):
    network = deterministic_network(model, n=40)
    expected = spikes_of(advanced(native.build, network, 400), network)
    found = native.build(network, Options(threads=3))
    for steps in (1, 150, 249):
        found.advance(steps)
    np.testing.assert_array_equal(spikes_of(found, network), expected)


MONOLITHIC = {
    "IF_curr_exp": ("LIF", "CurrExp"),
    "IF_cond_exp": ("LIF", "CondExp"),
    "IF_cond_alpha": ("LIF", "CondAlpha"),
    "EIF_cond_exp_isfa_ista": ("AdExp", "CondExp"),
    "EIF_cond_alpha_isfa_ista": ("AdExp", "CondAlpha"),
}


@pytest.mark.parametrize("monolithic", MONOLITHIC)
def test_a_composed_neuron_is_the_model_that_it_makes_up(build, monolithic):
    membrane, kind = MONOLITHIC[monolithic]
    network = deterministic_network(monolithic, n=20)
    expected = advanced(build, network, 400)
    for population in network.populations[:2]:
        population.model = f"{membrane}(excitatory={kind},inhibitory={kind})"
        for receptor, short in (("excitatory", "E"), ("inhibitory", "I")):
            for name, old in (("tau_syn", "tau_syn"), ("e_syn", "e_rev")):
                if f"{old}_{short}" in population.parameters:
                    population.parameters[f"{receptor}.{name}"] = population.parameters.pop(f"{old}_{short}")
    found = advanced(build, network, 400)
    expect_equal_spikes(spikes_of(expected, network), spikes_of(found, network))
    assert len(found.spikes(0)[0]) > 10
    # The same rule with its products in another order.
    np.testing.assert_allclose(found.signal(0, "v"), expected.signal(0, "v"), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("tau_rise", "tau_decay"), [(0.2, 1.7), (3.0, 10.0), (5.0, 5.0), (10.0, 3.0)])
def test_a_beta_response_is_the_closed_form_with_its_peak_at_the_weight(build, tau_rise, tau_decay):
    cell = neurons(
        "LIF(AMPA=CondBeta)",
        recorded=("AMPA.gsyn",),
        **{"AMPA.tau_rise": tau_rise, "AMPA.tau_decay": tau_decay, "AMPA.e_syn": -65.0},
    )
    network = network_of(cell, spike_array(9))
    connect(network, 1, 0, 0.004, 1, "AMPA")
    found = advanced(build, network, 800).signal(0, "AMPA.gsyn")[10:, 0]
    t = 0.1 * np.arange(len(found))
    if tau_rise == tau_decay:
        shape = t / tau_rise * np.exp(1 - t / tau_rise)
    else:
        shape = np.exp(-t / tau_decay) - np.exp(-t / tau_rise)
        fine = np.linspace(0, 50, 500_001)
        shape /= np.abs(np.exp(-fine / tau_decay) - np.exp(-fine / tau_rise)).max() * np.sign(
            tau_decay - tau_rise
        )
    # The peak of the closed form is searched on a grid of 1e-4 ms.
    np.testing.assert_allclose(found, 0.004 * shape, rtol=0, atol=0.004 * 1e-7)


def test_the_peak_of_a_beta_response_is_continuous_where_its_times_become_equal():
    assert peak(4.0, 4.0) == pytest.approx(4.0 / np.e, rel=1e-14)
    assert peak(4.0, 4.0 * (1 + 1e-9)) == pytest.approx(4.0 / np.e, rel=1e-8)


def beta_membrane(dt_ms, e_syn=0.0):
    """The membrane of a LIF neuron after 20 ms with one beta-shaped conductance, and the exact solution."""
    p = {"AMPA.tau_rise": 1.0, "AMPA.tau_decay": 4.0, "AMPA.e_syn": e_syn, "v_thresh": 0.0}
    network = network_of(neurons("LIF(AMPA=CondBeta)", **p), spike_array(0), dt_ms=dt_ms)
    connect(network, 1, 0, 0.02, round(1.6 / dt_ms), "AMPA")
    found = advanced(native.build, network, round(21.6 / dt_ms)).signal(0, "v")[-1, 0]
    norm = 0.02 / peak(1.0, 4.0)

    def slope(t, v):
        g = norm * float(np.exp(-t / 4) - np.exp(-t)) / (1 - 1 / 4)
        return (0.01 * (-65.0 - v) + g * (e_syn - v)) / 0.2

    return found, solve_ivp(slope, (0, 20), [-65.0], rtol=1e-12, atol=1e-12).y[0, -1]


def test_a_membrane_with_conductances_is_of_second_order():
    errors = []
    for dt_ms in (0.4, 0.2, 0.1):
        found, exact = beta_membrane(dt_ms)
        errors.append(abs(found - exact))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


def test_receptors_of_different_neurons_do_not_mix(build):
    """One neuron has AMPA and GABA, the other GABA and NMDA, a third PyNN's own receptors."""
    first = neurons("LIF(AMPA=CurrExp,GABA=CurrExp)", recorded=("AMPA.isyn", "GABA.isyn"))
    second = neurons("LIF(GABA=CurrExp,NMDA=CurrExp)", recorded=("GABA.isyn", "NMDA.isyn"))
    third = neurons("IF_curr_exp", recorded=("isyn_exc", "isyn_inh"))
    network = network_of(first, second, third, spike_array(0))
    for weight, target, receptor in (
        (1.0, 0, "AMPA"),
        (-2.0, 0, "GABA"),
        (-3.0, 1, "GABA"),
        (4.0, 1, "NMDA"),
    ):
        connect(network, 3, target, weight, 1, receptor)
    connect(network, 3, 2, 5.0, 1, "excitatory")
    simulation = advanced(build, network, 1)
    found = [
        simulation.signal(population, variable)[1, 0]
        for population, cell in enumerate((first, second, third))
        for variable in cell.recordings
    ]
    assert found == [1.0, -2.0, -3.0, 4.0, 5.0, 0.0]
    network.projections[0].receptor = "NMDA"
    with pytest.raises(Exception, match="no receptor 'NMDA'; it has AMPA, GABA"):
        build(network)


def test_a_network_may_grow_by_a_neuron_with_new_receptors(build):
    cells = [neurons("IF_curr_exp", recorded=("isyn_exc",)), spike_array(0, 20)]
    network = network_of(*cells)
    connect(network, 1, 0, 1.0, 15, "excitatory")
    simulation = advanced(build, network, 10)
    network.add(neurons("LIF(AMPA=CurrExp)", recorded=("AMPA.isyn",)))
    connect(network, 1, 2, 2.0, 1, "AMPA")
    simulation.network_grown()
    simulation.advance(11)
    assert simulation.signal(2, "AMPA.isyn")[-1, 0] == 2.0
    # The spike that was under way when the network grew.
    assert simulation.signal(0, "isyn_exc")[15, 0] == 1.0


def test_plastic_synapses_end_on_a_receptor(build):
    weights = []
    for receptor in ("AMPA", "NMDA"):
        network = network_of(
            neurons("LIF(AMPA=CurrExp,NMDA=CurrExp)", i_offset=0.2), spike_array(0, 100, 250)
        )
        connect(network, 1, 0, np.array([0.5]), 1, receptor)
        rule = {"tau_plus": 10.0, "tau_minus": 15.0, "A_plus": 0.05, "A_minus": 0.04}
        network.projections[0].plasticity = Plasticity(
            "SpikePairRule", "AdditiveWeightDependence", rule | {"w_min": 0.0, "w_max": 1.0}
        )
        simulation = advanced(build, network, 600)
        weights.append(simulation.weights(0)[0])
    assert weights[0] == weights[1] != 0.5


def test_a_composed_network_is_saved_and_loaded(tmp_path, build):
    network = deterministic_network("GIF_cond_exp", n=10)
    save(network, tmp_path / "network.npz")
    restored = load(tmp_path / "network.npz")
    found, expected = (spikes_of(advanced(build, n, 300), n) for n in (restored, network))
    assert len(expected)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "name", ["LIF(AMPA=Nothing)", "HH(AMPA=CondExp)", "LIF(AMPA)", "LIF(a=CondExp,a=CondExp)"]
)
def test_an_impossible_composition_is_refused(name):
    with pytest.raises(NotSupportedError, match="composed cell type"):
        model_named(name)


def test_parameters_of_receptors_have_the_limits_of_others():
    network = network_of(neurons("LIF(AMPA=CondExp)", **{"AMPA.tau_syn": 0.0}))
    with pytest.raises(InvalidInputError, match=r"AMPA\.tau_syn"):
        native.build(network)


def test_currents_and_conductances_may_be_mixed(build):
    """A current of 0.2 nA without decay to speak of, and a conductance that leads to the leak's potential."""
    cell = neurons(
        "LIF(current=CurrExp,conductance=CondExp)",
        v_thresh=0.0,
        **{"current.tau_syn": 1e9, "conductance.tau_syn": 1e9, "conductance.e_syn": -65.0},
    )
    network = network_of(cell, spike_array(0))
    connect(network, 1, 0, 0.2, 1, "current")
    connect(network, 1, 0, 0.01, 1, "conductance")
    # The leak is 0.01 uS too: the membrane ends 0.2 nA / 0.02 uS above rest.
    v = advanced(build, network, 5000).signal(0, "v")[-1, 0]
    assert v == pytest.approx(-55.0, abs=1e-5)  # 500 ms are 5e-7 of the time constants


def izhikevich_slopes(t, state, current, tau):
    v, u = state
    synaptic = 3.0 * np.exp(-t / tau)
    return 0.04 * v * v + 5 * v + 140 - u + current + synaptic, 0.02 * (0.2 * v - u)


def test_an_izhikevich_neuron_takes_nanoamperes_as_millivolts_per_millisecond(build):
    cell = neurons("Izk_curr_exp", recorded=("spikes", "v", "u"), a=0.02, b=0.2, i_offset=0.5, tau_syn_E=5.0)
    network = network_of(cell, spike_array(0))
    connect(network, 1, 0, 3.0, 1)
    simulation = advanced(build, network, 300)
    start = [simulation.signal(0, name)[1, 0] for name in ("v", "u")]
    exact = solve_ivp(
        izhikevich_slopes,
        (0, 29),
        start,
        args=(0.5, 5.0),
        t_eval=0.1 * np.arange(290),
        rtol=1e-11,
        atol=1e-11,
    )
    # Runge-Kutta with sub-steps of 0.05 ms.
    np.testing.assert_allclose(simulation.signal(0, "v")[1:291, 0], exact.y[0], rtol=0, atol=2e-6)
    np.testing.assert_allclose(simulation.signal(0, "u")[1:291, 0], exact.y[1], rtol=0, atol=1e-6)


def test_the_calcium_current_of_an_adaptive_neuron_jumps_and_decays(build):
    cell = neurons(
        "IFCurrExpCa2Adaptive", recorded=("spikes", "v", "i_ca2"), i_offset=0.3, tau_ca2=50.0, i_alpha=0.1
    )
    simulation = advanced(build, network_of(cell), 3000)
    spikes, _ = simulation.spikes(0)
    current, v = simulation.signal(0, "i_ca2")[:, 0], simulation.signal(0, "v")[:, 0]
    t = 0.1 * np.arange(3001)
    expected = sum(np.where(t >= 0.1 * s - 1e-9, 0.1 * np.exp(-(t - 0.1 * s) / 50), 0.0) for s in spikes)
    assert len(spikes) > 3
    np.testing.assert_allclose(current, expected, rtol=1e-9, atol=1e-12)
    assert np.all(np.diff(np.diff(spikes)) >= 0)  # it adapts
    # Between the refractory period and the next spike the membrane solves its linear equation exactly.
    first, last = spikes[0] + 20, spikes[1] - 1
    s = t[: last - first + 1]
    i0 = current[first]
    steady = -65.0 + 0.3 * 100.0
    k = i0 / 0.2 / (1 / 20 - 1 / 50)
    exact = steady + (v[first] - steady + k) * np.exp(-s / 20) - k * np.exp(-s / 50)
    np.testing.assert_allclose(v[first : last + 1], exact, rtol=0, atol=1e-9)
