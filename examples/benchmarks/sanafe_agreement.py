"""Run the same networks on pycosim's Loihi and in SANA-FE, and report where they differ first.

    python sanafe_agreement.py --sanafe PYTHON_WITH_SANAFE [--timing detailed] [--cases base one_tile ...]

Networks are random: integrators without a leak, so that both compute with small whole numbers and spikes can
be compared one by one. Each has a bias between 0 and `bias_max`, excitatory synapses of 2 and inhibitory ones
(from every fifth neuron) of -8. Both programs place neurons on the same cores, and use the constants that
SANA-FE's authors fitted to a board (constants="fitted"), without static power. Spikes and counts are to be
equal, energy within 0.5 %, the mean time of a step within 5 %.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pycosim.backends.base import Options
from pycosim.hwmodels.simulation import build
from pycosim.network import Network, Population, Projection, Recording

THRESHOLD = 64.5
TOLERANCE_PERCENT = 5
PEER = Path(__file__).parent / "peers" / "sanafe_networks.py"
# Neurons, cores, fan-out, largest bias, steps. The fitted constants were chosen with the first two in view.
CASES = {
    "base": (1024, 8, 32, 7, 200),
    "one_tile": (1024, 4, 32, 7, 200),
    "small": (96, 3, 8, 7, 400),
    "quiet": (2048, 16, 16, 1, 200),
    "busy": (512, 8, 48, 31, 100),
    "spread": (1024, 64, 24, 7, 100),
    "dense": (256, 16, 128, 15, 100),
    "large": (8192, 128, 16, 7, 40),
}


def network(n_neurons, n_cores, fan_out, bias_max, n_steps, seed=1):
    """Return the columns of a random network."""
    rng = np.random.default_rng(seed)
    sources = np.repeat(np.arange(n_neurons), fan_out)
    return {
        "bias": rng.integers(0, bias_max + 1, n_neurons).astype(float),
        "sources": sources,
        "targets": rng.integers(0, n_neurons, n_neurons * fan_out),
        "weights": np.where(sources % 5 == 4, -8.0, 2.0),
        "core": np.arange(n_neurons) * n_cores // n_neurons,
        "threshold": THRESHOLD,
        "n_steps": n_steps,
    }


def described(data):
    """Return the network as pycosim describes it."""
    membrane = {"v_rest": 0.0, "v_reset": 0.0, "cm": 1.0, "tau_m": 1e9, "tau_refrac": 0.0}
    membrane["v_thresh"] = THRESHOLD
    size = len(data["bias"])
    parameters = membrane | {"i_offset": data["bias"]}  # 1 nA into 1 nF is 1 mV in a step of 1 ms
    cells = Population("n", "IF_curr_delta", size, parameters=parameters, initial={"v": np.zeros(size)})
    cells.recordings["spikes"] = Recording(np.arange(size))
    result = Network(1.0)
    result.add(cells)
    for receptor, chosen in (("excitatory", data["weights"] > 0), ("inhibitory", data["weights"] < 0)):
        sources, targets, weights = (data[name][chosen] for name in ("sources", "targets", "weights"))
        order = np.lexsort((targets, sources))
        rows, counts = np.unique(sources, return_counts=True)
        first = np.concatenate(([0], np.cumsum(counts)))
        columns = rows.astype(np.int32), first, targets[order].astype(np.int32), weights[order], 1
        result.projections.append(Projection(receptor, receptor, *columns))
    return result


def run_here(data):
    """Return what pycosim's Loihi measured, as sanafe_networks.py prints it."""
    options = Options(timing="closed", mapping=data["core"], overrides={"constants": "fitted"})
    simulation = build("loihi", described(data), options)
    start = time.process_time()
    simulation.advance(data["n_steps"])
    seconds = time.process_time() - start
    hardware = simulation.hardware
    steps, neurons = simulation.spikes(0)
    order = np.lexsort((neurons, steps))
    return {
        "cpu_s": seconds,
        "step_s": (hardware.step_duration_ps * 1e-12).tolist(),
        "energy_j": sum(joules or 0.0 for cause, joules in hardware.energy_j.items() if cause != "static"),
        "steps": steps[order].tolist(),
        "neurons": neurons[order].tolist(),
        "counts": {
            "fired": int(hardware.cores.spikes.sum()),
            "packets": int(hardware.cores.packets_out.sum()),
            "hops": int(hardware.links.flits.sum()),
            "synaptic events": int(hardware.cores.synaptic_events.sum()),
        },
    }


