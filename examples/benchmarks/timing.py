"""What the benchmark scripts share: the command line, and the time of the run phase as one line of JSON."""

import argparse
import importlib
import json
import time


def command_line(description, **defaults):
    """Return the simulator module and the arguments; ``--name`` for each of `defaults`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("simulator", nargs="?", default="pycosim.native", help="for example pyNN.nest")
    parser.add_argument("--ms", type=float, default=1000.0, help="biological time that is measured")
    parser.add_argument("--threads", type=int, default=1)
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    arguments = parser.parse_args()
    return importlib.import_module(arguments.simulator), arguments


def report(run, rate, ms, built_s, warm_up_ms=20.0, rank=0):
    """Run and print seconds of CPU and wall-clock time per biological second.

    Parameters
    ----------
    run : callable
        Advances by a number of ms.
    rate : callable
        Returns the mean rate in Hz, given the duration in ms.
    ms : float
    built_s : float
        CPU time of everything before.
    rank : int
        Only 0 prints.
    """
    run(warm_up_ms)
    cpu, wall = time.process_time(), time.perf_counter()
    run(ms)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    line = {"cpu": cpu / ms * 1000, "wall": wall / ms * 1000, "build_cpu": built_s}
    line["rate_hz"] = rate(ms + warm_up_ms)
    if rank == 0:
        print(json.dumps(line), flush=True)
