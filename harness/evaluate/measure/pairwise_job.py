"""What a duel stage is told."""

from pydantic import BaseModel, ConfigDict

from harness.evaluate.client.job import EvalJob


class PairwiseJob(BaseModel):
    """A resolved duel stage.

    Attributes:
        evaluation: that gave the answers and names the judge; of its suites only those of
            `head_to_head:` matter here.
        baseline: the checkpoint that all others meet.
        everyone: whether the others meet each other too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: EvalJob
    baseline: str
    everyone: bool = False
