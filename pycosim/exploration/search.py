"""Running trials, each stored as it finishes, until the asked number is there."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycosim.errors import DoesNotFitError, InvalidInputError, MissingDependencyError
from pycosim.exploration.space import Choice, as_choices, grid_of, split_assignment
from pycosim.exploration.study import METRICS, REASON, Exploration
from pycosim.results import RunResult
from pycosim.runner import Script, run_to_compare
from pycosim.targets import TargetSpec

if TYPE_CHECKING:
    import optuna

DIRECTIONS = ("minimize", "maximize")
SAMPLERS = ("auto", "grid", "random", "nsga2")
Metric = Callable[[RunResult, RunResult], float]


def explore(
    script: Script,
    space: Mapping[str, Any],
    objectives: Mapping[str, str],
    *,
    on: str,
    reference: str = "native",
    n_trials: int = 50,
    metrics: Mapping[str, Metric] | None = None,
    arguments: Sequence[str] = (),
    storage: str | Path = "pycosim-explore.db",
    sampler: str = "auto",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Exploration:
    """Search a design space and return all trials with their Pareto front.

    Every trial is stored as it finishes: a call with the same script, space, objectives and targets goes
    on where an earlier one ended, and runs nothing twice.

    Parameters
    ----------
    script : path or callable
        As `pycosim.run` takes it.
    space : mapping
        Choices by name (see `pycosim.exploration.as_choices`): options of the run ("speedup"), values of the
        chip's description ("noc.hop_x") and parameters of the script ("script.rate").
    objectives : mapping of str to {"minimize", "maximize"}
        Columns of the comparison's table ("energy_j", "late", ...), or names of `metrics`.
    on : str
        The target, with fixed options in brackets if there are any.
    reference : str
        The target that each trial is compared with; run once for each choice of script parameters.
    n_trials : int
        Trials in all, earlier ones included.
    metrics : mapping of str to callable, optional
        Figures of one's own, from (result, reference result).
    arguments : sequence of str
        The script's command-line arguments.
    storage : path
        SQLite file; it may hold any number of explorations.
    sampler : {"auto", "grid", "random", "nsga2"}
        "auto" is a grid if all its points fit into `n_trials`, else NSGA-II.
    seed : int
        Seed of the sampler.
    progress : callable, optional
        Called with (trials done, trials in all) after each trial.

    Returns
    -------
    Exploration

    Raises
    ------
    InvalidInputError
        If space, objectives or sampler are not of the right form.
    UnknownTargetError
        If a target is not known.
    MissingDependencyError
        If Optuna is not installed.
    """
    choices = as_choices(space)
    _check_objectives(objectives, metrics or {})
    spec, reference_spec = TargetSpec.parse(on), TargetSpec.parse(reference)
    evaluate = _Evaluation(
        script, spec, reference_spec, list(arguments), dict(objectives), dict(metrics or {})
    )
    study = _study(evaluate.key(choices), Path(storage), objectives)
    study.sampler = _sampler(sampler, seed + len(study.trials), n_trials)
    remaining = _n_to_run(study, choices, sampler, n_trials)
    if remaining > 0:
        study.optimize(
            lambda trial: _values(study, trial, choices, evaluate),
            n_trials=remaining,
            catch=(DoesNotFitError,),
            callbacks=[lambda study, trial: progress(_n_done(study), n_trials)] if progress else None,
        )
    return Exploration(study, [choice.name for choice in choices], dict(objectives))


class _Evaluation:
    """Turns an assignment of values into metrics; keeps the reference run of each script parameter set."""

    def __init__(
        self,
        script: Script,
        spec: TargetSpec,
        reference: TargetSpec,
        arguments: list[str],
        objectives: dict[str, str],
        metrics: dict[str, Metric],
    ):
        self.script, self.spec, self.reference, self.arguments = script, spec, reference, arguments
        self.objectives, self.metrics = objectives, metrics
        self.references: dict[str, RunResult] = {}

    def key(self, choices: Sequence[Choice]) -> str:
        """Return a name that is the same for the same exploration."""
        name = getattr(self.script, "__qualname__", None) or Path(self.script).stem
        what = [
            name,
            self.arguments,
            str(self.spec),
            str(self.reference),
            self.objectives,
            list(map(repr, choices)),
        ]
        digest = hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=6).hexdigest()
        return f"{name}-{self.spec.name}-{digest}"

    def __call__(self, assignment: Mapping[str, Any]) -> dict[str, Any]:
        """Run the target, and the reference if it has not been run, and return all metrics."""
        from pycosim.comparison.summary import Settings, summarise

        parameters, options = split_assignment(assignment)
        label = json.dumps(parameters, sort_keys=True)
        if label not in self.references:
            self.references[label] = self._run(self.reference, parameters, {})
        reference = self.references[label]
        result = self._run(self.spec, parameters, options)
        row = summarise(result, reference, Settings()).row
        return row | {name: float(metric(result, reference)) for name, metric in self.metrics.items()}

    def _run(self, spec: TargetSpec, parameters: dict[str, Any], options: dict[str, Any]) -> RunResult:
        given = TargetSpec(spec.name, spec.options | options)
        result = run_to_compare(self.script, given, arguments=self.arguments, parameters=parameters)
        if result.error is not None:
            raise result.error
        return result


def _values(
    study: optuna.Study, trial: optuna.Trial, choices: Sequence[Choice], evaluate: _Evaluation
) -> list[float]:
    """Run one trial and return its objectives; what else it measured is stored beside them."""
    assignment = {choice.name: choice.suggest(trial) for choice in choices}
    try:
        metrics = _metrics_before(study, assignment) or evaluate(assignment)
    except DoesNotFitError as error:
        trial.set_user_attr(REASON, str(error))
        raise
    trial.set_user_attr(METRICS, {name: value for name, value in metrics.items() if _storable(value)})
    return [_objective(name, metrics) for name in evaluate.objectives]


def _metrics_before(study: optuna.Study, assignment: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what an earlier trial with the same values measured: nothing is run twice."""
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name == "COMPLETE" and trial.params == assignment:
            return trial.user_attrs[METRICS]
    return None


