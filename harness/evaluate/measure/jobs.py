"""The jobs handed to the stages that measure finished answers."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.evaluate.client.job import EvalJob


class KlJob(BaseModel):
    """A resolved KL stage.

    Attributes:
        evaluation: that gave the answers; of its suites only those of `kl:` matter here.
        reference: checkpoint folder; an adapter's base is found as everywhere.
        reference_fingerprint: of its weights; resolved.json calls it `reference_print`.
        cache: folder of stored log-probabilities, which training shares.
        batch: prompts in one forward pass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    evaluation: EvalJob
    reference: Path
    reference_fingerprint: str = Field(alias="reference_print")
    cache: Path
    batch: int = 8


class PairwiseJob(BaseModel):
    """A resolved pairwise stage.

    Attributes:
        evaluation: that gave the answers and names the judge; of its suites only those of
            `head_to_head:` matter here.
        baseline: the checkpoint that all others are compared with.
        everyone: true where the others are compared with each other, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: EvalJob
    baseline: str
    everyone: bool = False
