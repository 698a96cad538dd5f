"""Loihi's compartments: reference vectors, and the rules of the chip's integers."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import ConnectivityError, DoesNotFitError
from pycosim.hwmodels.loihi.weights import actual_weights, hold
from pycosim.hwmodels.neurons import neurons_of
from pycosim.loihi import CUBA, CUBAWithDendrite
from pycosim.network import Network, Population

from .chip_networks import connect, run_chip
from .test_chip_neurons import run_cuba

SOFTWARE = ["native", "reference"]


@pytest.mark.parametrize("target", [*SOFTWARE, "loihi"])
def test_inhibition_and_a_positive_exponent_follow_the_emulators_vector(target):
    registers = {"du": 409, "dv": 128, "vth_mant": 250, "refractory": 2}
    u, v, spikes = run_cuba(target, registers, -120, 1, (5, 15, 16, 40))
    assert u[5:10] == [-15360, -13822, -12438, -11192, -10071]
    assert v[5:10] == [-15360, -28702, -40243, -50177, -58679]
    assert spikes == []
    assert (u[60], v[60]) == (-2186, -228720)


@pytest.mark.parametrize("target", [*SOFTWARE, "loihi"])
def test_a_negative_exponent_and_a_refractory_period_follow_the_emulators_vector(target):
    registers = {"du": 655, "dv": 64, "vth_mant": 30, "refractory": 3}
    u, v, spikes = run_cuba(target, registers, 148, -2, (4, 9, 20, 21, 22, 23))
    assert u[4:10] == [2368, 1988, 1669, 1401, 1176, 3355]
    assert spikes == [4, 8, 11, 15, 20, 23, 26, 29, 33, 38]
    assert (u[60], v[60]) == (9, 1551)


def decayed(x, decay):
    """Return x (4096 - decay) / 4096 toward zero, in whole numbers."""
    magnitude = abs(x) * (4096 - decay) >> 12
    return magnitude if x >= 0 else -magnitude


def wrapped(x, bits):
    """Return the two's complement of so many bits and a sign."""
    return (x + 2**bits) % 2 ** (bits + 1) - 2**bits


def whole_step(v, u, held, weights, r):
    """One step in Python's integers, from the rules as nengo-loihi and brian2_loihi have them."""
    u = wrapped(decayed(u, r["du"] + 1) + wrapped(64 * weights, 21), 23)
    v = decayed(v, r["dv"]) + u + (r["bias_mant"] << r["bias_exp"])
    v = max(min(v, 2 ** (9 + 2 * r["vmax_exp"]) - 1), 1 - 2 ** min(r["vmin_exp"], 23))
    v = 0 if held else v
    fires = v > 64 * r["vth_mant"]
    return (0, u, r["refractory"] - 1, True) if fires else (v, u, max(held - 1, 0), False)


def register_values():
    own = neurons_of("loihi")["CUBA"].model.own.registers
    free = {name: st.integers(int(reg.low), int(reg.high)) for name, reg in own.items()}
    off = dict.fromkeys(("noise_exp", "noise_mant_offset", "randomize_u", "randomize_v"), st.just(0))
    return st.fixed_dictionaries(free | off)


state = st.integers(-(2**23) + 1, 2**23 - 1)


@settings(max_examples=300, deadline=None)
@given(register_values(), state, state, st.integers(0, 63), st.integers(-70_000, 70_000))
def test_a_step_is_that_of_whole_numbers_with_wrapping_clipping_and_rounding_toward_zero(
    registers, v, u, held, weights
):
    model = neurons_of("loihi")["CUBA"].model
    s = {name: np.array([float(x)]) for name, x in (("v", v), ("u", u), ("held", held))}
    constants = model.coefficients({name: float(x) for name, x in registers.items()}, 1.0)
    fires = model.own.step(s, constants, [np.array([float(weights)]), np.zeros(1)], None)
    got = (s["v"][0], s["u"][0], s["held"][0], bool(fires[0]))
    assert got == whole_step(v, u, held, weights, registers)


def test_the_refractory_register_is_the_interval_of_a_neuron_that_always_fires():
    sim = import_module("pycosim.native")
    sim.setup(timestep=1.0)
    periods = np.arange(1, 65)
    cells = sim.Population(64, CUBA(bias_mant=100, vth_mant=0, refractory=periods))
    cells.record("spikes")
    sim.run(200)
    trains = cells.get_data().segments[0].spiketrains
    sim.end()
    assert [np.unique(np.diff(train.magnitude)).tolist() for train in trains] == [[p] for p in periods]


