"""Bringing one MLflow run up to date: only missing records are sent, then read back."""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.storage.hashing import digest, file_digest
from harness.tracking.records import Data, Model, Part, Point

_TABLES = "mlflow.loggedArtifacts"  # where MLflow's page looks for tables
#: The tag that holds a digest of the files that were sent.
_FILES = "nca.files"


@dataclass(slots=True)
class Store:
    """One recipe run in an experiment of an open store.

    Attributes:
        started: the first sync of the run, in milliseconds; points of curves keep this time, so
            that syncs add nothing.
        updated: the first sync of its present result, in milliseconds.
        parent: the id of its parent run, once that is sent.
        models: checkpoint -> id of the logged model, of those sent so far.
    """

    client: Any
    experiment_id: str
    run_key: str
    started: int
    updated: int
    parent: str = ""
    models: dict[str, str] = field(default_factory=dict)

    def runs(self) -> dict[str, Any]:
        """Return the MLflow runs of this recipe run, by part."""
        query, runs, token = f"tags.`nca.run_key` = '{self.run_key}'", list[Any](), None
        while True:
            page = self.client.search_runs([self.experiment_id], query, page_token=token)
            runs += page
            token = page.token
            if not token:
                return {run.data.tags["nca.part"]: run for run in runs}

    def send(self, part: Part, run: Any) -> int:
        """Send the records of a part that the store lacks; return the number of points sent.

        `run` is the MLflow run that holds the part, None if there is none yet. The first part that
        is sent becomes the parent of the others.

        Raises:
            RuntimeError: a record is not in the store after it was sent.
            Exception: whatever MLflow's client raises.
        """
        tags = {"nca.run_key": self.run_key, "nca.part": part.part}
        tags |= {"mlflow.parentRunId": self.parent} if self.parent else {}
        stored = run or self.client.create_run(
            self.experiment_id, start_time=self.started, tags=dict(tags), run_name=part.name
        )
        run_id = stored.info.run_id
        self.parent = self.parent or run_id
        run = self.client.get_run(run_id) if run else stored  # a search leaves models out
        model = part.makes or part.measures
        if model is not None and model.name not in self.models:
            self.models[model.name] = self._model(model, run_id if part.makes else None)
        model_id = self.models[part.measures.name] if part.measures else ""
        self._link(run, part)
        lacking = self._lacking(run, part.points, model_id)
        self._log(run, part, tags, lacking, model_id)
        self._send_files(run, part)
        if run.info.status != "FINISHED":
            end = self.started + round(1000 * part.seconds)
            self.client.set_terminated(run_id, "FINISHED", end_time=end)
        if lacking and (still := self._lacking(self.client.get_run(run_id), part.points, model_id)):
            missing = f"{len(still)} of {len(part.points)} points of {part.name}"
            raise RuntimeError(f"{missing} are not in the store after they were sent")
        return len(lacking)

    def _model(self, model: Model, run_id: str | None) -> str:
        """Return the id of a logged model; create it if there is none. Weights are not copied.

        A checkpoint that was trained again under its name has another fingerprint and is another
        model.
        """
        tags = {"nca.run_key": self.run_key, **model.tags}
        terms = [f"tags.`{k}` = '{tags[k]}'" for k in ("nca.run_key", "nca.fingerprint")]
        stored = self.client.search_logged_models(
            experiment_ids=[self.experiment_id], filter_string=" and ".join(terms)
        )
        named = (m for m in stored if m.tags.get("nca.checkpoint") == tags["nca.checkpoint"])
        model_info = next(named, None) or self.client.create_logged_model(
            self.experiment_id,
            name=re.sub(r"[/:.%\"']", "_", model.name),  # MLflow refuses `org/model:tag`
            source_run_id=run_id,
            tags={**tags, "mlflow.model.isExternal": "true"},
            params=dict(model.params),
            model_type="checkpoint",
        )
        if str(model_info.status) != "READY":
            self.client.finalize_logged_model(model_info.model_id, "READY")
        return str(model_info.model_id)

    def _link(self, run: Any, part: Part) -> None:
        """Link a run to the data and the checkpoint that it used, and to the one that it made."""
        from mlflow.entities import LoggedModelInput, LoggedModelOutput

        used = {
            (item.dataset.name, item.dataset.digest, tag.value)
            for item in (run.inputs.dataset_inputs if run.inputs else [])
            for tag in item.tags
            if tag.key == "mlflow.data.context"
        }
        data = [item for item in part.data if (item.name, item.digest, item.context) not in used]
        inputs = {item.model_id for item in run.inputs.model_inputs} if run.inputs else set()
        outputs = {item.model_id for item in run.outputs.model_outputs} if run.outputs else set()
        measured = {self.models[part.measures.name]} - inputs if part.measures else set()
        if data or measured:
            models_in = [LoggedModelInput(model_id) for model_id in measured] or None
            self.client.log_inputs(run.info.run_id, [_dataset(d) for d in data], models_in)
        if part.makes and self.models[part.makes.name] not in outputs:
            output = LoggedModelOutput(self.models[part.makes.name], part.makes.step)
            self.client.log_outputs(run.info.run_id, [output])

    def _log(
        self, run: Any, part: Part, tags: Mapping[str, str], points: Sequence[Point], model_id: str
    ) -> None:
        from mlflow.entities import Metric, Param, RunTag

        def metric(point: Point) -> Any:
            data, of_curve = point.data, point.name.startswith(("train/", "probe/"))
            return Metric(
                *(point.name, point.value, self.started if of_curve else self.updated, point.step),
                model_id=model_id or None,
                dataset_name=data and data.name,
                dataset_digest=data and data.digest,
            )

        run_id, stored, tags = run.info.run_id, run.data.tags, {**part.tags, **tags}
        self.client.log_batch(
            run_id,
            metrics=[metric(point) for point in points],
            # MLflow cannot change a param: a stored one stays as it was first written.
            params=[Param(k, v) for k, v in part.params.items() if k not in run.data.params],
            tags=[RunTag(k, v) for k, v in tags.items() if stored.get(k) != v],
        )
        for key in stored:
            if key.startswith("nca.") and key not in (*tags, _FILES):
                self.client.delete_tag(run_id, key)  # of an earlier state of the run

    def _lacking(self, run: Any, points: Sequence[Point], model_id: str) -> list[Point]:
        """Return the points that are not the latest of their metric and step in the store."""
        metrics = (self.client.get_logged_model(model_id).metrics or []) if model_id else []
        linked = {m.key: m.value for m in sorted(metrics, key=lambda m: m.timestamp)}
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

    def _latest(self, run: Any, name: str, points: Sequence[Point]) -> dict[int, float]:
        """Return step -> value, of a single point from the run itself, of a curve by request."""
        if name not in run.data.metrics:
            return {}
        if len(points) == 1 and points[0].step == 0:
            return {0: run.data.metrics[name]}
        history = self.client.get_metric_history(run.info.run_id, name)
        return {m.step: m.value for m in sorted(history, key=lambda m: m.timestamp)}

    def _send_files(self, run: Any, part: Part) -> None:
        """Send the files and sample tables of a part, unless the run holds them already."""
        if not part.files and not part.tables:
            return
        run_id, names = run.info.run_id, [f"{stem}.json" for stem in part.tables]
        with tempfile.TemporaryDirectory() as folder:
            files = {**part.files, **{name: Path(folder) / name for name in names}}
            for name, table in zip(names, part.tables.values(), strict=True):
                # A text may hold half of a surrogate pair, which is no character: it stays escaped.
                files[name].write_text(json.dumps(table), encoding="utf-8")
            mark = digest({place: file_digest(file) for place, file in files.items()}, 16)
            if run.data.tags.get(_FILES) == mark and not self.absent(run_id, part):
                return
            for place, file in files.items():
                self.client.log_artifact(run_id, str(file), place.rpartition("/")[0] or None)
        logged = [{"path": name, "type": "table"} for name in names]
        self.client.set_tag(run_id, _TABLES, json.dumps(logged))
        self.client.set_tag(run_id, _FILES, mark)

    def absent(self, run_id: str, part: Part) -> list[str]:
        """Return the names of the files and tables that an MLflow run lacks."""
        names = [*part.files, *(f"{stem}.json" for stem in part.tables)]
        folders = dict.fromkeys(name.rpartition("/")[0] for name in names)
        listed = (self.client.list_artifacts(run_id, folder or None) for folder in folders)
        present = {file.path for files in listed for file in files}
        return [name for name in names if name not in present]


def _dataset(data: Data) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": data.name})
    dataset = Dataset(data.name, data.digest, source_type="local", source=source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", data.context)])
