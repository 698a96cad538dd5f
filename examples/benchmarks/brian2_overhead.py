"""CPU time of the Brian2 program that pycosim generates against one written by hand for the same network.

    python brian2_overhead.py [--networks cuba brunel] [--repeats 3] [--duration 10000]
                              [--cells 4000] [--order 500]

Networks: "cuba" is that of Vogels & Abbott (4,000 neurons, 320,000 synapses; Brette et al. 2007, J Comput
Neurosci 23:349; each neuron has 80 synapses on average with other --cells, too), "brunel" has 5 x order
neurons with delta synapses and 10 % connections (Brunel 2000, J Comput Neurosci 8:183); with --order 2500
that is 15.6 million synapses. On both sides
a neuron's noise is a Poisson source and a synapse; the program by hand has several slower ones for each
neuron where one would often fire twice in a step, as sources of a PoissonGroup do not (4 with --order 2500).

Both sides run as C++ standalone programs, each repeat in new processes, the sides in turn. "build" is all
but imports, compiling and the simulation: for pycosim the PyNN script with its connections (its program comes
from the cache), for the other the Python script, Brian2's code generation, and the connections that its
program draws. "run" is the simulation. CPU seconds of all processes; medians. "rate" is in Hz.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile

NETWORKS = ("cuba", "brunel")


def cpu_s():
    """CPU seconds of this process and of those that it waited for."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def cuba_in_pynn(sim, size):
    """Vogels and Abbott's network with currents."""
    cell = sim.IF_curr_exp(
        v_rest=-49.0,
        v_reset=-60.0,
        v_thresh=-50.0,
        tau_m=20.0,
        cm=0.2,
        tau_refrac=5.0,
        tau_syn_E=5.0,
        tau_syn_I=10.0,
    )
    parts = ((size * 4 // 5, "exc"), (size // 5, "inh"))
    cells = [sim.Population(n, cell, label=label) for n, label in parts]
    uniform = sim.RandomDistribution("uniform", (-60.0, -50.0))
    connector = sim.FixedProbabilityConnector(80 / size)
    for pre, weight, receptor in ((cells[0], 0.0162, "excitatory"), (cells[1], -0.09, "inhibitory")):
        pre.initialize(v=uniform)
        for post in cells:
            synapse = sim.StaticSynapse(weight=weight, delay=0.1)
            sim.Projection(pre, post, connector, synapse, receptor_type=receptor)
    return cells


def brunel_in_pynn(sim, size):
    """Brunel's network in the asynchronous irregular state."""
    cell = sim.IF_curr_delta(v_rest=0.0, v_reset=10.0, v_thresh=20.0, tau_m=20.0, cm=1.0, tau_refrac=2.0)
    cells = [sim.Population(n, cell, label=label) for n, label in ((4 * size, "exc"), (size, "inh"))]
    weight = 0.1 * 2500 / size
    for population in cells:
        population.initialize(v=0.0)
    for pre, factor in zip(cells, (1.0, -5.0)):
        for post in cells:
            synapse = sim.StaticSynapse(weight=factor * weight, delay=1.5)
            receptor = "excitatory" if factor > 0 else "inhibitory"
            sim.Projection(pre, post, sim.FixedProbabilityConnector(0.1), synapse, receptor_type=receptor)
    for population in cells:
        rate = 2 * 20.0 / (weight * 20e-3)
        noise = sim.Population(population.size, sim.SpikeSourcePoisson(rate=rate))
        sim.Projection(
            noise, population, sim.OneToOneConnector(), sim.StaticSynapse(weight=weight, delay=0.1)
        )
    return cells


def generated(network, duration, size):
    """Run the PyNN script on pycosim's Brian2 backend; return CPU seconds and the mean rate."""
    import pycosim.brian2 as sim

    started = cpu_s()
    sim.setup(timestep=0.1)
    cells = (cuba_in_pynn if network == "cuba" else brunel_in_pynn)(sim, size)
    for population in cells:
        population.record("spikes")
    sim.run(0.1)
    built = cpu_s()
    sim.run(duration - 0.1)
    ran = cpu_s()
    n_spikes = sum(population.mean_spike_count() * population.size for population in cells)
    rate = n_spikes / sum(population.size for population in cells) / duration * 1000
    sim.end()
    return {"build": built - started, "run": ran - built, "rate": rate}


def cuba_by_hand(b, size):
    """Vogels and Abbott's network as in Brian2's own examples."""
    equations = """
    dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
    dge/dt = -ge/(5*ms) : volt
    dgi/dt = -gi/(10*ms) : volt
    """
    cells = b.NeuronGroup(
        size, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory="5*ms", method="exact"
    )
    cells.v = "-60*mV + rand()*10*mV"
    synapses = [
        b.Synapses(cells[: size * 4 // 5], cells, on_pre="ge += 1.62*mV"),
        b.Synapses(cells[size * 4 // 5 :], cells, on_pre="gi -= 9*mV"),
    ]
    for one in synapses:
        one.connect(p=80 / size)
    return [cells, *synapses], [cells]


def brunel_by_hand(b, size):
    """Brunel's network as in Brian2's own examples."""
    cells = b.NeuronGroup(
        5 * size,
        "dv/dt = -v/(20*ms) : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory="2*ms",
        method="exact",
    )
    weight = 0.1 * 2500 / size
    synapses = []
    for part, factor in ((cells[: 4 * size], 1.0), (cells[4 * size :], -5.0)):
        synapses.append(b.Synapses(part, cells, on_pre=f"v += {factor * weight}*mV", delay=1.5 * b.ms))
        synapses[-1].connect(p=0.1)
    rate = 2 * 20.0 / (weight * 20e-3)
    per_cell = math.ceil(rate * 0.1e-3 / 0.5)
    noise = b.PoissonGroup(per_cell * 5 * size, rate / per_cell * b.Hz)
    drive = b.Synapses(noise, cells, on_pre=f"v += {weight}*mV")
    drive.connect(j=f"i // {per_cell}")
    return [cells, noise, drive, *synapses], [cells]


def by_hand(network, duration, size):
    """Run the hand-written program; return CPU seconds and the mean rate."""
    import brian2 as b

    started = cpu_s()
    b.set_device("cpp_standalone", build_on_run=False)
    b.defaultclock.dt = 0.1 * b.ms
    objects, recorded = (cuba_by_hand if network == "cuba" else brunel_by_hand)(b, size)
    monitors = [b.SpikeMonitor(group) for group in recorded]
    for place in ("before", "after"):
        line = f'{{ std::ofstream("{place}_cpu") << double(std::clock())/CLOCKS_PER_SEC; }}'
        b.device.insert_code(f"{place}_network_run", line)
    b.prefs.codegen.cpp.headers += ["<ctime>", "<fstream>"]
    b.Network(*objects, *monitors).run(duration * b.ms)
    written = cpu_s()
    with tempfile.TemporaryDirectory() as folder:
        b.device.build(directory=folder, compile=True, run=False, debug=False)
        b.device.run(folder, with_output=False)
        before, after = (
            float(open(os.path.join(folder, f"{name}_cpu")).read()) for name in ("before", "after")
        )
        rate = sum(monitor.num_spikes for monitor in monitors) / sum(len(group) for group in recorded)
    return {"build": written - started + before, "run": after - before, "rate": rate / duration * 1000}


def measured(side, network, arguments):
    """Return what a new process measured."""
    command = [sys.executable, __file__, "--side", side, "--networks", network]
    command += ["--duration", str(arguments.duration)]
    command += ["--order", str(arguments.order), "--cells", str(arguments.cells)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Print a line per network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--duration", type=float, default=10_000.0)
    parser.add_argument("--cells", type=int, default=4_000)
    parser.add_argument("--order", type=int, default=500)
    parser.add_argument("--side", choices=("generated", "by_hand"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        side = generated if arguments.side == "generated" else by_hand
        network = arguments.networks[0]
        size = arguments.cells if network == "cuba" else arguments.order
        print(json.dumps(side(network, arguments.duration, size)))
        return
    print("network  part    generated   by hand     ratio   (CPU seconds, medians)")
    for network in arguments.networks:
        measured("generated", network, arguments)  # compiles
        runs = [
            [measured(side, network, arguments) for side in ("generated", "by_hand")]
            for _ in range(arguments.repeats)
        ]
        for part in ("build", "run", "rate"):
            mine, other = (statistics.median(pair[side][part] for pair in runs) for side in (0, 1))
            print(f"{network:8} {part:6} {mine:10.2f} {other:9.2f} {mine / other:9.2f}", flush=True)


if __name__ == "__main__":
    main()
