"""Runs a script on one target after the other, keeps each result at once, and compares them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycosim.comparison.comparison import Comparison
from pycosim.comparison.summary import Settings
from pycosim.errors import InvalidInputError
from pycosim.results import RunResult
from pycosim.results.folder import RunFolder, describe_run
from pycosim.targets import TargetSpec, split_targets

if TYPE_CHECKING:
    from pycosim.runner import ProgressFactory


def compare(
    script: str | Path | Callable[..., Any],
    on: str | Sequence[str],
    *,
    arguments: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    output: str | Path | None = None,
    progress: ProgressFactory | None = None,
    watch: Callable[[str, RunResult | None], None] | None = None,
    score: Callable[[RunResult], float] | None = None,
    window_ms: float = 5.0,
    distances: Sequence[str] = (),
) -> Comparison:
    """Run a script on several targets and compare each with the first.

    A target that fails is reported in its place, and the others are run all the same. Each result is
    written to the run folder as soon as it is there, the report at the end. What the script prints is kept
    in the results.

    Parameters
    ----------
    script : str, Path or function
        A PyNN script, or a function, as `pycosim.run` takes it.
    on : str or sequence of str
        Targets: "native,loihi[timing=trace]" or ["native", "loihi[timing=trace]"]. The first that does
        not fail is the reference.
    arguments, parameters, options
        As `pycosim.run` takes them; the same for every target.
    output : str or Path, optional
        Folder in which the run folder is made; by default ``pycosim-runs``.
    progress : callable, optional
        As `pycosim.run` takes it.
    watch : function of (target, result), optional
        Called with None as result before a target is run, and with its result after.
    score : function of RunResult, optional
        The user's own figure, for example the accuracy of a classifier. Not called for a failed target;
        if it fails itself, the target's score is missing and a note says why.
    window_ms : float
        Largest shift of a spike that still counts as the same one.
    distances : sequence of str
        Spike-train distances to compute, which takes longer: "van_rossum", "victor_purpura".

    Raises
    ------
    InvalidInputError
        If there is no such script, no target is named, or the window is negative.
    UnknownTargetError
        If one of the targets does not exist; nothing is run then.
    """
    from pycosim import runner

    targets = _checked_targets(on)
    settings = _checked_settings(window_ms, distances)
    if not callable(script) and not Path(script).is_file():
        raise InvalidInputError(f"Comparing {str(script)!r}: there is no such script.")
    info = describe_run(script, targets, arguments=arguments, parameters=parameters, options=options)
    folder = RunFolder.create(info, output, settings)
    comparison = Comparison(
        [], info=info, folder=folder.path, settings=settings, score_label=getattr(score, "__name__", "score")
    )
    for target in targets:
        if watch:
            watch(target, None)
        result = runner.run_to_compare(
            script,
            target,
            arguments=arguments,
            parameters=parameters,
            options=options,
            progress=progress,
        )
        if score:
            comparison.scores.append(_scored(score, result))
        comparison.results.append(result)
        folder.save(comparison)
        if watch:
            watch(target, result)
    folder.finish(comparison)
    comparison.report()
    return comparison


def _checked_targets(on: str | Sequence[str]) -> list[str]:
    targets = split_targets(on) if isinstance(on, str) else [str(target) for target in on]
    if not targets:
        raise InvalidInputError(
            "No target to compare on; name at least one, for example on=['native', 'loihi']."
        )
    for target in targets:
        TargetSpec.parse(target)
    return targets


def _checked_settings(window_ms: float, distances: Sequence[str]) -> Settings:
    from pycosim.comparison.distances import DISTANCES

    if not 0 <= window_ms < math.inf:
        raise InvalidInputError(f"window_ms={window_ms!r}: it must be 0 or more, and finite.")
    names = (distances,) if isinstance(distances, str) else tuple(distances)
    for name in names:
        if name not in DISTANCES:
            raise InvalidInputError(
                f"Spike-train distance {name!r}: there is none; choose from {', '.join(DISTANCES)}."
            )
    return Settings(float(window_ms), names)


def _scored(score: Callable[[RunResult], float], result: RunResult) -> float | None:
    """Return the user's score; None, with a note, where there is none."""
    if result.error is not None:
        return None
    try:
        return float(score(result))
    except Exception as error:  # the user's own code may fail in any way, and must not lose the runs
        result.notes.append(f"The score could not be computed: {type(error).__name__}: {error}")
        return None
