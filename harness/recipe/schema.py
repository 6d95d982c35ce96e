"""The schema of a recipe, the YAML file that states what is trained, evaluated and compared.

docs/reference/recipe.md has the contract in words.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from harness.engines.options import EngineChoice
from harness.engines.registry import REMOTE
from train.config import TrainConfig

BASE = "base"
#: The start of a `data:` that means a sample of the recipe.
PREFIX = "sample:"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
#: One name alone is a list of one: `suites: all`.
Names = Annotated[tuple[str, ...], BeforeValidator(lambda v: (v,) if isinstance(v, str) else v)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleSection(_Section):
    """K responses a prompt from one checkpoint, and who scores them.

    Attributes:
        checkpoint: whose responses: `base` or a checkpoint of the same recipe.
        prompts: a suite, or a file of prompts.
        k: responses a prompt.
        limit: the first so many prompts (of a suite with parts: of each part).
        temperature: of the drawing; 1, as for `top_p`, samples the model itself.
        max_tokens: of a response; None is the suite's own (512 for a file).
        verifier: the suite whose scorer rewards; by default that of the prompts.
        reward_model: the folder of a sequence classifier that rewards in its place.
        judge: `ENGINE:MODEL` that rates each response from 1 to 10 in its place.
        judge_url: of an endpoint that judges, where it is not OpenAI's own.
        drop_ties: leave out prompts whose rewards are all equal.
        drop_cut: leave out responses that were cut at `max_tokens`.
    """

    checkpoint: str = "base"
    prompts: Annotated[str, Field(min_length=1)]
    k: Annotated[int, Field(ge=2)] = 4
    limit: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(gt=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: int = 0
    verifier: str | None = None
    reward_model: str | None = None
    judge: str | None = None
    judge_url: str = ""
    drop_ties: bool = False
    drop_cut: bool = False

    @model_validator(mode="after")
    def _one_scorer(self) -> Self:
        if (self.verifier, self.reward_model, self.judge).count(None) < 2:
            raise ValueError("verifier, reward_model and judge: name one scorer")
        return self

    @property
    def unscored(self) -> bool:
        """True where no scorer is named."""
        return (self.verifier, self.reward_model, self.judge) == (None, None, None)


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
    """Values that replace a suite's own decoding; None leaves it as the suite has it."""

    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None


class EvaluateSection(_Section):
    """The evaluation: suites, the number of samples (one for all, or one by suite), the engine.

    `reference` is the model that suites of `kl:` measure against; the recipe's base where none is
    named. `all_pairs` lets all checkpoints meet in suites of `head_to_head:`; else each meets the
    baseline.
    `unsafe` runs model-written programs also on a machine that cannot contain them;
    `lm_eval_tasks` is a folder of task files for suites `lm_eval:NAME`.
    """

    suites: Names = ()
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


def limit_for(section: EvaluateSection, suite: str) -> int | None:
    """Return the number of samples of this suite to ask; None means all."""
    if isinstance(section.limit, dict):
        return section.limit.get(suite)
    return section.limit


def sample_named(data: str | None) -> str | None:
    """Return the name of the sample that a `data:` or `probe:` means; None for other sources."""
    return data.removeprefix(PREFIX) if data is not None and data.startswith(PREFIX) else None
