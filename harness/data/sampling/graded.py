"""What a scorer says of one response."""

from dataclasses import dataclass

from eval_suites.scores import Status


@dataclass(frozen=True, slots=True)
class Graded:
    """What a scorer says of one response.

    Attributes:
        reward: higher is better; None where we or a third party failed, so that there is none.
        status: as in a sample log (docs/reference/logs.md).
        reason: in words, where there is one.
    """

    reward: float | None
    status: Status = "ok"
    reason: str = ""
