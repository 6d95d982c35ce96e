"""BIG-Bench Hard: what is asked, and what verdict an answer gets."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_suites.grading.declared import declared, read_as
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
        ids = [one.id for one in samples if one.task == task]
        assert ids == [f"{task}/{row}" for row in range(SIZES.get(task, 250))]


def test_only_split_titles_have_a_gold_that_is_no_option(samples: Sequence[Sample]) -> None:
    odd = {
        one.id
        for one in samples
        if "\nOptions:\n(A)" in one.question and read_as("(A)", one.gold) is None
    }
    assert odd == TITLES


@pytest.mark.parametrize("task", TASKS)
def test_three_examples_stand_before_each_question_and_declare_answers(
    task: str, samples: Sequence[Sample]
) -> None:
    of_task = [one for one in samples if one.task == task]
    instruction, *examples = of_task[0].examples.split("\n\nQ: ")
    assert "canary" not in of_task[0].examples
    assert instruction.strip()
    assert len(examples) == 3
    form = next(one.gold for one in of_task if one.id not in TITLES)
    for example in examples:
        _, answered, reasons = example.partition("\nA: Let's think step by step.")
        assert answered
        said = declared(reasons)
        assert said is not None
        assert example.endswith(f"So the answer is {said}.")
        assert read_as(form, said) is not None
