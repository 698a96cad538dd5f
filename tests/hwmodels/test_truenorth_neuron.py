"""TrueNorth's neuron (and RANC's) against the truth table of its equations, and its random parts."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycosim.errors import DoesNotFitError, InvalidInputError
from pycosim.truenorth import RANCNeuron, TrueNorthNeuron

TARGETS = ["native", "reference"]
QUIET = {"S0": 1, "S1": 1, "S2": 1, "S3": 1, "alpha": 100, "beta": 100}
LARGEST = 2**18 - 1


def one_tick(target, cell, cases, n_ticks=1, seed=1):
    """Return v of all cases after ticks, and which fired in the first.

    A case has registers, a start v, and how many spikes of each type arrive in the first tick.
    """
    sim = import_module(f"pycosim.{target}")
    sim.setup(timestep=1.0, min_delay=1.0, seed=seed)
    defaults = cell.default_parameters
    columns = {name: [registers.get(name, defaults[name]) for registers, _, _ in cases] for name in defaults}
    cells = sim.Population(len(cases), cell(**columns))
    cells.initialize(v=[float(v) for _, v, _ in cases])
    for axon_type in range(4):
        counts = [spikes.get(axon_type, 0) for _, _, spikes in cases]
        pairs = [(i, post, 1.0, 1.0) for post, n in enumerate(counts) for i in range(n)]
        if pairs:
            sources = sim.Population(max(counts), sim.SpikeSourceArray(spike_times=[0.0]))
            sim.Projection(sources, cells, sim.FromListConnector(pairs), receptor_type=f"type{axon_type}")
    cells.record(["v", "spikes"])
    sim.run(n_ticks)
    segment = cells.get_data().segments[0]
    v = segment.filter(name="v")[0].magnitude[-1]
    fired = [bool(len(train)) and train.magnitude[0] == 1.0 for train in segment.spiketrains]
    sim.end()
    return v, fired


def check(target, cell, table):
    cases = [
        (QUIET | registers if cell is TrueNorthNeuron else registers, v, n) for registers, v, n, *_ in table
    ]
    v, fired = one_tick(target, cell, cases)
    got = [(int(a), b) for a, b in zip(v, fired)]
    assert got == [tuple(row[3:]) for row in table]


RESETS = [
    # registers, v before, spikes by type, v after, fires
    ({"gamma": 0, "VR": 3}, 99, {0: 1}, 7, True),  # R = 2^3 - 1
    ({"gamma": 0, "VR": -3}, 99, {0: 1}, -7, True),
    ({"gamma": 0, "VR": 0}, 120, {}, 0, True),
    ({"gamma": 1, "VR": 3}, 120, {0: 5}, 25, True),
    ({"gamma": 2, "VR": 3}, 120, {0: 5}, 125, True),
    ({"gamma": 0}, 100, {}, 0, True),  # fires at the threshold itself,
    ({"gamma": 0}, 99, {}, 99, False),  # not below
    ({"gamma": 0, "kappa": 1}, -101, {}, -100, False),
    ({"gamma": 1, "kappa": 1}, -150, {}, -100, False),
    ({"gamma": 2, "kappa": 1}, -150, {}, -100, False),
    ({"gamma": 0, "kappa": 0, "VR": 3}, -101, {}, -7, False),
    ({"gamma": 0, "kappa": 0, "VR": -3}, -101, {}, 7, False),
    ({"gamma": 1, "kappa": 0}, -150, {}, -50, False),
    ({"gamma": 2, "kappa": 0}, -150, {}, -150, False),
    ({"gamma": 0, "kappa": 0, "VR": 3}, -100, {}, -100, False),  # only below -beta
    ({"gamma": 0, "kappa": 1, "beta": 0}, -1, {}, 0, False),
    ({"gamma": 0, "alpha": 0, "beta": 0, "VR": 1}, 0, {}, 1, True),
]
SYNAPSES_AND_LEAKS = [
    ({"S0": 10, "S1": -3, "S2": 255, "S3": -255}, 0, {0: 2, 1: 1}, 17, False),
    ({"S0": 10, "S1": -3, "S2": 255, "S3": -255, "beta": 300}, 0, {2: 1, 3: 2}, -255, False),
    ({"lambda_": 5}, 10, {}, 15, False),
    ({"lambda_": -5}, 10, {}, 5, False),
    ({"lambda_": 5}, -10, {}, -5, False),
    ({"lambda_": -5}, 3, {}, -2, False),
    ({"lambda_": 5, "epsilon": 1}, 10, {}, 15, False),  # away from 0
    ({"lambda_": 5, "epsilon": 1}, -10, {}, -15, False),
    ({"lambda_": -5, "epsilon": 1}, 10, {}, 5, False),  # towards 0
    ({"lambda_": -5, "epsilon": 1}, -10, {}, -5, False),
    ({"lambda_": -5, "epsilon": 1}, 3, {}, 0, False),  # stays at 0 where the sign would change
    ({"lambda_": -5, "epsilon": 1}, -5, {}, 0, False),
    ({"lambda_": 5, "epsilon": 1}, 0, {}, 0, False),  # 0 has no sign
    ({"lambda_": -5, "epsilon": 1, "S0": 7}, 0, {0: 1}, 2, False),  # sign of V after the synapses
    ({"lambda_": 7}, 93, {}, 0, True),  # the leak comes before the threshold
]
LIMITS = [
    ({"gamma": 2, "S0": 255}, 2**19 - 100, {0: 1}, 2**19 - 1, True),
    ({"gamma": 2, "lambda_": 255}, 2**19 - 100, {}, 2**19 - 1, True),
    ({"gamma": 2, "kappa": 0, "S0": -255}, -(2**19) + 100, {0: 1}, -(2**19), False),
    ({"gamma": 2, "kappa": 0, "lambda_": -255}, -(2**19) + 100, {}, -(2**19), False),
    ({"gamma": 1, "alpha": LARGEST}, LARGEST, {0: 3}, 3, True),
    ({"gamma": 0, "alpha": LARGEST, "VR": 18}, LARGEST, {}, LARGEST, True),
    ({"kappa": 1, "beta": LARGEST}, -LARGEST - 9, {}, -LARGEST, False),
]


@pytest.mark.parametrize("target", [*TARGETS, "truenorth"])
@pytest.mark.parametrize("table", [RESETS, SYNAPSES_AND_LEAKS, LIMITS])
def test_a_tick_follows_the_truth_table(target, table):
    check(target, TrueNorthNeuron, table)


@pytest.mark.parametrize("target", TARGETS)
def test_rancs_neuron_differs_below_zero_and_wraps_at_nine_bits(target):
    registers = {"w0": 1, "positive_threshold": 100, "negative_threshold": -100, "reset_potential": 7}
    linear = registers | {"reset_mode": 1}
    check(
        target,
        RANCNeuron,
        [
            (registers, 99, {0: 1}, 7, True),
            (linear, 99, {0: 6}, 5, True),
            (registers, -100, {}, -100, False),
            (registers | {"leak": -1}, -100, {}, -7, False),
            (linear | {"leak": -9}, -100, {}, -9, False),
            (registers | {"w0": 100, "positive_threshold": 255}, 200, {0: 1}, -7, False),  # 300 is -212
            (registers | {"w0": -100, "negative_threshold": -256}, -200, {0: 1}, 7, True),  # -300 is 212
            (registers | {"reset_potential": -256, "leak": -9}, -100, {}, -256, False),  # 256 is -256
        ],
    )


registers = st.fixed_dictionaries(
    {
        **{f"S{i}": st.integers(-255, 255) for i in range(4)},
        **{f"b{i}": st.integers(0, 1) for i in range(4)},
        "lambda_": st.integers(-255, 255),
        "c": st.integers(0, 1),
        "epsilon": st.integers(0, 1),
        "alpha": st.sampled_from([0, 1, 200, 1000, LARGEST]),
        "TM": st.sampled_from([0, 1, 8, 18]),
        "beta": st.sampled_from([0, 1, 200, LARGEST]),
        "kappa": st.integers(0, 1),
        "gamma": st.integers(0, 2),
        "VR": st.integers(-18, 18),
    }
)
case = st.tuples(
    registers,
    st.one_of(st.integers(-600, 600), st.integers(-(2**19), 2**19 - 1)),
    st.dictionaries(st.integers(0, 3), st.integers(0, 20), max_size=4),
)


@settings(max_examples=10, deadline=None)
@given(st.lists(case, min_size=1, max_size=30))
def test_the_engine_and_numpy_agree_bit_for_bit(cases):
    native, reference = (one_tick(target, TrueNorthNeuron, cases, n_ticks=5, seed=7) for target in TARGETS)
    np.testing.assert_array_equal(native[0], reference[0])
    assert native[1] == reference[1]
    assert (np.abs(native[0] + 0.5) <= 2**19).all()


def mean_within_chance(values, mean, variance):
    """Check a sample's mean; 5 standard errors are passed by chance once in 2 million times."""
    assert abs(np.mean(values) - mean) <= 5 * np.sqrt(variance / len(values))


