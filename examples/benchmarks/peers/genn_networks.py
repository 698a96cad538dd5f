"""The benchmark networks on GeNN's single-threaded CPU backend: ``python genn_networks.py brunel --ms 1000``.

Prints the same line as the PyNN scripts. Needs PyGeNN 5 and a C++ compiler; numbers have single precision.
GeNN compiles without optimisation unless it is asked; here it has the flags that Brian2 uses by itself.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pygenn
from pygenn import GeNNModel, init_postsynaptic, init_sparse_connectivity, init_var, init_weight_update

sys.path.insert(0, str(Path(__file__).parents[1]))
import potjans_diesmann
from timing import report

DT_MS = 0.1
COMPILER = "g++ -O3 -ffast-math -march=native"
DELTA_CELL = pygenn.create_neuron_model(
    "delta_cell",
    params=["decay", "v_thresh", "v_reset", "tau_refrac"],
    vars=[("v", "scalar"), ("left", "scalar")],
    sim_code="if (left > 0) { left -= dt; } else { v = v * decay + Isyn; }",
    threshold_condition_code="left <= 0 && v >= v_thresh",
    reset_code="v = v_reset; left = tau_refrac;",
)
CURRENT_CELL = pygenn.create_neuron_model(
    "current_cell",
    params=["decay", "resistance", "v_rest", "v_thresh", "v_reset", "tau_refrac"],
    vars=[("v", "scalar"), ("left", "scalar"), ("offset", "scalar", pygenn.VarAccess.READ_ONLY)],
    sim_code="""
    if (left > 0) { left -= dt; }
    else { const scalar end = v_rest + resistance * (Isyn + offset); v = end + (v - end) * decay; }
    """,
    threshold_condition_code="left <= 0 && v >= v_thresh",
    reset_code="v = v_reset; left = tau_refrac;",
)
IZHIKEVICH = pygenn.create_neuron_model(
    "izhikevich",
    params=["a", "d"],
    vars=[("v", "scalar"), ("u", "scalar")],
    sim_code="""
    v += Isyn;
    v += dt * (0.04 * v * v + 5 * v + 140 - u);
    u += dt * a * (0.2 * v - u);
    """,
    threshold_condition_code="v >= 30",
    reset_code="v = -65; u += d;",
)
# Knuth's way: as many uniform numbers as events, and one more.
POISSON = """
    scalar product = 1; int n = -1;
    do { n++; product *= gennrand_uniform(); } while (product > none);
"""
POISSON_DELTA = pygenn.create_current_source_model(
    "poisson_delta", params=["weight", "none"], injection_code=POISSON + "injectCurrent(weight * n);"
)
POISSON_EXP = pygenn.create_current_source_model(
    "poisson_exp",
    params=["weight", "none", "decay", "mean"],
    vars=[("current", "scalar")],
    injection_code=POISSON + "injectCurrent(mean * current); current = current * decay + weight * n;",
)
PAIRS = pygenn.create_weight_update_model(
    "pairs",
    params=["plus", "minus", "decay", "w_max"],
    vars=[("g", "scalar")],
    pre_vars=[("before", "scalar")],
    post_vars=[("after", "scalar")],
    pre_spike_syn_code="addToPost(g); g = fmax(0.0, g - after * minus);",
    post_spike_syn_code="g = fmin(w_max, g + before * plus);",
    pre_spike_code="before += 1.0;",
    post_spike_code="after += 1.0;",
    pre_dynamics_code="before *= decay;",
    post_dynamics_code="after *= decay;",
)


def static(model, source, target, connectivity, weight, delay_ms, receptor=None):
    """Add synapses that are alike."""
    synapses = model.add_synapse_population(
        f"{source.name}_{target.name}",
        "SPARSE",
        source,
        target,
        init_weight_update("StaticPulseConstantWeight", {"g": weight}),
        receptor or init_postsynaptic("DeltaCurr"),
        connectivity,
    )
    synapses.axonal_delay_steps = round(delay_ms / DT_MS) - 1
    return synapses


def poisson_delta(model, population, rate_hz, weight):
    """Add Poisson input."""
    parameters = {"weight": weight, "none": np.exp(-rate_hz * DT_MS / 1000)}
    model.add_current_source(f"noise_{population.name}", POISSON_DELTA, population, parameters)


def delta_cells(model, name, n):
    """Return neurons of Brunel's network."""
    parameters = {"decay": np.exp(-DT_MS / 20), "v_thresh": 20.0, "v_reset": 10.0, "tau_refrac": 2.0}
    return model.add_neuron_population(name, n, DELTA_CELL, parameters, {"v": 0.0, "left": 0.0})


