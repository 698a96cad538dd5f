"""Strong and weak scaling of Brunel's network over MPI processes: a table and a plot.

    python scaling.py --ranks 1,2,4,8 --launcher "mpiexec -n {ranks}" --output scaling
    python scaling.py --ranks 1,2,4 --launcher "srun -n {ranks} -c 16" --threads 16 --output cluster

Strong scaling divides one network; weak scaling gives every process a network of the same size, whose neurons
have as many synapses as before, from all processes. Writes OUTPUT.csv and OUTPUT.png (needs matplotlib).
"""

import argparse
import csv
import json
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

NETWORK = Path(__file__).with_name("brunel.py")
COLUMNS = ("scaling", "ranks", "threads", "size", "wall", "cpu", "build_cpu", "rate_hz", "efficiency")


def measured(given, ranks, size):
    """Run the network; return medians of its numbers: seconds per biological second, and the rate."""
    options = ["--ms", given.ms, "--threads", given.threads, "--scale", given.scale, "--size", size]
    command = [
        *shlex.split(given.launcher.format(ranks=ranks)),
        sys.executable,
        NETWORK,
        "pycosim.native",
        *options,
    ]
    runs = []
    for _ in range(given.repeats):
        run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        if run.returncode:
            raise SystemExit(f"{shlex.join(map(str, command))} failed:\n{run.stderr}")
        runs.append(json.loads(run.stdout.splitlines()[-1]))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def rows(given):
    """Yield one row of the table for each run; the first number of processes is what others compare with."""
    for scaling in given.kinds.split(","):
        first = None
        for ranks in map(int, given.ranks.split(",")):
            size = float(ranks) if scaling == "weak" else 1.0
            row = {"scaling": scaling, "ranks": ranks, "threads": given.threads, "size": size}
            row |= measured(given, ranks, size)
            first = first or row
            ideal = first["wall"] * (first["ranks"] / ranks if scaling == "strong" else 1.0)
            yield row | {"efficiency": ideal / row["wall"]}


def plot(table, file):
    """Draw wall-clock time over processes, with the ideal."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.6), layout="constrained")
    for scaling in dict.fromkeys(row["scaling"] for row in table):
        part = [row for row in table if row["scaling"] == scaling]
        ranks, wall = [row["ranks"] for row in part], [row["wall"] for row in part]
        (line,) = axes.loglog(ranks, wall, "o-", label=scaling)
        ideal = [wall[0] * (ranks[0] / n if scaling == "strong" else 1) for n in ranks]
        axes.loglog(ranks, ideal, ":", color=line.get_color())
    axes.set(xlabel=f"processes of {table[0]['threads']} threads", ylabel="wall-clock s per biological s")
    axes.set_xticks(ranks, ranks)
    axes.legend(title="dotted: ideal")
    figure.savefig(file, dpi=150)


def main():
    """Measure, and write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", default="1,2", help="numbers of processes")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--launcher", default="mpiexec -n {ranks}")
    parser.add_argument("--kinds", default="strong,weak")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of Brunel's network, for one process if weak"
    )
    parser.add_argument("--ms", type=float, default=500.0, help="biological time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", default="scaling", help="files without their suffix")
    given = parser.parse_args()
    table = []
    print("".join(f"{name:>11}" for name in COLUMNS))
    for row in rows(given):
        table.append(row)
        cells = (f"{row[name]:.4g}" if isinstance(row[name], float) else str(row[name]) for name in COLUMNS)
        print("".join(f"{cell:>11}" for cell in cells), flush=True)
    with open(f"{given.output}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(table)
    plot(table, f"{given.output}.png")


if __name__ == "__main__":
    main()
