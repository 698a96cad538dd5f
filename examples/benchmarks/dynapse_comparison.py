"""DYNAP-SE's neuron in pycosim and in dynapse-simulator (Brian2): spike times and membrane currents.

    git clone https://github.com/YigitDemirag/dynapse-simulator
    python dynapse_comparison.py dynapse-simulator [--dt 0.1] [--brian2-dt 0.01] [--ms 200]

Several neurons with default parameters get regular spikes at all four types of synapses, each neuron more
than the one before. dynapse-simulator integrates by Euler's rule, so that its step should be short.
"""

import argparse
import re
import sys

import numpy as np

N = 8
WORDS = {"AMPA": (5.0, 3.0, 1), "NMDA": (10.0, 31.0, 1), "GABA_A": (30.0, 40.0, 1), "GABA_B": (23.0, 37.0, 1)}
"""First spike and period in ms, and CAM words; neuron i has i + 1 times as many words of AMPA."""


def times_of(kind, duration_ms):
    """Return the times at which spikes of a type act."""
    first, period, _ = WORDS[kind]
    return np.arange(first, duration_ms, period)


def run_theirs(checkout, duration_ms, dt_ms):
    """Return spike times by neuron, and Imem in pA every 1 ms, (n, N), by dynapse-simulator."""
    sys.path.insert(0, checkout)
    import brian2 as b
    from equations import dynapse_eq as equations
    from parameters.dynapse_param import dynapse_param

    b.prefs.codegen.target = "numpy"
    b.defaultclock.dt = dt_ms * b.ms
    rules = equations.dynapse_eq()
    # Products with conditions, which SymPy of today refuses.
    rules["model"] = re.sub(r"\((I\w+) ?(<=|>) ?I0\)", r"int(\1 \2 I0)", rules["model"])
    cells = b.NeuronGroup(N, **rules)
    for name, value in dynapse_param.items():
        setattr(cells, name, value)
    cells.Isoma_ahp = dynapse_param["I0"]  # as here; from 0, where Brian2 begins, it would not rise
    parts = [cells]
    for kind in WORDS:
        times = times_of(kind, duration_ms)
        source = b.SpikeGeneratorGroup(1, np.zeros(len(times), int), (times - dt_ms) * b.ms)
        rule = getattr(equations, f"dynapse_{kind.lower()}_syn_eq")()
        synapses = b.Synapses(source, cells, delay=dt_ms * b.ms, **rule)
        synapses.connect()
        synapses.weight = WORDS[kind][2] * (np.arange(N) + 1 if kind == "AMPA" else 1)
        parts += [source, synapses]
    spikes = b.SpikeMonitor(cells)
    membrane = b.StateMonitor(cells, "Isoma_mem", record=True, dt=1 * b.ms)
    b.Network(*parts, spikes, membrane).run(duration_ms * b.ms)
    trains = [np.asarray(spikes.spike_trains()[i] / b.ms) for i in range(N)]
    return trains, np.asarray(membrane.Isoma_mem / b.pA).T


def run_ours(duration_ms, dt_ms):
    """Return the same by pycosim."""
    from pycosim import native as sim

    sim.setup(timestep=dt_ms, min_delay=dt_ms)
    from pycosim.dynapse import DPINeuron

    cells = sim.Population(N, DPINeuron())
    for kind, (_, _, words) in WORDS.items():
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=times_of(kind, duration_ms) - dt_ms))
        pairs = [(0, i, float(words * (i + 1 if kind == "AMPA" else 1)), dt_ms) for i in range(N)]
        sim.Projection(source, cells, sim.FromListConnector(pairs), receptor_type=kind)
    cells.record(["spikes", "Isoma_mem"])
    sim.run(duration_ms)
    segment = cells.get_data().segments[0]
    sim.end()
    membrane = segment.filter(name="Isoma_mem")[0].magnitude[:: round(1 / dt_ms)]
    return [train.magnitude for train in segment.spiketrains], membrane


def main():
    """Run both, and print spikes and differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", help="folder of a checkout of YigitDemirag/dynapse-simulator")
    parser.add_argument("--dt", type=float, default=0.1)
    parser.add_argument("--brian2-dt", type=float, default=0.01)
    parser.add_argument("--ms", type=float, default=200.0)
    arguments = parser.parse_args()
    ours, membrane = run_ours(arguments.ms, arguments.dt)
    theirs, other = run_theirs(arguments.checkout, arguments.ms, arguments.brian2_dt)
    print("neuron  spikes here, there  difference of spike times, ms  of Imem before the first, relative")
    for i in range(N):
        n = min(len(ours[i]), len(theirs[i]))
        late = np.abs(ours[i][:n] - theirs[i][:n]).max(initial=0)
        quiet = int(min([arguments.ms, *ours[i][:1], *theirs[i][:1]]))
        error = np.abs(membrane[1:quiet, i] / other[1:quiet, i] - 1).max(initial=0)
        counts = f"{len(ours[i]):11}, {len(theirs[i]):5}"
        print(f"{i:6}  {counts}  {late:29.3f}  {error:34.2e}")


if __name__ == "__main__":
    main()