def sparse(p):
    """Return random connectivity."""
    return init_sparse_connectivity("FixedProbability", {"prob": p})


def brunel(model, scale, **_):
    """Return the populations that are recorded."""
    weight = 0.1 / scale
    exc = delta_cells(model, "exc", int(10_000 * scale))
    inh = delta_cells(model, "inh", int(2_500 * scale))
    for target in (exc, inh):
        poisson_delta(model, target, 1000 * 2.0 * 20.0 / (weight * 20.0), weight)
        static(model, exc, target, sparse(0.1), weight, 1.5)
        static(model, inh, target, sparse(0.1), -5 * weight, 1.5)
    return [exc, inh]


def stdp(model, scale, **_):
    """Return the populations that are recorded."""
    n_exc = int(9_000 * scale)
    weight = 1000 / (0.1 * n_exc) * 0.1
    exc, inh = delta_cells(model, "exc", n_exc), delta_cells(model, "inh", int(2_250 * scale))
    for target in (exc, inh):
        poisson_delta(model, target, 1000 * 2.0 * 20.0 / (weight * 20.0), weight)
        static(model, inh, target, sparse(0.1), -5 * weight, 1.5)
    static(model, exc, inh, sparse(0.1), weight, 1.5)
    rule = {"plus": 0.01 * 2 * weight, "minus": 0.0105 * 2 * weight, "decay": np.exp(-DT_MS / 20)}
    plastic = model.add_synapse_population(
        "plastic",
        "SPARSE",
        exc,
        exc,
        init_weight_update(
            PAIRS, rule | {"w_max": 2 * weight}, {"g": weight}, {"before": 0.0}, {"after": 0.0}
        ),
        init_postsynaptic("DeltaCurr"),
        sparse(0.1),
    )
    plastic.axonal_delay_steps = round(1.5 / DT_MS) - 1
    return [exc, inh]


def vogels_abbott(model, cells, synapses, **_):
    """Return the populations that are recorded."""
    n_exc = cells * 4 // 5
    parameters = {"C": 0.2, "TauM": 20.0, "Vreset": -60.0, "Vthresh": -50.0, "TauRefrac": 5.0}
    parameters |= {"Vrest": -49.0, "Ioffset": 0.0} if synapses == "CUBA" else {"Vrest": -60.0, "Ioffset": 0.2}
    start = {"V": init_var("Uniform", {"min": -60.0, "max": -50.0}), "RefracTime": 0.0}
    exc, inh = (
        model.add_neuron_population(name, n, "LIF", parameters, start)
        for name, n in (("exc", n_exc), ("inh", cells - n_exc))
    )
    weights = (0.0162, -0.09) if synapses == "CUBA" else (4e-3, 51e-3)
    for source, weight, tau, reversal in ((exc, weights[0], 5.0, 0.0), (inh, weights[1], 10.0, -80.0)):
        for target in (exc, inh):
            if synapses == "CUBA":
                receptor = init_postsynaptic("ExpCurr", {"tau": tau})
            else:
                variables = {"V": pygenn.create_var_ref(target, "V")}
                receptor = init_postsynaptic("ExpCond", {"tau": tau, "E": reversal}, var_refs=variables)
            static(model, source, target, sparse(80 / cells), weight, 0.2, receptor)
    return [exc, inh]