def _objective(name: str, metrics: Mapping[str, Any]) -> float:
    value = metrics.get(name)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        known = ", ".join(sorted(key for key, item in metrics.items() if isinstance(item, int | float)))
        raise InvalidInputError(
            f"explore(): there is no figure {name!r} to search by; the runs have {known}."
        )
    return float(value)


def _storable(value: Any) -> bool:
    return isinstance(value, str | int | bool) or (isinstance(value, float) and math.isfinite(value))


def _check_objectives(objectives: Mapping[str, str], metrics: Mapping[str, Metric]) -> None:
    wrong = {name: direction for name, direction in objectives.items() if direction not in DIRECTIONS}
    if not objectives or wrong:
        raise InvalidInputError(
            f"explore(objectives={dict(objectives)!r}): give a name or more, with 'minimize' or 'maximize'."
        )
    if not all(callable(metric) for metric in metrics.values()):
        raise InvalidInputError(
            "explore(metrics=...): each metric must be a function of (result, reference result)."
        )


def _study(name: str, storage: Path, objectives: Mapping[str, str]) -> optuna.Study:
    """Open the study called `name`, or begin it."""
    try:
        import optuna
    except ImportError:
        raise MissingDependencyError(
            "explore() needs Optuna, which is not installed: pip install 'pycosim[explore]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        study_name=name,
        storage=f"sqlite:///{storage}",
        directions=list(objectives.values()),
        load_if_exists=True,
    )


def _sampler(name: str, seed: int, n_trials: int) -> optuna.samplers.BaseSampler:
    import optuna

    if name not in SAMPLERS:
        raise InvalidInputError(f"explore(sampler={name!r}): it must be one of {', '.join(SAMPLERS)}.")
    if name in ("grid", "random"):  # the points of a grid are queued, its sampler has nothing to choose
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.NSGAIISampler(seed=seed, population_size=min(50, max(4, n_trials // 4)))


def _n_to_run(study: optuna.Study, choices: Sequence[Choice], sampler: str, n_trials: int) -> int:
    """Queue the trials that are known, and return how many are to be run in all."""
    _queue_interrupted(study, len(choices))
    remaining = n_trials - _n_done(study)
    if _is_grid(sampler, choices, n_trials):
        remaining = min(remaining, _queue_untried(study, choices))
    return remaining


def _is_grid(sampler: str, choices: Sequence[Choice], n_trials: int) -> bool:
    """Return whether all points are tried in turn."""
    grid = grid_of(choices)
    if sampler == "grid" and grid is None:
        raise InvalidInputError("explore(sampler='grid'): a range of real numbers has no grid; list values.")
    return sampler == "grid" or (
        sampler == "auto" and grid is not None and math.prod(map(len, grid.values())) <= n_trials
    )


def _queue_untried(study: optuna.Study, choices: Sequence[Choice]) -> int:
    """Queue the points of the grid that have not been tried; return how many are queued now."""
    grid = grid_of(choices) or {}
    waiting = [trial.system_attrs.get("fixed_params", {}) for trial in _trials(study, "WAITING")]
    known = waiting + [trial.params for trial in study.trials if _is_done(trial)]
    for values in itertools.product(*grid.values()):
        point = dict(zip(grid, values))
        if point not in known:
            study.enqueue_trial(point)
    return len(_trials(study, "WAITING"))


def _queue_interrupted(study: optuna.Study, n_choices: int) -> None:
    """Queue the trials again that an earlier call left unfinished."""
    import optuna

    for trial in _trials(study, "RUNNING"):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        if len(trial.params) == n_choices:
            study.enqueue_trial(trial.params)


def _trials(study: optuna.Study, state: str) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == state]


def _is_done(trial: optuna.trial.FrozenTrial) -> bool:
    """Return whether a trial was finished; one that was interrupted was not."""
    return trial.state.name == "COMPLETE" or REASON in trial.user_attrs


def _n_done(study: optuna.Study) -> int:
    return sum(map(_is_done, study.get_trials(deepcopy=False)))
