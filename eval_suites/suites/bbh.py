"""BIG-Bench Hard: 27 tasks, 6,511 questions (Suzgun et al. 2022, arXiv 2210.09261; MIT).

Plain text: a task's instruction and three chain-of-thought examples, read from the data folder,
then the question. Headline `accuracy` takes what the answer declares, by the kind of the gold
(`grading/short_answers.py`).
`official` is exact match of what stands behind the first "the answer is" without its final dot
(upstream publishes data and outputs but no scorer; the first is what lm-eval takes). In both every
question counts alike, in `accuracy_task_mean` every task.

Limit: the gold of three rows (movie_recommendation/163, ruin_names/99 and /144) is a title that
upstream split at its commas into several options: no letter is right there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_suites.files import malformed, read_array, read_text
from eval_suites.grading.short_answers import answer_in, is_gold
from eval_suites.grading.status import status_of
from eval_suites.problems.one_turn import ask_text, before, score_answer
from eval_suites.requests import Answer, Decoding
from eval_suites.scores import Score, mean_metrics
from eval_suites.suite import MetricRules, SamplingRules, Suite

TASKS = (
    "boolean_expressions", "causal_judgement", "date_understanding", "disambiguation_qa",
    "dyck_languages", "formal_fallacies", "geometric_shapes", "hyperbaton",
    "logical_deduction_five_objects", "logical_deduction_seven_objects",
    "logical_deduction_three_objects", "movie_recommendation", "multistep_arithmetic_two",
    "navigate", "object_counting", "penguins_in_a_table", "reasoning_about_colored_objects",
    "ruin_names", "salient_translation_error_detection", "snarks", "sports_understanding",
    "temporal_sequences", "tracking_shuffled_objects_five_objects",
    "tracking_shuffled_objects_seven_objects", "tracking_shuffled_objects_three_objects",
    "web_of_lies", "word_sorting",
)  # fmt: skip
#: The line below a warning to those who gather training data, which no model gets.
RULE = "-----\n"
NEXT_QUESTION = "\nQ:"
DECODING = Decoding(max_tokens=1024, stop=(NEXT_QUESTION,))
_OFFICIAL = re.compile(r"the answer is (.*)")


@dataclass(frozen=True, slots=True)
class Sample:
    """A question of a task, its right answer, and the text that goes before it."""

    id: str
    task: str
    question: str
    gold: str
    examples: str


def _samples(folder: Path | None) -> Iterator[Sample]:
    for task in TASKS:
        # A task's instruction and examples stand below a rule of dashes.
        name = f"bbh/cot-prompts/{task}.txt"
        _, rule, examples = read_text(folder, name).partition(RULE)
        if not rule:
            raise malformed(f"{folder}/{name}", "no line of five dashes above the examples")
        rows = read_array(folder, f"bbh/bbh/{task}.json", ("input", "target"), key="examples")
        for number, row in rows:
            own = examples.strip("\n")
            yield Sample(f"{task}/{number}", task, row["input"], row["target"], own)


def _prompt(sample: Sample) -> str:
    return f"{sample.examples}\n\nQ: {sample.question}\nA: Let's think step by step."


def _score(sample: Sample, answer: Answer) -> Score:
    text = before(NEXT_QUESTION, answer.text)
    extracted = answer_in(sample.gold, text)
    value = float(is_gold(sample.gold, extracted))
    declaration = _OFFICIAL.search(text)
    official = declaration[1].strip().removesuffix(".") if declaration else None
    metrics = {"accuracy": value, "official": float(official == sample.gold)}
    metrics[f"{sample.task}/accuracy"] = value
    return Score(value, status_of(answer, extracted), extracted, metrics=metrics)


def _aggregate(scores: Sequence[Score]) -> dict[str, float]:
    """Return the means, and the mean over those tasks that have a score."""
    means = mean_metrics(scores)
    tasks = [value for name, value in means.items() if name.endswith("/accuracy")]
    return {**means, "accuracy_task_mean": sum(tasks) / len(tasks)} if tasks else means


SUITE: Suite[Sample] = Suite(
    name="bbh",
    version="2",
    source="suzgunmirac/BIG-Bench-Hard @ 9ee07bd481feebf959a6b59d61ea57bdcf30964d",
    licence="MIT",
    headline="accuracy",
    load=lambda folder: tuple(_samples(folder)),
    ask=ask_text(_prompt, DECODING),
    score=score_answer(_score),
    sampling=SamplingRules(
        decoding=DECODING, needs=frozenset({"tokens"}), stratum=lambda sample: sample.task
    ),
    metrics=MetricRules(aggregate=_aggregate),
)
