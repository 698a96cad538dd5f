"""How far the cells of PyNN are from themselves at a much finer step: membranes, and times of spikes.

    python integration_errors.py pycosim.native

Membranes: the largest difference in mV over a second of excitatory and inhibitory spikes that are too weak to
make the cell fire. Spikes: those of a constant current in a second, and the largest difference of the n-th
spike's time, divided by n, in steps: every spike and its reset wait for the end of a step, in any program
that keeps spikes on its grid, so that for an exact solution, too, it is somewhere below 1.
"""

import argparse
import importlib

import numpy as np

MS, FINE_MS = 1000.0, 0.001
# So much of an input as moves a membrane by some millivolts; a current that makes it fire ten times or more.
WEIGHTS = {"facets": 0.003, "curr": 0.2, "delta": 1.0, "cond": 0.003, "Izhikevich": 0.5}
CELLS = {
    "IF_curr_delta": (0.9, {}),
    "IF_curr_exp": (0.9, {}),
    "IF_curr_alpha": (0.9, {}),
    "IF_cond_exp": (0.9, {}),
    "IF_cond_alpha": (0.9, {}),
    "IF_cond_exp_gsfa_grr": (1.0, {}),
    "IF_facets_hardware1": (None, {"v_thresh": 0.0}),
    "EIF_cond_exp_isfa_ista": (0.8, {}),
    "EIF_cond_alpha_isfa_ista": (0.8, {}),
    "Izhikevich": (0.01, {}),
    "HH_cond_exp": (0.6, {}),
    "GIF_cond_exp": (None, {"lambda0": 1e-9}),  # fires at random
}


def weight_of(name):
    """Return the weight of an excitatory input."""
    return next(weight for part, weight in WEIGHTS.items() if part in name)


def driven(sim, name, parameters, dt_ms, every_ms):
    """Return the membrane every `every_ms` of a cell that receives two trains of spikes."""
    sim.setup(timestep=dt_ms, min_delay=1.0)
    cell = sim.Population(1, getattr(sim, name)(**parameters))
    rng = np.random.default_rng(1)
    sign = 1.0 if "cond" in name or "facets" in name else -1.0
    weight = weight_of(name)
    for receptor, factor in (("excitatory", 1.0), ("inhibitory", sign)):
        times = np.unique(rng.integers(1, int(MS), 150)).astype(float)
        train = sim.Population(1, sim.SpikeSourceArray(spike_times=times))
        synapse = sim.StaticSynapse(weight=factor * weight, delay=1.0)
        sim.Projection(train, cell, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    cell.record("v", sampling_interval=every_ms)
    cell.record("spikes")
    sim.run(MS)
    segment = cell.get_data().segments[0]
    if len(segment.spiketrains[0]):
        raise SystemExit(f"{name} fired, its membrane cannot be compared; use weaker inputs.")
    membrane = np.asarray(segment.filter(name="v")[0]).ravel()
    sim.end()
    return membrane


def spike_times(sim, name, current_na, dt_ms):
    """Return the times of the spikes that a constant current makes, in ms."""
    sim.setup(timestep=dt_ms)
    cell = sim.Population(1, getattr(sim, name)(i_offset=current_na))
    cell.record("spikes")
    sim.run(MS)
    times = np.asarray(cell.get_data().segments[0].spiketrains[0])
    sim.end()
    return times


def main():
    """Print a line for each cell type."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("simulator", nargs="?", default="pycosim.native")
    parser.add_argument("--steps", type=float, nargs="+", default=[0.1, 1.0], help="in ms")
    given = parser.parse_args()
    sim = importlib.import_module(given.simulator)
    for name, (current_na, parameters) in CELLS.items():
        exact = driven(sim, name, parameters, FINE_MS, max(given.steps))
        fine = spike_times(sim, name, current_na, FINE_MS) if current_na is not None else None
        line = f"{name:<26}"
        for dt_ms in given.steps:
            error = np.abs(driven(sim, name, parameters, dt_ms, max(given.steps)) - exact).max()
            line += f"  step {dt_ms:g} ms: {error:8.1e} mV"
            if fine is None:
                continue
            times = spike_times(sim, name, current_na, dt_ms)
            n = min(len(times), len(fine))
            late = np.max(np.abs(times[:n] - fine[:n]) / np.arange(1, n + 1)) / dt_ms
            line += f", {len(times)} of {len(fine)} spikes, {late:.2f} steps"
        print(line, flush=True)


if __name__ == "__main__":
    main()
