"""The benchmark networks in NEST itself, without PyNN: ``python nest_networks.py brunel --ms 1000``.

Prints the same line as the PyNN scripts. Needs NEST only.
"""

import argparse
import sys
import time
from pathlib import Path

import nest

sys.path.insert(0, str(Path(__file__).parents[1]))
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


def connect(sources, targets, rule, weight, delay):
    """Make static synapses."""
    nest.Connect(
        sources, targets, rule, {"synapse_model": "static_synapse", "weight": weight, "delay": delay}
    )


def main():
    """Build and run one network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=["brunel", "vogels_abbott"])
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--synapses", default="CUBA")
    arguments = parser.parse_args()
    nest.set_verbosity("M_ERROR")
    nest.SetKernelStatus({"resolution": 0.1, "local_num_threads": arguments.threads})
    recorded = globals()[arguments.network](**vars(arguments))
    recorder = nest.Create("spike_recorder")
    nest.Connect(recorded, recorder)
    nest.Prepare()
    rate = lambda ms: 1000 * recorder.n_events / len(recorded) / ms  # noqa: E731
    report(nest.Run, rate, arguments.ms, time.process_time())


if __name__ == "__main__":
    main()
