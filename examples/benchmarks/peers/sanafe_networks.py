"""Run a network of `sanafe_agreement.py` in SANA-FE, and print what it measured as one line of JSON.

    python sanafe_networks.py network.npz detailed

For a Python that has SANA-FE (PyPI: sanafe), a separate program. There, tiles are numbered down the columns.
"""

import json
import sys
import time

import numpy as np
import sanafe

ROWS, COLUMNS, CORES_PER_TILE = 4, 8, 4


def build(data):
    """Return the network of integrators without a leak, placed on Loihi's cores."""
    architecture = sanafe.load_loihi()
    network = sanafe.Network()
    model = {"threshold": float(data["threshold"]), "leak_decay": 1.0, "input_decay": 0.0, "reset": 0.0}
    group = network.create_neuron_group(
        "n",
        len(data["bias"]),
        model_attributes=model | {"force_update": True},
        default_synapse_hw_name="loihi_sparse_synapse",
        soma_hw_name="loihi_lif",
        log_spikes=True,
    )
    for i, bias in enumerate(data["bias"].tolist()):
        group[i].set_attributes(model_attributes={"bias": bias})
    for source, target, weight in zip(*(data[name].tolist() for name in ("sources", "targets", "weights"))):
        group[source].connect_to_neuron(group[target], {"weight": weight})
    for i, core in enumerate(data["core"].tolist()):
        router, inner = divmod(core, CORES_PER_TILE)
        y, x = divmod(router, COLUMNS)
        group[i].map_to_core(architecture.tiles[x * ROWS + y].cores[inner])
    chip = sanafe.SpikingChip(architecture)
    chip.load(network)
    return chip


def main(path, timing):
    """Run and print."""
    data = np.load(path)
    chip = build(data)
    n_steps = int(data["n_steps"])
    result = chip.sim(n_steps, timing, 1, 0, spike_trace=True, perf_trace=True)
    start = time.process_time()
    chip.sim(n_steps, timing, 1, 0)  # as many steps more, without traces
    seconds = time.process_time() - start
    steps, neurons = [], []
    for step, fired in enumerate(result["spike_trace"], 1):
        steps += [step] * len(fired)
        neurons += sorted(neuron.neuron_offset for neuron in fired)
    trace = result["perf_trace"]
    print(
        json.dumps(
            {
                "cpu_s": seconds,
                "step_s": trace["sim_time"],
                "energy_j": result["energy"]["total"],
                "steps": steps,
                "neurons": neurons,
                "counts": {
                    "fired": int(sum(trace["fired"])),
                    "packets": int(result["packets_sent"]),
                    "hops": int(sum(trace["hops"])),
                    "synaptic events": int(sum(trace["spikes"])),
                },
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
