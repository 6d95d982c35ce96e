"""The training of a checkpoint on its page: curves, settings and data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.report.html.charts.curves import training_charts
from harness.storage.atomic_files import read_json
from harness.storage.result import CheckpointResult, Result

_DATA = ("data", "probe", "rows", "probe_rows", "responses", "pairs")
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
        "curves": training_charts(checkpoint, folder),
        "no_curves": no_curves,
        "settings": [(key, _text(value)) for key, value in train.items() if key not in _DATA],
        "data": data,
        "sampled": [
            (name, yaml.safe_dump(provenance, sort_keys=False, allow_unicode=True))
            for name, provenance in result.samples.items()
            if f"sample:{name}" in names
        ],
    }


def _flat(counts: Any, prefix: str) -> Facts:
    if not isinstance(counts, Mapping):
        return [(prefix, _text(counts))]
    return [fact for key, value in counts.items() for fact in _flat(value, f"{prefix}: {key}")]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items()) or "none"
    return "none" if value is None else str(value)
