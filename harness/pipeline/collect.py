"""The result record of a run folder, from which tables and figures are made."""

from collections.abc import Mapping
from typing import Any

import yaml

from harness.data.sampling.job import PROVENANCE
from harness.recipe.dependencies import BASE
from harness.recipe.schema import Recipe
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.provenance import versions
from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult
from harness.storage.run_folder import MADE, RunFolder
from train.data.sources import is_hub_name


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
        samples=_samples(folder, recipe),
        versions=versions(),
        made=_made(folder, recipe),
    )


def _made(folder: RunFolder, recipe: Recipe) -> dict[str, dict[str, str]]:
    stages = {f"sample:{name}": folder.sample(name) for name in recipe.sample}
    stages |= {f"train:{name}": folder.train(name) for name in recipe.checkpoints}
    stages |= {"evaluate": folder.evaluation, "kl": folder.kl, "duel": folder.pairwise}
    records = {stage: read_json(home / MADE) for stage, home in stages.items()}
    return {stage: made for stage, made in records.items() if made}


def _samples(folder: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """Return the provenance of each sample that is finished."""
    files = {name: folder.sample(name) / PROVENANCE for name in recipe.sample}
    return {
        name: yaml.safe_load(file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if file.is_file()
    }


def _checkpoint(
    folder: RunFolder, recipe: Recipe, name: str, fingerprint: str, data: Mapping[str, str]
) -> CheckpointResult:
    config = recipe.checkpoints.get(name)
    suites = {suite: _suite(folder, name, suite) for suite in recipe.evaluate.suites}
    lines = [] if name == BASE else read_lines(folder.train(name) / "steps.jsonl")
    return CheckpointResult(
        name=name,
        fingerprint=fingerprint,
        train=None if config is None else _portable(config.model_dump(mode="json")),
        data=dict(data),
        probe=tuple(line for line in lines if line["split"] == "probe"),
        first_step=next((line for line in lines if line["split"] == "train"), None),
        suites={suite: scores for suite, scores in suites.items() if scores is not None},
    )


def _portable(config: dict[str, Any]) -> dict[str, Any]:
    """Return a training config with names of files and folders instead of paths."""
    for key in ("data", "probe"):
        if config.get(key) and not is_hub_name(config[key]):
            config[key] = config[key].rpartition("/")[2]
    return config


def _suite(folder: RunFolder, checkpoint: str, suite: str) -> SuiteResult | None:
    summary = read_json(folder.summary(checkpoint, suite))
    if summary is None:
        return None
    samples = tuple(
        SampleResult(
            id=line["sample_id"],
            repeat=line["repeat"],
            value=line["value"],
            status=line["status"],
            metrics=line["metrics"],
        )
        for line in read_lines(folder.sample_log(checkpoint, suite))
    )
    return SuiteResult(**summary, samples=samples)
