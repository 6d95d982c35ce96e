"""The contents of a run folder for a tracking store, as plain records.

Part `recipe` is the parent, with all headlines, the tables, the report and the samples; below it
each training is a part `train:<checkpoint>` with its settings and curves, and each checkpoint's
evaluation a part `eval:<checkpoint>` with its scores. The checkpoint links the two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from harness.stats.cells import AVERAGE, Cell
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.hashing import canonical
from harness.storage.result import CheckpointResult, Result
from harness.storage.run_folder import RunFolder
from harness.tracking.records import Data, Model, Part, Point, metric_name
from harness.tracking.sample_tables import MOST_ROWS, sample_tables

_LONGEST_PARAM = 6_000
_LONGEST_TAG = 8_000
_FILES = ("result.json", "recipe.resolved.yaml")
_PATTERNS = ("table.*", "likelihood.*", "figures/*.png", "report/**/*")


def parts(run: Path, result: Result, cells: Iterable[Cell]) -> tuple[Part, ...]:
    """Return everything to be stored of a run: the parent, then trainings and evaluations.

    `cells` are the scores of its checkpoints, compared with its baseline.
    """
    folder, cells = RunFolder(run), tuple(cells)
    children = (_children(folder, result, checkpoint, cells) for checkpoint in result.checkpoints)
    return (_parent(folder, result, _headlines(cells)), *chain.from_iterable(children))


def _parent(folder: RunFolder, result: Result, points: tuple[Point, ...]) -> Part:
    tables = sample_tables(folder, result)
    files = {name: folder.path / name for name in _FILES}
    # Tables at the top of the run folder are in `tables`, all others at their place in it.
    for file in chain.from_iterable(sorted(folder.path.glob(p)) for p in _PATTERNS):
        at_the_top = file.parent == folder.path
        place = Path("tables", file.name) if at_the_top else file.relative_to(folder.path)
        files[place.as_posix()] = file
    seeds = {str(c.train["seed"]): None for c in result.checkpoints if c.train}
    note = _note(folder, many=any(len(t["data"]) >= MOST_ROWS for t in tables.values()))
    return Part(
        part="recipe",
        name=f"{result.recipe}-{result.key}",
        params={"base": result.base, "baseline": result.baseline},
        tags=_tags(result, "evaluate")
        | _evaluate(folder)
        | ({"nca.seeds": ", ".join(seeds)} if seeds else {})
        | ({"mlflow.note.content": note} if note else {}),
        points=points,
        files={place: file for place, file in files.items() if file.is_file()},
        tables=tables,
    )


def _evaluate(folder: RunFolder) -> dict[str, str]:
    """Return the recipe's `evaluate` section as tags, since it may change during a run."""
    if not folder.resolved.is_file():
        return {}
    recipe = yaml.safe_load(folder.resolved.read_text(encoding="utf-8"))
    section = recipe.get("evaluate") if isinstance(recipe, Mapping) else None
    return _params(section, "nca.evaluate.") if isinstance(section, Mapping) else {}


def _note(folder: RunFolder, *, many: bool) -> str:
    """Return the description of the run: its tables, and a note if sample tables are cut."""
    files = (folder.path / name for name in ("table.md", "likelihood.md"))
    texts = [file.read_text(encoding="utf-8") for file in files if file.is_file()]
    if many:
        texts.append(f"Sample tables here hold the first {MOST_ROWS} samples of a suite.\n")
    return "\n".join(texts)[:_LONGEST_TAG]


def _children(
    folder: RunFolder, result: Result, checkpoint: CheckpointResult, cells: Iterable[Cell]
) -> Iterator[Part]:
    home = folder.train(checkpoint.name)
    lines = [line for name in ("steps", "speed") for line in read_lines(home / f"{name}.jsonl")]
    lines = lines or list(checkpoint.probe)
    tags = {
        "nca.checkpoint": checkpoint.name,
        "nca.fingerprint": checkpoint.fingerprint,
        "nca.base": result.base,
    }
    step = max((line.get("step", 0) for line in lines), default=0)
    model = Model(checkpoint.name, _params(checkpoint.train or {}), tags, step)
    if checkpoint.train is not None:
        took = (read_json(home / "timing.json") or {}).get("seconds", {})
        yield _training(result, checkpoint, model, lines, sum(took.values()))
    if checkpoint.suites:
        own = [cell for cell in cells if cell.checkpoint == checkpoint.name]
        yield _evaluation(result, checkpoint, model, own)


