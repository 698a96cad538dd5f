"""The benchmark networks in Brian2's C++ standalone mode: ``python brian2_networks.py brunel --ms 1000``.

Prints the same line as the PyNN scripts: CPU and wall-clock time of the compiled program's main loop, which
it takes itself. Compiled with Brian2's default flags (-O3 -ffast-math -march=native), without OpenMP.
"""

import argparse
import json
import tempfile
import time

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
    set_device,
)

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


def main():
    """Compile and run one network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=["brunel", "vogels_abbott"])
    parser.add_argument("--ms", type=float, default=1000.0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--cells", type=int, default=4000)
    parser.add_argument("--synapses", default="CUBA")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp()
    set_device("cpp_standalone", directory=folder, build_on_run=False)
    defaultclock.dt = 0.1 * ms
    parts, n_recorded = globals()[arguments.network](**vars(arguments))
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
