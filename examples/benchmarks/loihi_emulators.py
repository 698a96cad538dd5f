"""The same network of CUBA compartments here and in open emulators of Loihi; prints the first difference.

    python loihi_emulators.py [--emulators brian2_loihi,nengo_loihi] [--cells 60] [--steps 500] [--seeds 3]

Emulators are installed apart (``pip install --no-deps brian2-loihi nengo-loihi nengo``; their requirements
name older versions than they need). nengo_loihi has no synaptic delays: there spikes act in the next step.
"""

import argparse
from dataclasses import dataclass
from importlib import import_module

import numpy as np


@dataclass
class Case:
    """A random network: registers, and what projects to the cells.

    `projections` are (source, mantissas (n_source, n_cells), exponent, delay of 1 step or more), where
    the source is "input" or "cells"; each has mantissas of one sign.
    """

    registers: dict
    spike_steps: np.ndarray
    spike_indices: np.ndarray
    projections: list
    n_cells: int
    n_inputs: int
    n_steps: int

    @classmethod
    def random(cls, n_cells, n_steps, seed, *, with_delays):
        """Draw a network whose cells fire."""
        rng = np.random.default_rng(seed)
        n_inputs = 20
        registers = {
            "du": int(rng.integers(100, 4000)),
            "dv": int(rng.integers(20, 1000)),
            "vth_mant": int(rng.integers(100, 600)),
            "refractory": int(rng.integers(1, 10)),
        }
        steps, indices = np.nonzero(rng.random((n_steps, n_inputs)) < 0.08)
        projections = []
        for source, sign, exponent in (
            ("input", 1, 0),
            ("cells", 1, -2),
            ("cells", -1, 1),
            ("input", -1, -1),
        ):
            n_source = n_inputs if source == "input" else n_cells
            mantissas = (
                sign * rng.integers(0, 256, (n_source, n_cells)) * (rng.random((n_source, n_cells)) < 0.15)
            )
            projections.append((source, mantissas, exponent, int(rng.integers(1, 20)) if with_delays else 1))
        return cls(registers, steps + 1, indices, projections, n_cells, n_inputs, n_steps)


def in_pycosim(case):
    """Return u and v of each step, (n_steps, n_cells), and the pairs (step, cell) of all spikes."""
    sim = import_module("pycosim.native")
    sim.setup(timestep=1.0, min_delay=1.0, max_delay=64.0)
    cell = import_module("pycosim.loihi").CUBA(**case.registers)
    times = [case.spike_steps[case.spike_indices == k].astype(float) for k in range(case.n_inputs)]
    source = {"input": sim.Population(case.n_inputs, sim.SpikeSourceArray(spike_times=times))}
    source["cells"] = cells = sim.Population(case.n_cells, cell)
    for name, mantissas, exponent, delay in case.projections:
        weights = np.floor(mantissas * 2.0**exponent)
        rows = [(i, j, weights[i, j], float(delay)) for i, j in zip(*np.nonzero(mantissas))]
        connector = sim.FromListConnector(rows, column_names=["weight", "delay"])
        receptor = "excitatory" if mantissas.max() > 0 else "inhibitory"
        sim.Projection(source[name], cells, connector, receptor_type=receptor)
    cells.record(["u", "v", "spikes"])
    sim.run(case.n_steps)
    segment = cells.get_data().segments[0]
    u, v = (segment.filter(name=name)[0].magnitude[1:] for name in "uv")
    spikes = {(round(t), k) for k, train in enumerate(segment.spiketrains) for t in train.magnitude.tolist()}
    sim.end()
    return u, v, spikes


