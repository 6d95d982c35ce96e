"""The cases of BIG-Bench Hard: a sentence that declares the gold, or another gold of its task."""

import json
from collections.abc import Iterator
from pathlib import Path

from eval_suites.registry import find
from eval_suites.requests import Decoding, Request
from eval_suites.suites.bbh import TASKS, Sample

from .cases import (
    Aggregation,
    Completions,
    GoldCase,
    GoldCases,
    Row,
    SuiteCases,
    answered,
    filtered,
)


def sample(gold: str, task: str = "snarks") -> Sample:
    return Sample(
        f"{task}/0", task, "Which is larger?\nOptions:\n(A) 1\n(B) 2", gold, "Do.\n\nQ: x"
    )


TEXT = "Do.\n\nQ: x\n\nQ: Which is larger?\nOptions:\n(A) 1\n(B) 2\nA: Let's think step by step."
#: Completions by the gold.
ROWS: dict[str, list[Row]] = {
    "(B)": [
        ("2 is larger. So the answer is (B).", "stop", "B", 1, 1, "ok"),
        ("So the answer is (B)", "stop", "B", 1, 1, "ok"),
        ("So the answer is B.", "stop", "B", 1, 0, "ok"),
        ("The answer is: **(B)**.", "stop", "B", 1, 0, "ok"),
        ("The Answer is option (B) 2.", "stop", "B", 1, 0, "ok"),
        ("The answer is\n\n(B) because 2 > 1", "stop", "B", 1, 0, "ok"),
        ("So the answer is (A).", "stop", "A", 0, 0, "ok"),
        ("So the answer is (A) or (B).", "stop", None, 0, 0, "unparsed"),
        ("So the answer is not (A), it is (B).", "stop", "B", 1, 0, "ok"),
        ("So the answer is 2.", "stop", None, 0, 0, "unparsed"),
        ("So the answer is a guess.", "stop", None, 0, 0, "unparsed"),
        ("(A) is 1 and (B) is 2.", "stop", None, 0, 0, "unparsed"),
        ("So the answer is (A). No: the answer is (B).", "stop", "B", 1, 0, "ok"),
        ("The answer is (B). No: the answer is (A).", "stop", "A", 0, 0, "ok"),
        ("the answer is (B).\nOr so the answer is", "length", "B", 1, 1, "truncated"),
        ("(A) is 1, so the", "length", None, 0, 0, "truncated"),
        ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
        ("```\nthe answer is (A)\n```\n```\nthe answer is `(B)`\n```", "stop", "B", 1, 0, "ok"),
        ("", "stop", None, 0, 0, "empty"),
    ],
    "No": [
        ("So the answer is No.", "stop", "no", 1, 1, "ok"),
        ("So the answer is no. They never met.", "stop", "no", 1, 0, "ok"),
        ("So the answer is no one knows.", "stop", None, 0, 0, "unparsed"),
        ("So the answer is Not known.", "stop", None, 0, 0, "unparsed"),
        ("The answer isn't No.", "stop", None, 0, 0, "unparsed"),
    ],
    "no": [
        ("So the answer is No.", "stop", "no", 1, 0, "ok"),
    ],
    "True": [
        ("So the answer is TRUE.", "stop", "true", 1, 0, "ok"),
    ],
    "valid": [
        ("So the answer is invalid.", "stop", "invalid", 0, 0, "ok"),
    ],
    "invalid": [
        ("So the answer is Invalid.", "stop", "invalid", 1, 0, "ok"),
    ],
    "-35": [
        ("So the answer is -35.", "stop", "-35", 1, 1, "ok"),
        ("So the answer is \u221235.", "stop", "-35", 1, 0, "ok"),
        ("So the answer is 35.", "stop", "35", 0, 0, "ok"),
    ],
    "3929": [
        ("So the answer is 3,929.", "stop", "3929", 1, 0, "ok"),
    ],
    "24": [
        ("So the answer is 24.0.", "stop", "24.0", 1, 0, "ok"),
        ("So the answer is 20 + 4.", "stop", None, 0, 0, "unparsed"),
    ],
    "] } ]": [
        ("So the answer is ] } ].", "stop", "]}]", 1, 1, "ok"),
        ("So the answer is ]}]", "stop", "]}]", 1, 0, "ok"),
        ("So the answer is ] ] }.", "stop", "]]}", 0, 0, "ok"),
    ],
    "ant bee cow": [
        ("So the answer is ant  bee\tcow.", "stop", "ant bee cow", 1, 0, "ok"),
        ("So the answer is ant bee cow dog.", "stop", "ant bee cow dog", 0, 0, "ok"),
        ("So the answer is ant cow bee.", "stop", "ant cow bee", 0, 0, "ok"),
    ],
}
#: A model's invention after its answer does not count.
INVENTED: list[Row] = [
    (
        f"2 > 1. So the answer is (B).{gap}Q: Which is smaller?\nA: So the answer is (A).",
        "stop",
        "B",
        1,
        1,
        "ok",
    )
    for gap in ("\n\n", "\n")
]
EXAMPLES = "canary\n-----\nDo.\n\nQ: x\n"
ROW = {"input": "q", "target": "a"}
FIRST, FIRST_EXAMPLES = (
    "bbh/bbh/boolean_expressions.json",
    "bbh/cot-prompts/boolean_expressions.txt",
)


