"""The cases of the arithmetic suite, which has no file."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from eval_suites.registry import find
from eval_suites.requests import Decoding, Message, Request

from .cases import (
    Aggregation,
    Completions,
    GoldCase,
    GoldCases,
    SuiteCases,
    answered,
    filtered,
)

#: The answer is 7.
SAMPLE = find("arithmetic").load(None)[0]
CHAT = (
    "Elif has 3 cookies and finds 4 more. How many cookies does Elif have now?\n"
    "Write one short calculation, then end with a sentence that gives the number."
)
COMPLETIONS = Completions(
    SAMPLE,
    ("accuracy", "accuracy_strict"),
    [
        ("3 + 4 = 7. The answer is 7.", "stop", "7", 1, 1, "ok"),
        ("3 + 4 = 7. The answer is 7", "stop", "7", 1, 1, "ok"),
        ("The answer is 7 cookies.", "stop", "7", 1, 1, "ok"),
        ("The answer is 7.0.\n", "stop", "7.0", 1, 1, "ok"),
        ("The answer is $7!", "stop", "7", 1, 1, "ok"),
        ("The answer is **7**.", "stop", "7", 1, 1, "ok"),
        ("Elif has 3 + 4 = 7 cookies now.", "stop", "7", 1, 0, "ok"),
        ("The answer is 7. Elif has 7 cookies.", "stop", "7", 1, 0, "ok"),
        ("The answer is 7. She had 3.", "stop", "3", 0, 0, "ok"),
        ("3 + 4 = 8. The answer is 8.", "stop", "8", 0, 0, "ok"),
        ("The answer is -7.", "stop", "-7", 0, 0, "ok"),
        ("The answer is 7,000.", "stop", "7000", 0, 0, "ok"),
        ("Seven.", "stop", None, 0, 0, "unparsed"),
        ("I cannot say.", "stop", None, 0, 0, "unparsed"),
        ("3 + 4 = 7, because when we", "length", "7", 1, 0, "truncated"),
        ("Elif has 3 cookies and", "length", "3", 0, 0, "truncated"),
        (r"\boxed{7}", "stop", "7", 1, 0, "ok"),
        (r"\boxed{7}, no: \boxed{8}", "stop", "8", 0, 0, "ok"),
        ("```\n8\n```\n```\nThe answer is 7\n```", "stop", "7", 1, 0, "ok"),
        (r"The answer is \(7\).", "stop", "7", 1, 1, "ok"),
        ("", "stop", None, 0, 0, "empty"),
    ],
)


def _cases(_folder: Path, name: str) -> Iterator[GoldCase]:
    for sample in find(name).load(None):
        yield GoldCase(
            sample, f"The answer is {sample.answer}.", f"The answer is {sample.answer}1."
        )


CASES = (
    SuiteCases(
        suites=("arithmetic", "arithmetic:train"),
        sample=SAMPLE,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=48)),
        completions=(COMPLETIONS,),
        aggregations=(
            Aggregation(
                [
                    answered("0", SAMPLE, "The answer is 7."),
                    answered("1", SAMPLE, "7 cookies"),
                    answered("2", SAMPLE, "The answer is 8."),
                    answered("3", SAMPLE, "Seven."),
                    filtered("4", SAMPLE),
                ],
                {"accuracy": 2 / 4, "accuracy_strict": 1 / 4},
            ),
        ),
        gold=tuple(
            GoldCases(suite=name, cases=partial(_cases, name=name), samples=samples)
            for name, samples in (("arithmetic", 200), ("arithmetic:train", 400))
        ),
    ),
)
