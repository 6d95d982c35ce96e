"""The recipe: one YAML file that says what is trained, evaluated and compared.

Reading it validates every key and expands `sweep`, so that what a run does is known before
anything starts. docs/reference/recipe.md has the contract in words.
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from harness.engines.options import EngineChoice
from harness.engines.registry import REMOTE
from harness.errors import RecipeError
from harness.recipe import dependencies
from harness.recipe.sampling import SampleSection
from harness.recipe.sweep import expand
from train.config import LoraConfig, TrainConfig

BASE = dependencies.BASE
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _listed(given: Any) -> Any:
    """One name is a list of one: `suites: all`."""
    return (given,) if isinstance(given, str) else given


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JudgeChoice(EngineChoice):
    """The engine that judges and its model: a name at an endpoint, else a checkpoint folder.

    Attributes:
        repeats: how often each verdict is asked for.
        price: dollars for a million prompt tokens and for a million completion tokens.
        max_cost: dollars that one run may spend on verdicts.
    """

    name: str = REMOTE
    model: str
    dtype: str = "auto"  # as its weights are stored: a judge may be large
    max_model_len: Annotated[int, Field(ge=16)] = 8192  # it reads question, reference and answers
    repeats: Annotated[int, Field(ge=1)] = 1
    price: tuple[Dollars, Dollars] | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _max_cost_needs_a_price(self) -> Self:
        if self.max_cost is not None and self.price is None:
            raise PydanticCustomError(
                "price_unknown", "a budget needs a price: --judge-price IN,OUT (price: [IN, OUT])"
            )
        return self


class DecodingChanges(_Section):
    """What replaces a suite's own decoding; None leaves it as the suite has it."""

    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None


class EvaluateSection(_Section):
    """Which suites, on how many samples (one number, or one by suite), by which engine.

    `reference` is the model that suites of `kl:` measure against; the recipe's base where none is
    named. `all_pairs` lets all checkpoints meet in suites of `head_to_head:`; else each meets the
    baseline.
    `unsafe` runs model-written programs also on a machine that cannot contain them;
    `lm_eval_tasks` is a folder of task files for suites `lm_eval:NAME`.
    """

    suites: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    limit: Annotated[int, Field(ge=1)] | dict[str, Annotated[int, Field(ge=1)]] | None = None
    repeats: Annotated[int, Field(ge=1)] = 1
    decoding: DecodingChanges = DecodingChanges()
    seed: int = 0
    engine: EngineChoice = EngineChoice()
    judge: JudgeChoice | None = None
    reference: str | None = None
    all_pairs: bool = False
    unsafe: bool = False
    lm_eval_tasks: Path | None = None


class CompareSection(_Section):
    """The row that differences are taken to, and the table's title."""

    baseline: str = BASE
    table: str | None = None


class LaunchSection(_Section):
    """Training in several processes on this machine, started by accelerate's `config`."""

    processes: Annotated[int, Field(ge=1)]
    config: Path | None = None


class Recipe(_Section):
    """A recipe as written, with `sweep` already expanded into `checkpoints`.

    `checkpoints` maps a name to a whole training config; the base is evaluated beside them and
    is called "base". `starts` has those that are trained on another checkpoint of the recipe (as
    written: their own `base`). `sample` maps a name to what is sampled, which a `data:` means by
    `sample:NAME`. `architecture` states values of the base's config.json, so that a dry run needs
    no checkpoint.
    """

    name: Name
    base: str
    architecture: dict[str, Any] = {}
    sample: dict[Name, SampleSection] = {}
    checkpoints: dict[Name, TrainConfig] = {}
    starts: dict[str, str] = {}
    evaluate: EvaluateSection = EvaluateSection()
    compare: CompareSection = CompareSection()
    launch: LaunchSection | None = None


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, override, expand and validate a recipe file.

    Args:
        path: a YAML file.
        overrides: "key.sub=value" strings, the value read as YAML.

    Raises:
        RecipeError: with file and key, and the nearest known key where one was misspelt.
    """
    raw = _load_yaml(path)
    for override in overrides:
        _apply(raw, override)
    expanded = expand(raw, path)
    try:
        recipe = Recipe.model_validate(expanded)
    except ValidationError as error:
        raise RecipeError(_explain(error, path)) from None
    _check_names(recipe, path)
    return recipe


def limit_for(section: EvaluateSection, suite: str) -> int | None:
    """How many samples of this suite to ask; None means all."""
    if isinstance(section.limit, dict):
        return section.limit.get(suite)
    return section.limit


def _load_yaml(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe; ready ones lie in recipes/") from None
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
    key, found, text = override.partition("=")
    if not found or not key.strip():
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
        dependencies.steps(recipe.checkpoints, recipe.starts, recipe.sample)
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None


def _explain(error: ValidationError, path: Path) -> str:
    """The first fault in words: file, key, what is wrong, the nearest known key."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _known(first["loc"]), n=1)
        hint = f": did you mean {near[0]!r}?" if near else ""
        return f"{path}: {where}: no such key{hint}"
    if first["type"] == "missing":
        return f"{path}: {where}: this key is required"
    return f"{path}: {where}: {first['msg']} (got {first['input']!r})"


def _known(loc: tuple[int | str, ...]) -> list[str]:
    """Keys that stand where an unknown one was found."""
    if len(loc) == 1:
        return [*(set(Recipe.model_fields) - {"starts"}), "train", "sweep"]
    section = str(loc[0])
    if section == "sample":
        return list(SampleSection.model_fields)
    if section == "checkpoints":
        return list(LoraConfig.model_fields if "lora" in loc else [*TrainConfig.model_fields, BASE])
    if section == "evaluate":
        inner: dict[str, type[BaseModel]] = {
            "engine": EngineChoice,
            "judge": JudgeChoice,
            "decoding": DecodingChanges,
        }
        return list(inner.get(str(loc[1]), EvaluateSection).model_fields)
    return list((LaunchSection if section == "launch" else CompareSection).model_fields)