def _file(*rows: object) -> str:
    return json.dumps({"examples": rows})


def _cases(folder: Path) -> Iterator[GoldCase]:
    """A task's next gold in alphabetical order is the twin; each text names both."""
    samples = find("bbh").load(folder)
    by_task: dict[str, set[str]] = {}
    for own in samples:
        by_task.setdefault(own.task, set()).add(own.gold)
    golds = {task: sorted(answers) for task, answers in by_task.items()}
    for own in samples:
        answers = golds[own.task]
        twin = answers[(answers.index(own.gold) + 1) % len(answers)]
        yield GoldCase(own, _declared(own.gold, twin), _declared(twin, own.gold))


def _declared(answer: str, other: str) -> str:
    return f"At first {other} looks right. So the answer is {answer}."


RIGHT, WRONG = "the answer is No.", "the answer is Yes."
CASES = (
    SuiteCases(
        suites=("bbh",),
        sample=sample("(B)"),
        prompt=Request(text=TEXT, decoding=Decoding(max_tokens=1024, stop=("\nQ:",))),
        completions=tuple(
            Completions(sample(gold), ("accuracy", "official"), rows, ("snarks/accuracy",))
            for gold, rows in (*ROWS.items(), ("(B)", INVENTED))
        ),
        files={
            **{f"bbh/bbh/{task}.json": _file(ROW, ROW) for task in TASKS},
            **{f"bbh/cot-prompts/{task}.txt": EXAMPLES for task in TASKS},
        },
        samples=tuple(
            Sample(f"{task}/{row}", task, "q", "a", "Do.\n\nQ: x")
            for task in TASKS
            for row in (0, 1)
        ),
        malformed=[
            (FIRST, _file(ROW, {"input": "q"}), "row 1: 'target'"),
            (FIRST, _file({"input": 3, "target": "a"}), "row 0: 'input'"),
            (FIRST, _file("q"), "row 0: no JSON object"),
            (FIRST, '{"rows": []}', "no array under 'examples'"),
            (FIRST, "[]", "no array under 'examples'"),
            (FIRST_EXAMPLES, "Do.\n\nQ: x\n", "five dashes"),
        ],
        aggregations=(
            Aggregation(
                [
                    answered("0", sample("No", "navigate"), RIGHT),
                    answered("1", sample("No", "navigate"), WRONG),
                    answered("2", sample("No", "navigate"), WRONG),
                    answered("3", sample("No", "web_of_lies"), RIGHT),
                    filtered("4", sample("No")),
                ],
                {
                    "accuracy": 2 / 4,
                    "accuracy_task_mean": (1 / 3 + 1) / 2,
                    "navigate/accuracy": 1 / 3,
                    "official": 2 / 4,
                    "web_of_lies/accuracy": 1.0,
                },
            ),
        ),
        gold=(GoldCases(suite="bbh", cases=_cases, samples=6511),),
    ),
)