def _training(
    result: Result, checkpoint: CheckpointResult, model: Model, lines: list[Any], seconds: float
) -> Part:
    config = checkpoint.train or {}
    uses = {"data": "training", "probe": "probing"}
    return Part(
        part=f"train:{checkpoint.name}",
        name=f"train {checkpoint.name}",
        params={"checkpoint": checkpoint.name, **model.params},
        tags={**_tags(result, f"train:{checkpoint.name}"), **model.tags},
        points=_curves(lines),
        data=tuple(
            Data(str(config[key]), checkpoint.data[key], use)
            for key, use in uses.items()
            if key in checkpoint.data
        ),
        makes=model,
        seconds=seconds,
    )


def _evaluation(
    result: Result, checkpoint: CheckpointResult, model: Model, cells: list[Cell]
) -> Part:
    # A limit or an engine may change while the training stays: what may change is a tag, no param.
    protocols = {
        f"nca.protocol.{name}": canonical(dict(score.protocol))[:_LONGEST_TAG]
        for name, score in checkpoint.suites.items()
    }
    return Part(
        part=f"eval:{checkpoint.name}",
        name=f"eval {checkpoint.name}",
        params={"checkpoint": checkpoint.name},
        tags={**_tags(result, "evaluate"), **model.tags, **protocols},
        points=_sendable(p for cell in cells for p in _of_cell(checkpoint, cell)),
        data=tuple(_suite_data(checkpoint).values()),
        measures=model,
    )


def _tags(result: Result, stage: str) -> dict[str, str]:
    """Return the provenance of a stage as tags, with the commit under MLflow's own tag too."""
    made = result.made.get(stage, {})
    installed = {f"version.{name}": text for name, text in result.versions.items()}
    tags = {f"nca.{key}": text for key, text in sorted((installed | dict(made)).items())}
    source = {"mlflow.source.name": "nca", "mlflow.source.type": "LOCAL"}
    if "commit" in made:
        source["mlflow.source.git.commit"] = made["commit"]
    return {"nca.recipe": result.recipe, **tags, **source}


def _params(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a configuration as flat text: `lora.rank` -> "8"."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _params(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)[:_LONGEST_PARAM]
    return flat


def _headlines(cells: Iterable[Cell]) -> tuple[Point, ...]:
    """Return all headlines for one run, as `eval/<suite>/<checkpoint>`."""
    return _sendable(
        Point(metric_name(f"eval/{cell.suite}/{cell.checkpoint}"), cell.value)
        for cell in cells
        if cell.value is not None
    )


def _curves(lines: Sequence[Mapping[str, Any]]) -> tuple[Point, ...]:
    """Return the lines of a steps.jsonl as `train/...` and `probe/...` at their training steps."""
    return _sendable(
        Point(metric_name(f"{line['split']}/{name}"), value, line["step"])
        for line in lines
        if isinstance(line.get("step"), int) and isinstance(line.get("split"), str)
        for name, value in _numbers(line)
    )


def _suite_data(checkpoint: CheckpointResult) -> dict[str, Data]:
    """Return the prompts of each suite as data, with their digest."""
    return {
        name: Data(name, score.protocol["prompts"], "evaluation")
        for name, score in checkpoint.suites.items()
        if score.protocol.get("prompts")
    }


def _sendable(points: Iterator[Point]) -> tuple[Point, ...]:
    """Leave out values that are not finite: a store would keep infinity as a large number."""
    return tuple({(p.name, p.step): p for p in points if isfinite(p.value)}.values())


def _of_cell(checkpoint: CheckpointResult, cell: Cell) -> Iterator[Point]:
    """Yield `eval/<suite>` with `.low` and `.high` (95 %), details as `<suite>/<detail>`."""
    data = _suite_data(checkpoint).get(cell.suite)
    details: dict[str, float | None]
    details = {"n": cell.n, "total": cell.total, "tokens": cell.tokens, "p_holm": cell.p_holm}
    details |= {f"status_{status}": count for status, count in cell.statuses.items()}
    if cell.delta:
        details["delta"] = cell.delta.delta
        if bounds := cell.delta.interval:
            details |= {"delta_low": bounds.low, "delta_high": bounds.high}
    if cell.suite != AVERAGE:
        details |= checkpoint.suites[cell.suite].metrics
    headline = {f"eval/{cell.suite}": cell.value}
    if cell.interval:
        headline[f"eval/{cell.suite}.low"] = cell.interval.low
        headline[f"eval/{cell.suite}.high"] = cell.interval.high
    named = headline | {f"{cell.suite}/{name}": value for name, value in details.items()}
    for name, value in named.items():
        if value is not None:
            yield Point(metric_name(name), float(value), data=data)


def _numbers(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numbers of a record; a list holds one number a rank, best first, from rank 1."""
    for key, value in line.items():
        if isinstance(value, list):
            yield from _numbers({f"{key}_{rank}": item for rank, item in enumerate(value, 1)})
        elif isinstance(value, int | float) and not isinstance(value, bool) and key != "step":
            yield key, float(value)
