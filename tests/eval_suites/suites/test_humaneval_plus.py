"""HumanEval+: references pass, wrong programs fail, every input has a tolerance of its own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer, FinishReason
from eval_suites.sandbox.checks import Outcome
from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from eval_suites.suites.humaneval import PlusSample
from tests.suite_cases.humaneval_plus import PROMPT, RIGHT, SAMPLE

SUITE = find("humaneval_plus")


def judged(pairs: Sequence[tuple[PlusSample, str]]) -> list[tuple[Score, list[str]]]:
    async def outcomes(box: Sandbox, sample: PlusSample, text: str) -> tuple[Outcome, ...]:
        checks = SUITE.checks(sample, (Answer(text),))
        return tuple(await asyncio.gather(*map(box.run, checks)))

    async def all_of_them() -> list[tuple[Outcome, ...]]:
        async with Sandbox() as box:
            return await asyncio.gather(*(outcomes(box, *pair) for pair in pairs))

    return [
        (SUITE.score(sample, (Answer(text),), (), scored), [outcome.verdict for outcome in scored])
        for (sample, text), scored in zip(pairs, asyncio.run(all_of_them()), strict=True)
    ]


BODY = RIGHT.partition("\n")[2]
FORMS = {
    "right": (RIGHT, ["pass", "pass"]),
    "prose and its own block": (f"Here:\n```python\n{RIGHT}```\nDone.", ["pass", "pass"]),
    "two blocks, the function in the second": (
        f"```\nratio(1, 2)\n```\n```python\n{RIGHT}```",
        ["pass", "pass"],
    ),
    "two blocks, the last counts": (
        f"```python\ndef ratio(a, b): return 0\n```\nor\n```python\n{RIGHT}```",
        ["pass", "pass"],
    ),
    "no closing fence": (f"```python\n{RIGHT}", ["pass", "pass"]),
    "repeats the prompt": (PROMPT + BODY, ["pass", "pass"]),
    "body only": (BODY, ["pass", "pass"]),
    "examples that would fail": (f"{RIGHT}\nassert ratio(1, 2) == 7\n", ["pass", "pass"]),
    "changes what it is given": (
        RIGHT.replace("return", "a, b = [a], [b]; a, b = a.pop(), b.pop(); return"),
        ["pass", "pass"],
    ),
    "an integer where a float is due": (
        RIGHT.replace("a / b if b", "a // b if b and a % b == 0 else a / b if b"),
        ["pass", "pass"],
    ),
    "the sign changed": (RIGHT.replace("a / b", "-a / b"), ["fail", "fail"]),
    "a text where a number is due": (RIGHT.replace("a / b", "str(a / b)"), ["fail", "fail"]),
    "nothing": (RIGHT.replace("a / b if b else a + b", "None"), ["fail", "fail"]),
    "cut in the middle": (RIGHT.removesuffix("else a + b\n"), ["fail", "fail"]),
    "refusal": ("I am sorry, but I cannot write code.", ["fail", "fail"]),
    "another function": ("def other(a, b):\n    return a / b\n", ["fail", "fail"]),
    "raises": (RIGHT.replace("return", "raise ValueError; return"), ["fail", "fail"]),
    "leaves early": (RIGHT.replace("return", "import os; os._exit(0); return"), ["crash"] * 2),
    "a float that is nearly right": (RIGHT.replace("a / b", "a / b * (1 + 1e-9)"), ["pass"] * 2),
    "a float that is not": (RIGHT.replace("a / b", "a / b + 1e-3"), ["fail", "fail"]),
    # With upstream's sticky tolerance the float before it would let this pass.
    "a number that is nearly right": (RIGHT.replace("a + b", "a + b + 1e-9"), ["fail", "fail"]),
    "wrong on a plus input only": (RIGHT.replace("if b", "if b and a < 9"), ["pass", "fail"]),
    "a list where a number is due": (RIGHT.replace("a / b", "[a / b]"), ["fail", "fail"]),
}


def test_verdicts_on_base_and_plus_inputs() -> None:
    scored = judged([(SAMPLE, text) for text, _ in FORMS.values()])
    got = dict(zip(FORMS, [verdicts for _, verdicts in scored], strict=True))
    assert got == {name: verdicts for name, (_, verdicts) in FORMS.items()}


@pytest.mark.parametrize(
    ("base", "plus", "value", "metrics"),
    [
        ("pass", "pass", 1.0, {"pass_at_1": 1.0, "pass_at_1_base": 1.0}),
        ("pass", "fail", 0.0, {"pass_at_1": 0.0, "pass_at_1_base": 1.0}),
        ("fail", "infra", None, {}),
        ("pass", "infra", None, {}),
        ("infra", "pass", None, {}),
    ],
)
def test_the_headline_needs_both(
    base: str, plus: str, value: float | None, metrics: dict[str, float]
) -> None:
    outcomes = (Outcome(base), Outcome(plus))  # type: ignore[arg-type] # verdicts by name
    score = score_sample(SUITE, SAMPLE, (Answer(RIGHT),), (), outcomes)
    assert (score.value, dict(score.metrics)) == (value, metrics)


@pytest.mark.parametrize(
    ("base", "plus", "finish", "status"),
    [
        ("pass", "pass", "stop", "ok"),
        ("pass", "timeout", "stop", "timeout"),
        ("timeout", "fail", "stop", "timeout"),
        ("fail", "timeout", "stop", "ok"),
        ("crash", "crash", "length", "truncated"),
        ("pass", "pass", "length", "truncated"),
    ],
)
def test_outcomes_become_a_status(base: str, plus: str, finish: FinishReason, status: str) -> None:
    outcomes = (Outcome(base), Outcome(plus))  # type: ignore[arg-type] # verdicts by name
    score = score_sample(SUITE, SAMPLE, (Answer(RIGHT, finish),), (), outcomes)
    assert (score.status, score.value) == (status, float((base, plus) == ("pass", "pass")))
    assert score.extracted is not None
    assert score.extracted.strip() == RIGHT.strip()


def test_the_failing_input_is_named() -> None:
    ((score, _),) = judged([(SAMPLE, RIGHT.replace("if b", "if b and a < 9"))])
    assert "plus input 2" in score.reason


def assert_references_pass(samples: Sequence[PlusSample]) -> None:
    scored = judged([(sample, sample.prompt + sample.solution) for sample in samples])
    got = {
        s.id: (score.value, verdicts) for s, (score, verdicts) in zip(samples, scored, strict=True)
    }
    assert got == {sample.id: (1.0, ["pass", "pass"]) for sample in samples}


def test_some_reference_solutions_pass_all_inputs(data_dir: Path) -> None:
    samples = {sample.id: sample for sample in SUITE.load(data_dir)}
    # 2, 4: floats; 32: any root; 33: sorts; 38, 50: helpers; 123, 163: plain.
    rows = (2, 4, 32, 33, 38, 50, 123, 163)
    assert_references_pass([samples[f"HumanEval/{row}"] for row in rows])
