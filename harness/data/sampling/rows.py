"""From answers and verdicts to a row of the plain reward format, and the counts of what became."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import fsum
from typing import Any

from eval_suites.requests import Answer
from eval_suites.scores import Score
from harness.data.sampling.prompts import Prompt
from harness.recipe.schema import SampleSection


@dataclass(slots=True)
class Counts:
    """The counts of all that was sampled, kept and left out.

    Attributes:
        responses: responses asked for, K a prompt.
        rewards: of all responses that have one.
        left_out: responses that are in no row, by reason; the first reason that holds counts.
        tied: prompts whose rewards are all equal.
        too_few: prompts dropped because fewer than two of their responses were left.
        tied_dropped: tied prompts dropped, as was asked for.
        written: responses in rows.
    """

    prompts: int = 0
    responses: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    rewards: list[float] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    tied: int = 0
    too_few: int = 0
    tied_dropped: int = 0
    written: int = 0

    def plain(self) -> dict[str, Any]:
        """Return the counts for a file, with the mean reward of all responses that have one."""
        counts = ("prompts", "responses", "rows", "written", "tied", "tied_dropped", "too_few")
        mean = fsum(self.rewards) / len(self.rewards) if self.rewards else None  # in any order
        return {
            **{name: getattr(self, name) for name in counts},
            "statuses": dict(sorted(self.statuses.items())),
            "left_out": dict(sorted((+self.left_out).items())),
            "graded": len(self.rewards),
            "mean_reward": mean,
        }


def row_of(
    prompt: Prompt,
    answers: Sequence[Answer],
    graded: Sequence[Score],
    section: SampleSection,
    counts: Counts,
) -> dict[str, Any] | None:
    """Return the row of one prompt, None where it has none; counted either way.

    The value of a response's score is its reward; both are empty where the request was lost.
    """
    counts.prompts += 1
    counts.responses += section.k
    _count(graded, section.k, counts)
    kept = []
    for answer, verdict in zip(answers, graded, strict=True):
        if reason := _unfit(answer, verdict, section):
            counts.left_out[reason] += 1
        else:
            kept.append((answer, verdict))
    tied = len({verdict.value for _, verdict in kept}) == 1
    if len(kept) < 2:
        counts.too_few += 1
        counts.left_out["alone"] += len(kept)
        return None
    counts.tied += tied
    if tied and section.drop_ties:
        counts.tied_dropped += 1
        counts.left_out["tied"] += len(kept)
        return None
    counts.rows += 1
    counts.written += len(kept)
    return {
        "id": prompt.id,
        "messages": [asdict(message) for message in prompt.request.messages],
        "responses": [prompt.request.prefix + answer.text for answer, _ in kept],
        "rewards": [verdict.value for _, verdict in kept],
        "statuses": [verdict.status for _, verdict in kept],
    }


def _count(graded: Sequence[Score], requested: int, counts: Counts) -> None:
    """Count statuses and rewards; responses that never came are ours to answer for."""
    counts.statuses.update(verdict.status for verdict in graded)
    counts.rewards += [verdict.value for verdict in graded if verdict.value is not None]
    if lost := requested - len(graded):
        counts.statuses["infra"] += lost
        counts.left_out["no_reward"] += lost


def _unfit(answer: Answer, verdict: Score, section: SampleSection) -> str:
    """Why a response cannot stand in a row; "" where it can."""
    if verdict.value is None:
        return "no_reward"
    if not answer.text.strip():
        return "empty"
    if section.drop_cut and answer.finish_reason == "length":
        return "cut"
    return ""
