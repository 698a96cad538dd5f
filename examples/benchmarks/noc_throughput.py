"""Packets per second of CPU time that the network-on-chip simulates, for sparse and loaded traffic.

    python noc_throughput.py [--packets 200000] [--repeats 5] [--router credit3] [--booksim PROGRAM]

Each line is the median of the repeats. Bursts come every 1000 cycles, each spike as 8 packets to random
cores; uniform packets come at random cycles. Rates are packets per core and cycle. With --booksim, BookSim 2
simulates uniform traffic of the same rate on the same mesh (x first, one virtual channel, 8 flits deep); it
makes its packets itself, and is a separate program (peers/booksim_parser.cpp says how to build it).
"""

import argparse
import re
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from pycosim.hwmodels.noc import Mesh, Network

BURST_PERIOD = 1000
FAN_OUT = 8
BOOKSIM = {
    "topology": "mesh",
    "n": 2,
    "routing_function": "dor",
    "num_vcs": 1,
    "vc_buf_size": 8,
    "packet_size": 1,
    "traffic": "uniform",
    "sim_type": "latency",
    "warmup_periods": 0,
    "max_samples": 1,
    "latency_thres": 1e9,
}


def bursts(width, rate, n_packets, rng):
    """Spikes that all leave in the first cycle of a period."""
    n_cores = width * width
    n_spikes = max(1, round(rate * n_cores * BURST_PERIOD / FAN_OUT))
    n_bursts = max(1, n_packets // (n_spikes * FAN_OUT))
    cycle = np.repeat(np.arange(n_bursts) * BURST_PERIOD, n_spikes * FAN_OUT)
    source = np.repeat(rng.integers(0, n_cores, n_bursts * n_spikes), FAN_OUT)
    return cycle, source, rng.integers(0, n_cores, len(source))


def uniform(width, rate, n_packets, rng):
    """Packets at random cycles between random cores."""
    n_cores = width * width
    cycle = np.sort(rng.integers(0, max(1, round(n_packets / (rate * n_cores))), n_packets))
    return cycle, rng.integers(0, n_cores, n_packets), rng.integers(0, n_cores, n_packets)


def measure(width, packets, router, repeats):
    """Return the median CPU time of simulating a list, and the network after one run."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        network = Network(Mesh(width, width), router=router)
        network.inject(*packets)
        network.drain()
        times.append(time.process_time() - start)
    return statistics.median(times), network


def booksim_rate(program, width, rate, n_packets):
    """Return the packets per second of CPU time that BookSim moves in one sample period."""
    n_cores = width * width
    configuration = BOOKSIM | {
        "k": width,
        "injection_rate": rate,
        "sample_period": max(1000, round(n_packets / (rate * n_cores))),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mesh")
        path.write_text("".join(f"{name} = {value};\n" for name, value in configuration.items()))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([program, path], capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    accepted = re.findall(r"Accepted packet rate average = (\S+)", done.stdout)
    if not accepted:
        raise SystemExit(f"BookSim did not finish:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float(accepted[-1]) * n_cores * configuration["sample_period"] / seconds


def main():
    """Print one line per mesh and traffic."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--router", default="credit3")
    parser.add_argument("--booksim", help="path of BookSim's program")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print("   mesh  traffic   rate  packets  Mpackets/s  Mcycles/s  ns/flit-hop  BookSim: packets/s, times")
    for width, loaded in ((8, 0.3), (16, 0.15)):
        for make, rate in (
            (bursts, 0.001),
            (bursts, 0.01),
            (uniform, 0.001),
            (uniform, 0.1),
            (uniform, loaded),
        ):
            packets = make(width, rate, arguments.packets, rng)
            seconds, network = measure(width, packets, arguments.router, arguments.repeats)
            n = network.n_packets
            peer = ""
            if arguments.booksim:
                moved = booksim_rate(arguments.booksim, width, rate, arguments.packets // 40)
                peer = f"{moved:>12.0f} {n / seconds / moved:>6.0f}"
            print(
                f"{width:>4}x{width:<2} {make.__name__:>8} {rate:>6} {n:>8} {n / seconds / 1e6:>11.2f} "
                f"{network.now / seconds / 1e6:>10.2f} {seconds / network.n_flit_moves * 1e9:>12.1f} {peer}",
                flush=True,
            )


if __name__ == "__main__":
    main()
