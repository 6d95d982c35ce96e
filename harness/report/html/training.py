"""How a checkpoint was trained: curves, settings and data, as its page shows them."""

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
#: Key of `steps.jsonl` -> what it is called; those that a log lacks are not drawn.
_MEASURES = {
    "loss": "loss",
    "margin": "margin of implicit rewards",
    "accuracy": "best ranked above worst, share",
    "grad_norm": "gradient norm",
}
BEST_AND_WORST = {"best response": _FIRST, "worst response": _SECOND}
Facts = list[tuple[str, str]]


def likelihood_curves(points: Sequence[Likelihood]) -> tuple[Curve, ...]:
    """Change of the best and of the worst response's log-probability since step 0."""
    return tuple(
        Curve(label, look, tuple(_change(point, kind) for point in points))
        for (label, look), kind in zip(BEST_AND_WORST.items(), ("best", "worst"), strict=True)
    )


def _change(point: Likelihood, kind: str) -> Point:
    mean = getattr(point, kind)
    return Point(point.step, mean.value, mean.error or 0.0)


def training_curves(checkpoint: CheckpointResult, folder: Path | None) -> list[dict[str, Any]]:
    """Charts of a checkpoint's training: from its log, or from the probes that the result has."""
    logged = read_lines(folder / "steps.jsonl") if folder else list(checkpoint.probe)
    found = [drawn for key, title in _MEASURES.items() if (drawn := _measure(logged, key, title))]
    points = trend(checkpoint.name, [row for row in logged if row.get("split") == "probe"])
    if len(points) > 1:
        curves = likelihood_curves(points)
        chart = curves_chart("Change in log-probability", curves, span(curves), zero=True)
        title = "change in log-probability since step 0, nats"
        found.append({"title": title, "key": shown_key(BEST_AND_WORST), "chart": chart})
    return found


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
    """Why there is no curve."""
    if checkpoint.train is None:
        return "It was not trained in this run."
    return "The training log is not here, and the result holds no probes of this checkpoint."


def settings(checkpoint: CheckpointResult) -> Facts:
    """How it was trained, without its data."""
    return [(k, _said(v)) for k, v in (checkpoint.train or {}).items() if k not in _DATA]


def data(checkpoint: CheckpointResult, folder: Path | None) -> Facts:
    """What it was trained on, and how many rows and tokens came of that."""
    told = checkpoint.train or {}
    found = [(key, _said(told[key])) for key in _DATA if key in told]
    found += [(f"digest of {key}", value) for key, value in checkpoint.data.items()]
    summary = read_json(folder / "summary.json") if folder else None
    if isinstance(summary, Mapping):
        for split in ("train", "probe"):
            found += _flat(summary.get(split) or {}, split)
    return found


def _flat(counts: Any, prefix: str) -> Facts:
    if not isinstance(counts, Mapping):
        return [(prefix, _said(counts))]
    return [fact for key, value in counts.items() for fact in _flat(value, f"{prefix}: {key}")]


def sampled(checkpoint: CheckpointResult, result: Result) -> list[tuple[str, Markup | str]]:
    """Provenance of the sampled data that it was trained on or probed with."""
    told = checkpoint.train or {}
    names = [str(told.get(key) or "").rpartition("/")[2] for key in ("data", "probe")]
    return [
        (name, yaml.safe_dump(found, sort_keys=False, allow_unicode=True))
        for name, found in result.samples.items()
        if f"sample:{name}" in names
    ]


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(one)}" for key, one in value.items()) or "none"
    return "none" if value is None else str(value)
