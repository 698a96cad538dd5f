"""DYNAP-SE2's neuron in pycosim and in Rockpool's DynapSim: the first difference of spikes and currents.

    pip install "rockpool>=3.1" jax        # in an environment that has pycosim
    python rockpool_comparison.py [--n 32] [--steps 2000] [--dt 0.1] [--float32]

Some recurrently connected neurons get random spikes; half of them has strong adaptation. Rockpool computes
in single precision; its arrays are made double here, unless --float32 is given, so that equations and not
roundings are compared. DynapSim has one kind of synapse, which is AMPA here; the other three are switched off
by capacitances so large that nothing charges them. Each spike acts a step later, the shortest delay of both.
"""

import argparse

import numpy as np

STATES = "imem", "iampa", "iahp", "vmem"
OFF = {"C_gaba": 1e18, "C_nmda": 1e18, "C_shunt": 1e18}
CONSTANT_PA = 12.0
JUMP_PA = 5000.0  # of adaptation, in the second half of the neurons
T_REF_MS = 0.95  # not a whole number of steps: in single precision Rockpool's timer may take a step more


def stimulus(n, n_steps, seed=1):
    """Return weights in pA, of recurrent synapses (source, target) and inputs (n,), and input spikes."""
    rng = np.random.default_rng(seed)
    recurrent = rng.integers(1, 16, (n, n)) * 1e3 * (rng.random((n, n)) < 0.1)
    inputs = rng.integers(1, 16, n) * 1e3
    return recurrent, inputs, rng.random((n_steps, n)) < 0.02


def parameters(n, cell):
    """Return the parameters that differ from their defaults, for one neuron or (n,)."""
    adaptation = np.where(np.arange(n) < n // 2, cell.default_parameters["Iw_ahp"], JUMP_PA)
    iref = cell.default_parameters["C_ref"] * cell.default_parameters["Vth"] / T_REF_MS
    return {"Idc": CONSTANT_PA, "Iw_ahp": adaptation, "Iref": iref}


def run_ours(n, n_steps, dt_ms):
    """Return spikes (n_steps, n) and the states by name, (n_steps, n) each."""
    from pyNN.parameters import Sequence

    from pycosim import native as sim
    from pycosim.dynapse2 import DynapSim

    recurrent, inputs, spikes = stimulus(n, n_steps)
    sim.setup(timestep=dt_ms, min_delay=dt_ms)
    cells = sim.Population(n, DynapSim(**parameters(n, DynapSim), **OFF))
    cells.initialize(igaba=0.0, inmda=0.0, ishunt=0.0)
    times = [Sequence(np.flatnonzero(spikes[:, i]) * dt_ms) for i in range(n)]
    source = sim.Population(n, sim.SpikeSourceArray(spike_times=times))
    pairs = [(i, i, inputs[i], dt_ms) for i in range(n)]
    sim.Projection(source, cells, sim.FromListConnector(pairs), receptor_type="AMPA")
    pairs = [(i, j, recurrent[i, j], dt_ms) for i, j in zip(*np.nonzero(recurrent))]
    sim.Projection(cells, cells, sim.FromListConnector(pairs), receptor_type="AMPA")
    cells.record(["spikes", *STATES])
    sim.run(n_steps * dt_ms)
    segment = cells.get_data().segments[0]
    sim.end()
    raster = np.zeros((n_steps, n), bool)
    for i, train in enumerate(segment.spiketrains):
        raster[np.rint(train.magnitude / dt_ms).astype(int) - 1, i] = True
    return raster, {name: segment.filter(name=name)[0].magnitude[1:] for name in STATES}


def run_theirs(n, n_steps, dt_ms, is_double):
    """Return the same by Rockpool, currents in pA and voltages in mV."""
    import jax

    if is_double:
        jax.config.update("jax_enable_x64", True)
        jax.numpy.float32 = jax.numpy.float64
    from rockpool.devices.dynapse.simulation import DynapSim

    from pycosim.dynapse2 import DynapSim as Ours

    recurrent, inputs, spikes = stimulus(n, n_steps)
    p = {name: value * 1e-12 for name, value in (dict(Ours.default_parameters) | parameters(n, Ours)).items()}
    own = {"Idc", "If_nmda", "Igain_ahp", "Igain_mem", "Ipulse_ahp", "Ipulse", "Iref", "Ispkthr", "Itau_ahp"}
    own |= {"Itau_mem", "Iw_ahp", "C_ahp", "C_pulse_ahp", "C_pulse", "C_ref", "C_mem", "Io"}
    currents = {name: np.broadcast_to(p[name], n) for name in own}
    synapse = {f"{name}_syn": np.broadcast_to(p[f"{name}_ampa"], n) for name in ("Igain", "Itau", "C")}
    kind = np.float64 if is_double else np.float32
    network = DynapSim(
        n, **currents, **synapse, has_rec=True, w_rec=recurrent * 1e-3, Iscale=1e-9, dt=dt_ms * 1e-3
    )
    # They were rounded to single precision; weights are whole numbers of nA, which stay as they are.
    network.dt, network.Iscale = np.array([dt_ms * 1e-3], kind), np.array([1e-9], kind)
    raster, _, records = network.evolve((spikes * inputs * 1e-3)[np.newaxis], record=True)
    states = {name: np.asarray(records["isyn" if name == "iampa" else name])[0] for name in STATES}
    scale = {"vmem": 1e3}
    return np.asarray(raster)[0], {name: scale.get(name, 1e12) * states[name] for name in STATES}


def main():
    """Run both, and print spikes and the first difference of each variable."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=32)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--dt", type=float, default=0.1, help="in ms")
    parser.add_argument("--float32", action="store_true", help="leave Rockpool in single precision")
    arguments = parser.parse_args()
    size = arguments.n, arguments.steps, arguments.dt
    theirs, other = run_theirs(*size, not arguments.float32)
    ours, states = run_ours(*size)
    tolerance = 1e-3 if arguments.float32 else 1e-9
    print(f"{arguments.n} neurons, {arguments.steps} steps of {arguments.dt} ms")
    print(f"spikes: {ours.sum()} here, {int(theirs.sum())} there, most in a step there {int(theirs.max())}")
    print(f"spikes: {first_difference(ours != (theirs > 0))}")
    for name in STATES:
        error = np.abs(states[name] - other[name]) / np.maximum(np.abs(other[name]), 1e-6)
        text = f"largest difference {error.max():.1e} of the value"
        print(f"{name}: {text}, above {tolerance:g}: {first_difference(error > tolerance)}")


def first_difference(differs):
    """Say where the first of some differences (n_steps, n) is."""
    if not differs.any():
        return "none"
    step, neuron = np.argwhere(differs)[0]
    return f"first in step {step}, neuron {neuron} ({differs.sum()} in all)"


if __name__ == "__main__":
    main()
