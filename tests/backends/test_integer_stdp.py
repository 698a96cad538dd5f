"""The pair rule with whole numbers: the same in both backends, and on average that of real numbers."""

import numpy as np
import pytest

from pycosim.backends.base import Options
from pycosim.backends.native import build as build_native
from pycosim.backends.reference import build as build_reference
from pycosim.network import Network, Plasticity, Population, Projection

N = 400
RULE = {
    **{"tau_plus": 20.0, "tau_minus": 15.0, "A_plus": 0.25, "A_minus": 0.375},
    **{"impulse": 32.0, "w_step": 2.0, "w_min": 0.0, "w_max": 254.0},
}


def pairs(pre_steps, post_steps, *, rule=RULE, delay=1, fraction=1.0, weight=128.0):
    """Return N pairs of sources and neurons, each of which a second source makes fire at the post steps."""
    network = Network(dt_ms=1.0, seed=5)
    for steps in (pre_steps, [step - 1 for step in post_steps]):
        steps, indices = (column.ravel() for column in np.meshgrid(steps, np.arange(N), indexing="ij"))
        source = Population("spikes", "SpikeSourceArray", N, spike_steps=steps, spike_indices=indices)
        network.add(source)
    membrane = {"v_rest": -65.0, "v_reset": -65.0, "v_thresh": 1e5, "tau_m": 1.0, "cm": 1.0}
    parameters = membrane | {"tau_refrac": 0.0, "i_offset": 0.0}
    network.add(Population("cells", "IF_curr_delta", N, parameters=parameters))
    rows, targets = np.arange(N + 1), 2 * N + np.arange(N, dtype=np.int32)
    plasticity = Plasticity(
        "IntegerPairRule", "AdditiveWeightDependence", rule, dendritic_delay_fraction=fraction
    )
    weights = np.full(N, weight)
    # The threshold is far above what plastic synapses do, in mV.
    network.projections = [
        Projection(
            "plastic", "excitatory", np.arange(N, dtype=np.int32), rows, targets, weights, delay, plasticity
        ),
        Projection("drive", "excitatory", np.arange(N, 2 * N, dtype=np.int32), rows, targets, 1e6, 1),
    ]
    return network


def learned(build, network, n_steps=60):
    simulation = build(network, Options())
    simulation.advance(n_steps)
    weights = simulation.weights(0)
    simulation.close()
    return weights


def test_on_average_weights_change_as_with_real_numbers():
    pre, post = [3, 30], [8, 44]
    unit = RULE["w_step"] * RULE["impulse"] / RULE["w_max"]
    real = {name: RULE[name] for name in ("tau_plus", "tau_minus", "w_min", "w_max")}
    real |= {name: RULE[name] * unit for name in ("A_plus", "A_minus")}
    network = pairs(pre, post)
    integers = learned(build_native, network)
    network.projections[0].plasticity = Plasticity("SpikePairRule", "AdditiveWeightDependence", real)
    exact = learned(build_native, network)
    assert np.ptp(exact) == 0
    assert abs(exact[0] - 128.0) > 5
    # Rounding is unbiased; its standard deviation is below 4, of the mean of 400 synapses 0.2.
    assert integers.mean() == pytest.approx(exact[0], abs=0.8)
    assert 0.5 < integers.std() < 4


def test_traces_end_at_127_and_weights_at_their_bounds():
    # Without decay to speak of, five spikes of 32 leave 127; a spike then adds 2 * 0.25 * 127 = 63.5.
    slow = RULE | {"tau_plus": 1e12, "A_minus": 0.0}
    weights = learned(build_native, pairs([1, 2, 3, 4, 5], [10], rule=slow))
    assert set(weights) == {128.0 + 62.0, 128.0 + 64.0}
    weights = learned(build_native, pairs([1, 2, 3, 4, 5], [10, 11, 12, 13], rule=slow))
    assert set(weights) == {254.0}
    weights = learned(
        build_native, pairs([30], [1, 2, 3, 4], rule=RULE | {"A_minus": 7.0, "tau_minus": 1e12})
    )
    assert set(weights) == {0.0}


@pytest.mark.parametrize(("delay", "fraction"), [(1, 1.0), (3, 0.0), (4, 0.5)])
def test_both_backends_learn_the_same_weights(delay, fraction):
    network = pairs([3, 9, 10, 25, 41], [5, 10, 20, 33, 44], delay=delay, fraction=fraction)
    native, reference = (learned(build, network) for build in (build_native, build_reference))
    np.testing.assert_array_equal(native, reference)
    assert len(np.unique(native)) > 3
    assert np.all(native % 2 == 0)
