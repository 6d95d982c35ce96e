"""What a KL stage is told."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from harness.evaluate.client.job import EvalJob


class KlJob(BaseModel):
    """A resolved KL stage.

    Attributes:
        evaluation: that gave the answers; of its suites only those of `kl:` matter here.
        reference: checkpoint folder; an adapter's base is found as everywhere.
        reference_fingerprint: what identifies its weights.
        cache: folder of stored log-probabilities, which training shares.
        batch: prompts in one forward pass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    evaluation: EvalJob
    reference: Path
    reference_fingerprint: str = Field(alias="reference_print")
    cache: Path
    batch: int = 8
