"""Packets per second of CPU time that the network-on-chip simulates, for sparse and loaded traffic.

    python noc_throughput.py [--packets 200000] [--repeats 5] [--router credit3]

Each line is the median of the repeats. Bursts come every 1000 cycles, each spike as 8 packets to random
cores; uniform packets come at random cycles. Rates are packets per core and cycle.
"""

import argparse
import statistics
import time

import numpy as np

from pycosim.hwmodels.noc import Mesh, Network

BURST_PERIOD = 1000
FAN_OUT = 8


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


def main():
    """Print one line per mesh and traffic."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--router", default="credit3")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print("   mesh  traffic   rate  packets  Mpackets/s  Mcycles/s  ns/flit-hop")
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
            print(
                f"{width:>4}x{width:<2} {make.__name__:>8} {rate:>6} {n:>8} {n / seconds / 1e6:>11.2f} "
                f"{network.now / seconds / 1e6:>10.2f} {seconds / network.n_flit_moves * 1e9:>12.1f}"
            )


if __name__ == "__main__":
    main()
