"""TheoremQA: 800 questions on 350 theorems with typed answers (Chen et al. 2023, arXiv 2305.12524).

Chat without examples, in our own words; MIT. The 53 questions with a picture are asked without it
and stay in n, as in upstream's text runs. Headline `accuracy` is strict: what the answer declares
(box, `####`, "answer is") must have the gold's type and agree with it (`grading/typed.py`).
`official` is upstream's comparison: a number rounds to the integer or is within 4 % of the float,
lists after sorting, truth values and options as text; where nothing is declared, the last number
or truth value of the text counts, and an option must show its brackets. Metrics also by type
(`list_of_integer/accuracy`). Upstream asks with five worked examples. `theoremqa:eurus` is
read as `eval_suites.problems.eurus` says and compared by upstream's rule (Eurus's file differs in
one row).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_array
from eval_suites.grading.answers import declared, flexible_answer
from eval_suites.grading.status import compared_score
from eval_suites.grading.typed import Gold, agrees, close, close_upstream, typed
from eval_suites.problems import eurus
from eval_suites.problems.word_problems import HEADLINE, in_subset, once, snake_case
from eval_suites.requests import Answer, Decoding, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

FILE = "theoremqa/theoremqa_test.json.gz"
INSTRUCTION = (
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}: "
    "a number, a list of numbers such as [1, 2], True or False, or the letter of an option "
    "such as (a)."
)
DECODING = Decoding(max_tokens=1024)
OFFICIAL = "official"


@dataclass(frozen=True, slots=True)
class Sample:
    """A question and its gold value; `kind` is upstream's name of the answer's type."""

    id: str
    question: str
    gold: Gold
    kind: str


def _load(folder: Path | None) -> Sequence[Sample]:
    return tuple(_samples(folder))


def _samples(folder: Path | None) -> Iterator[Sample]:
    for number, row in read_array(folder, FILE, ("id", "Question", "Answer_type")):
        gold, kind = typed(row.get("Answer"), row["Answer_type"]), row["Answer_type"]
        if gold is None:
            raise DataError(f"{FILE}, row {number}: 'Answer' is no {kind}; {AGAIN}")
        yield Sample(row["id"], row["Question"], gold, kind)


def _ask(sample: Sample, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    return once(f"{sample.question}\n\n{INSTRUCTION}", answers, DECODING)


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    text = answers[0].text
    shown = declared(text)
    verdict = agrees(sample.gold, shown or "", close)
    right = {HEADLINE: bool(verdict), OFFICIAL: _official(sample.gold, shown, text)}
    extracted = None if verdict is None else shown
    return in_subset(
        compared_score(answers[0], extracted, HEADLINE, right), snake_case(sample.kind)
    )


def _official(gold: Gold, shown: str | None, text: str) -> bool:
    if isinstance(gold, str):
        return gold.lower() in (shown or text).lower()
    if isinstance(gold, bool):
        *_, last = ["", *text.strip().splitlines()]
        return bool(agrees(gold, shown or last, close_upstream))
    return bool(agrees(gold, shown or flexible_answer(text) or "", close_upstream))


SUITE: Suite[Sample] = Suite(
    name="theoremqa",
    version="2",
    source="TIGER-AI-Lab/TheoremQA @ acfc9686aa9b49f3c8f189364a9a9ee9c53da039",
    licence="MIT",
    headline=HEADLINE,
    load=_load,
    ask=_ask,
    score=_score,
    sampling=SamplingRules(decoding=DECODING),
)
EURUS: Suite[Sample] = eurus.variant(
    SUITE,
    "theoremqa:eurus",
    lambda one: one.question,
    lambda one, said: bool(agrees(one.gold, said, close_upstream)),
)