def binomial(n, p):
    return n * p, n * p * (1 - p)


N = 4000


@pytest.mark.parametrize(("weight", "n"), [(127, 1), (-63, 3), (10, 20), (255, 20), (0, 5)])
def test_a_stochastic_synapse_adds_its_sign_with_the_probability_of_its_size(weight, n):
    case = {"S2": weight, "b2": 1, "alpha": 1000, "beta": 1000}, 0, {2: n}
    v, _ = one_tick("native", TrueNorthNeuron, [case] * N)
    p = (abs(weight) + 1) / 256 if weight else 0.0  # |S| >= rho for |S| + 1 of the 256 values of rho
    mean, variance = binomial(n, p)
    mean_within_chance(v * np.sign(weight), mean, variance)
    assert np.all(v == 0 if weight == 0 else (np.sign(weight) * v >= 0) & (np.abs(v) <= n))
    if 0 < p < 1:
        # The variance of n independent draws, and not of one draw that counts n times: its relative
        # standard error is at most 2 / sqrt(N) for these n and p (kurtosis below 5).
        assert np.var(v) == pytest.approx(variance, rel=5 * 2 / np.sqrt(N))


@pytest.mark.parametrize("leak", [-31, 127])
def test_a_stochastic_leak_takes_unit_steps(leak):
    v, _ = one_tick("native", TrueNorthNeuron, [({"lambda_": leak, "c": 1}, 0, {})] * N, n_ticks=20)
    mean, variance = binomial(20, (abs(leak) + 1) / 256)
    mean_within_chance(np.sign(leak) * v, mean, variance)


