"""BIG-Bench Hard: what is asked, and what verdict an answer gets."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.declared import declared, read_as
from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, FinishReason
from eval_suites.scores import Score
from eval_suites.suites.bbh import TASKS, Sample

SUITE = find("bbh")
#: Their gold is a title that upstream split at its commas into several options.
TITLES = {"movie_recommendation/163", "ruin_names/99", "ruin_names/144"}
SIZES = {"causal_judgement": 187, "penguins_in_a_table": 146, "snarks": 178}


def sample(gold: str, task: str = "snarks") -> Sample:
    return Sample(
        f"{task}/0", task, "Which is larger?\nOptions:\n(A) 1\n(B) 2", gold, "Do.\n\nQ: x"
    )


def score(gold: str, text: str, finish: FinishReason = "stop") -> Score:
    return score_sample(SUITE, sample(gold), (Answer(text, finish),))


def test_golden_prompt() -> None:
    (request,) = SUITE.ask(sample("(B)"), ())
    assert request.messages == ()
    assert request.text == (
        "Do.\n\nQ: x\n\nQ: Which is larger?\nOptions:\n(A) 1\n(B) 2\nA: Let's think step by step."
    )
    assert request.decoding == Decoding(max_tokens=1024, stop=("\nQ:",))
    assert SUITE.sampling.needs == {"tokens"}


# gold, text, how it ended, extracted, accuracy, official, status
VERDICTS: list[tuple[str, str, FinishReason, str | None, float, float, str]] = [
    ("(B)", "2 is larger. So the answer is (B).", "stop", "B", 1, 1, "ok"),
    ("(B)", "So the answer is (B)", "stop", "B", 1, 1, "ok"),
    ("(B)", "So the answer is B.", "stop", "B", 1, 0, "ok"),
    ("(B)", "The answer is: **(B)**.", "stop", "B", 1, 0, "ok"),
    ("(B)", "The Answer is option (B) 2.", "stop", "B", 1, 0, "ok"),
    ("(B)", "The answer is\n\n(B) because 2 > 1", "stop", "B", 1, 0, "ok"),
    ("(B)", "So the answer is (A).", "stop", "A", 0, 0, "ok"),
    ("(B)", "So the answer is (A) or (B).", "stop", None, 0, 0, "unparsed"),
    ("(B)", "So the answer is not (A), it is (B).", "stop", None, 0, 0, "unparsed"),
    ("(B)", "So the answer is 2.", "stop", None, 0, 0, "unparsed"),
    ("(B)", "So the answer is a guess.", "stop", None, 0, 0, "unparsed"),
    ("(B)", "(A) is 1 and (B) is 2.", "stop", None, 0, 0, "unparsed"),
    ("(B)", "So the answer is (A). No: the answer is (B).", "stop", "B", 1, 0, "ok"),
    ("(B)", "The answer is (B). No: the answer is (A).", "stop", "A", 0, 0, "ok"),
    ("(B)", "the answer is (B).\nOr so the answer is", "length", "B", 1, 1, "truncated"),
    ("(B)", "(A) is 1, so the", "length", None, 0, 0, "truncated"),
    ("(B)", "I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("(B)", "```\nthe answer is (A)\n```\n```\nthe answer is `(B)`\n```", "stop", "B", 1, 0, "ok"),
    ("(B)", "", "stop", None, 0, 0, "empty"),
    ("No", "So the answer is No.", "stop", "no", 1, 1, "ok"),
    ("no", "So the answer is No.", "stop", "no", 1, 0, "ok"),
    ("No", "So the answer is no. They never met.", "stop", "no", 1, 0, "ok"),
    ("No", "So the answer is Not known.", "stop", "not known", 0, 0, "ok"),
    ("No", "The answer isn't No.", "stop", None, 0, 0, "unparsed"),
    ("True", "So the answer is TRUE.", "stop", "true", 1, 0, "ok"),
    ("valid", "So the answer is invalid.", "stop", "invalid", 0, 0, "ok"),
    ("invalid", "So the answer is Invalid.", "stop", "invalid", 1, 0, "ok"),
    ("-35", "So the answer is -35.", "stop", "-35", 1, 1, "ok"),
    ("-35", "So the answer is \u221235.", "stop", "-35", 1, 0, "ok"),
    ("-35", "So the answer is 35.", "stop", "35", 0, 0, "ok"),
    ("3929", "So the answer is 3,929.", "stop", "3929", 1, 0, "ok"),
    ("24", "So the answer is 24.0.", "stop", "24.0", 1, 0, "ok"),
    ("24", "So the answer is 20 + 4.", "stop", None, 0, 0, "unparsed"),
    ("] } ]", "So the answer is ] } ].", "stop", "]}]", 1, 1, "ok"),
    ("] } ]", "So the answer is ]}]", "stop", "]}]", 1, 0, "ok"),
    ("] } ]", "So the answer is ] ] }.", "stop", "]]}", 0, 0, "ok"),
    ("ant bee cow", "So the answer is ant  bee\tcow.", "stop", "ant bee cow", 1, 0, "ok"),
    ("ant bee cow", "So the answer is ant bee cow dog.", "stop", "ant bee cow dog", 0, 0, "ok"),
    ("ant bee cow", "So the answer is ant cow bee.", "stop", "ant cow bee", 0, 0, "ok"),
]


@pytest.mark.parametrize(
    ("gold", "text", "finish", "extracted", "accuracy", "official", "status"), VERDICTS
)
def test_verdicts(
    gold: str,
    text: str,
    finish: FinishReason,
    extracted: str | None,
    accuracy: float,
    official: float,
    status: str,
) -> None:
    given = score(gold, text, finish)
    assert (given.extracted, given.value, given.status) == (extracted, accuracy, status)
    assert given.metrics == {
        "accuracy": accuracy,
        "official": official,
        "snarks/accuracy": accuracy,
    }


@pytest.mark.parametrize("gap", ["\n\n", "\n"])
def test_what_a_model_makes_up_after_its_answer_does_not_count(gap: str) -> None:
    text = f"2 > 1. So the answer is (B).{gap}Q: Which is smaller?\nA: So the answer is (A)."
    assert score("(B)", text).metrics == {"accuracy": 1, "official": 1, "snarks/accuracy": 1}


def test_tasks_weigh_alike_in_the_mean_over_tasks() -> None:
    right, wrong = Answer("the answer is No."), Answer("the answer is Yes.")
    tasks = [("navigate", right), ("navigate", wrong), ("navigate", wrong), ("web_of_lies", right)]
    scores = [score_sample(SUITE, sample("No", task), (answer,)) for task, answer in tasks]
    lost = score_sample(SUITE, sample("No"), (Answer("", "filtered"),))
    assert SUITE.metrics.aggregate([*scores, lost]) == {
        "accuracy": 2 / 4,
        "accuracy_task_mean": (1 / 3 + 1) / 2,
        "navigate/accuracy": 1 / 3,
        "official": 2 / 4,
        "web_of_lies/accuracy": 1.0,
    }
    assert SUITE.metrics.aggregate([lost]) == {}


def fill(folder: Path, rows: object, prompt: str = "canary\n-----\nDo.\n\nQ: x\n") -> None:
    for task in TASKS:
        for name, text in (
            (f"bbh/{task}.json", json.dumps(rows)),
            (f"cot-prompts/{task}.txt", prompt),
        ):
            path = folder / "bbh" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def test_samples_carry_task_and_row_in_their_id(tmp_path: Path) -> None:
    fill(tmp_path, {"examples": [{"input": "a", "target": "b"}, {"input": "c", "target": "d"}]})
    samples = SUITE.load(tmp_path)
    assert len(samples) == 54
    assert samples[1] == Sample(
        "boolean_expressions/1", "boolean_expressions", "c", "d", "Do.\n\nQ: x"
    )
    assert [SUITE.sampling.stratum(one) for one in samples[::2]] == list(TASKS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"examples": [{"input": "q", "target": "a"}, {"input": "q"}]}, "row 1: 'target'"),
        ({"examples": [{"input": 3, "target": "a"}]}, "row 0: 'input'"),
        ({"examples": ["q"]}, "row 0: no JSON object"),
        ({"rows": []}, "no array under 'examples'"),
        ([], "no array under 'examples'"),
    ],
)
def test_a_malformed_file_is_named(rows: object, message: str, tmp_path: Path) -> None:
    fill(tmp_path, rows)
    with pytest.raises(DataError, match=rf"boolean_expressions\.json.*{message}.*nca data fetch"):
        SUITE.load(tmp_path)


def test_a_missing_file_and_a_prompt_without_its_rule_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"boolean_expressions\.txt.*nca data fetch"):
        SUITE.load(tmp_path)
    fill(tmp_path, {"examples": []}, prompt="Do.\n\nQ: x\n")
    with pytest.raises(DataError, match=r"boolean_expressions\.txt.*five dashes"):
        SUITE.load(tmp_path)


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
