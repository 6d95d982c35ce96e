"""GSM-Plus: GSM8K's problems under eight perturbations (Li et al. 2024, arXiv 2402.19255).

`gsm_plus` is the full test (10,552 rows), `gsm_plus:mini` upstream's testmini (2,400); the
repository states no licence. Asked as `gsm8k` is, without examples and with the same instruction,
so that the drop from GSM8K can be read; metrics also by perturbation
(`digit_expansion/accuracy`). For "critical thinking" a premise was taken away and the gold is
None: right is an answer that says so (`grading/refusals.py`), and declares no number; there
`accuracy_flexible` asks only that it is said anywhere. The prompt gives no hint of that. Upstream
looks for a list of phrases anywhere in the text, and accepts an answer without its marker too, so
its numbers for this type are higher. About ten golds of testmini are rounded (4.33 for 13/3); they
are compared as they stand. `gsm_plus:eurus` and `gsm_plus:mini-eurus` are the same rows under
`eval_suites.problems.eurus`; there a missing premise must be answered with the word None.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_rows
from eval_suites.grading.answers import normalise, numbers, strict_answer
from eval_suites.grading.refusals import finds_unanswerable, says_unanswerable
from eval_suites.grading.status import compared_score
from eval_suites.problems import eurus
from eval_suites.problems.word_problems import (
    CHAT_DECODING,
    FLEXIBLE,
    HEADLINE,
    Sample,
    ask,
    in_subset,
    number_score,
    snake_case,
)
from eval_suites.requests import Answer
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

TEST_FILE = "gsm_plus/test.jsonl.gz"
MINI_FILE = "gsm_plus/testmini.jsonl.gz"
#: The gold of a problem that lacks a premise.
UNANSWERABLE = "None"


def _load(folder: Path | None, file: str) -> Sequence[Sample]:
    return tuple(_samples(folder, file))


def _samples(folder: Path | None, file: str) -> Iterator[Sample]:
    for number, row in read_rows(folder, file, ("question", "answer", "perturbation_type")):
        subset = snake_case(row["perturbation_type"])
        yield Sample(str(number), row["question"], _gold(row["answer"], file, number), subset)


def _gold(answer: str, file: str, row: int) -> str:
    if answer.strip() != UNANSWERABLE and len(numbers(answer)) != 1:
        raise DataError(f"{file}, row {row}: 'answer' is neither a number nor None; {AGAIN}")
    return normalise(answer)


def _score(
    sample: Sample,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    if sample.gold == UNANSWERABLE:
        return in_subset(_refusal_score(answers[0]), sample.subset)
    return in_subset(number_score(answers[0], sample.gold), sample.subset)


def _refusal_score(answer: Answer) -> Score:
    right = says_unanswerable(answer.text)
    extracted = UNANSWERABLE if right else strict_answer(answer.text)
    anywhere = right or finds_unanswerable(answer.text)
    verdicts = {HEADLINE: right, FLEXIBLE: anywhere}
    return compared_score(answer, extracted, HEADLINE, verdicts)


def _suite(name: str, file: str) -> Suite[Sample]:
    return Suite(
        name=name,
        version="2",
        source="qtli/GSM-Plus @ 3474129ec12fcd3e8ac08cb037aca1928efca98c",
        licence="none stated",
        headline=HEADLINE,
        load=partial(_load, file=file),
        ask=ask,
        score=_score,
        sampling=SamplingRules(decoding=CHAT_DECODING),
    )


FULL: Suite[Sample] = _suite("gsm_plus", TEST_FILE)
MINI: Suite[Sample] = _suite("gsm_plus:mini", MINI_FILE)
EURUS, MINI_EURUS = (
    eurus.variant(
        suite, name, lambda one: one.question, lambda one, said: eurus.agrees(one.gold, said)
    )
    for suite, name in ((FULL, "gsm_plus:eurus"), (MINI, "gsm_plus:mini-eurus"))
)