def test_threshold_noise_is_uniform_below_the_mask():
    # V = 40 reaches 10 + eta, eta in 0 .. 63, for eta <= 30.
    _, fired = one_tick("native", TrueNorthNeuron, [({"alpha": 10, "TM": 6}, 40, {})] * N)
    mean_within_chance(fired, *binomial(1, 31 / 64))
    v, fired = one_tick("native", TrueNorthNeuron, [({"alpha": 10, "TM": 6, "gamma": 1}, 73, {})] * N)
    assert all(fired)
    assert sorted(set(v)) == list(range(64))  # linear reset takes eta away too
    mean_within_chance(v, 31.5, (64**2 - 1) / 12)


def test_random_parts_do_not_depend_on_threads():
    def spikes(threads):
        sim = import_module("pycosim.native")
        sim.setup(timestep=1.0, min_delay=1.0, seed=4, threads=threads)
        cells = sim.Population(300, TrueNorthNeuron(lambda_=100, c=1, alpha=5, TM=4, S0=90, b0=1))
        sim.Projection(
            cells, cells, sim.FixedProbabilityConnector(0.1, rng=sim.NumpyRNG(2)), receptor_type="type0"
        )
        cells.record("spikes")
        sim.run(50)
        trains = [train.magnitude.tolist() for train in cells.get_data().segments[0].spiketrains]
        sim.end()
        return trains

    assert sum(map(len, spikes(1))) > 300
    assert spikes(1) == spikes(2)


@pytest.mark.parametrize("delay", range(1, 16))
def test_a_spike_arrives_at_the_tick_of_its_delay(delay):
    sim = import_module("pycosim.truenorth")
    sim.setup(timestep=1.0, min_delay=1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[3.0]))
    first = sim.Population(1, TrueNorthNeuron(alpha=1))
    second = sim.Population(1, TrueNorthNeuron(alpha=1))
    for pre, post in ((source, first), (first, second)):
        synapse = sim.StaticSynapse(weight=1, delay=delay)
        sim.Projection(pre, post, sim.AllToAllConnector(), synapse, receptor_type="type0")
    first.record("spikes")
    second.record("spikes")
    sim.run(40)
    times = [p.get_data().segments[0].spiketrains[0].magnitude.tolist() for p in (first, second)]
    sim.end()
    assert times == [[3.0 + delay], [3.0 + 2 * delay]]


def build_and_run(n_sources=1, delay=1.0, weight=1.0, **registers):
    sim = import_module("pycosim.truenorth")
    sim.setup(timestep=1.0, min_delay=1.0)
    source = sim.Population(n_sources, sim.SpikeSourceArray(spike_times=[3.0]))
    cells = sim.Population(1, TrueNorthNeuron(**registers))
    synapse = sim.StaticSynapse(weight=weight, delay=delay)
    sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type="type0")
    sim.run(3)
    sim.end()


def test_delays_beyond_the_scheduler_and_the_257th_input_are_refused():
    build_and_run(delay=15.0, n_sources=256)
    with pytest.raises(DoesNotFitError, match="delay in steps: needs 16, the limit is 15"):
        build_and_run(delay=16.0)
    with pytest.raises(DoesNotFitError, match=r"inputs per core \(axons\): needs 257, the limit is 256"):
        build_and_run(n_sources=257)
    with pytest.raises(Exception, match="delay"):
        build_and_run(delay=0.0)


def test_a_weight_is_a_bit_and_registers_have_their_widths():
    with pytest.raises(Exception, match=r"is 2; the register holds whole numbers from 0 to 1"):
        build_and_run(weight=2.0)
    with pytest.raises(InvalidInputError) as caught:
        build_and_run(S0=256, alpha=2**18, gamma=3, VR=19)
    for text in ("S0 is 256", "alpha is 262144", "gamma is 3", "VR is 19"):
        assert f"parameter {text}; the register holds whole numbers from" in str(caught.value)


def test_a_membrane_begins_at_a_whole_number():
    for v in (0.5, 2**19):
        with pytest.raises(
            InvalidInputError, match=r"initial value of v is .* whole numbers from -524288 to"
        ):
            one_tick("native", TrueNorthNeuron, [({}, v, {})])
