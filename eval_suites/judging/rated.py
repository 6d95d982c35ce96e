"""The rating of one answer to one question of any kind, from 1 to 10.

The judge reads MT-bench's template for single answers; a reply without a rating is asked for once
more. It rewards sampled responses where nothing can be verified.
"""

from eval_suites.judging.injections import suspicious
from eval_suites.judging.mt_bench import AGAIN_PLEASE, DialogueSample, single
from eval_suites.judging.prompts import final_replies, with_repairs
from eval_suites.judging.verdicts import rating
from eval_suites.scores import Score
from eval_suites.suite import Answers, JudgeRules, MetricRules, Outcomes, Requests, Suite


def _judge(sample: DialogueSample, answers: Answers, verdicts: Answers) -> Requests:
    requests = single(sample.dialogue, [answers[0].text.strip()])
    return with_repairs(requests, verdicts, rating, AGAIN_PLEASE)


def _score(
    _sample: DialogueSample, answers: Answers, verdicts: Answers, _outcomes: Outcomes
) -> Score:
    metrics = {"suspicious": suspicious(answer.text for answer in answers)}
    ratings = [rating(reply.text) for reply in final_replies(verdicts, 1, rating)]
    if not ratings or ratings[0] is None:
        reason = "no rating from 1 to 10 in the judge's reply"
        return Score(None, "judge_missing", reason=reason, metrics=metrics)
    value = ratings[0]
    return Score(value, extracted=f"{value:g}", metrics={"rating": value, **metrics})


SUITE: Suite[DialogueSample] = Suite(
    name="rated",
    version="1",
    source="MT-bench's template for single answers: lm-sys/FastChat, see mt_bench",
    licence="Apache-2.0",
    headline="rating",
    load=lambda _: (),
    ask=lambda _sample, _answers: (),
    score=_score,
    judging=JudgeRules(_judge),
    metrics=MetricRules(bounds=(1.0, 10.0)),
)
