"""Explorations store each trial, resume, and find the front."""

import sqlite3

import numpy as np
import pytest

from pycosim import explore
from pycosim.errors import InvalidInputError, UnknownTargetError
from pycosim.exploration import as_choices
from pycosim.testing import balanced_network

SPACE = {"mapping.neurons_per_core": [5, 10, 25], "noc.hop_x": ["4.1 ns", "410 ns"]}
OBJECTIVES = {"energy_j": "minimize", "step_median_us": "minimize"}

runs = []


def network(sim, duration=20.0):
    runs.append(sim.__name__)
    balanced_network(sim, duration)


@pytest.fixture
def explored(tmp_path):
    runs.clear()

    def again(**changes):
        settings = {"on": "loihi", "n_trials": 6, "storage": tmp_path / "trials.db"} | changes
        return explore(
            network,
            changes.pop("space", SPACE),
            OBJECTIVES,
            **{k: v for k, v in settings.items() if k != "space"},
        )

    again.storage = tmp_path / "trials.db"
    return again


def test_a_grid_is_tried_once_each_with_one_reference_run(explored):
    frame = explored().frame
    assert len(frame) == 6
    assert set(zip(frame["mapping.neurons_per_core"], frame["noc.hop_x"])) == {
        (n, hop) for n in SPACE["mapping.neurons_per_core"] for hop in SPACE["noc.hop_x"]
    }
    assert runs.count("pycosim.native") == 1
    assert runs.count("pycosim.loihi") == 6
    assert (frame["identical_percent"] == 100).all()  # a barrier chip changes no spikes


def test_the_front_holds_the_trials_that_no_other_beats(explored):
    result = explored()
    frame = result.frame
    values = frame[list(OBJECTIVES)].to_numpy()
    beaten = [bool(np.any(np.all(values <= v, axis=1) & np.any(values < v, axis=1))) for v in values]
    np.testing.assert_array_equal(frame["pareto"].to_numpy(bool), ~np.array(beaten))
    assert len(result.pareto) == beaten.count(False)


def test_the_same_call_goes_on_where_the_last_one_ended(explored):
    explored(n_trials=4)
    first = explored(n_trials=4).frame
    assert len(first) == 4
    runs.clear()
    whole = explored(n_trials=6)
    assert len(whole.frame) == 6
    assert runs.count("pycosim.loihi") == 2
    np.testing.assert_array_equal(whole.frame["energy_j"][:4], first["energy_j"])


def test_trials_are_in_the_file_as_soon_as_they_are_finished(explored):
    stored = []

    def look(done, n_trials):
        with sqlite3.connect(explored.storage) as database:
            stored.append(
                database.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0]
            )

    explored(progress=look)
    assert stored == [1, 2, 3, 4, 5, 6]


def test_a_trial_that_was_interrupted_is_run_again(explored):
    def stop(done, n_trials):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explored(progress=stop)
    import optuna

    name = optuna.get_all_study_names(f"sqlite:///{explored.storage}")[0]
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{explored.storage}")
    trial = study.ask()
    for key, values in SPACE.items():
        trial.suggest_categorical(key, values)
    frame = explored().frame
    complete = frame[frame["state"] == "complete"]
    assert len(complete.drop_duplicates(list(SPACE))) == 6


def test_a_network_that_does_not_fit_is_a_failed_trial_with_its_reason(explored):
    frame = explored(space={"capacity.axons_per_core": [1, 4096]}, n_trials=2).frame.set_index(
        "capacity.axons_per_core"
    )
    assert frame.loc[1, "state"] == "failed"
    assert "axons" in frame.loc[1, "reason"]
    assert frame.loc[4096, "state"] == "complete"


def test_script_parameters_and_own_metrics_can_be_explored(tmp_path):
    result = explore(
        network,
        {"script.duration": [10.0, 20.0]},
        {"n_spikes": "maximize"},
        on="native",
        reference="reference",
        n_trials=2,
        metrics={"n_spikes": lambda result, reference: len(result.spike_steps)},
        storage=tmp_path / "trials.db",
    )
    frame = result.frame.set_index("script.duration")
    assert frame.loc[20.0, "n_spikes"] > frame.loc[10.0, "n_spikes"]
    assert frame["duration_ms"].to_dict() == {10.0: 10.0, 20.0: 20.0}


def test_the_front_is_drawn_over_two_objectives(explored):
    figure = explored(n_trials=2).plot_pareto()
    assert figure.layout.xaxis.title.text == "energy_j"
    with pytest.raises(InvalidInputError, match="2 or 3"):
        explore(
            network,
            {"speedup": [1.0]},
            {"energy_j": "minimize"},
            on="loihi",
            n_trials=1,
            storage=explored.storage,
        ).plot_pareto()


def test_ranges_become_choices():
    real, whole, log = as_choices({"a": (0.5, 2.0), "b": (1, 4), "c": (1.0, 100.0, "log")})
    assert (real.n_values, whole.n_values, log.log) == (None, 4, True)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (({}, OBJECTIVES), InvalidInputError),
        (({"speedup": (2.0, 1.0)}, OBJECTIVES), InvalidInputError),
        (({"speedup": []}, OBJECTIVES), InvalidInputError),
        (({"speedup": [1.0]}, {}), InvalidInputError),
        (({"speedup": [1.0]}, {"energy_j": "less"}), InvalidInputError),
        (({"speedup": [1.0]}, {"no_such_figure": "minimize"}), InvalidInputError),
    ],
)
def test_malformed_spaces_and_objectives_are_refused(tmp_path, arguments, error):
    with pytest.raises(error):
        explore(network, *arguments, on="loihi", n_trials=1, storage=tmp_path / "trials.db")


def test_an_unknown_target_is_refused(tmp_path):
    with pytest.raises(UnknownTargetError):
        explore(network, {"speedup": [1.0]}, OBJECTIVES, on="loihy", storage=tmp_path / "trials.db")
