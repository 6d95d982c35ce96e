"""HumanEval+: references pass, wrong programs fail, every input has a tolerance of its own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_suites import find
from eval_suites.humaneval_plus import Sample
from eval_suites.sandbox import Outcome, Sandbox
from eval_suites.scoring import settle
from eval_suites.suite import Answer, Score

SUITE = find("humaneval_plus")
PROMPT = 'def ratio(a, b):\n    """ Ratio of two numbers, and their sum.\n    """\n'
SAMPLE = Sample(
    "HumanEval/0",
    PROMPT,
    "ratio",
    "    return a / b if b else a + b\n",
    "[[1, 2], [3, 0]]",
    "[[1, 3], [2, 0], [9, 3]]",
    0.0,
)
RIGHT = "def ratio(a, b):\n    return a / b if b else a + b\n"


def judged(pairs: Sequence[tuple[Sample, str]]) -> list[tuple[Score, list[str]]]:
    async def outcomes(box: Sandbox, sample: Sample, text: str) -> tuple[Outcome, ...]:
        checks = SUITE.checks(sample, (Answer(text),))
        return tuple(await asyncio.gather(*map(box.run, checks)))

    async def all_of_them() -> list[tuple[Outcome, ...]]:
        async with Sandbox() as box:
            return await asyncio.gather(*(outcomes(box, *pair) for pair in pairs))

    return [
        (SUITE.score(sample, (Answer(text),), (), found), [one.verdict for one in found])
        for (sample, text), found in zip(pairs, asyncio.run(all_of_them()), strict=True)
    ]


FORMS = {
    "right": (RIGHT, ["pass", "pass"]),
    "a float that is nearly right": (RIGHT.replace("a / b", "a / b * (1 + 1e-9)"), ["pass"] * 2),
    "a float that is not": (RIGHT.replace("a / b", "a / b + 1e-3"), ["fail", "fail"]),
    # With upstream's sticky tolerance the float before it would let this pass.
    "a number that is nearly right": (RIGHT.replace("a + b", "a + b + 1e-9"), ["fail", "fail"]),
    "wrong on a plus input only": (RIGHT.replace("if b", "if b and a < 9"), ["pass", "fail"]),
    "a list where a number is due": (RIGHT.replace("a / b", "[a / b]"), ["fail", "fail"]),
}


def test_verdicts_on_base_and_plus_inputs() -> None:
    found = judged([(SAMPLE, text) for text, _ in FORMS.values()])
    got = dict(zip(FORMS, [verdicts for _, verdicts in found], strict=True))
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
    score = settle(SUITE, SAMPLE, (Answer(RIGHT),), (), outcomes)
    assert (score.value, dict(score.metrics)) == (value, metrics)


def test_the_failing_input_is_named() -> None:
    ((score, _),) = judged([(SAMPLE, RIGHT.replace("if b", "if b and a < 9"))])
    assert "plus input 2" in score.reason


def assert_references_pass(samples: Sequence[Sample]) -> None:
    found = judged([(sample, sample.prompt + sample.solution) for sample in samples])
    got = {
        s.id: (score.value, verdicts) for s, (score, verdicts) in zip(samples, found, strict=True)
    }
    assert got == {sample.id: (1.0, ["pass", "pass"]) for sample in samples}


def test_some_reference_solutions_pass_all_inputs(data_dir: Path) -> None:
    samples = {sample.id: sample for sample in SUITE.load(data_dir)}
    # 2, 4: floats; 32: any root; 33: sorts; 38, 50: helpers; 123, 163: plain.
    rows = (2, 4, 32, 33, 38, 50, 123, 163)
    assert_references_pass([samples[f"HumanEval/{row}"] for row in rows])
