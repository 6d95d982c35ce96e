"""The cases of the variants under the protocol of Eurus: one problem, whose answer is 50."""

from collections.abc import Mapping, Sequence
from typing import Any

from eval_suites.problems.one_turn import Sample
from eval_suites.requests import Decoding, Message, Request

from .cases import (
    Aggregation,
    Completions,
    GoldCases,
    Row,
    SuiteCases,
    answered,
    filtered,
)

QUESTION = "Kim has 100 pens and sells half. How many are left?"
SAMPLE = Sample("s-1", QUESTION, "50", "subtraction")
CHAT = (
    "Solve this problem step by step. Simplify your result as far as possible and write it "
    "inside \\boxed{}.\n\n"
    "Kim has 100 pens and sells half. How many are left?"
)
METRICS = ("accuracy", "accuracy_strict")
ROWS: list[Row] = [
    (r"100 / 2 = 50, so \boxed{50}.", "stop", "50", 1, 1, "ok"),
    (r"\boxed{0.5}", "stop", "0.5", 1, 0, "ok"),
    (r"\boxed{5000}", "stop", "5000", 1, 0, "ok"),
    (r"\boxed{50\%}", "stop", r"50\%", 1, 1, "ok"),
    (r"\boxed{50.004}", "stop", "50.004", 1, 0, "ok"),
    (r"\boxed{50.006}", "stop", "50.006", 0, 0, "ok"),
    (r"\boxed{500}", "stop", "500", 0, 0, "ok"),
    (r"\boxed{5,000}", "stop", "5,000", 1, 0, "ok"),
    (r"\boxed{-50}", "stop", "-50", 0, 0, "ok"),
    (r"\boxed{\frac{100}{2}}", "stop", r"\frac{100}{2}", 1, 1, "ok"),
    (r"\boxed{\$50}", "stop", r"\$50", 1, 1, "ok"),
    (r"\boxed{50 \text{ pens}}", "stop", r"50 \text{ pens}", 1, 1, "ok"),
    (r"\boxed{x = 50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{9} no, \boxed{50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{50} no, \boxed{9}", "stop", "9", 0, 0, "ok"),
    (r"\boxed{50}, \boxed{9}. The answer is \boxed{50}", "stop", "50", 1, 1, "ok"),
    (r"\boxed{50}. Answer: 9", "stop", "9", 0, 1, "ok"),
    (r"\boxed{50 \text{ or } 9}", "stop", r"50 \text{ or } 9", 0, 0, "ok"),
    ("The answer is 50. It was easy.", "stop", "50", 1, 1, "ok"),
    ("**Answer:** 50", "stop", "50", 1, 1, "ok"),
    ("So 50 is the answer.", "stop", "So 50", 0, 1, "ok"),
    ("We get 50. It is the answer.", "stop", "50", 1, 0, "ok"),
    ("100 / 2 = 50", "stop", "50", 1, 1, "ok"),
    ("There are 50 pens.", "stop", "50 pens", 1, 1, "ok"),
    ("50", "stop", None, 0, 1, "unparsed"),
    ("#### 50", "stop", None, 0, 1, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("```\n9\n```\n```\nThe answer is 50\n```", "stop", "50\n```", 0, 1, "ok"),
    ("100 / 2 = 50, and the", "length", "50, and the", 0, 0, "truncated"),
    (r"so \boxed{50", "length", "50", 1, 1, "truncated"),
    ("", "stop", None, 0, 0, "empty"),
]


def cases_of_variant(
    name: str,
    *,
    files: Mapping[str, str],
    samples: Sequence[Any],
    gold: GoldCases,
    sample: Any = SAMPLE,
    rows: Sequence[Row] = ROWS,
    subsets: tuple[str, ...] = ("subtraction/accuracy",),
    completions: tuple[Completions, ...] = (),
    malformed: Sequence[tuple[str, str, str]] = (),
    near: str = "0.5",
    parts: tuple[str, Mapping[Any, int]] = ("", {}),
) -> SuiteCases:
    """Return the cases of a variant.

    Args:
        name: of the variant.
        files, samples, gold, malformed, parts: as in `SuiteCases`.
        sample: the problem in the form of the suite's samples.
        rows: completions for it.
        subsets: the names of its subsets' metrics.
        completions: more of them.
        near: an answer that is right in the loose reading alone.
    """
    return SuiteCases(
        suites=(name,),
        sample=sample,
        prompt=Request(messages=(Message("user", CHAT),), decoding=Decoding(max_tokens=1024)),
        completions=(Completions(sample, METRICS, rows, subsets), *completions),
        files=files,
        samples=samples,
        malformed=malformed,
        aggregations=(
            Aggregation(
                [
                    answered("0", sample, r"\boxed{50}"),
                    answered("1", sample, rf"\boxed{{{near}}}"),
                    answered("2", sample, "no"),
                    filtered("3", sample),
                ],
                {"accuracy": 2 / 3, "accuracy_strict": 1 / 3, **dict.fromkeys(subsets, 2 / 3)},
            ),
        ),
        gold=(gold,),
        parts=parts,
    )
