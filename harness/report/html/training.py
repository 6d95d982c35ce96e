"""The training of a checkpoint on its page: curves, settings and data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

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


def training(checkpoint: CheckpointResult, folder: Path | None, result: Result) -> dict[str, Any]:
    """Return the values of a checkpoint's page: curves, settings, and data with their provenance.

    `folder` is that of its training stage, if there is one.
    """
    train = checkpoint.train or {}
    data = [(key, _text(train[key])) for key in _DATA if key in train]
    data += [(f"digest of {key}", value) for key, value in checkpoint.data.items()]
    summary = read_json(folder / "summary.json") if folder else None
    if isinstance(summary, Mapping):
        for split in ("train", "probe"):
            data += _flat(summary.get(split) or {}, split)
    names = [str(train.get(key) or "").rpartition("/")[2] for key in ("data", "probe")]
    no_curves = "It was not trained in this run."
    if checkpoint.train is not None:
        no_curves = "The training log is missing, and the result has no probes of this checkpoint."
    return {
        "curves": _curves(checkpoint, folder),
        "no_curves": no_curves
        if checkpoint.train is not None
        else "It was not trained in this run.",
        "settings": [(key, _text(value)) for key, value in train.items() if key not in _DATA],
        "data": data,
        "sampled": [
            (name, yaml.safe_dump(provenance, sort_keys=False, allow_unicode=True))
            for name, provenance in result.samples.items()
            if f"sample:{name}" in names
        ],
    }


def likelihood_curves(points: Sequence[Likelihood]) -> tuple[Curve, ...]:
    """Return the changes in log-probability of the best and the worst response since step 0."""
    best = tuple(Point(p.step, p.best.value, p.best.error or 0.0) for p in points)
    worst = tuple(Point(p.step, p.worst.value, p.worst.error or 0.0) for p in points)
    looks = zip(BEST_AND_WORST.items(), (best, worst), strict=True)
    return tuple(Curve(label, look, own) for (label, look), own in looks)


def _curves(checkpoint: CheckpointResult, folder: Path | None) -> list[dict[str, Any]]:
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
    curves = []
    for split, label, look in (("train", "training", _FIRST), ("probe", "probe", _SECOND)):
        points = tuple(
            Point(row["step"], float(row[key]))
            for row in logged
            if row.get("split") == split and row.get(key) is not None
        )
        if len(points) > 1:
            curves.append(Curve(label, look, points, marked=len(points) <= 40))
    if not curves:
        return None
    chart = curves_chart(f"{title} over steps", curves, span(curves))
    return {"title": title, "key": shown_key({c.label: c.look for c in curves}), "chart": chart}


def _flat(counts: Any, prefix: str) -> Facts:
    if not isinstance(counts, Mapping):
        return [(prefix, _text(counts))]
    return [fact for key, value in counts.items() for fact in _flat(value, f"{prefix}: {key}")]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "none"
    return "none" if value is None else str(value)
