"""Expansion of a recipe as written: `train:` merged in, one checkpoint a point of `sweep:`."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import RecipeError
from harness.recipe.dependencies import BASE
from harness.recipe.sampling import sample_named


def expand_sweep(raw: dict[str, Any], path: Path) -> dict[str, Any]:
    """Merge `train:` into every checkpoint and multiply checkpoints by `sweep:`.

    A sample that is drawn from a checkpoint is multiplied with it: each point of a sweep stands
    alone.
    """
    if "starts" in raw:
        raise RecipeError(f"{path}: starts: no such key: write `base:` in the checkpoint")
    rest = {key: value for key, value in raw.items() if key not in ("train", "sweep")}
    train = _section(raw, "train", path)
    samples = _section(raw, "sample", path)
    sweep = _section(raw, "sweep", path)
    checkpoints = _section(raw, "checkpoints", path)
    if not checkpoints and train:
        checkpoints = {str(train.get("method", "nca")): {}}
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise RecipeError(f"{path}: sweep.{key}: write a list of values")
    drawn = _drawn_from(samples, checkpoints)
    expanded: dict[str, Any] = {}
    starts: dict[str, Any] = {}
    sample = {name: own for name, own in samples.items() if name not in drawn}
    for name, own in checkpoints.items():
        if own is not None and not isinstance(own, dict):
            raise RecipeError(f"{path}: checkpoints.{name}: write keys that override `train:`")
        for point in _points(sweep):
            suffix = "".join(f"-{key}{value}" for key, value in point.items())
            config = {**train, **(own or {}), **point}
            start = config.pop("base", BASE)
            if start != BASE:
                starts[f"{name}{suffix}"] = f"{start}{suffix}" if start in checkpoints else start
            expanded[f"{name}{suffix}"] = _at_point(config, drawn, suffix)
            sample |= {
                f"{drawn_name}{suffix}": {**samples[drawn_name], "checkpoint": f"{source}{suffix}"}
                for drawn_name, source in drawn.items()
            }
    return {**rest, "checkpoints": expanded, "starts": starts, "sample": sample}


def _drawn_from(samples: Mapping[str, Any], checkpoints: Mapping[str, Any]) -> dict[str, str]:
    """Map each sample that is drawn from a checkpoint of the recipe to that checkpoint."""
    named = {n: str(own.get("checkpoint")) for n, own in samples.items() if isinstance(own, dict)}
    return {name: source for name, source in named.items() if source in checkpoints}


def _at_point(config: dict[str, Any], drawn: Mapping[str, str], suffix: str) -> dict[str, Any]:
    """Return a checkpoint's config with the samples of its own point of the sweep."""
    for key in ("data", "probe"):
        source = config.get(key)
        if isinstance(source, str) and sample_named(source) in drawn:
            config[key] = f"{source}{suffix}"
    return config


def _points(sweep: Mapping[str, list[Any]]) -> Iterable[dict[str, Any]]:
    return (dict(zip(sweep, values, strict=True)) for values in itertools.product(*sweep.values()))


def _section(raw: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    section = raw.get(key) or {}
    if not isinstance(section, dict):
        raise RecipeError(f"{path}: {key}: write a mapping of keys to values")
    return section
