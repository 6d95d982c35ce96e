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

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from eval_suites.files import malformed, read_rows
from eval_suites.grading.numbers import normalise, numbers
from eval_suites.grading.quantities import declared_quantity
from eval_suites.grading.refusals import finds_unanswerable, says_unanswerable
from eval_suites.problems import eurus, one_turn
from eval_suites.problems.one_turn import Sample
from eval_suites.requests import Answer
from eval_suites.scores import Score
from eval_suites.suite import Suite

TEST_FILE = "gsm_plus/test.jsonl.gz"
MINI_FILE = "gsm_plus/testmini.jsonl.gz"
#: The gold of a problem that lacks a premise.
UNANSWERABLE = "None"


def _load(folder: Path | None, file: str) -> Sequence[Sample]:
    samples = []
    for number, row in read_rows(folder, file, ("question", "answer", "perturbation_type")):
        answer, subset = row["answer"], one_turn.snake_case(row["perturbation_type"])
        if answer.strip() != UNANSWERABLE and len(numbers(answer)) != 1:
            raise malformed(f"{file}, row {number}", "'answer' is neither a number nor None")
        samples.append(Sample(str(number), row["question"], normalise(answer), subset))
    return tuple(samples)


def _score(sample: Sample, answer: Answer) -> Score:
    if sample.gold != UNANSWERABLE:
        return one_turn.number_score(answer, sample.gold)
    right = says_unanswerable(answer.text)
    extracted = UNANSWERABLE if right else declared_quantity(answer.text)
    return one_turn.words_score(answer, extracted, right, right or finds_unanswerable(answer.text))


FULL: Suite[Sample] = one_turn.number_suite(
    name="gsm_plus",
    version="3",
    source="qtli/GSM-Plus @ 3474129ec12fcd3e8ac08cb037aca1928efca98c",
    licence="none stated",
    load=partial(_load, file=TEST_FILE),
    score=_score,
)
MINI: Suite[Sample] = replace(FULL, name="gsm_plus:mini", load=partial(_load, file=MINI_FILE))
EURUS: Suite[Sample] = eurus.variant(FULL, "gsm_plus:eurus")
MINI_EURUS: Suite[Sample] = eurus.variant(MINI, "gsm_plus:mini-eurus")