def run_there(data, python, timing):
    """Return what SANA-FE measured."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.npz")
        np.savez(path, **data)
        done = subprocess.run([python, PEER, path, timing], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def first_difference(here, there):
    """Return a sentence on the first spike that only one of two has."""
    spikes = [list(zip(run["steps"], run["neurons"])) for run in (here, there)]
    for ours, theirs in zip(*spikes):
        if ours != theirs:
            first = min(ours, theirs)
            return f"spikes differ first at step {first[0]}, neuron {first[1]}"
    if len(spikes[0]) != len(spikes[1]):
        return f"pycosim has {len(spikes[0])} spikes, SANA-FE {len(spikes[1])}"
    for name, count in here["counts"].items():
        if count != there["counts"][name]:
            return f"{name}: pycosim has {count}, SANA-FE {there['counts'][name]}"
    return "spikes and counts are equal"


def main():
    """Print one line per network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sanafe", required=True, help="a Python interpreter that has SANA-FE")
    parser.add_argument("--timing", default="detailed", choices=("simple", "detailed", "cycle"))
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"us/step, steps/CPU s: here, there (SANA-FE's {arguments.timing} model)")
    print("case      packets/step      us/step  time %  energy %  worst step %   steps/CPU s")
    for case in arguments.cases:
        data = network(*CASES[case], seed=arguments.seed)
        here, there = run_here(data), run_there(data, arguments.sanafe, arguments.timing)
        print_line(case, data["n_steps"], here, there)
        if arguments.timing == "detailed" and abs(percent(here, there)) > TOLERANCE_PERCENT:
            print_other_model(here, there, run_there(data, arguments.sanafe, "cycle"))


def percent(one, other):
    """Return by how much the mean step of one run is longer than that of another, in per cent."""
    return (np.mean(one["step_s"]) / np.mean(other["step_s"]) - 1) * 100


def print_other_model(here, detailed, cycle):
    """Print what SANA-FE's cycle-accurate model gives where its detailed one is not near ours."""
    ours, theirs = percent(here, cycle), percent(detailed, cycle)
    verdict = "its two models disagree" if abs(ours) <= TOLERANCE_PERCENT < abs(theirs) else "it differs too"
    print(
        f"          SANA-FE's cycle-accurate model: {np.mean(cycle['step_s']) * 1e6:.3f} us/step, from which "
        f"pycosim differs by {ours:+.2f} %, SANA-FE's detailed model by {theirs:+.2f} %: {verdict}",
        flush=True,
    )


def print_line(case, n_steps, here, there):
    """Print what two runs of a network have measured."""
    ours, theirs = np.array(here["step_s"]), np.array(there["step_s"])
    energy_percent = (here["energy_j"] / there["energy_j"] - 1) * 100
    worst = np.argmax(np.abs(ours / theirs - 1))
    print(
        f"{case:<9} {here['counts']['packets'] / n_steps:>12.1f} {ours.mean() * 1e6:>6.3f} "
        f"{theirs.mean() * 1e6:>6.3f} {percent(here, there):>7.2f} {energy_percent:>8.3f} "
        f"{(ours[worst] / theirs[worst] - 1) * 100:>7.1f} at {worst + 1:<4} "
        f"{n_steps / here['cpu_s']:>6.0f} {n_steps / there['cpu_s']:>6.0f}   {first_difference(here, there)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