def reached(delays):
    """Return when the spike of step 1 acts on u through synapses of each delay, on Loihi."""
    sim = import_module("pycosim.loihi")
    sim.setup(timestep=1.0, min_delay=1.0, max_delay=float(max(delays)))
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    cells = sim.Population(len(delays), CUBA())
    synapses = [(0, k, 5.0, float(delay)) for k, delay in enumerate(delays)]
    sim.Projection(source, cells, sim.FromListConnector(synapses, column_names=["weight", "delay"]))
    cells.record("u")
    sim.run(70.0)
    u = cells.get_data().segments[0].filter(name="u")[0].magnitude
    sim.end()
    assert set(u[u != 0]) == {5.0 * 64}
    return u.argmax(axis=0)


def test_a_spike_acts_after_each_delay_from_1_to_63_steps():
    delays = np.arange(1, 64)
    np.testing.assert_array_equal(reached(delays), 1 + delays)


def test_a_delay_of_64_steps_is_refused():
    with pytest.raises(DoesNotFitError, match="delay"):
        reached([64])


@pytest.mark.parametrize(("name", "register"), [("vmin_exp", 10), ("vmax_exp", 1)])
def test_the_membrane_stays_within_vmin_and_vmax(name, register):
    bias = {"vmin_exp": -500, "vmax_exp": 500}[name]
    _, v, _ = run_cuba("native", {name: register, "bias_mant": bias, "vth_mant": 131071})
    assert v[10:] == [{"vmin_exp": -1023, "vmax_exp": 2047}[name]] * len(v[10:])


def noise_on(target, n_steps=400, **registers):
    """Return the v, or u, of three neurons that get nothing but noise."""
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=1.0)
    cells = sim.Population(3, CUBA(du=4095, dv=4095, vth_mant=131071, **registers))
    variable = "u" if registers.get("randomize_u") else "v"
    cells.record(variable)
    sim.run(n_steps)
    values = cells.get_data().segments[0].filter(name=variable)[0].magnitude[1:]
    sim.end()
    return values


@pytest.mark.parametrize("where", ["randomize_u", "randomize_v"])
def test_noise_is_a_whole_number_of_minus_127_to_127_and_the_same_in_both_backends(where):
    # dv = 4095 leaves 1/4096 of v, nothing after rounding toward zero.
    values = noise_on("native", noise_exp=7, **{where: 1})
    np.testing.assert_array_equal(values, noise_on("reference", noise_exp=7, **{where: 1}))
    assert values.min() >= -127
    assert values.max() <= 127
    assert len(np.unique(values)) > 200
    assert not np.array_equal(values[:, 0], values[:, 1])
    # The standard deviation of the mean of 1,200 draws is 73.6 / sqrt(1200) = 2.1; four of it.
    assert abs(values.mean()) < 8.5
    assert abs(values.std() - 73.6) < 5


def test_noise_is_shifted_by_its_mantissa_and_scaled_by_its_exponent():
    plain = noise_on("native", 50, randomize_v=1, noise_exp=7)
    np.testing.assert_array_equal(
        noise_on("native", 50, randomize_v=1, noise_exp=9, noise_mant_offset=-3), 4 * (plain - 192)
    )
    np.testing.assert_array_equal(noise_on("native", 50, randomize_v=1, noise_exp=5), np.trunc(plain / 4))


def test_a_dendrite_has_a_current_of_its_own_which_the_soma_adds():
    sim = import_module("pycosim.native")
    found = []
    for target in SOFTWARE:
        sim = import_module(f"pycosim.{target}")
        sim.setup(timestep=1.0)
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0, 4.0]))
        cells = sim.Population(1, CUBAWithDendrite(du=2047, du_dendrite=1023, dv=0, vth_mant=131071))
        for weight, receptor in ((10, "excitatory"), (-4, "inhibitory")):
            synapse = sim.StaticSynapse(weight=weight, delay=1.0)
            sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
        cells.record(["u", "u_dendrite", "v"])
        sim.run(8)
        segment = cells.get_data().segments[0]
        found.append([segment.filter(name=n)[0].magnitude[:, 0] for n in ("u", "u_dendrite", "v")])
        sim.end()
    np.testing.assert_array_equal(*found)
    u, dendrite, v = found[0]
    assert u[2:6].tolist() == [640, 320, 160, 720]
    assert dendrite[2:6].tolist() == [-256, -192, -144, -364]
    np.testing.assert_array_equal(np.diff(v), (u + dendrite)[1:])


