"""Run phases of the benchmark networks on the native engine and on its peers, alternating on one machine.

    python compare_speed.py --repeats 5 --nest NEST_PYTHON --brian2 BRIAN2_PYTHON --genn PYGENN_PYTHON

Prints, for each network, medians of CPU and wall-clock seconds per biological second, the rates, and how many
times the CPU and the wall-clock time of native a peer takes. A peer whose interpreter is not given is left
out. GeNN compiles its CPU backend without optimisation by itself: it is there with it ("genn") and as it is
installed ("genn -O0").
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Network, its arguments, biological time in ms.
CASES = [
    ("brunel", ["--scale", "1"], 500),
    ("vogels_abbott", ["--cells", "4000", "--synapses", "CUBA"], 2000),
    ("vogels_abbott", ["--cells", "20000", "--synapses", "CUBA"], 1000),
    ("vogels_abbott", ["--cells", "4000", "--synapses", "COBA"], 2000),
    ("vogels_abbott", ["--cells", "20000", "--synapses", "COBA"], 1000),
    ("microcircuit", ["--scale", "0.1"], 1000),
    ("microcircuit", ["--scale", "0.3"], 500),
    ("stdp", ["--scale", "1"], 1000),
    ("izhikevich", ["--cells", "10000"], 500),
]
# Peer: the names under which it is in the table, with what its script is told.
VARIANTS = {
    "nest": {"nest": []},
    "brian2": {"brian2": []},
    "genn": {"genn": [], "genn -O0": ["--as-installed"]},
}


def measured(command):
    """Run a script and return the numbers of its last line."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{run.stderr}")
    return json.loads(run.stdout.splitlines()[-1])


def main():
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--nest", help="Python interpreter with NEST")
    parser.add_argument("--brian2", help="Python interpreter with Brian2")
    parser.add_argument("--genn", help="Python interpreter with PyGeNN")
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--seconds", type=float, default=1.0, help="factor on the biological times")
    given = parser.parse_args()
    peers = {"nest": given.nest, "brian2": given.brian2, "genn": given.genn}
    heads = ("CPU", "wall", "build", "rate Hz", "x CPU", "x wall")
    print(f"{'network':<34}{'simulator':<10}" + "".join(f"{head:>9}" for head in heads))
    for network, options, ms in CASES:
        if given.only not in network:
            continue
        common = [*options, "--ms", str(ms * given.seconds), "--threads", str(given.threads)]
        commands = {"native": [sys.executable, HERE / f"{network}.py", "pycosim.native", *common]}
        for peer, python in peers.items():
            for name, settings in VARIANTS[peer].items() if python else ():
                commands[name] = [python, HERE / "peers" / f"{peer}_networks.py", network, *common, *settings]
        results = {name: [] for name in commands}
        for _ in range(given.repeats):
            for name, command in commands.items():
                results[name].append(measured(command))
        for name, runs in results.items():
            cpu, wall, build, rate = (
                statistics.median(run[key] for run in runs) for key in ("cpu", "wall", "build_cpu", "rate_hz")
            )
            ours = [statistics.median(run[key] for run in results["native"]) for key in ("cpu", "wall")]
            label = f"{' '.join([network, *options[1::2]]):<34}{name:<10}"
            ratios = f"{cpu / ours[0]:9.1f}{wall / ours[1]:9.1f}"
            print(f"{label}{cpu:9.3f}{wall:9.3f}{build:9.2f}{rate:9.2f}{ratios}", flush=True)


if __name__ == "__main__":
    main()