def in_brian2_loihi(case):
    """The same in brian2_loihi: decays include the offset of 1 of du, delays and steps count from 0."""
    import brian2
    from brian2_loihi import (
        LoihiNetwork,
        LoihiNeuronGroup,
        LoihiSpikeGeneratorGroup,
        LoihiSpikeMonitor,
        LoihiStateMonitor,
        LoihiSynapses,
    )

    brian2.prefs.codegen.target = "numpy"
    r = case.registers
    cells = LoihiNeuronGroup(
        case.n_cells,
        refractory=r["refractory"],
        threshold_v_mant=r["vth_mant"],
        decay_v=r["dv"],
        decay_I=r["du"] + 1,
    )
    inputs = LoihiSpikeGeneratorGroup(case.n_inputs, case.spike_indices, case.spike_steps)
    objects = [cells, inputs]
    for name, mantissas, exponent, delay in case.projections:
        sign = 2 if mantissas.max() > 0 else 3
        synapses = LoihiSynapses(
            inputs if name == "input" else cells, cells, delay=delay - 1, w_exp=exponent, sign_mode=sign
        )
        pre, post = np.nonzero(mantissas)
        synapses.connect(i=pre, j=post)
        synapses.w = mantissas[pre, post].astype(int)
        objects.append(synapses)
    monitors = [LoihiStateMonitor(cells, name) for name in ("I", "v")] + [LoihiSpikeMonitor(cells)]
    network = LoihiNetwork(*objects, *monitors)
    network.run(case.n_steps + 3, report=None)
    u, v = monitors[0].I.T, monitors[1].v.T
    steps = np.rint(np.asarray(monitors[2].t)).astype(int) + 1
    return u, v, set(zip(steps.tolist(), np.asarray(monitors[2].i).tolist()))


def in_nengo_loihi(case):
    """The same in nengo_loihi's emulator, given what its discretisation would make."""
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.builder import Model
    from nengo_loihi.emulator import EmulatorInterface
    from nengo_loihi.inputs import SpikeInput

    model, block = Model(), LoihiBlock(case.n_cells)
    source = SpikeInput(case.n_inputs)
    for step in np.unique(case.spike_steps):
        source.add_spikes(int(step), case.spike_indices[case.spike_steps == step].tolist(), permanent=True)
    model.add_input(source)
    _set_compartment(block.compartment, case.registers)
    for name, mantissas, exponent, _ in case.projections:
        axon, synapse = Axon(len(mantissas)), Synapse(len(mantissas))
        weights = 64 * np.floor(mantissas * 2.0**exponent)
        synapse.weights = [row[np.newaxis].astype(np.int32) for row in weights]
        synapse.indices = [np.arange(case.n_cells)[np.newaxis] for _ in weights]
        axon.target = synapse
        (source if name == "input" else block).add_axon(axon)
        block.add_synapse(synapse)
    model.add_block(block)
    u, v, spikes = [], [], set()
    with EmulatorInterface(model, seed=0) as emulator:
        for step in range(1, case.n_steps + 1):
            emulator.step()
            state = emulator.compartment
            u.append(state.current.copy())
            v.append(state.voltage.copy())
            spikes |= {(step, int(k)) for k in np.flatnonzero(state.spiked)}
    return np.array(u), np.array(v), spikes


def _set_compartment(compartment, registers):
    n = compartment.n_compartments
    for name, value in {
        "decay_u": registers["du"],
        "decay_v": registers["dv"],
        "refract_delay": registers["refractory"],
        "vth": 64 * registers["vth_mant"],
        "bias": 0,
    }.items():
        setattr(compartment, name, np.full(n, value, np.int32))
    compartment.vmin, compartment.vmax = 1 - 2**23, 2**23 - 1
    compartment.scale_u = compartment.scale_v = False


EMULATORS = {"brian2_loihi": in_brian2_loihi, "nengo_loihi": in_nengo_loihi}


def first_difference(ours, theirs):
    """Return in words where two runs first differ; empty if they do not."""
    found = []
    for name, one, other in zip("uv", ours[:2], theirs[:2], strict=True):
        step, cell = np.nonzero(one != other[: len(one)])
        if len(step):
            k = np.argmin(step)
            values = f"{one[step[k], cell[k]]:g} here, {other[step[k], cell[k]]:g} there"
            found.append((step[k] + 1, f"{name} of cell {cell[k]}: {values}"))
    missing = sorted(pair for pair in ours[2] ^ theirs[2] if pair[0] <= len(ours[0]))
    if missing:
        step, cell = missing[0]
        found.append((step, f"cell {cell} fires {'here' if missing[0] in ours[2] else 'there'} only"))
    return "; ".join(f"step {step}: {text}" for step, text in sorted(found))


def main():
    """Print one line for each emulator and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emulators", default=",".join(EMULATORS))
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    for emulator in arguments.emulators.split(","):
        for seed in range(arguments.seeds):
            case = Case.random(arguments.cells, arguments.steps, seed, with_delays=emulator == "brian2_loihi")
            ours = in_pycosim(case)
            difference = first_difference(ours, EMULATORS[emulator](case))
            verdict = difference or "u, v and spikes are equal in every step"
            print(f"{emulator:>13}  seed {seed}  {len(ours[2]):6,} spikes  {verdict}")


if __name__ == "__main__":
    main()
