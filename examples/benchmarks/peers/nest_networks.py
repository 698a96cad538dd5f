"""The benchmark networks in NEST itself, without PyNN: ``python nest_networks.py brunel --ms 1000``.

Prints the same line as the PyNN scripts. Needs NEST only.
"""

import argparse
import sys
import time
from pathlib import Path

import nest

sys.path.insert(0, str(Path(__file__).parents[1]))
import potjans_diesmann
from timing import report


def brunel(scale, **_):
    """Return the neurons that are recorded."""
    n_exc, n_inh, weight, delay = int(10_000 * scale), int(2_500 * scale), 0.1 / scale, 1.5
    parameters = {
        "C_m": 1.0,
        "tau_m": 20.0,
        "t_ref": 2.0,
        "E_L": 0.0,
        "V_reset": 10.0,
        "V_m": 0.0,
        "V_th": 20.0,
    }
    exc = nest.Create("iaf_psc_delta", n_exc, parameters)
    inh = nest.Create("iaf_psc_delta", n_inh, parameters)
    noise = nest.Create("poisson_generator", params={"rate": 1000 * 2.0 * 20.0 / (weight * 20.0)})
    connect(noise, exc + inh, "all_to_all", weight, delay)
    rule = {"rule": "pairwise_bernoulli", "p": 0.1}
    connect(exc, exc + inh, rule, weight, delay)
    connect(inh, exc + inh, rule, -5.0 * weight, delay)
    return exc[:500]


def vogels_abbott(cells, synapses, **_):
    """Return the neurons that are recorded."""
    n_exc = cells * 4 // 5
    parameters = {"C_m": 200.0, "V_reset": -60.0, "V_th": -50.0, "t_ref": 5.0}
    if synapses == "CUBA":
        model, weights = "iaf_psc_exp", (16.2, -90.0)
        parameters |= {"E_L": -49.0, "tau_m": 20.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0}
    else:
        model, weights = "iaf_cond_exp", (4.0, -51.0)
        parameters |= {"E_L": -60.0, "g_L": 10.0, "tau_syn_ex": 5.0, "tau_syn_in": 10.0, "I_e": 200.0}
        parameters |= {"E_ex": 0.0, "E_in": -80.0}
    neurons = nest.Create(model, cells, parameters)
    neurons.V_m = nest.random.uniform(-60.0, -50.0)
    rule = {"rule": "pairwise_bernoulli", "p": 80 / cells}
    connect(neurons[:n_exc], neurons, rule, weights[0], 0.2)
    connect(neurons[n_exc:], neurons, rule, weights[1], 0.2)
    return neurons


def microcircuit(scale, **_):
    """Return the neurons that are recorded."""
    numbers = potjans_diesmann.network(scale)
    parameters = {"C_m": 250.0, "tau_m": 10.0, "E_L": -65.0, "V_reset": -65.0, "V_th": -50.0, "t_ref": 2.0}
    parameters |= {"tau_syn_ex": 0.5, "tau_syn_in": 0.5}
    layers = []
    for k, size in enumerate(numbers["sizes"]):
        offset = {"I_e": 1000 * numbers["offsets_na"][k]}
        layers.append(nest.Create("iaf_psc_exp", int(size), parameters | offset))
        layers[k].V_m = nest.random.normal(-58.0, 10.0)
        noise = nest.Create("poisson_generator", params={"rate": numbers["poisson_hz"][k]})
        connect(noise, layers[k], "all_to_all", 1000 * numbers["external_na"], 1.5)
    for i, target in enumerate(layers):
        for j, source in enumerate(layers):
            n, weight = int(numbers["n_synapses"][i, j]), 1000 * numbers["weights_na"][i, j]
            if not n:
                continue
            delay, limits = ((1.5, (0.0, 1e9)), (0.8, (-1e9, 0.0)))[j % 2]
            connect(
                source,
                target,
                {"rule": "fixed_total_number", "N": n},
                nest.math.redraw(nest.random.normal(weight, 0.1 * abs(weight)), min=limits[0], max=limits[1]),
                nest.math.redraw(nest.random.normal(delay, 0.5 * delay), min=0.1, max=1e3),
            )
    return sum(layers[1:], layers[0])


def stdp(scale, **_):
    """Return the neurons that are recorded."""
    n_exc, n_inh, delay = int(9_000 * scale), int(2_250 * scale), 1.5
    weight = 1000 / (0.1 * n_exc) * 0.1
    parameters = {"C_m": 1.0, "tau_m": 20.0, "t_ref": 2.0, "E_L": 0.0, "V_reset": 10.0, "V_m": 0.0}
    exc = nest.Create("iaf_psc_delta", n_exc, parameters | {"V_th": 20.0, "tau_minus": 20.0})
    inh = nest.Create("iaf_psc_delta", n_inh, parameters | {"V_th": 20.0})
    noise = nest.Create("poisson_generator", params={"rate": 1000 * 2.0 * 20.0 / (weight * 20.0)})
    connect(noise, exc + inh, "all_to_all", weight, delay)
    rule = {"rule": "pairwise_bernoulli", "p": 0.1}
    additive = {"mu_plus": 0.0, "mu_minus": 0.0, "lambda": 0.01, "alpha": 1.05, "tau_plus": 20.0}
    plastic = {"synapse_model": "stdp_synapse", "weight": weight, "delay": delay, "Wmax": 2 * weight}
    nest.Connect(exc, exc, rule, plastic | additive)
    connect(exc, inh, rule, weight, delay)
    connect(inh, exc + inh, rule, -5.0 * weight, delay)
    return exc[:500]


def izhikevich(cells, **_):
    """Return the neurons that are recorded."""
    n_exc = cells * 4 // 5
    cell = {"b": 0.2, "c": -65.0, "V_m": -65.0, "U_m": -13.0}
    exc = nest.Create("izhikevich", n_exc, cell | {"a": 0.02, "d": 8.0})
    inh = nest.Create("izhikevich", cells - n_exc, cell | {"a": 0.1, "d": 2.0})
    noise = nest.Create("poisson_generator", params={"rate": 1000.0})
    connect(noise, exc + inh, "all_to_all", 3.0, 1.0)
    rule, delay = {"rule": "pairwise_bernoulli", "p": 100 / cells}, nest.random.uniform(1.0, 10.0)
    connect(exc, exc + inh, rule, 0.5, delay)
    connect(inh, exc + inh, rule, -2.5, delay)
    return exc + inh


def connect(sources, targets, rule, weight, delay):
    """Make static synapses."""
    nest.Connect(
        sources, targets, rule, {"synapse_model": "static_synapse", "weight": weight, "delay": delay}
    )


NETWORKS = {
    function.__name__: function for function in (brunel, vogels_abbott, microcircuit, stdp, izhikevich)
}


def main():
    """Build and run one network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--synapses", default="CUBA")
    arguments = parser.parse_args()
    nest.set_verbosity("M_ERROR")
    nest.SetKernelStatus({"resolution": 0.1, "local_num_threads": arguments.threads})
    recorded = NETWORKS[arguments.network](**vars(arguments))
    recorder = nest.Create("spike_recorder")
    nest.Connect(recorded, recorder)
    nest.Prepare()
    rate = lambda ms: 1000 * recorder.n_events / len(recorded) / ms  # noqa: E731
    report(nest.Run, rate, arguments.ms, time.process_time())


if __name__ == "__main__":
    main()
