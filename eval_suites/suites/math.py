r"""MATH: competition problems (Hendrycks et al. 2021, arXiv 2103.03874; MIT).

`math` has the 5,000 test problems, `math500` the 500 of PRM800K's split (Lightman et al. 2023,
arXiv 2305.20050). Both ask a chat model without examples, in our own words, to box its answer.
`math:minerva4` is plain text: the four worked examples of Minerva (Lewkowycz et al. 2022, arXiv
2206.14858, in the file of lm-evaluation-harness), read from the data folder, then the problem. The
gold answer is the last box of the solution, with boxes that stand beside it. Headline `accuracy` is
equality in value (`eval_suites.grading.mathematics`), also by level and by subject;
`accuracy_minerva` compares the last box, in `math:minerva4` the closing sentence, as text after
Minerva's normalisation. `math:eurus` is the 5,000 under `eval_suites.problems.eurus`, with the last
box as gold.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_rows, read_text
from eval_suites.grading import latex, mathematics, minerva
from eval_suites.grading.answers import last_box
from eval_suites.grading.programs import runnable
from eval_suites.problems import eurus
from eval_suites.problems.word_problems import once
from eval_suites.requests import Answer, Decoding, Request
from eval_suites.sandbox.checks import Check, Outcome
from eval_suites.scores import Score
from eval_suites.suite import CheckRules, SamplingRules, Suite

TEST_FILE = "math/test.jsonl.gz"
FILE_500 = "math/math500_test.jsonl.gz"
EXAMPLES_FILE = "math/fewshot_minerva_4shot.json"
SOURCE = "microsoft/ToRA @ 213c1c995038c73fab10343814df7a42f990f026 (hendrycks/math)"
SOURCE_500 = "jincan333/MAS-TTS @ ae8f961818d47860cfbde256b72cbb5c326e6b85 (openai/prm800k)"
INSTRUCTION = (
    "Reason step by step. Then give the final answer alone, in its simplest form, inside \\boxed{}."
)
NEXT_PROBLEM = "Problem:"
CHAT_DECODING = Decoding(max_tokens=1024)
TEXT_DECODING = Decoding(max_tokens=1024, stop=(NEXT_PROBLEM,))


@dataclass(frozen=True, slots=True)
class Sample:
    """A problem with its gold answer, and the worked examples before it (none in a chat).

    `last` is what the last box of the solution holds, `gold` that with the boxes beside it.
    """

    id: str
    problem: str
    gold: str
    last: str
    level: str
    subject: str
    examples: str = ""


def _load(folder: Path | None, name: str, subject: str, examples: str = "") -> tuple[Sample, ...]:
    return tuple(
        _sample(row, f"{name}, row {number}", str(number), row[subject], examples)
        for number, row in read_rows(folder, name, ("problem", "solution", subject))
    )


def _sample(row: dict[str, Any], where: str, name: str, subject: str, examples: str) -> Sample:
    gold, last = latex.boxed(row["solution"]), last_box(row["solution"])
    level = str(row.get("level")).removeprefix("Level ")
    if gold is None or last is None:
        raise DataError(f"{where}: the solution has no \\boxed answer; {AGAIN}")
    if level not in {"1", "2", "3", "4", "5"}:
        raise DataError(f"{where}: level {level!r} is not 1 to 5; {AGAIN}")
    slug = subject.lower().replace("&", "and").replace(" ", "_")
    return Sample(name, row["problem"], gold, last, level, slug, examples)


def _load_with_examples(folder: Path | None) -> Sequence[Sample]:
    return _load(folder, TEST_FILE, "type", _examples(read_text(folder, EXAMPLES_FILE)))


def _examples(text: str) -> str:
    """The worked examples as text, in file order; raises `DataError` when they are not there."""
    try:
        return "".join(
            _prompt(row["problem"], f" {row['solution']}\n\n") for row in json.loads(text)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{EXAMPLES_FILE}: no list of problem and solution; {AGAIN}") from error


def _prompt(problem: str, solution: str) -> str:
    return f"Problem:\n{problem}\n\nSolution:{solution}"


def _ask(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    if answers or not sample.examples:
        return once(f"{sample.problem}\n\n{INSTRUCTION}", answers, CHAT_DECODING)
    text = sample.examples + _prompt(sample.problem, "")
    return (Request(text=text, decoding=TEXT_DECODING),)


def _text(answer: Answer) -> str:
    # An engine may hand over the stop string, and a stored answer may go on behind it.
    return answer.text.split(f"\n{NEXT_PROBLEM}", 1)[0]


def _extracted(answer: Answer) -> str | None:
    """What the answer declares; of a whole one that declares nothing, its last formula."""
    found = latex.declared(_text(answer))
    return found or (None if answer.finish_reason == "length" else latex.last_resort(_text(answer)))


def _gold(sample: Sample, extracted: str | None) -> str:
    """All boxes of the solution for an answer that is a list, else the last box, as upstream.

    Eight of the 5,000 solutions have boxes side by side: solutions that all are wanted, solutions
    of which one is enough, or two forms of one. No text tells which; upstream's gold is the last.
    """
    several = extracted is not None and mathematics.is_list(extracted)
    return sample.gold if several else sample.last


def _checks(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Check, ...]:
    found = _extracted(answers[0])
    return mathematics.checks(_gold(sample, found), found) if runnable(answers[0]) else ()


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    outcomes: tuple[Outcome, ...],
) -> Score:
    text, found = _text(answers[0]), _extracted(answers[0])
    score = mathematics.graded(answers[0], _gold(sample, found), found, outcomes)
    if score.value is None:
        return score
    theirs = minerva.final_answer(text) if sample.examples else last_box(text)
    metrics = {
        "accuracy": score.value,
        "accuracy_minerva": float(minerva.equal(sample.last, theirs)),
        f"level_{sample.level}/accuracy": score.value,
        f"{sample.subject}/accuracy": score.value,
    }
    return replace(score, metrics=metrics)


def _suite(
    name: str,
    source: str,
    load: Callable[[Path | None], Sequence[Sample]],
    decoding: Decoding = CHAT_DECODING,
    needs: frozenset[str] = frozenset(),
) -> Suite[Sample]:
    return Suite(
        name=name,
        version="2",
        source=source,
        licence="MIT",
        headline="accuracy",
        load=load,
        ask=_ask,
        score=_score,
        sampling=SamplingRules(decoding=decoding, needs=needs),
        checking=CheckRules(_checks),
    )


CHAT: Suite[Sample] = _suite("math", SOURCE, partial(_load, name=TEST_FILE, subject="type"))
MINERVA4: Suite[Sample] = _suite(
    "math:minerva4", SOURCE, _load_with_examples, TEXT_DECODING, frozenset({"tokens"})
)
MATH500: Suite[Sample] = _suite(
    "math500", SOURCE_500, partial(_load, name=FILE_500, subject="subject")
)
EURUS: Suite[Sample] = eurus.variant(
    CHAT, "math:eurus", lambda one: one.problem, lambda one, said: eurus.agrees(one.last, said)
)
