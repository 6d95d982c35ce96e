"""What tests ask of a store directly, past our own reading."""

from typing import Any

Curves = dict[str, dict[str, list[tuple[int, float]]]]


def client(uri: str) -> Any:
    """MLflow's own client: it is imported only where a store is opened."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def runs(uri: str, experiment: str) -> dict[str, Any]:
    """Run name -> run."""
    store = client(uri)
    found = store.get_experiment_by_name(experiment)
    listed = store.search_runs([found.experiment_id])
    # A search leaves the models out that a run used.
    return {run.info.run_name: store.get_run(run.info.run_id) for run in listed}


def stored(uri: str, experiment: str) -> Curves:
    """Run name -> metric -> (step, value) of every point that the store holds."""
    store = client(uri)
    return {
        name: {
            metric: sorted(
                (m.step, m.value) for m in store.get_metric_history(run.info.run_id, metric)
            )
            for metric in run.data.metrics
        }
        for name, run in runs(uri, experiment).items()
    }


def models(uri: str, experiment: str, **search: Any) -> list[Any]:
    """The logged models of an experiment."""
    store = client(uri)
    found = store.get_experiment_by_name(experiment)
    return list(store.search_logged_models(experiment_ids=[found.experiment_id], **search))
