"""DYNAP-SE2's neuron against closed forms of its equations, and the limits of its cores."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycosim.backends.base import Options
from pycosim.dynapse2 import DynapSim
from pycosim.errors import DoesNotFitError, InvalidInputError, NotSupportedError
from pycosim.hwmodels.dynapse2.neurons import BIASES, DYNAPSIM
from pycosim.hwmodels.load import load
from pycosim.hwmodels.simulation import build
from pycosim.network import Network, Population
from pycosim.network.logarithm import logarithm

from .chip_networks import add_spikes, all_pairs, connect, random_network

DEFAULTS = dict(DynapSim.default_parameters)
VARIABLES = ("imem", "iampa", "igaba", "inmda", "ishunt", "iahp", "vmem")
VOLT = 25.0 / 0.705  # Ut / kappa in mV: tau in ms is C in pF times this over I in pA
QUIET = {"Ispkthr": 1e15}


def run(target, duration_ms, spikes=(), *, dt_ms=0.1, n=1, seed=3, initial=None, setup=None, **parameters):
    """Return the samples of all variables, (n_samples, n), and spikes; inputs are (type, time, weight)."""
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=dt_ms, min_delay=dt_ms, seed=seed, **(setup or {}))
    cells = sim.Population(n, DynapSim(**parameters))
    cells.initialize(**(initial or {}))
    for receptor, time_ms, weight in spikes:
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=[time_ms - dt_ms]))
        synapse = sim.StaticSynapse(weight=weight, delay=dt_ms)
        sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    cells.record([*VARIABLES, "spikes"])
    sim.run(duration_ms)
    segment = cells.get_data().segments[0]
    samples = {name: segment.filter(name=name)[0].magnitude for name in VARIABLES}
    trains = [train.magnitude.tolist() for train in segment.spiketrains]
    sim.end()
    return samples, trains


def test_default_currents_make_the_published_time_constants():
    # Rockpool 3.1.0, lookup/defaults.py.
    for name, tau_ms in {"mem": 20, "ampa": 10, "gaba": 10, "nmda": 10, "shunt": 10, "ahp": 50}.items():
        assert VOLT * DEFAULTS[f"C_{name}"] / DEFAULTS[f"Itau_{name}"] == pytest.approx(tau_ms, rel=1e-12)
    for current, c, pulse_ms in (("Ipulse", "C_pulse", 0.01), ("Ipulse_ahp", "C_pulse_ahp", 1e-3)):
        assert DEFAULTS["Vth"] * DEFAULTS[c] / DEFAULTS[current] == pytest.approx(pulse_ms, rel=1e-12)
    assert DEFAULTS["Vth"] * DEFAULTS["C_ref"] / DEFAULTS["Iref"] == pytest.approx(1.0, rel=1e-12)
    assert DEFAULTS["Igain_mem"] == pytest.approx(4 * DEFAULTS["Itau_mem"])


@pytest.mark.parametrize("kind", ["AMPA", "GABA", "NMDA", "SHUNT"])
def test_a_synapse_charges_for_the_length_of_a_pulse_and_decays_exponentially(kind):
    samples, _ = run("native", 60.0, [(kind, 10.0, 3000.0), (kind, 10.0, 4000.0)], **QUIET)
    k = np.arange(601)
    decay, charge = np.exp(-k * 0.1 / 10), 1 - np.exp(-0.01 / 10)
    # In every step the dark current charges too: a geometric series. A spike adds to what it drives, but
    # the dark current is what the inputs do not exceed: it is missing in the step of the spikes.
    dark = 0.5 * decay + charge * 0.5 * (1 - decay) / (1 - np.exp(-0.01))
    pulse = charge * (100 * 7000.0 - 0.5) * np.where(k >= 100, np.exp(-(k - 100) * 0.01), 0.0)
    # 1e-11: a product of 600 factors instead of one exponential.
    np.testing.assert_allclose(samples[f"i{kind.lower()}"][:, 0], dark + pulse, rtol=1e-11)


def test_without_input_the_membrane_stays_at_the_dark_current():
    samples, trains = run("native", 50.0)
    assert (samples["imem"] == 0.5).all()
    assert (samples["vmem"] == 0.0).all()
    assert not trains[0]


def test_constant_input_leads_to_where_the_equation_is_at_rest():
    samples, trains = run("native", 2000.0, Idc=13.0)
    assert not trains[0]
    final = {name: samples[name][-1, 0] for name in VARIABLES}
    tau, gain = DEFAULTS["Itau_mem"], DEFAULTS["Igain_mem"]
    leak = tau + 0.5 + final["ishunt"]
    given = final["inmda"] / (1 + 0.5 / final["imem"]) + final["iampa"] - final["igaba"] - leak + 13.0
    feedback = 0.5 * (final["imem"] / 0.5) ** (0.705 / 1.705)
    rest = gain / tau * (max(given, 0.5) - leak) + feedback / leak * (final["imem"] + gain)
    assert final["imem"] > 5
    # The feedback makes the time constant longer than the 20 ms of the leak; nothing moves after 2 s.
    assert final["imem"] * leak / tau == pytest.approx(rest, rel=1e-6)
    assert final["vmem"] == pytest.approx(VOLT * np.log(final["imem"] / 0.5), rel=1e-12)


def test_synapses_excite_inhibit_gate_and_shunt():
    def peak(*spikes, **parameters):
        return run("native", 40.0, [(kind, 10.0, w) for kind, w in spikes], **QUIET, **parameters)[0][
            "imem"
        ].max()

    alone = peak(("AMPA", 4000.0))
    assert alone > 100
    assert peak(("AMPA", 4000.0), ("GABA", 4000.0)) < 2
    assert peak(("AMPA", 4000.0), ("SHUNT", 100.0)) < alone
    assert peak(("NMDA", 4000.0), If_nmda=0.0, C_nmda=24.5, Itau_nmda=DEFAULTS["Itau_ampa"],
                Igain_nmda=DEFAULTS["Igain_ampa"]) == pytest.approx(alone, rel=0.01)  # fmt: skip
    assert peak(("NMDA", 4000.0), If_nmda=1e4) < 2


@pytest.mark.parametrize(("iref", "n_steps"), [(1050.0 / 0.95, 10), (1050.0, 10), (1050.0 / 2.3, 23)])
def test_in_the_refractory_period_input_does_not_act(iref, n_steps):
    # t_ref in ms is Vth C_ref / Iref = 1050 / Iref.
    samples, trains = run("native", 50.0, [("AMPA", 5.0, 15000.0)], Iref=iref)
    first = round(trains[0][0] / 0.1)
    membrane = samples["imem"][:, 0]
    assert samples["iampa"][first, 0] > 100
    assert membrane[first] == 0.5
    assert (membrane[first + 1 : first + 1 + n_steps] < 1.0).all()
    assert membrane[first + 1 + n_steps] > 1.05 * membrane[first + n_steps]


def test_a_spike_adds_adaptation_one_step_later():
    spikes = [("AMPA", 5.0, 15000.0)]
    samples, trains = run("native", 40.0, spikes, Iw_ahp=5e6, Iref=50.0)
    assert len(trains[0]) == 1
    first = round(trains[0][0] / 0.1)
    adaptation = samples["iahp"][:, 0]
    jump = (1 - np.exp(-1e-3 / 50)) * 5e6
    assert (adaptation[: first + 1] == 0.5).all()
    expected = (jump + 0.5 * np.exp(-0.1 / 50)) * np.exp(-np.arange(5) * 0.1 / 50)
    np.testing.assert_allclose(adaptation[first + 1 : first + 6], expected, rtol=1e-11)


@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
def test_the_engine_and_numpy_agree_bit_for_bit(dt_ms):
    spikes = [("AMPA", float(t), 9000.0) for t in range(5, 60, 2)]
    spikes += [
        ("NMDA", 10.0, 3000.0),
        ("GABA", 30.0, 1000.0),
        ("SHUNT", 20.0, 100.0),
        ("GABA", 40.0, 15000.0),
    ]
    results = [
        run(target, 60.0, spikes, dt_ms=dt_ms, n=20, mismatch=0.2, Iw_ahp=1e4)
        for target in ("native", "reference")
    ]
    for name in VARIABLES:
        np.testing.assert_array_equal(results[0][0][name], results[1][0][name])
    assert results[0][1] == results[1][1]
    assert sum(map(len, results[0][1])) > 20


@given(st.floats(1e-300, 1e300))
def test_the_logarithm_is_right_within_rounding(x):
    # Of three roundings; near 1, where ln is 0, they are relative to ln too.
    assert logarithm(x) == pytest.approx(np.log(x), rel=8e-16, abs=0)


def test_factors_of_devices_depend_on_seed_and_number_of_the_neuron_alone():
    def peaks(seed=3, n=8, **arguments):
        return run("native", 12.0, [("AMPA", 10.0, 100.0)], n=n, mismatch=0.2, seed=seed, **arguments)[0][
            "iampa"
        ]

    expected = peaks()[-20]
    assert len(set(expected.tolist())) == 8
    np.testing.assert_array_equal(peaks(setup={"threads": 2})[-20], expected)
    np.testing.assert_array_equal(peaks(n=20)[-20, :8], expected)
    assert peaks(seed=4)[-20].tolist() != expected.tolist()
    own = DYNAPSIM.model.own.individual(DEFAULTS | {"mismatch": 0.2}, 3, np.arange(4))
    changed = {name for name in DEFAULTS if np.any(own[name] != DEFAULTS[name]) and name != "mismatch"}
    assert changed == set(BIASES)
    assert {"Io", "Iw_0"}.isdisjoint(BIASES)


def network_of(n_cells, weights, **columns):
    network = Network(1.0)
    network.add(Population("cells", "dynapse2.DynapSim", n_cells, parameters=DEFAULTS | columns))
    sources = add_spikes(network, [0], [0], len(weights))
    pairs = all_pairs(sources, network.populations[0].neurons)
    connect(network, *pairs, weights=np.repeat(weights, n_cells), receptor="AMPA")
    return network


def test_the_chip_takes_the_sixteen_weights_that_four_bits_make():
    build("dynapse2", network_of(2, 1e3 * np.arange(16)))
    build("dynapse2", network_of(2, [0.3, 1000.3], Iw_1=0.3))
    with pytest.raises(
        DoesNotFitError,
        match=r"weights on 'cells' .* 2500 pA; the nearest is 2000 pA.*needs 2, the limit is 0",
    ):
        build("dynapse2", network_of(2, [1e3, 2.5e3]))
    with pytest.raises(DoesNotFitError, match="16000 pA; the nearest is 15000 pA"):
        build("dynapse2", network_of(1, [16e3]))


def test_neurons_of_a_core_share_their_biases_and_have_64_synapses():
    network = network_of(2, [1e3], Idc=np.array([1.0, 2.0]))
    with pytest.raises(DoesNotFitError, match="sets of biases of a core: needs 2, the limit is 1"):
        build("dynapse2", network)
    build("dynapse2", network, Options(mapping=[0, 1, 0]))
    with pytest.raises(DoesNotFitError, match="65"):
        build("dynapse2", network_of(1, [1e3] * 65))


def test_on_the_chip_without_latency_it_fires_as_in_software():
    spikes = [("AMPA", float(t), 9000.0) for t in range(5, 60, 2)]
    native = run("native", 60.0, spikes, n=4)
    chip = run("dynapse2", 60.0, spikes, n=4, setup={"timing": "ideal", "arithmetic": "chip"})
    assert native[1] == chip[1]
    assert all(native[1])
    np.testing.assert_array_equal(native[0]["imem"], chip[0]["imem"])


def test_pynns_cells_have_no_faithful_translation():
    with pytest.raises(NotSupportedError, match=r"IF_curr_exp.*no faithful.*pycosim\.dynapse2\.DynapSim"):
        load("dynapse2").translate(random_network())


def test_synapses_can_be_switched_off_by_currents_of_0_and_the_membrane_cannot():
    off = {"C_gaba": 1e18, "C_shunt": 1e18}  # so large that nothing charges them
    samples, _ = run("native", 5.0, initial={"igaba": 0.0, "ishunt": 0.0}, **off)
    # The dark current charges even these, by 1e-18.
    assert max(samples["igaba"].max(), samples["ishunt"].max()) < 1e-15
    with pytest.raises(InvalidInputError, match="initial value of imem is 0"):
        run("native", 5.0, initial={"imem": 0.0})
