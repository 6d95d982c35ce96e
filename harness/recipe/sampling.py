"""A sampling: the frozen record behind a recipe's `sample:` and `nca data sample`."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

PREFIX = "sample:"


class SampleSection(BaseModel):
    """K responses a prompt from one checkpoint, and who scores them.

    Attributes:
        checkpoint: whose responses: `base` or a checkpoint of the same recipe.
        prompts: a suite, or a file of prompts.
        k: responses a prompt.
        limit: the first so many prompts (of a suite with parts: of each part).
        temperature: of the drawing; 1 samples the model itself.
        top_p: the same.
        max_tokens: of a response; None is the suite's own (512 for a file).
        seed: of the drawing.
        verifier: the suite whose scorer rewards; by default that of the prompts.
        reward_model: the folder of a sequence classifier that rewards in its place.
        judge: `ENGINE:MODEL` that rates each response from 1 to 10 in its place.
        judge_url: of an endpoint that judges, where it is not OpenAI's own.
        drop_ties: leave out prompts whose rewards are all equal.
        drop_cut: leave out responses that were cut at `max_tokens`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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
        if sum(scorer is not None for scorer in self._scorers) > 1:
            raise ValueError("verifier, reward_model and judge: name one scorer")
        return self

    @property
    def unscored(self) -> bool:
        """True where no scorer is named."""
        return not any(scorer is not None for scorer in self._scorers)

    @property
    def _scorers(self) -> tuple[str | None, ...]:
        return self.verifier, self.reward_model, self.judge


def sample_named(data: str | None) -> str | None:
    """Return the name of the sample that a `data:` or `probe:` means; None for other sources."""
    return data.removeprefix(PREFIX) if data is not None and data.startswith(PREFIX) else None
