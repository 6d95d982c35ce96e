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
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from eval_suites.files import malformed, read_rows, read_text
from eval_suites.grading import latex, mathematics, minerva
from eval_suites.grading.declarations import boxed, last_box
from eval_suites.grading.status import runnable
from eval_suites.problems import eurus
from eval_suites.problems.one_turn import ask_question, ask_text, before
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
UNSOLVED = "Problem:\n{}\n\nSolution:"
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
    """Return the problems of a file, each behind the worked examples of another one."""
    shown = _examples(read_text(folder, examples)) if examples else ""
    samples = []
    for number, row in read_rows(folder, name, ("problem", "solution", subject)):
        gold, last = boxed(row["solution"]), last_box(row["solution"])
        level = str(row.get("level")).removeprefix("Level ")
        if gold is None or last is None:
            raise malformed(f"{name}, row {number}", "the solution has no \\boxed answer")
        if level not in {"1", "2", "3", "4", "5"}:
            raise malformed(f"{name}, row {number}", f"level {level!r} is not 1 to 5")
        slug = row[subject].lower().replace("&", "and").replace(" ", "_")
        samples.append(Sample(str(number), row["problem"], gold, last, level, slug, shown))
    return tuple(samples)


def _examples(text: str) -> str:
    """Return the worked examples as text, in the order of the file."""
    try:
        pairs = [(row["problem"], row["solution"]) for row in json.loads(text)]
    except (ValueError, KeyError, TypeError) as error:
        raise malformed(EXAMPLES_FILE, "no list of problem and solution") from error
    return "".join(f"{UNSOLVED.format(problem)} {solution}\n\n" for problem, solution in pairs)


def _compared(sample: Sample, answer: Answer) -> tuple[str, str | None]:
    """Return the gold that counts and what the answer declares.

    A whole answer that declares nothing gives its last formula. Gold is all boxes of the solution
    for a list, else the last box. Eight of the 5,000 solutions have boxes side by side: solutions
    that all are needed, solutions of which one is enough, or two forms of one. No text tells which;
    upstream's gold is the last.
    """
    text = before(f"\n{NEXT_PROBLEM}", answer.text)
    extracted = latex.declared(text)
    if not extracted and answer.finish_reason != "length":
        extracted = latex.last_resort(text)
    several = extracted is not None and mathematics.is_list(extracted)
    return sample.gold if several else sample.last, extracted


def _checks(sample: Sample, answers: Answers) -> Checks:
    return mathematics.checks(*_compared(sample, answers[0])) if runnable(answers[0]) else ()


def _score(sample: Sample, answers: Answers, _verdicts: Answers, outcomes: Outcomes) -> Score:
    score = mathematics.graded(answers[0], *_compared(sample, answers[0]), outcomes)
    if score.value is None:
        return score
    text = before(f"\n{NEXT_PROBLEM}", answers[0].text)
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
    version="3",
    source="microsoft/ToRA @ 213c1c995038c73fab10343814df7a42f990f026 (hendrycks/math)",
    licence="MIT",
    headline="accuracy",
    load=partial(_load, name=TEST_FILE, subject="type"),
    ask=ask_question(INSTRUCTION, CHAT_DECODING),
    score=_score,
    sampling=SamplingRules(decoding=CHAT_DECODING),
    checking=CheckRules(_checks),
)
MINERVA4: Suite[Sample] = replace(
    CHAT,
    name="math:minerva4",
    load=partial(_load, name=TEST_FILE, subject="type", examples=EXAMPLES_FILE),
    ask=ask_text(lambda sample: sample.examples + UNSOLVED.format(sample.question), TEXT_DECODING),
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
