"""Bringing one MLflow run up to date: only missing records are sent, then read back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.tracking.artifacts import FILES, send_files
from harness.tracking.records import Data, Model, Part, Point, model_name


@dataclass(frozen=True, slots=True)
class Times:
    """Times in milliseconds: the first sync of a run, and the first sync of its present result."""

    started: int
    result: int

    def of(self, point: Point) -> int:
        """Return the time of a point; points of curves keep theirs, so that syncs add nothing."""
        return self.started if point.name.startswith(("train/", "probe/")) else self.result


@dataclass(frozen=True, slots=True)
class Sent:
    """The contents of a part in the store, and the number of points that were sent now."""

    run_id: str
    points: int
    sent: int
    models: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Store:
    """One recipe run in an experiment of an open store."""

    client: Any
    experiment_id: str
    run_key: str
    at: Times

    def runs(self) -> dict[str, Any]:
        """Return the MLflow runs of this recipe run, by part."""
        query, runs, token = f"tags.`nca.run_key` = '{self.run_key}'", list[Any](), None
        while True:
            page = self.client.search_runs([self.experiment_id], query, page_token=token)
            runs += page
            token = page.token
            if not token:
                return {run.data.tags["nca.part"]: run for run in runs}

    def send(self, part: Part, run: Any, parent: str, models: Mapping[str, str]) -> Sent:
        """Send the records of a part that the store lacks.

        Args:
            part: the part.
            run: the MLflow run that holds it; None if there is none yet.
            parent: id of its parent run; empty for the parent itself.
            models: checkpoint -> id of the logged model, of those sent so far.

        Raises:
            RuntimeError: a record is not in the store after it was sent.
            Exception: whatever MLflow's client raises.
        """
        tags = {"nca.run_key": self.run_key, "nca.part": part.part}
        tags |= {"mlflow.parentRunId": parent} if parent else {}
        stored = run or self.client.create_run(
            self.experiment_id, start_time=self.at.started, tags=dict(tags), run_name=part.name
        )
        run_id = stored.info.run_id
        run = self.client.get_run(run_id) if run else stored  # a search leaves models out
        models = {**models, **self._models(part, run_id, models)}
        model_id = models[part.measures.name] if part.measures else ""
        self._link(run, part, models)
        lacking = self._lacking(run, part.points, model_id)
        self._log(run, part, tags, lacking, model_id)
        send_files(self.client, run, part)
        if run.info.status != "FINISHED":
            end = self.at.started + round(1000 * part.seconds)
            self.client.set_terminated(run_id, "FINISHED", end_time=end)
        if lacking and (still := self._lacking(self.client.get_run(run_id), part.points, model_id)):
            missing = f"{len(still)} of {len(part.points)} points of {part.name}"
            raise RuntimeError(f"{missing} are not in the store after they were sent")
        return Sent(run_id, len(part.points), len(lacking), models)

    def _models(self, part: Part, run_id: str, models: Mapping[str, str]) -> dict[str, str]:
        model = part.makes or part.measures
        if model is None or model.name in models:
            return {}
        return {model.name: self._model(model, run_id if part.makes else None)}

    def _model(self, model: Model, run_id: str | None) -> str:
        """Return the id of a logged model; create it if there is none. Weights are not copied.

        A checkpoint that was trained again under its name has another fingerprint and is another
        model.
        """
        tags = {"nca.run_key": self.run_key, **model.tags}
        model_info = self._stored_model(tags) or self.client.create_logged_model(
            self.experiment_id,
            name=model_name(model.name),
            source_run_id=run_id,
            tags={**tags, "mlflow.model.isExternal": "true"},
            params=dict(model.params),
            model_type="checkpoint",
        )
        if str(model_info.status) != "READY":
            self.client.finalize_logged_model(model_info.model_id, "READY")
        return str(model_info.model_id)

    def _stored_model(self, tags: Mapping[str, str]) -> Any:
        """Return the logged model with these tags, or None."""
        terms = [f"tags.`{k}` = '{tags[k]}'" for k in ("nca.run_key", "nca.fingerprint")]
        models = self.client.search_logged_models(
            experiment_ids=[self.experiment_id], filter_string=" and ".join(terms)
        )
        named = (m for m in models if m.tags.get("nca.checkpoint") == tags["nca.checkpoint"])
        return next(named, None)

    def _link(self, run: Any, part: Part, models: Mapping[str, str]) -> None:
        """Link a run to the data and the checkpoint that it used, and to the one that it made."""
        from mlflow.entities import LoggedModelInput, LoggedModelOutput

        data = [item for item in part.data if _key(item) not in set(_used(run))]
        inputs = {item.model_id for item in run.inputs.model_inputs} if run.inputs else set()
        outputs = {item.model_id for item in run.outputs.model_outputs} if run.outputs else set()
        measured = {models[part.measures.name]} - inputs if part.measures else set()
        if data or measured:
            models_in = [LoggedModelInput(model_id) for model_id in measured] or None
            self.client.log_inputs(run.info.run_id, [_dataset(d) for d in data], models_in)
        if part.makes and models[part.makes.name] not in outputs:
            output = LoggedModelOutput(models[part.makes.name], part.makes.step)
            self.client.log_outputs(run.info.run_id, [output])

    def _log(
        self, run: Any, part: Part, tags: Mapping[str, str], points: Sequence[Point], model: str
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        run_id, stored, tags = run.info.run_id, run.data.tags, {**part.tags, **tags}
        self.client.log_batch(
            run_id,
            metrics=[Metric(**_metric(point, self.at, model)) for point in points],
            # MLflow cannot change a param: a stored one stays as it was first written.
            params=[Param(k, v) for k, v in part.params.items() if k not in run.data.params],
            tags=[RunTag(k, v) for k, v in tags.items() if stored.get(k) != v],
        )
        for key in stored:
            if key.startswith("nca.") and key not in (*tags, FILES):
                self.client.delete_tag(run_id, key)  # of an earlier state of the run

    def _lacking(self, run: Any, points: Sequence[Point], model_id: str) -> list[Point]:
        """Return the points that are not the latest of their metric and step in the store."""
        linked = self._linked(model_id)
        series: dict[str, list[Point]] = {}
        for point in points:
            series.setdefault(point.name, []).append(point)
        lacking: list[Point] = []
        for name, curve in series.items():
            latest = self._latest(run, name, curve)
            lacking += [
                p
                for p in curve
                if latest.get(p.step) != p.value or (model_id and linked.get(name) != p.value)
            ]
        return lacking

    def _linked(self, model_id: str) -> dict[str, float]:
        """Return the latest value of each metric of a logged model."""
        if not model_id:
            return {}
        metrics = self.client.get_logged_model(model_id).metrics or []
        return {m.key: m.value for m in sorted(metrics, key=lambda m: m.timestamp)}

    def _latest(self, run: Any, name: str, points: Sequence[Point]) -> dict[int, float]:
        """Return step -> value, of a single point from the run itself, of a curve by request."""
        if name not in run.data.metrics:
            return {}
        if len(points) == 1 and points[0].step == 0:
            return {0: run.data.metrics[name]}
        history = self.client.get_metric_history(run.info.run_id, name)
        return {m.step: m.value for m in sorted(history, key=lambda m: m.timestamp)}


def _metric(point: Point, at: Times, model_id: str) -> dict[str, Any]:
    metric = {
        "key": point.name,
        "value": point.value,
        "timestamp": at.of(point),
        "step": point.step,
    }
    if model_id:
        metric |= {"model_id": model_id}
    if point.data:
        metric |= {"dataset_name": point.data.name, "dataset_digest": point.data.digest}
    return metric


def _used(run: Any) -> Iterator[tuple[str, str, str]]:
    for item in run.inputs.dataset_inputs if run.inputs else []:
        context = next((t.value for t in item.tags if t.key == "mlflow.data.context"), "")
        yield item.dataset.name, item.dataset.digest, context


def _key(data: Data) -> tuple[str, str, str]:
    return data.name, data.digest, data.context


def _dataset(data: Data) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": data.name})
    dataset = Dataset(data.name, data.digest, source_type="local", source=source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", data.context)])
