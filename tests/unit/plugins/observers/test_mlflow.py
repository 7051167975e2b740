"""Laws of the observer `mlflow`, read back by MLflow's own client."""

import os

import pytest
from tckr_plugins.observers.mlflow import MlflowObserver, MlflowOptions

from tckr_bench.plugin.rehearsal import rehearsed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run folder whose run was told once; making its database takes most of the time."""
    folder = tmp_path_factory.mktemp("run")
    rehearsed(folder).tell(MlflowObserver(MlflowOptions()))
    return folder


def runs(folder, name="rehearsal"):
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    return client, client.search_runs([client.get_experiment_by_name(name).experiment_id])


def test_measurements_parameters_and_versions_are_those_of_the_run(folder):
    _client, (run,) = runs(folder)
    assert run.data.metrics["digits/teacher/seed-0/accuracy"] == 0.75
    assert run.data.metrics["digits/teacher/seed-0/auc-mia/lira"] == 0.625
    assert run.data.metrics["digits/teacher/seed-0/epsilon-accounted"] > 1e300, "infinity, or what databases have of it"
    assert run.data.metrics["seconds/train"] == 2.5
    assert run.data.params["matrix"] == "rehearsal"
    assert run.data.params["methods"] == "teacher, student-0.2x"
    assert run.data.tags["version/python"] == "3.11.0"
    assert run.info.status == "FAILED"


def test_nothing_is_sent_and_nothing_lies_outside_the_run(folder):
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    client, (run,) = runs(folder)
    assert run.info.artifact_uri.startswith(folder.as_uri())
    assert {path.name for path in folder.iterdir()} == {"mlflow.db"}
    assert client.tracking_uri.startswith("sqlite:///")


def test_the_same_command_again_continues_the_same_run(folder):
    rehearsed(folder).again().tell(MlflowObserver(MlflowOptions()))
    client, (run,) = runs(folder)
    assert [metric.step for metric in client.get_metric_history(run.info.run_id, "run/stages-done")] == [2, 3, 4, 5]
    assert run.info.status == "FINISHED"


def test_another_run_is_another_run_and_an_option_names_the_experiment(folder):
    rehearsed(folder, identity="f" * 32).tell(MlflowObserver(MlflowOptions(experiment="mine")))
    _client, (run,) = runs(folder, "mine")
    assert run.data.tags["tckr-bench.identity"] == "f" * 32
    assert len(runs(folder)[1]) == 1
