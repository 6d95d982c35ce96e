"""BIG-Bench Hard: what is asked, and what verdict an answer gets."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_suites.grading.declarations import declared_text
from eval_suites.grading.short_answers import answer_in, kind_of
from eval_suites.registry import find
from eval_suites.suites.bbh import TASKS, Sample

SUITE = find("bbh")
#: Their gold is a title that upstream split at its commas into several options.
TITLES = {"movie_recommendation/163", "ruin_names/99", "ruin_names/144"}
SIZES = {"causal_judgement": 187, "penguins_in_a_table": 146, "snarks": 178}


@pytest.fixture(scope="module")
def samples(data_dir: Path) -> Sequence[Sample]:
    return tuple(SUITE.load(data_dir))


def test_all_questions_of_all_tasks_are_there(samples: Sequence[Sample]) -> None:
    assert len(samples) == 6511
    for task in TASKS:
        ids = [sample.id for sample in samples if sample.task == task]
        assert ids == [f"{task}/{row}" for row in range(SIZES.get(task, 250))]


def test_only_split_titles_have_a_gold_that_is_no_option(samples: Sequence[Sample]) -> None:
    odd = {
        sample.id
        for sample in samples
        if "\nOptions:\n(A)" in sample.question and kind_of(sample.gold) is not kind_of("(A)")
    }
    assert odd == TITLES


@pytest.mark.parametrize("task", TASKS)
def test_three_examples_stand_before_each_question_and_declare_answers(
    task: str, samples: Sequence[Sample]
) -> None:
    of_task = [sample for sample in samples if sample.task == task]
    instruction, *examples = of_task[0].examples.split("\n\nQ: ")
    assert "canary" not in of_task[0].examples
    assert instruction.strip()
    assert len(examples) == 3
    form = next(sample.gold for sample in of_task if sample.id not in TITLES)
    for example in examples:
        _, answered, reasons = example.partition("\nA: Let's think step by step.")
        assert answered
        declaration = declared_text(reasons)
        assert declaration is not None
        assert example.endswith(f"So the answer is {declaration}.")
        assert answer_in(form, reasons) is not None
