"""What a run folder has to say to a tracking store, as plain records: pure, no store in sight.

Part "recipe" is the parent; each part "checkpoint:<name>" is a child with its training settings,
curves (`train/...`, `probe/...`) and scores (`eval/<suite>`, details under `<suite>/...`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from harness.compare.comparison import AVERAGE, Cell, compare
from harness.result import CheckpointResult, Result
from harness.runs import RunFolder, read_lines

_LONGEST_NAME = 250
_LONGEST_PARAM = 6_000
_LONGEST_TAG = 8_000
_ARTIFACTS = ("result.json", "recipe.resolved.yaml", "table.md", "table.csv", "likelihood.md")


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric; `step` is the training step, 0 for a score."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One run of the store: how it is found again, and all that it holds."""

    part: str
    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    points: tuple[Point, ...]
    files: tuple[Path, ...] = ()


def metric_name(name: str) -> str:
    """A name that MLflow accepts: `pass@1` becomes `pass_at_1`, odd characters `_`.

    Raises:
        ValueError: nothing is left of the name, or it is longer than 250 characters.
    """
    spelt = name.replace("@", "_at_").replace("%", "_percent")
    segments = re.sub(r"[^\w.\- :/]", "_", spelt).split("/")
    safe = "/".join(s for s in segments if s not in ("", ".", ".."))
    if not safe or len(safe) > _LONGEST_NAME:
        raise ValueError(f"metric name {name[:40]!r}: 1 to {_LONGEST_NAME} characters are allowed")
    return safe


def parts(run: Path, result: Result) -> tuple[Part, ...]:
    """Everything to be stored of a run, the parent first.

    Values that are not finite numbers are left out: a store would keep infinity as a large number.
    """
    folder = RunFolder(run)
    cells = _cells(result)
    children = [_child(folder, result, c, cells.get(c.name, [])) for c in result.checkpoints]
    return (_parent(folder, result), *children)


def _parent(folder: RunFolder, result: Result) -> Part:
    table = folder.path / "table.md"
    note = table.read_text(encoding="utf-8")[:_LONGEST_TAG] if table.is_file() else ""
    files = [folder.path / name for name in _ARTIFACTS]
    files += sorted((folder.path / "figures").glob("*.png"))
    return Part(
        part="recipe",
        name=f"{result.recipe}-{result.key}",
        params={"base": result.base, "baseline": result.baseline},
        tags=_tags(result) | ({"mlflow.note.content": note} if note else {}),
        points=(),
        files=tuple(file for file in files if file.is_file()),
    )


def _child(
    folder: RunFolder, result: Result, checkpoint: CheckpointResult, cells: list[Cell]
) -> Part:
    home = folder.train(checkpoint.name)
    lines = [line for name in ("steps", "speed") for line in read_lines(home / f"{name}.jsonl")]
    points = [*_curves(lines), *_scores(checkpoint, cells)]
    return Part(
        part=f"checkpoint:{checkpoint.name}",
        name=checkpoint.name,
        params={"checkpoint": checkpoint.name, **_params(checkpoint.train or {})},
        tags=_tags(result) | {"nca.fingerprint": checkpoint.fingerprint},
        points=tuple({(p.name, p.step): p for p in points if isfinite(p.value)}.values()),
    )


def _tags(result: Result) -> dict[str, str]:
    versions = {f"nca.version.{name}": text for name, text in sorted(result.versions.items())}
    return {"nca.recipe": result.recipe, **versions}


def _params(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A training config as flat text: `lora.rank` -> "8"."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _params(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)[:_LONGEST_PARAM]
    return flat


def _cells(result: Result) -> dict[str, list[Cell]]:
    names = [checkpoint.name for checkpoint in result.checkpoints]
    baseline = result.baseline if result.baseline in names else names[0]
    cells: dict[str, list[Cell]] = {}
    for cell in compare(result, baseline, allow_mismatch=True).cells.values():
        cells.setdefault(cell.checkpoint, []).append(cell)
    return cells


def _scores(checkpoint: CheckpointResult, cells: list[Cell]) -> Iterator[Point]:
    for cell in cells:
        details = _details(cell)
        if cell.suite != AVERAGE:
            details |= checkpoint.suites[cell.suite].metrics
        if cell.value is not None:
            yield Point(metric_name(f"eval/{cell.suite}"), cell.value)
        for name, value in details.items():
            if value is not None:
                yield Point(metric_name(f"{cell.suite}/{name}"), float(value))


def _details(cell: Cell) -> dict[str, float | None]:
    details: dict[str, float | None] = {
        "n": cell.n,
        "total": cell.total,
        "tokens": cell.tokens,
        "p_holm": cell.p_holm,
        **{f"status_{status}": count for status, count in cell.statuses.items()},
    }
    if cell.interval:
        details |= {"low": cell.interval.low, "high": cell.interval.high}
    if cell.delta:
        details |= {"delta": cell.delta.delta}
    if cell.delta and cell.delta.interval:
        bounds = cell.delta.interval
        details |= {"delta_low": bounds.low, "delta_high": bounds.high}
    return details


def _curves(lines: list[dict[str, Any]]) -> Iterator[Point]:
    for line in lines:
        step, split = line.get("step"), line.get("split")
        if isinstance(step, int) and isinstance(split, str):
            rest = {key: value for key, value in line.items() if key not in ("step", "split")}
            for name, value in _numbers(rest):
                yield Point(metric_name(f"{split}/{name}"), value, step)


def _numbers(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a log record; a list holds one a rank, best first, named from rank 1."""
    for key, value in line.items():
        if isinstance(value, list):
            yield from _numbers({f"{key}_{rank}": item for rank, item in enumerate(value, 1)})
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield key, float(value)
