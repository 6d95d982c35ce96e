"""What a judge would be asked of a sample, with something in place of a model's answers."""

from typing import Any

from eval_suites.requests import Answer, Request
from eval_suites.suite import Suite
from harness.evaluate.judge.judge import is_judged

STAND_IN = "(the model's answer)"
_TURNS = 64


def preview(suite: Suite[Any], sample: Any) -> tuple[Request, ...]:
    """The first requests to a judge; none for a suite without one."""
    if not is_judged(suite):
        return ()
    answers: tuple[Answer, ...] = ()
    for _ in range(_TURNS):
        requests = suite.ask(sample, answers)
        if not requests:
            break
        answers += tuple(Answer(STAND_IN) for _ in requests)
    return suite.judge(sample, answers, ())
