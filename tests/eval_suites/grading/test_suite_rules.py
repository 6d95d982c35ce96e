"""From scores to metrics: samples weigh alike, whatever became of their repeats."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.grading.suite_rules import metrics_of
from eval_suites.problems.programs import over_repeats
from eval_suites.registry import find
from eval_suites.scores import Score
from eval_suites.suite import MetricRules

ARITHMETIC = find("arithmetic")
LOST = Score(None, "infra", reason="gone")


def accuracy_of(value: float, **metrics: float) -> Score:
    return Score(value, metrics={"accuracy": value, **metrics})


def test_each_sample_weighs_alike_however_many_repeats_it_has() -> None:
    scored = [
        ("a", accuracy_of(1.0)),
        ("b", accuracy_of(0.0)),
        ("b", accuracy_of(0.0)),
        ("b", accuracy_of(1.0)),
    ]
    assert metrics_of(ARITHMETIC, scored) == {"accuracy": pytest.approx((1 + 1 / 3) / 2)}


def test_a_repeat_that_we_lost_is_no_answer_and_a_sample_that_we_lost_no_sample() -> None:
    scored = [
        ("a", accuracy_of(1.0)),
        ("a", LOST),
        ("b", accuracy_of(0.0)),
        ("b", accuracy_of(1.0)),
        ("c", LOST),
    ]
    assert metrics_of(ARITHMETIC, scored) == {"accuracy": (1 + 1 / 2) / 2}
    assert metrics_of(ARITHMETIC, [("c", LOST)]) == {}
    assert metrics_of(ARITHMETIC, []) == {}


def test_subsets_and_the_mean_over_tasks_weigh_samples_alike_too() -> None:
    def of(task: str, value: float) -> Score:
        return accuracy_of(value, **{f"{task}/accuracy": value})

    scored = [("n/0", of("n", 1.0)), ("n/1", of("n", 0.0)), ("n/1", of("n", 0.0))]
    scored += [("w/0", of("w", 1.0)), ("w/0", of("w", 0.0))]
    assert metrics_of(find("bbh"), scored) == {
        "accuracy": (1 + 0 + 1 / 2) / 3,
        "n/accuracy": 1 / 2,
        "w/accuracy": 1 / 2,
        "accuracy_task_mean": 1 / 2,
    }


def test_pass_at_k_stands_beside_from_the_repeats_themselves() -> None:
    suite = replace(ARITHMETIC, metrics=MetricRules(over_repeats=over_repeats))
    right, wrong = (Score(v, metrics={"pass_at_1": v}) for v in (1.0, 0.0))
    scored = [("a", right), ("a", wrong), ("a", wrong), ("b", right), ("b", wrong)]
    # a: 1 - C(2,2) / C(3,2); b: 1.
    assert metrics_of(suite, scored) == {
        "pass_at_1": pytest.approx((1 / 3 + 1 / 2) / 2),
        "pass_at_2": pytest.approx((2 / 3 + 1) / 2),
    }


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.0, 0.5, 1.0])), min_size=1))
def test_the_order_of_answers_does_not_matter(answers: list[tuple[str, float]]) -> None:
    scored = [(name, accuracy_of(value)) for name, value in answers]
    means = [
        sum(values) / len(values)
        for name in {name for name, _ in answers}
        if (values := [value for sample_id, value in answers if sample_id == name])
    ]
    for order in (scored, scored[::-1]):
        assert metrics_of(ARITHMETIC, order) == {"accuracy": pytest.approx(sum(means) / len(means))}
