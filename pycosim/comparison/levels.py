"""What less detail in the network-on-chip costs in accuracy and saves in time, on the same traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pycosim.errors import InvalidInputError
from pycosim.results import RunResult
from pycosim.targets import OPTION_VALUES, TargetSpec, backends

if TYPE_CHECKING:
    import pandas as pd

    from pycosim.runner import Script

__all__ = ["LEVELS", "compare_levels", "levels_table"]

#: Levels of detail, the most exact first.
LEVELS = OPTION_VALUES["detail"]


def compare_levels(
    script: Script,
    on: str,
    *,
    arguments: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Run a script on a chip once at each level of detail, with the same spikes, and compare latencies.

    Latencies are found but not fed back (``timing="trace"``), so that each level carries the same packets.

    Parameters
    ----------
    script, arguments, parameters, options
        As `pycosim.run` takes them.
    on : str
        A chip, with other options in brackets if need be.

    Returns
    -------
    DataFrame
        See `levels_table`.

    Raises
    ------
    InvalidInputError
        If the target is not a chip, or no packet was sent.
    PycosimError
        Why a run failed.
    """
    from pycosim.runner import run_to_compare

    spec = TargetSpec.parse(on)
    if spec.name in backends():
        raise InvalidInputError(
            f"Comparing levels of detail on {spec.name}: it has no network-on-chip. Name a chip."
        )
    results = []
    for level in LEVELS:
        at_level = replace(spec, options=spec.options | {"timing": "trace", "detail": level})
        how = {"arguments": arguments, "parameters": parameters, "options": options}
        results.append(run_to_compare(script, at_level, **how))
        error = results[-1].error
        if error is not None:
            raise error
    return levels_table(results)


def levels_table(results: Sequence[RunResult]) -> pd.DataFrame:
    """Return the errors of runs at several levels of detail against the first.

    Parameters
    ----------
    results : sequence of RunResult
        Of the same script on the same chip with ``timing="trace"``.

    Returns
    -------
    DataFrame
        By level: packets that arrived in all runs; mean latency in us; the error of the mean in per cent of
        it; mean, 95th percentile and largest size of a packet's error in us; CPU time of the steps in s
        (without building, which takes longest in the first run), and the share of it that the level saves in
        per cent.

    Raises
    ------
    InvalidInputError
        If a run was not on a chip, no packet arrived, or runs did not send the same packets.
    """
    import pandas as pd

    records = [result.hardware for result in results]
    if None in records:
        raise InvalidInputError("Comparing levels of detail: a run was not on a chip.")
    tables = [record.packets for record in records if record is not None]
    if any(not np.array_equal(table.emission_step, tables[0].emission_step) for table in tables):
        raise InvalidInputError("Comparing levels of detail: the runs did not send the same packets.")
    arrived = np.logical_and.reduce([table.arrived for table in tables])
    if not arrived.any():
        raise InvalidInputError("Comparing levels of detail: no packet arrived; there is nothing to compare.")
    latency_us = [(table.arrival_ps - table.emission_ps)[arrived] / 1e6 for table in tables]
    cpu_s = [result.seconds.get("run_cpu", float("nan")) for result in results]
    rows = {}
    for record, latency, cpu in zip(records, latency_us, cpu_s, strict=True):
        error = np.abs(latency - latency_us[0])
        rows[record.options["detail"]] = {  # type: ignore[union-attr]
            "packets": len(latency),
            "latency_us": latency.mean(),
            "error_of_mean_percent": 100 * (latency.mean() / latency_us[0].mean() - 1),
            "mean_error_us": error.mean(),
            "p95_error_us": np.percentile(error, 95),
            "worst_error_us": error.max(),
            "cpu_s": cpu,
            "saved_percent": 100 * (1 - cpu / cpu_s[0]) if cpu_s[0] > 0 else float("nan"),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("detail")
