"""Bringing one run of a store up to date: only what it lacks is sent, then read back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.tracking.artifacts import FILES, send_files
from harness.tracking.records import Data, Model, Part, Point, model_name


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds: the run's first sync, and the first sync of its present result."""

    started: int
    result: int

    def of(self, point: Point) -> int:
        """A curve's point keeps the run's time, so that sending it again adds nothing."""
        return self.started if point.name.startswith(("train/", "probe/")) else self.result


@dataclass(frozen=True, slots=True)
class Sent:
    """What a store holds of a part, and how much of it was sent now."""

    run_id: str
    points: int
    sent: int
    models: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Store:
    """An experiment of an open store, one recipe run in it."""

    client: Any
    experiment_id: str
    run_key: str
    at: Times

    def runs(self) -> dict[str, Any]:
        """The runs of the store that hold this recipe run, by part."""
        wanted, found, token = f"tags.`nca.run_key` = '{self.run_key}'", list[Any](), None
        while True:
            page = self.client.search_runs([self.experiment_id], wanted, page_token=token)
            found += page
            token = page.token
            if not token:
                return {run.data.tags["nca.part"]: run for run in found}

    def send(self, part: Part, run: Any, parent: str, models: Mapping[str, str]) -> Sent:
        """Send what the store lacks of a part.

        Args:
            part: what it is to hold.
            run: the store's run that holds it; None where there is none yet.
            parent: id of the run above it; empty for the parent itself.
            models: checkpoint -> id of the logged model, of those known so far.

        Raises:
            RuntimeError: it was sent, and is not there.
            Exception: whatever MLflow's client raises.
        """
        tags = {"nca.run_key": self.run_key, "nca.part": part.part}
        tags |= {"mlflow.parentRunId": parent} if parent else {}
        made = run or self.client.create_run(
            self.experiment_id, start_time=self.at.started, tags=dict(tags), run_name=part.name
        )
        run_id = made.info.run_id
        run = self.client.get_run(run_id) if run else made  # a search leaves models out
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
            there = f"{len(still)} of {len(part.points)} points of {part.name} are not there"
            raise RuntimeError(f"{there} after they were sent")
        return Sent(run_id, len(part.points), len(lacking), models)

    def _models(self, part: Part, run_id: str, known: Mapping[str, str]) -> dict[str, str]:
        model = part.makes or part.measures
        if model is None or model.name in known:
            return {}
        return {model.name: self._model(model, run_id if part.makes else None)}

    def _model(self, model: Model, run_id: str | None) -> str:
        """The id of a logged model, which is made where there is none; weights stay where they are.

        A checkpoint that was trained anew under its old name is another one: its fingerprint says.
        """
        tags = {"nca.run_key": self.run_key, **model.tags}
        found = self._alike(tags)
        made = found or self.client.create_logged_model(
            self.experiment_id,
            name=model_name(model.name),
            source_run_id=run_id,
            tags={**tags, "mlflow.model.isExternal": "true"},
            params=dict(model.params),
            model_type="checkpoint",
        )
        if str(made.status) != "READY":
            self.client.finalize_logged_model(made.model_id, "READY")
        return str(made.model_id)

    def _alike(self, tags: Mapping[str, str]) -> Any:
        """The logged model with these tags, or None."""
        wanted = [f"tags.`{k}` = '{tags[k]}'" for k in ("nca.run_key", "nca.fingerprint")]
        found = self.client.search_logged_models(
            experiment_ids=[self.experiment_id], filter_string=" and ".join(wanted)
        )
        named = (m for m in found if m.tags.get("nca.checkpoint") == tags["nca.checkpoint"])
        return next(named, None)

    def _link(self, run: Any, part: Part, models: Mapping[str, str]) -> None:
        """Name the data and the checkpoint that a run used, and the one that it made."""
        from mlflow.entities import LoggedModelInput, LoggedModelOutput

        data = [one for one in part.data if _key(one) not in set(_used(run))]
        inputs = {one.model_id for one in run.inputs.model_inputs} if run.inputs else set()
        outputs = {one.model_id for one in run.outputs.model_outputs} if run.outputs else set()
        measured = {models[part.measures.name]} - inputs if part.measures else set()
        if data or measured:
            models_in = [LoggedModelInput(model_id) for model_id in measured] or None
            self.client.log_inputs(run.info.run_id, [_dataset(d) for d in data], models_in)
        if part.makes and models[part.makes.name] not in outputs:
            made = LoggedModelOutput(models[part.makes.name], part.makes.step)
            self.client.log_outputs(run.info.run_id, [made])

    def _log(
        self, run: Any, part: Part, tags: Mapping[str, str], points: Sequence[Point], model: str
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        run_id, known, wanted = run.info.run_id, run.data.tags, {**part.tags, **tags}
        self.client.log_batch(
            run_id,
            metrics=[Metric(**_metric(point, self.at, model)) for point in points],
            # A param cannot be changed: one that is there already stays as it was first written.
            params=[Param(k, v) for k, v in part.params.items() if k not in run.data.params],
            tags=[RunTag(k, v) for k, v in wanted.items() if known.get(k) != v],
        )
        for key in known:
            if key.startswith("nca.") and key not in (*wanted, FILES):
                self.client.delete_tag(run_id, key)  # it says what is no more

    def _lacking(self, run: Any, points: Sequence[Point], model_id: str) -> list[Point]:
        """Points that the store does not hold as the latest of their metric and step."""
        linked = self._linked(model_id)
        series: dict[str, list[Point]] = {}
        for point in points:
            series.setdefault(point.name, []).append(point)
        lacking: list[Point] = []
        for name, wanted in series.items():
            latest = self._latest(run, name, wanted)
            lacking += [
                p
                for p in wanted
                if latest.get(p.step) != p.value or (model_id and linked.get(name) != p.value)
            ]
        return lacking

    def _linked(self, model_id: str) -> dict[str, float]:
        """The latest value of each metric of a logged model."""
        if not model_id:
            return {}
        metrics = self.client.get_logged_model(model_id).metrics or []
        return {m.key: m.value for m in sorted(metrics, key=lambda m: m.timestamp)}

    def _latest(self, run: Any, name: str, wanted: Sequence[Point]) -> dict[int, float]:
        """Step -> value. A single point's is in the run itself; a curve is asked for."""
        if name not in run.data.metrics:
            return {}
        if len(wanted) == 1 and wanted[0].step == 0:
            return {0: run.data.metrics[name]}
        history = self.client.get_metric_history(run.info.run_id, name)
        return {m.step: m.value for m in sorted(history, key=lambda m: m.timestamp)}


def _metric(point: Point, at: Times, model_id: str) -> dict[str, Any]:
    told = {"key": point.name, "value": point.value, "timestamp": at.of(point), "step": point.step}
    if model_id:
        told |= {"model_id": model_id}
    if point.data:
        told |= {"dataset_name": point.data.name, "dataset_digest": point.data.digest}
    return told


def _used(run: Any) -> Iterator[tuple[str, str, str]]:
    for one in run.inputs.dataset_inputs if run.inputs else []:
        context = next((t.value for t in one.tags if t.key == "mlflow.data.context"), "")
        yield one.dataset.name, one.dataset.digest, context


def _key(data: Data) -> tuple[str, str, str]:
    return data.name, data.digest, data.context


def _dataset(data: Data) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": data.name})
    found = Dataset(data.name, data.digest, source_type="local", source=source)
    return DatasetInput(found, [InputTag("mlflow.data.context", data.context)])