def microcircuit(model, scale, **_):
    """Return the populations that are recorded."""
    numbers = potjans_diesmann.network(scale)
    parameters = {"decay": np.exp(-DT_MS / 10), "resistance": 40.0, "v_rest": -65.0, "v_thresh": -50.0}
    parameters |= {"v_reset": -65.0, "tau_refrac": 2.0}
    layers = []
    for k, size in enumerate(numbers["sizes"]):
        start = {"v": init_var("Normal", {"mean": -58.0, "sd": 10.0}), "left": 0.0}
        start["offset"] = numbers["offsets_na"][k]
        layer = model.add_neuron_population(f"layer{k}", int(size), CURRENT_CELL, parameters, start)
        decay = np.exp(-DT_MS / 0.5)
        noise = {"weight": numbers["external_na"], "none": np.exp(-numbers["poisson_hz"][k] * DT_MS / 1000)}
        noise |= {"decay": decay, "mean": 0.5 / DT_MS * (1 - decay)}
        model.add_current_source(f"noise{k}", POISSON_EXP, layer, noise, {"current": 0.0})
        layers.append(layer)
    for i, target in enumerate(layers):
        for j, source in enumerate(layers):
            n, weight = int(numbers["n_synapses"][i, j]), numbers["weights_na"][i, j]
            if not n:
                continue
            delay, limits = ((1.5, (0.0, 1e9)), (0.8, (-1e9, 0.0)))[j % 2]
            normal = {"mean": weight, "sd": 0.1 * abs(weight), "min": limits[0], "max": limits[1]}
            delays = {"mean": delay / DT_MS, "sd": 0.5 * delay / DT_MS, "min": 0.0, "max": 4 * delay / DT_MS}
            synapses = model.add_synapse_population(
                f"{source.name}_{target.name}",
                "SPARSE",
                source,
                target,
                init_weight_update(
                    "StaticPulseDendriticDelay",
                    {},
                    {"g": init_var("NormalClipped", normal), "d": init_var("NormalClippedDelay", delays)},
                ),
                init_postsynaptic("ExpCurr", {"tau": 0.5}),
                init_sparse_connectivity("FixedNumberTotalWithReplacement", {"num": n}),
            )
            synapses.max_dendritic_delay_timesteps = int(4 * delay / DT_MS) + 2
    return layers


def izhikevich(model, cells, **_):
    """Return the populations that are recorded; Euler's rule with one step."""
    n_exc = cells * 4 // 5
    start = {"v": -65.0, "u": -13.0}
    exc = model.add_neuron_population("exc", n_exc, IZHIKEVICH, {"a": 0.02, "d": 8.0}, start)
    inh = model.add_neuron_population("inh", cells - n_exc, IZHIKEVICH, {"a": 0.1, "d": 2.0}, start)
    for target in (exc, inh):
        poisson_delta(model, target, 1000.0, 3.0)
        for source, weight in ((exc, 0.5), (inh, -2.5)):
            uniform = init_var("Uniform", {"min": 10.0, "max": 100.0})
            synapses = model.add_synapse_population(
                f"{source.name}_{target.name}",
                "SPARSE",
                source,
                target,
                init_weight_update("StaticPulseDendriticDelay", {}, {"g": weight, "d": uniform}),
                init_postsynaptic("DeltaCurr"),
                sparse(100 / cells),
            )
            synapses.max_dendritic_delay_timesteps = 102
    return [exc, inh]


NETWORKS = {
    function.__name__: function for function in (brunel, vogels_abbott, microcircuit, stdp, izhikevich)
}


def main():
    """Compile and run one network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--synapses", default="CUBA")
    parser.add_argument("--as-installed", action="store_true", help="compile as GeNN does, without -O")
    arguments = parser.parse_args()
    settings = {}
    if not arguments.as_installed:
        os.environ.setdefault("CXX", COMPILER)
        settings["optimize_code"] = True
    model = GeNNModel("float", arguments.network, backend="single_threaded_cpu", **settings)
    model.dt, model.seed = DT_MS, 1
    recorded = NETWORKS[arguments.network](model, **vars(arguments))
    for population in recorded:
        population.spike_recording_enabled = True
    n_steps = round((arguments.ms + 20) / DT_MS)
    folder = tempfile.mkdtemp()
    model.build(folder)
    model.load(num_recording_timesteps=n_steps)

    def run(ms):
        for _ in range(round(ms / DT_MS)):
            model.step_time()

    def rate(ms):
        model.pull_recording_buffers_from_device()
        spikes = sum(len(population.spike_recording_data[0][0]) for population in recorded)
        return 1000 * spikes / sum(population.num_neurons for population in recorded) / ms

    report(run, rate, arguments.ms, time.process_time())


if __name__ == "__main__":
    main()