@given(
    st.lists(st.integers(-256, 255), min_size=1, max_size=20),
    st.integers(-8, 7),
    st.integers(1, 8),
    st.booleans(),
)
def test_a_synapse_adds_its_mantissa_cut_to_its_bits_and_shifted(mantissas, exponent, bits, is_mixed):
    step = 2 ** (8 - bits + is_mixed)
    cut = [(abs(m) // step * step) * (1 if m >= 0 else -1) for m in mantissas]
    shifted = [c << exponent if exponent >= 0 else c >> -exponent for c in cut]
    expected = [max(min(s, 2**15 - 1), 1 - 2**15) for s in shifted]
    assert actual_weights(mantissas, exponent, bits, is_mixed=is_mixed).tolist() == expected


weights = st.floats(-30_000, 30_000, allow_nan=False)


@given(st.lists(weights, min_size=1, max_size=20), st.integers(1, 8))
def test_weights_are_held_to_half_a_step_of_the_smallest_exponent_that_fits(wanted, bits):
    held = hold(wanted, bits)
    if held is None:
        step = 2 ** (8 - bits + (min(wanted) < 0 < max(wanted)))
        # All that fits at the largest exponent is held.
        assert max(abs(w) for w in wanted) > (256 - 1.5 * step) * 128
        return
    step = 2 ** (8 - bits + held.is_mixed)
    unit = step * 2.0**held.exponent
    assert np.all(np.abs(held.weights - wanted) <= unit / 2)
    assert np.all(held.mantissas % step == 0)
    low, high = (-256, 254) if held.is_mixed else (-255, 255)
    assert held.mantissas.min() >= low
    assert held.mantissas.max() <= high
    exact = held.mantissas * 2.0**held.exponent
    np.testing.assert_array_equal(held.weights, np.maximum(exact, 1 - 2.0**15))


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ([1, 255], ""),
        ([2, 510], ""),
        ([-255, 0], ""),
        ([-128, 127], ""),
        ([1, 510], "1 in 1 of 2 places; .* nearest is 0, with the exponent 1"),
        ([-129, 1], "-129 in 2 of 2 places; .* nearest is -128, with the exponent 0"),
        ([32640], ""),
        ([40000], "40000; the register holds"),
    ],
)
def test_the_weights_of_a_projection_share_one_exponent(wanted, error):
    sim = import_module("pycosim.native")
    sim.setup(timestep=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    cells = sim.Population(len(wanted), CUBA())
    synapses = [(0, k, float(weight), 1.0) for k, weight in enumerate(wanted)]
    receptor = "inhibitory" if max(wanted) <= 0 else "excitatory"
    connector = sim.FromListConnector(synapses, column_names=["weight", "delay"])
    sim.Projection(source, cells, connector, receptor_type=receptor)
    if error:
        with pytest.raises(ConnectivityError, match=error):
            sim.run(2.0)
    else:
        sim.run(2.0)
    sim.end()


def test_synapses_that_learn_with_real_numbers_are_refused():
    sim = import_module("pycosim.native")
    sim.setup(timestep=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    cells = sim.Population(1, CUBA())
    stdp = sim.STDPMechanism(
        sim.SpikePairRule(), sim.AdditiveWeightDependence(w_max=100), weight=64, delay=1.0
    )
    sim.Projection(source, cells, sim.AllToAllConnector(), stdp)
    with pytest.raises(ConnectivityError, match="hold whole numbers, and SpikePairRule has real"):
        sim.run(2.0)
    sim.end()


def test_each_of_two_joined_compartments_takes_the_time_and_energy_of_an_update():
    """Davies et al. 2018, table 2: 8.4 ns and 81 pJ for a compartment; the barrier takes 113 ns."""
    network = Network(1.0)
    for name in ("CUBA", "CUBAWithDendrite"):
        registers = neurons_of("loihi")[name].defaults | {"bias_mant": 4095, "bias_exp": 7}
        network.add(Population(name, f"loihi.{name}", 3, parameters=registers))
    connect(network, [2, 4], [0, 1], weights=1.0, delays=3)
    _, hardware = run_chip("loihi", network, 4, mapping=np.zeros(6, int))
    # Nine compartments, and after the third step two synaptic events, which are worked on meanwhile.
    assert hardware.step_duration_ps.tolist() == [9 * 8400 + 113_000] * 4
    # Four steps; rounding of sums in double precision.
    by_population = hardware.energy_of_population_j["neuron updates"]
    np.testing.assert_allclose(by_population, 4 * 81e-12 * np.array([3, 6]))
    # A neuron fires when its last compartment has been updated: the third, and the seventh.
    packets = hardware.packets
    after_ps = packets.emission_ps - 10**9 * packets.emission_step
    of_source = {source: set(after_ps[packets.source == source].tolist()) for source in (2, 4)}
    assert of_source == {2: {3 * 8400}, 4: {7 * 8400}}
