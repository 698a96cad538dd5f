"""The benchmark networks in Brian2's C++ standalone mode: ``python brian2_networks.py brunel --ms 1000``.

Prints the same line as the PyNN scripts: CPU and wall-clock time of the compiled program's main loop, which
it takes itself. Compiled with Brian2's default flags (-O3 -ffast-math -march=native), without OpenMP.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from brian2 import (
    Network,
    NeuronGroup,
    PoissonInput,
    SpikeMonitor,
    Synapses,
    defaultclock,
    device,
    ms,
    mV,
    namp,
    set_device,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
import potjans_diesmann

CLOCKS = (
    "{ timespec cpu, wall; clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);"
    "clock_gettime(CLOCK_MONOTONIC, &wall);"
    'std::cout << "CLOCKS " << cpu.tv_sec << " " << cpu.tv_nsec << " " << wall.tv_sec << " " << wall.tv_nsec'
    "<< std::endl; }"
)


def brunel(scale, **_):
    """Return the parts of the network, and the number of neurons that are recorded."""
    n_exc, n_inh, weight = int(10_000 * scale), int(2_500 * scale), 0.1 / scale
    neurons = NeuronGroup(
        n_exc + n_inh,
        "dv/dt = -v / (20*ms) : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
    )
    rate = 1000 * 2.0 * 20.0 / (weight * 20.0)
    n_inputs = 1000
    noise = PoissonInput(neurons, "v", n_inputs, rate / n_inputs / (1000 * ms), weight * mV)
    parts = [neurons, noise]
    for part, w in ((neurons[:n_exc], weight), (neurons[n_exc:], -5.0 * weight)):
        synapses = Synapses(
            part, neurons, "w : volt (shared, constant)", on_pre="v_post += w", delay=1.5 * ms
        )
        synapses.connect(p=0.1)
        synapses.w = w * mV
        parts.append(synapses)
    return [*parts, SpikeMonitor(neurons[:500])], 500


def vogels_abbott(cells, synapses, **_):
    """Return the parts of the network, and the number of neurons that are recorded."""
    n_exc = cells * 4 // 5
    if synapses == "CUBA":
        equations = "dv/dt = (-49*mV - v)/(20*ms) + (x + y)/(200*pfarad) : volt (unless refractory)\n"
        unit, weights, method = "amp", ("16.2*pA", "-90*pA"), "exact"
    else:
        equations = (
            "dv/dt = (10*nS*(-60*mV - v) + x*(0*mV - v) + y*(-80*mV - v) + 200*pA)/(200*pfarad)"
            " : volt (unless refractory)\n"
        )
        unit, weights, method = "siemens", ("4*nS", "51*nS"), "exponential_euler"
    equations += f"dx/dt = -x/(5*ms) : {unit}\ndy/dt = -y/(10*ms) : {unit}"
    neurons = NeuronGroup(
        cells, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method=method
    )
    neurons.v = "-60*mV + rand()*10*mV"
    parts = [neurons]
    for part, name, weight in ((neurons[:n_exc], "x", weights[0]), (neurons[n_exc:], "y", weights[1])):
        synapse = Synapses(part, neurons, on_pre=f"{name}_post += {weight}", delay=0.2 * ms)
        synapse.connect(p=80 / cells)
        parts.append(synapse)
    return [*parts, SpikeMonitor(neurons)], cells


def microcircuit(scale, **_):
    """Return the parts of the network, and the number of neurons that are recorded."""
    numbers = potjans_diesmann.network(scale)
    rng, sizes = np.random.default_rng(1), numbers["sizes"]
    first, n_cells = np.concatenate(([0], np.cumsum(sizes))), int(sizes.sum())
    neurons = NeuronGroup(
        n_cells,
        """dv/dt = (-65*mV - v)/(10*ms) + (current + offset)/(250*pfarad) : volt (unless refractory)
           dcurrent/dt = -current/(0.5*ms) : amp
           offset : amp (constant)""",
        threshold="v > -50*mV",
        reset="v = -65*mV",
        refractory=2 * ms,
        method="exact",
    )
    neurons.v = rng.normal(-58, 10, n_cells) * mV
    neurons.offset = np.repeat(numbers["offsets_na"], sizes) * namp
    parts = [neurons]
    for k, in_degree in enumerate(potjans_diesmann.EXTERNAL):
        layer, n_inputs = neurons[first[k] : first[k + 1]], int(in_degree * scale)
        rate = numbers["poisson_hz"][k] / n_inputs / (1000 * ms)
        parts.append(PoissonInput(layer, "current", n_inputs, rate, numbers["external_na"] * namp))
    for kind, delay in ((0, 1.5), (1, 0.8)):
        columns = [[], [], []]
        for source in range(kind, 8, 2):
            for target in range(8):
                n, weight = numbers["n_synapses"][target, source], numbers["weights_na"][target, source]
                columns[0].append(rng.integers(first[source], first[source + 1], n))
                columns[1].append(rng.integers(first[target], first[target + 1], n))
                columns[2].append(weight * np.maximum(rng.normal(1, 0.1, n), 0))
        i, j, weights = map(np.concatenate, columns)
        synapses = Synapses(neurons, neurons, "w : amp (constant)", on_pre="current_post += w")
        synapses.connect(i=i, j=j)
        synapses.w = weights * namp
        synapses.delay = np.maximum(rng.normal(delay, 0.5 * delay, len(i)), 0.1) * ms
        parts.append(synapses)
    return [*parts, SpikeMonitor(neurons)], n_cells


def stdp(scale, **_):
    """Return the parts of the network, and the number of neurons that are recorded."""
    n_exc, n_inh = int(9_000 * scale), int(2_250 * scale)
    weight = 1000 / (0.1 * n_exc) * 0.1
    neurons = NeuronGroup(
        n_exc + n_inh,
        "dv/dt = -v / (20*ms) : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
    )
    rate = 1000 * 2.0 * 20.0 / (weight * 20.0)
    parts = [neurons, PoissonInput(neurons, "v", 1000, rate / 1000 / (1000 * ms), weight * mV)]
    plastic = Synapses(
        neurons[:n_exc],
        neurons[:n_exc],
        """w : 1
           dbefore/dt = -before / (20*ms) : 1 (event-driven)
           dafter/dt = -after / (20*ms) : 1 (event-driven)""",
        on_pre=f"""v_post += w*mV
           before += {0.01 * 2 * weight}
           w = clip(w - after, 0, {2 * weight})""",
        on_post=f"""after += {0.0105 * 2 * weight}
           w = clip(w + before, 0, {2 * weight})""",
        delay=1.5 * ms,
    )
    plastic.connect(p=0.1)
    plastic.w = weight
    parts.append(plastic)
    for source, target, w in (
        (neurons[:n_exc], neurons[n_exc:], weight),
        (neurons[n_exc:], neurons, -5 * weight),
    ):
        synapses = Synapses(source, target, on_pre=f"v_post += {w}*mV", delay=1.5 * ms)
        synapses.connect(p=0.1)
        parts.append(synapses)
    return [*parts, SpikeMonitor(neurons[:500])], 500


def izhikevich(cells, **_):
    """Return the parts of the network, and the number of neurons that are recorded."""
    n_exc = cells * 4 // 5
    neurons = NeuronGroup(
        cells,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u)/ms : 1
           du/dt = a*(0.2*v - u)/ms : 1
           a : 1 (constant)
           d : 1 (constant)""",
        threshold="v > 30",
        reset="v = -65; u += d",
        method="rk4",
    )
    neurons.v, neurons.u = -65, -13
    neurons.a = np.where(np.arange(cells) < n_exc, 0.02, 0.1)
    neurons.d = np.where(np.arange(cells) < n_exc, 8.0, 2.0)
    parts = [neurons, PoissonInput(neurons, "v", 1, 1 / ms, 3.0)]
    for part, weight in ((neurons[:n_exc], 0.5), (neurons[n_exc:], -2.5)):
        synapses = Synapses(part, neurons, on_pre=f"v_post += {weight}")
        synapses.connect(p=100 / cells)
        synapses.delay = "(1 + 9*rand())*ms"
        parts.append(synapses)
    return [*parts, SpikeMonitor(neurons)], cells


NETWORKS = {
    function.__name__: function for function in (brunel, vogels_abbott, microcircuit, stdp, izhikevich)
}


def main():
    """Compile and run one network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--synapses", default="CUBA")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp()
    set_device("cpp_standalone", directory=folder, build_on_run=False)
    defaultclock.dt = 0.1 * ms
    parts, n_recorded = NETWORKS[arguments.network](**vars(arguments))
    started = time.process_time()
    device.insert_code("before_network_run", CLOCKS)
    device.insert_code("after_network_run", CLOCKS)
    Network(parts).run(arguments.ms * ms)
    device.build(directory=folder, compile=True, run=True, with_output=False)
    times = [line.split()[1:] for line in open(f"{folder}/results/stdout.txt") if line.startswith("CLOCKS")]
    difference = [int(after) - int(before) for before, after in zip(*times)]
    cpu, wall = difference[0] + 1e-9 * difference[1], difference[2] + 1e-9 * difference[3]
    factor = 1000 / arguments.ms
    rate = parts[-1].num_spikes / n_recorded * factor
    line = {"cpu": cpu * factor, "wall": wall * factor, "build_cpu": time.process_time() - started}
    print(json.dumps(line | {"rate_hz": rate}))


if __name__ == "__main__":
    main()
