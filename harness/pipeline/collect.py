"""From a run folder's files to the result record that tables and figures stand on."""

from collections.abc import Mapping
from typing import Any

import yaml

from harness.data.sampling.job import PROVENANCE
from harness.recipe.schema import BASE, Recipe
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.provenance import versions
from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult
from harness.storage.run_folder import MADE, RunFolder
from train.data import hub


def collect(
    folder: RunFolder,
    recipe: Recipe,
    key: str,
    prints: Mapping[str, str],
    data: Mapping[str, Mapping[str, str]] | None = None,
) -> Result:
    """Everything that is finished in a run folder; what is not is absent.

    Args:
        folder: of the run.
        recipe: as it was resolved.
        key: of the run.
        prints: checkpoint names, in table order, with their fingerprints.
        data: checkpoint -> digests of what it was trained on and probed with.
    """
    known = data or {}
    return Result(
        recipe=recipe.name,
        key=key,
        base=recipe.base,
        baseline=recipe.compare.baseline,
        checkpoints=tuple(
            _checkpoint(folder, recipe, name, prints[name], known.get(name, {})) for name in prints
        ),
        samples=_samples(folder, recipe),
        versions=versions(),
        made=_made(folder, recipe),
    )


def _made(folder: RunFolder, recipe: Recipe) -> dict[str, dict[str, str]]:
    stages = {f"sample:{name}": folder.sample(name) for name in recipe.sample}
    stages |= {f"train:{name}": folder.train(name) for name in recipe.checkpoints}
    stages |= {"evaluate": folder.evaluation, "kl": folder.kl, "duel": folder.duels}
    found = {stage: read_json(home / MADE) for stage, home in stages.items()}
    return {stage: made for stage, made in found.items() if made}


def _samples(folder: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """What was sampled, from what, and what became of it: provenance by name."""
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
        suites={suite: found for suite, found in suites.items() if found is not None},
    )


def _portable(config: dict[str, Any]) -> dict[str, Any]:
    """A training config with names of files and folders instead of this machine's paths."""
    for key in ("data", "probe"):
        if config.get(key) and not hub.is_name(config[key]):
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
