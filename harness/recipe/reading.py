"""Reading a recipe file: overrides, sweeps, validation, and faults named by file and key."""

import difflib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import RecipeError
from harness.recipe.dependencies import order_steps
from harness.recipe.schema import BASE, Recipe, sample_named
from train.config import TrainConfig


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, override, expand and validate a YAML file.

    Overrides are "key.sub=value" strings, the value read as YAML.

    Raises:
        RecipeError: with file and key, and the nearest known key where one was misspelt.
    """
    raw = _load_yaml(path)
    for override in overrides:
        _apply(raw, override)
    try:
        recipe = Recipe.model_validate(_expand_sweep(raw, path))
    except ValidationError as error:
        raise RecipeError(_explain(error, path)) from None
    _check_names(recipe, path)
    return recipe


def _load_yaml(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe; ready ones are in recipes/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as a recipe: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "malformed"
        raise RecipeError(f"{path}{line}: not valid YAML: {problem}") from None
    if not isinstance(raw, dict):
        raise RecipeError(f"{path}: a recipe is a mapping that starts with `name:` and `base:`")
    return raw


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {override}: write it as key=value, for example train.beta=0.05")
    *parents, last = key.strip().split(".")
    node = raw
    for part in parents:
        child = node.setdefault(part, {})
        if not isinstance(child, dict):
            raise RecipeError(f"--set {override}: {part} is a value in this recipe, not a section")
        node = child
    try:
        node[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise RecipeError(f"--set {override}: the value is not valid YAML") from None


def _expand_sweep(raw: dict[str, Any], path: Path) -> dict[str, Any]:
    """Merge `train:` into every checkpoint and multiply checkpoints by `sweep:`.

    A sample that is drawn from a checkpoint is multiplied with it: each point of a sweep stands
    alone.
    """
    if "starts" in raw:
        raise RecipeError(f"{path}: starts: no such key: write `base:` in the checkpoint")
    rest = {key: value for key, value in raw.items() if key not in ("train", "sweep")}
    train, samples, sweep, checkpoints = (
        _section(raw, key, path) for key in ("train", "sample", "sweep", "checkpoints")
    )
    if not checkpoints and train:
        checkpoints = {str(train.get("method", "nca")): {}}
    points = _points(sweep, path)
    # Each sample that is drawn from a checkpoint of the recipe, and that checkpoint.
    named = {n: str(own.get("checkpoint")) for n, own in samples.items() if isinstance(own, dict)}
    drawn = {name: source for name, source in named.items() if source in checkpoints}
    expanded: dict[str, Any] = {}
    starts: dict[str, Any] = {}
    sample = {name: own for name, own in samples.items() if name not in drawn}
    for name, own in checkpoints.items():
        if own is not None and not isinstance(own, dict):
            raise RecipeError(f"{path}: checkpoints.{name}: write keys that override `train:`")
        for suffix, point in points:
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


def _points(sweep: dict[str, Any], path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the points of a sweep, each with the suffix of its checkpoints' names."""
    for key, values in sweep.items():
        if not isinstance(values, list) or not values:
            raise RecipeError(f"{path}: sweep.{key}: write a list of values")
    points = (dict(zip(sweep, v, strict=True)) for v in itertools.product(*sweep.values()))
    return [("".join(f"-{k}{value}" for k, value in point.items()), point) for point in points]


def _at_point(config: dict[str, Any], drawn: Mapping[str, str], suffix: str) -> dict[str, Any]:
    """Return a checkpoint's config with the samples of its own point of the sweep."""
    for key in ("data", "probe"):
        source = config.get(key)
        if isinstance(source, str) and sample_named(source) in drawn:
            config[key] = f"{source}{suffix}"
    return config


def _section(raw: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    section = raw.get(key) or {}
    if not isinstance(section, dict):
        raise RecipeError(f"{path}: {key}: write a mapping of keys to values")
    return section


def _check_names(recipe: Recipe, path: Path) -> None:
    names = [BASE, *recipe.checkpoints]
    if BASE in recipe.checkpoints:
        raise RecipeError(f"{path}: checkpoints.{BASE}: this name is taken by the base model")
    if recipe.compare.baseline not in names:
        raise RecipeError(
            f"{path}: compare.baseline: no checkpoint is called "
            f"{recipe.compare.baseline!r}: choose from {', '.join(names)}"
        )
    try:
        order_steps(recipe)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _explain(error: ValidationError, path: Path) -> str:
    """Return the first fault in words: file, key, fault, and the nearest known key."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _known_keys(first["loc"]), n=1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        return f"{path}: {where}: no such key{hint}"
    if first["type"] == "missing":
        return f"{path}: {where}: this key is required"
    return f"{path}: {where}: {first['msg']} (got {first['input']!r})"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the section of an unknown key takes."""
    section: type[BaseModel] = Recipe
    for part in map(str, location[:-1]):
        if field := section.model_fields.get(part):  # otherwise the name of a checkpoint or sample
            section = _section_in(field.annotation) or section
    if section is Recipe:
        return [*(set(Recipe.model_fields) - {"starts"}), "train", "sweep"]
    return [*section.model_fields, *([BASE] if section is TrainConfig else [])]


def _section_in(kind: Any) -> type[BaseModel] | None:
    """Return the section that a type is or holds, as `dict[Name, SampleSection]` does."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next(filter(None, map(_section_in, get_args(kind))), None)
