"""What judging takes at most, told before anything is asked."""

from dataclasses import replace
from typing import Any

from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.suite import JudgeRules
from eval_suites.suites.arithmetic import SUITE as ARITHMETIC
from harness.evaluate.judge.estimate import Estimate, describe_judging, estimate
from harness.recipe.schema import JudgeChoice


def judge(
    _sample: Any, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    """One question, and once more where the reply says nothing."""
    if len(verdicts) == 2 or (verdicts and verdicts[-1].text):
        return ()
    said = Message("user", "x" * 40 + answers[0].text)
    return (Request(messages=(said,), decoding=Decoding(max_tokens=100)),)


def ask(sample: Any, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    requests = ARITHMETIC.ask(sample, answers)
    return tuple(replace(r, decoding=Decoding(max_tokens=8)) for r in requests)


SUITE = replace(ARITHMETIC, ask=ask, judging=JudgeRules(judge))


def test_answers_and_replies_are_taken_as_long_and_as_unreadable_as_can_be() -> None:
    samples = ARITHMETIC.load(None)[:3]

    found = estimate(SUITE, samples)

    # (40 + 8 × 4) / 4 tokens of prompt, twice for each of three samples
    assert found == Estimate(3, 6, 18 * 6, 100 * 6)
    assert found.times(2) == found + found == Estimate(6, 12, 216, 1200)
    assert estimate(replace(ARITHMETIC, ask=ask), samples) == Estimate()


def test_it_is_told_with_dollars_where_the_price_is_known() -> None:
    found = Estimate(30, 60, 400_000, 200_000)
    free = JudgeChoice(model="org/gpt")
    priced = free.model_copy(update={"price": (2.5, 10.0)})
    local = JudgeChoice(name="vllm", model="/models/judge")

    assert describe_judging(found, priced) == (
        "judge openai:org/gpt: 30 to 60 requests, at most about 400,000 prompt and 200,000 "
        "completion tokens, $3.00; verdicts in the journal cost nothing"
    )
    assert "at a price that is not known (--judge-price IN,OUT)" in describe_judging(found, free)
    assert describe_judging(found, local).startswith("judge vllm:judge: 30 to 60 requests")
    assert "price" not in describe_judging(found, local)
    assert "judge openai:org/gpt: 60 requests" in describe_judging(Estimate(60, 60, 4, 2), free)
