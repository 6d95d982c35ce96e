"""TheoremQA: 800 questions on 350 theorems with typed answers (Chen et al. 2023, arXiv 2305.12524).

Chat without examples, in our own words; MIT. The 53 questions with a picture are asked without it
and stay in n, as in upstream's text runs. Headline `accuracy` is strict: what the answer declares
(`grading/declarations.py`) must have the gold's type and agree with it (`grading/typed.py`).
`official` is upstream's comparison: a number rounds to the integer or is within 4 % of the float,
lists after sorting, truth values and options as text; where nothing is declared, the last number
or truth value of the text counts, and an option must show its brackets. Metrics also by type
(`list_of_integer/accuracy`). Upstream asks with five worked examples. `theoremqa:eurus` is
read as `eval_suites.problems.eurus` says and compared by upstream's rule (Eurus's file differs in
one row).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval_suites.files import malformed, read_array
from eval_suites.grading.declarations import declared
from eval_suites.grading.quantities import last_quantity, states_number
from eval_suites.grading.status import compared_score
from eval_suites.grading.typed import Gold, agrees, close, close_upstream, typed
from eval_suites.problems import eurus
from eval_suites.problems.one_turn import HEADLINE, ask_question, in_subset, score_answer
from eval_suites.requests import Answer, Decoding
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


def _samples(folder: Path | None) -> Iterator[Sample]:
    for number, row in read_array(folder, FILE, ("id", "Question", "Answer_type")):
        kind = row["Answer_type"]
        gold = typed(row.get("Answer"), kind)
        if gold is None:
            raise malformed(f"{FILE}, row {number}", f"'Answer' is no {kind}")
        yield Sample(row["id"], row["Question"], gold, kind)


def _score(sample: Sample, answer: Answer) -> Score:
    declaration = declared(answer.text, lambda text: _says(sample.gold, text), str)
    verdict = agrees(sample.gold, declaration or "", close)
    official = _official(sample.gold, declaration, answer.text)
    right = {HEADLINE: bool(verdict), OFFICIAL: official}
    extracted = None if verdict is None else declaration
    return in_subset(compared_score(answer, extracted, HEADLINE, right), sample.kind)


def _says(gold: Gold, text: str) -> bool:
    """Return True where a text says anything of the gold's type, or a number where one is asked."""
    of_type = agrees(gold, text, close) is not None
    return of_type or (not isinstance(gold, bool | str) and states_number(text))


def _official(gold: Gold, declaration: str | None, text: str) -> bool:
    if isinstance(gold, str):
        return gold.lower() in (declaration or text).lower()
    if isinstance(gold, bool):
        *_, last = ["", *text.strip().splitlines()]
        return bool(agrees(gold, declaration or last, close_upstream))
    return bool(agrees(gold, declaration or last_quantity(text) or "", close_upstream))


SUITE: Suite[Sample] = Suite(
    name="theoremqa",
    version="3",
    source="TIGER-AI-Lab/TheoremQA @ acfc9686aa9b49f3c8f189364a9a9ee9c53da039",
    licence="MIT",
    headline=HEADLINE,
    load=lambda folder: tuple(_samples(folder)),
    ask=ask_question(INSTRUCTION, DECODING),
    score=score_answer(_score),
    sampling=SamplingRules(decoding=DECODING),
)
EURUS: Suite[Sample] = eurus.variant(
    SUITE, "theoremqa:eurus", lambda sample, text: bool(agrees(sample.gold, text, close_upstream))
)
