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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from eval_suites.files import malformed, read_rows, read_text
from eval_suites.grading import latex, mathematics, minerva
from eval_suites.grading.answers import last_box
from eval_suites.grading.status import runnable
from eval_suites.problems import eurus
from eval_suites.problems.one_turn import ask_chat, ask_text, before
from eval_suites.requests import Answer, Decoding
from eval_suites.scores import Score
from eval_suites.suite import Answers, CheckRules, Checks, Outcomes, SamplingRules, Suite

TEST_FILE = "math/test.jsonl.gz"
FILE_500 = "math/math500_test.jsonl.gz"
EXAMPLES_FILE = "math/fewshot_minerva_4shot.json"
INSTRUCTION = (
    "Reason step by step. Then give the final answer alone, in its simplest form, inside \\boxed{}."
)
NEXT_PROBLEM = "Problem:"
CHAT_DECODING = Decoding(max_tokens=1024)
TEXT_DECODING = Decoding(max_tokens=1024, stop=(NEXT_PROBLEM,))


@dataclass(frozen=True, slots=True)
class Sample:
    """A problem with its gold answer, and the worked examples before it (none in a chat).

    `last` is the content of the solution's last box, `gold` that with the boxes beside it.
    """

    id: str
    question: str
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


def _sample(row: dict[str, Any], place: str, name: str, subject: str, examples: str) -> Sample:
    gold, last = latex.boxed(row["solution"]), last_box(row["solution"])
    level = str(row.get("level")).removeprefix("Level ")
    if gold is None or last is None:
        raise malformed(place, "the solution has no \\boxed answer")
    if level not in {"1", "2", "3", "4", "5"}:
        raise malformed(place, f"level {level!r} is not 1 to 5")
    slug = subject.lower().replace("&", "and").replace(" ", "_")
    return Sample(name, row["problem"], gold, last, level, slug, examples)


def _load_with_examples(folder: Path | None) -> Sequence[Sample]:
    return _load(folder, TEST_FILE, "type", _examples(read_text(folder, EXAMPLES_FILE)))


def _examples(text: str) -> str:
    """Return the worked examples as text, in the order of the file."""
    try:
        return "".join(
            _with_solution(row["problem"], f" {row['solution']}\n\n") for row in json.loads(text)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise malformed(EXAMPLES_FILE, "no list of problem and solution") from error


def _with_solution(problem: str, solution: str) -> str:
    return f"Problem:\n{problem}\n\nSolution:{solution}"


def _chat_prompt(sample: Sample) -> str:
    return f"{sample.question}\n\n{INSTRUCTION}"


def _text_prompt(sample: Sample) -> str:
    return sample.examples + _with_solution(sample.question, "")


def _text(answer: Answer) -> str:
    return before(f"\n{NEXT_PROBLEM}", answer.text)


def _extracted(answer: Answer) -> str | None:
    """Return what the answer declares, or the last formula of a whole one that declares nothing."""
    text = _text(answer)
    declaration = latex.declared(text)
    if declaration or answer.finish_reason == "length":
        return declaration
    return latex.last_resort(text)


def _gold(sample: Sample, extracted: str | None) -> str:
    """Return all boxes of the solution for an answer that is a list, else the last box.

    Eight of the 5,000 solutions have boxes side by side: solutions that all are needed, solutions
    of which one is enough, or two forms of one. No text tells which; upstream's gold is the last.
    """
    several = extracted is not None and mathematics.is_list(extracted)
    return sample.gold if several else sample.last


def _checks(sample: Sample, answers: Answers) -> Checks:
    if not runnable(answers[0]):
        return ()
    extracted = _extracted(answers[0])
    return mathematics.checks(_gold(sample, extracted), extracted)


def _score(sample: Sample, answers: Answers, _verdicts: Answers, outcomes: Outcomes) -> Score:
    text, extracted = _text(answers[0]), _extracted(answers[0])
    score = mathematics.graded(answers[0], _gold(sample, extracted), extracted, outcomes)
    if score.value is None:
        return score
    minerva_answer = minerva.final_answer(text) if sample.examples else last_box(text)
    metrics = {
        "accuracy": score.value,
        "accuracy_minerva": float(minerva.equal(sample.last, minerva_answer)),
        f"level_{sample.level}/accuracy": score.value,
        f"{sample.subject}/accuracy": score.value,
    }
    return replace(score, metrics=metrics)


CHAT: Suite[Sample] = Suite(
    name="math",
    version="2",
    source="microsoft/ToRA @ 213c1c995038c73fab10343814df7a42f990f026 (hendrycks/math)",
    licence="MIT",
    headline="accuracy",
    load=partial(_load, name=TEST_FILE, subject="type"),
    ask=ask_chat(_chat_prompt, CHAT_DECODING),
    score=_score,
    sampling=SamplingRules(decoding=CHAT_DECODING),
    checking=CheckRules(_checks),
)
MINERVA4: Suite[Sample] = replace(
    CHAT,
    name="math:minerva4",
    load=_load_with_examples,
    ask=ask_text(_text_prompt, TEXT_DECODING),
    sampling=SamplingRules(decoding=TEXT_DECODING, needs=frozenset({"tokens"})),
)
MATH500: Suite[Sample] = replace(
    CHAT,
    name="math500",
    source="jincan333/MAS-TTS @ ae8f961818d47860cfbde256b72cbb5c326e6b85 (openai/prm800k)",
    load=partial(_load, name=FILE_500, subject="subject"),
)
EURUS: Suite[Sample] = eurus.variant(
    CHAT, "math:eurus", lambda sample, text: eurus.agrees(sample.last, text)
)
