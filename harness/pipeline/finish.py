"""The end of a run: its result record, and one comparison for files, report, screen and store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from harness.data.sampling.job import PROVENANCE
from harness.recipe.schema import BASE, Recipe
from harness.report.compare.comparison import compare_all
from harness.stats.cells import Comparison
from harness.storage.atomic_files import read_json, read_lines, write_text
from harness.storage.provenance import versions
from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult
from harness.storage.run_folder import MADE, RunFolder
from train.data.sources import is_hub_name


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcome of a run: its folder and everything that is finished there.

    `comparison` has the scores compared with the baseline, None without scores; `events` are those
    of the stages, except progress.
    """

    folder: RunFolder
    result: Result
    comparison: Comparison | None
    events: tuple[Mapping[str, Any], ...] = ()


def finish(folder: RunFolder, result: Result, title: str | None) -> Finished:
    """Compare a result once, and write result, tables, pictures and report unless they are there.

    Raises:
        RunError: scores must not be compared.
    """
    from harness.report.html.build import beside, report_baselines
    from harness.report.run_summary import keep

    text = result.model_dump_json(indent=1) + "\n"
    unchanged = folder.result.exists() and folder.result.read_text(encoding="utf-8") == text
    baselines = [] if unchanged and folder.report.is_file() else report_baselines(result)
    scored = any(checkpoint.suites for checkpoint in result.checkpoints)
    compared = compare_all(result, baselines or [result.baseline]) if baselines or scored else {}
    comparison = compared[result.baseline] if scored else None
    if not unchanged:
        keep(result, comparison, folder.path, title)
    if baselines:
        beside(result, folder, compared)
    if not unchanged:
        write_text(folder.result, text)
    return Finished(folder, result, comparison)


def collect(
    folder: RunFolder,
    recipe: Recipe,
    key: str,
    fingerprints: Mapping[str, str],
    data: Mapping[str, Mapping[str, str]] | None = None,
) -> Result:
    """Return everything that is finished in a run folder.

    `fingerprints` names the checkpoints in table order; `data` has the digests of what each was
    trained on and probed with.
    """
    return Result(
        recipe=recipe.name,
        key=key,
        base=recipe.base,
        baseline=recipe.compare.baseline,
        checkpoints=tuple(
            _checkpoint(folder, recipe, name, fingerprint, (data or {}).get(name, {}))
            for name, fingerprint in fingerprints.items()
        ),
        samples={
            name: yaml.safe_load(file.read_text(encoding="utf-8"))
            for name in recipe.sample
            if (file := folder.sample(name) / PROVENANCE).is_file()
        },
        versions=versions(),
        made=_made(folder, recipe),
    )


def _made(folder: RunFolder, recipe: Recipe) -> dict[str, dict[str, str]]:
    stages = {f"sample:{name}": folder.sample(name) for name in recipe.sample}
    stages |= {f"train:{name}": folder.train(name) for name in recipe.checkpoints}
    stages |= {"evaluate": folder.evaluation, "kl": folder.kl, "duel": folder.pairwise}
    records = {stage: read_json(home / MADE) for stage, home in stages.items()}
    return {stage: made for stage, made in records.items() if made}


def _checkpoint(
    folder: RunFolder, recipe: Recipe, name: str, fingerprint: str, data: Mapping[str, str]
) -> CheckpointResult:
    train = None
    if config := recipe.checkpoints.get(name):
        train = config.model_dump(mode="json")
        for key in ("data", "probe"):  # names of files and folders instead of paths
            if train[key] and not is_hub_name(train[key]):
                train[key] = train[key].rpartition("/")[2]
    suites = {suite: _suite(folder, name, suite) for suite in recipe.evaluate.suites}
    lines = [] if name == BASE else read_lines(folder.train(name) / "steps.jsonl")
    return CheckpointResult(
        name=name,
        fingerprint=fingerprint,
        train=train,
        data=dict(data),
        probe=tuple(line for line in lines if line["split"] == "probe"),
        first_step=next((line for line in lines if line["split"] == "train"), None),
        suites={suite: scores for suite, scores in suites.items() if scores is not None},
    )


def _suite(folder: RunFolder, checkpoint: str, suite: str) -> SuiteResult | None:
    summary = read_json(folder.summary(checkpoint, suite))
    if summary is None:
        return None
    fields = ("repeat", "value", "status", "metrics")
    samples = tuple(
        SampleResult(id=line["sample_id"], **{field: line[field] for field in fields})
        for line in read_lines(folder.sample_log(checkpoint, suite))
    )
    return SuiteResult(**summary, samples=samples)
