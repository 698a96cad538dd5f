"""What a process takes at most to build projections, and what was predicted."""

from __future__ import annotations

import sys

import pycosim.frontend.expansion as expansion
import pycosim.native as sim
from pycosim import _core
from pycosim.frontend.memory_need import needed_bytes
from pycosim.memory import used_bytes

N = 6000
random = sim.RandomDistribution
predicted = []
expansion.require_memory = lambda *asked: predicted.append(needed_bytes(*asked[:2])[1])


def seeded():
    return random("normal_clipped", mu=0.5, sigma=0.2, low=0, high=1, rng=sim.NumpyRNG(seed=4))


def peak_bytes():
    status = open("/proc/self/status").read()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


# Connector, weight and delay, and bytes for each synapse that is made here.
CASES = {
    "rows": (sim.FixedProbabilityConnector(0.3), 0.1, 1.0, 8),
    "total": (sim.FixedTotalNumberConnector(3 * N * N // 10, with_replacement=True), 0.1, 1.0, 12),
    "distance": (sim.DistanceDependentProbabilityConnector("0.3*exp(-d/1e5)"), 0.1, 1.0, 14),
    "seeded": (sim.FixedProbabilityConnector(0.3), seeded(), 1.0, 12),
    "in-order": (sim.FixedNumberPreConnector(3 * N // 10), seeded(), 1.0, 20),
    "blocks": (
        sim.FixedProbabilityConnector(0.3, rng=sim.NativeRNG(seed=1)),
        random("uniform", (0, 1)),
        random("uniform", (0.1, 4)),
        3072 / 2000 * 12 + 8 + 4,
    ),
    "pairs": (sim.FixedTotalNumberConnector(3 * N * N // 10, with_replacement=False), 0.1, 1.0, 4),
}
for case, (connector, weight, delay, limit) in CASES.items():
    sim.setup(timestep=0.1)
    cells = sim.Population(N, sim.IF_curr_exp(), structure=sim.Line(dx=1.0))
    _core.return_freed_memory()
    before = used_bytes()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak is from now on
    projection = sim.Projection(cells, cells, connector, sim.StaticSynapse(weight=weight, delay=delay))
    taken = peak_bytes() - before
    # at once, so that lines of processes do not mix
    sys.stdout.write(f"{case} {projection.size(gather=False)} {predicted[-1]} {taken} {limit}\n")
    sys.stdout.flush()
    del projection
    sim.end()
