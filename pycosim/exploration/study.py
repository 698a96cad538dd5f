"""The result of an exploration: trials as a data frame, the Pareto front, and its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycosim.errors import InvalidInputError

if TYPE_CHECKING:
    import optuna
    import pandas as pd
    import plotly.graph_objects as go

METRICS = "metrics"
REASON = "reason"


class Exploration:
    """Trials of a design space.

    Attributes
    ----------
    study : optuna.Study
        Everything that Optuna offers (importances, its dashboard, ...) works on it.
    names : list of str
        Names of the choices.
    objectives : dict of str to str
        Objectives and their directions.
    """

    def __init__(self, study: optuna.Study, names: list[str], objectives: dict[str, str]):
        self.study, self.names, self.objectives = study, names, objectives

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each finished trial: choices, objectives, whether it is on the front, other figures.

        ``state`` is "complete" or "failed"; ``reason`` says why a trial failed (for example that the
        network does not fit).
        """
        import pandas as pd

        front = {trial.number for trial in self.study.best_trials}
        done = [
            trial for trial in self.study.trials if trial.values is not None or REASON in trial.user_attrs
        ]
        rows = [self._row(trial, front) for trial in done]
        first = ["trial", "state", *self.names, *self.objectives, "pareto", "reason"]
        frame = pd.DataFrame(rows)
        if frame.empty:
            return pd.DataFrame(columns=first)
        return frame[[*first, *(column for column in frame.columns if column not in first)]]

    @property
    def pareto(self) -> pd.DataFrame:
        """The trials that no other trial beats in every objective."""
        frame = self.frame
        return frame[frame["pareto"].astype(bool)].reset_index(drop=True)

    def plot_pareto(self) -> go.Figure:
        """Draw trials and front over the objectives, two or three of them.

        Raises
        ------
        InvalidInputError
            If there are other than two or three objectives.
        """
        from optuna.visualization import plot_pareto_front

        if len(self.objectives) not in (2, 3):
            raise InvalidInputError(
                f"plot_pareto(): {len(self.objectives)} objectives cannot be drawn; it needs 2 or 3."
            )
        return plot_pareto_front(self.study, target_names=list(self.objectives))

    def _row(self, trial: optuna.trial.FrozenTrial, front: set[int]) -> dict[str, Any]:
        values = trial.values or [float("nan")] * len(self.objectives)
        failed = trial.state.name != "COMPLETE"
        return {
            **{name: value for name, value in trial.user_attrs.get(METRICS, {}).items()},
            "trial": trial.number,
            "state": "failed" if failed else "complete",
            **trial.params,
            **dict(zip(self.objectives, values)),
            "pareto": trial.number in front,
            "reason": trial.user_attrs.get(REASON, ""),
        }

    def _repr_html_(self) -> str:
        return (
            f"<p>{len(self.frame)} trials, {len(self.pareto)} on the Pareto front</p>{self.pareto.to_html()}"
        )
