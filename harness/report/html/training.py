"""The training of a checkpoint on its page: curves, settings and data."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from harness.report.compare.likelihood import Likelihood, trend
from harness.report.html.charts.curves import Curve, Point, curves_chart, span
from harness.report.html.charts.svg import Look, shown_key
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.result import CheckpointResult, Result

_FIRST, _SECOND = Look("c0", "o", ""), Look("c1", "s", "7 4")
_DATA = ("data", "probe", "rows", "probe_rows", "responses", "pairs")
#: Key of `steps.jsonl` -> title of its chart.
_MEASURES = {
    "loss": "loss",
    "margin": "margin of implicit rewards",
    "accuracy": "best ranked above worst, share",
    "grad_norm": "gradient norm",
}
BEST_AND_WORST = {"best response": _FIRST, "worst response": _SECOND}
Facts = list[tuple[str, str]]


def likelihood_curves(points: Sequence[Likelihood]) -> tuple[Curve, ...]:
    """Return the changes in log-probability of the best and the worst response since step 0."""
    return tuple(
        Curve(label, look, tuple(_change(point, kind) for point in points))
        for (label, look), kind in zip(BEST_AND_WORST.items(), ("best", "worst"), strict=True)
    )


def _change(point: Likelihood, kind: str) -> Point:
    mean = getattr(point, kind)
    return Point(point.step, mean.value, mean.error or 0.0)


def training_curves(checkpoint: CheckpointResult, folder: Path | None) -> list[dict[str, Any]]:
    """Draw the training of a checkpoint from its log, or from the probes in the result."""
    logged = read_lines(folder / "steps.jsonl") if folder else list(checkpoint.probe)
    charts = [drawn for key, title in _MEASURES.items() if (drawn := _measure(logged, key, title))]
    points = trend(checkpoint.name, [row for row in logged if row.get("split") == "probe"])
    if len(points) > 1:
        curves = likelihood_curves(points)
        chart = curves_chart("Change in log-probability", curves, span(curves), zero=True)
        title = "change in log-probability since step 0, nats"
        charts.append({"title": title, "key": shown_key(BEST_AND_WORST), "chart": chart})
    return charts


def _measure(logged: Sequence[Mapping[str, Any]], key: str, title: str) -> dict[str, Any] | None:
    curves = [
        Curve(label, look, points, marked=len(points) <= 40)
        for split, label, look in (("train", "training", _FIRST), ("probe", "probe", _SECOND))
        if len(points := tuple(_points(logged, split, key))) > 1
    ]
    if not curves:
        return None
    chart = curves_chart(f"{title} over steps", curves, span(curves))
    return {"title": title, "key": shown_key({c.label: c.look for c in curves}), "chart": chart}


def _points(logged: Sequence[Mapping[str, Any]], split: str, key: str) -> Iterator[Point]:
    for row in logged:
        if row.get("split") == split and row.get(key) is not None:
            yield Point(row["step"], float(row[key]))


def no_curves(checkpoint: CheckpointResult) -> str:
    """Return the reason why there is no curve."""
    if checkpoint.train is None:
        return "It was not trained in this run."
    return "The training log is missing, and the result has no probes of this checkpoint."


def settings(checkpoint: CheckpointResult) -> Facts:
    """Return the training settings without those of the data."""
    return [(k, _text(v)) for k, v in (checkpoint.train or {}).items() if k not in _DATA]


def data(checkpoint: CheckpointResult, folder: Path | None) -> Facts:
    """Return the training data with its numbers of rows and tokens."""
    settings = checkpoint.train or {}
    facts = [(key, _text(settings[key])) for key in _DATA if key in settings]
    facts += [(f"digest of {key}", value) for key, value in checkpoint.data.items()]
    summary = read_json(folder / "summary.json") if folder else None
    if isinstance(summary, Mapping):
        for split in ("train", "probe"):
            facts += _flat(summary.get(split) or {}, split)
    return facts


def _flat(counts: Any, prefix: str) -> Facts:
    if not isinstance(counts, Mapping):
        return [(prefix, _text(counts))]
    return [fact for key, value in counts.items() for fact in _flat(value, f"{prefix}: {key}")]


def sampled(checkpoint: CheckpointResult, result: Result) -> list[tuple[str, Markup | str]]:
    """Return the provenance of sampled data that the checkpoint was trained on or probed with."""
    settings = checkpoint.train or {}
    names = [str(settings.get(key) or "").rpartition("/")[2] for key in ("data", "probe")]
    return [
        (name, yaml.safe_dump(provenance, sort_keys=False, allow_unicode=True))
        for name, provenance in result.samples.items()
        if f"sample:{name}" in names
    ]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "none"
    return "none" if value is None else str(value)
