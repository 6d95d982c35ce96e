"""A response with its reward and status."""

from dataclasses import dataclass

from eval_suites.scores import Status


@dataclass(frozen=True, slots=True)
class Graded:
    """A response with its reward and status.

    Attributes:
        reward: higher is better; None where we or a third party failed, so that there is none.
        status: as in a sample log (docs/reference/logs.md).
        reason: in words, where there is one.
    """

    reward: float | None
    status: Status = "ok"
    reason: str = ""
