"""One answer to one question of any kind, rated by a judge from 1 to 10.

The judge reads MT-bench's template for single answers; a reply without a rating is asked for once
more. It is what rewards sampled responses where nothing can be verified.
"""

from dataclasses import dataclass
from typing import Any

from eval_suites.judging.injections import suspicious
from eval_suites.judging.mt_bench import AGAIN_PLEASE, Asked, single
from eval_suites.judging.prompts import may_repair, repair
from eval_suites.judging.verdicts import rating
from eval_suites.requests import Answer, Request
from eval_suites.scores import Score
from eval_suites.suite import JudgeRules, MetricRules, Suite


@dataclass(frozen=True, slots=True)
class Rated:
    """A question of one turn."""

    id: str
    asked: Asked


def _judge(
    rated: Rated, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    (request,) = single(rated.asked, [answers[0].text.strip()])
    if not verdicts:
        return (request,)
    unread = rating(verdicts[0].text) is None and may_repair(verdicts[0])
    return (repair(request, verdicts[0], AGAIN_PLEASE),) if unread and len(verdicts) == 1 else ()


def _score(
    _rated: Rated, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...], _outcomes: Any
) -> Score:
    found = [one for reply in verdicts if (one := rating(reply.text)) is not None]
    metrics = {"suspicious": suspicious(answer.text for answer in answers)}
    if not found:
        reason = "no rating from 1 to 10 in the judge's reply"
        return Score(None, "judge_missing", reason=reason, metrics=metrics)
    return Score(found[0], extracted=f"{found[0]:g}", metrics={"rating": found[0], **metrics})


SUITE: Suite[Rated] = Suite(
    name="rated",
    version="1",
    source="MT-bench's template for single answers: lm-sys/FastChat, see mt_bench",
    licence="Apache-2.0",
    headline="rating",
    load=lambda _: (),
    ask=lambda _rated, _answers: (),
    score=_score,
    judging=JudgeRules(_judge),
    metrics=MetricRules(bounds=(1.0, 10.0)),
)
