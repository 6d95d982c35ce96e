"""The demo's suite, its generator, and the verifier that grades training responses."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_suites.grading.numbers import same_number
from eval_suites.grading.quantities import last_quantity
from eval_suites.registry import find
from eval_suites.suites.arithmetic import Problem, problems, prompt
from scripts.arithmetic_responses import responses, reward

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "recipes" / "data"
SUITE = find("arithmetic")
SEEDS = st.integers(0, 2**32)


def numbers(problem: Problem) -> tuple[str, tuple[int, ...]]:
    words = problem.question.replace(".", " ").split()
    return problem.template, tuple(int(word) for word in words if word.isdigit())


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_gold_is_what_the_steps_give_on_the_questions_numbers(seed: int) -> None:
    for problem in problems("test", 40, seed):
        results: set[int] = set()
        for step in problem.steps:
            assert {step.left, step.right} <= set(numbers(problem)[1]) | results
            assert eval(step.as_text().replace("=", "==").replace("/", "//"))
            assert step.sign != "/" or step.left % step.right == 0
            results.add(step.result)
        assert problem.answer == problem.steps[-1].result > 0


@settings(deadline=None, max_examples=20)
@given(SEEDS, SEEDS, SEEDS)
def test_no_split_shares_a_problem_or_its_numbers_whatever_the_seeds(
    a: int, b: int, c: int
) -> None:
    drawn = [problems("train", 100, a), problems("probe", 100, b), problems("test", 100, c)]
    train, probe, test = ({numbers(problem) for problem in some} for some in drawn)
    assert not train & probe
    assert not (train | probe) & test
    assert {problem.template for problem in drawn[0]} < {problem.template for problem in drawn[2]}


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_problems_are_repeatable_different_and_numbered(seed: int) -> None:
    some = problems("train", 60, seed)
    assert some == problems("train", 60, seed)
    assert some[:7] == problems("train", 7, seed)
    assert len({problem.question for problem in some}) == 60
    assert [problem.id for problem in some] == [str(row) for row in range(60)]


@pytest.mark.parametrize(("split", "n"), [("dev", 3), ("train", -1), ("test", 1001)])
def test_an_impossible_set_is_refused(split: str, n: int) -> None:
    with pytest.raises(ValueError, match="train, probe or test"):
        problems(split, n, 0)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_the_verifier_ranks_clear_over_rambling_over_a_slip_over_wrong(seed: int) -> None:
    for problem in problems("train", 12, seed):
        texts = responses(problem, seed)
        assert texts == responses(problem, seed)
        ranked = sorted(texts, key=lambda text: -reward(problem, text))
        rewards = [reward(problem, text) for text in ranked]
        assert len(set(rewards)) == 4
        gold = str(problem.answer)
        assert len(ranked[0]) < len(ranked[1])
        assert [same_number(last_quantity(text), gold) for text in ranked[:2]] == [True, True]
        assert abs(int(last_quantity(ranked[2]) or 0) - problem.answer) == 1
        assert not same_number(last_quantity(ranked[3]), gold)
        assert rewards[1] > 0.5 > rewards[2]


def test_the_verifier_reads_the_text_alone() -> None:
    (problem,) = problems("train", 1, 0)
    (step,) = problem.steps
    best = f"{step.as_text()}. The answer is {problem.answer}."
    swapped = f"{step.right}+{step.left}={step.result}. The answer is {problem.answer}."
    assert step.sign == "+"
    assert reward(problem, swapped) >= reward(problem, best)
    assert reward(problem, f"It is {problem.answer}.") < reward(problem, best)
    assert reward(problem, "") == reward(problem, "No idea.") == 0.0


def test_the_best_response_stands_at_every_place() -> None:
    places = [0, 0, 0, 0]
    for problem in problems("train", 200, 1):
        rewards = [reward(problem, text) for text in responses(problem, 0)]
        places[rewards.index(max(rewards))] += 1
    assert min(places) > 30


@pytest.fixture
def make_demo_data(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("make_demo_data")


def test_the_demos_files_are_made_again_byte_for_byte(make_demo_data: ModuleType) -> None:
    for name, split, count in make_demo_data.SETS:
        assert (DATA / name).read_bytes() == make_demo_data.lines(split, count).encode()


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("arithmetic-train.jsonl", 96),
        ("arithmetic-probe.jsonl", 32),
        ("own-samples-train.jsonl", 64),
        ("own-samples-probe.jsonl", 32),
    ],
)
def test_training_data_is_graded_by_the_verifier_and_holds_no_test_prompt(
    name: str, rows: int
) -> None:
    read = [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]
    assert len(read) == rows
    tests = {prompt(problem) for problem in SUITE.load(None)}
    seeds, split = (0, 7), "train" if "train" in name else "probe"
    by_prompt = {prompt(p): p for seed in seeds for p in problems(split, 1000, seed)}
    for row in read:
        (message,) = row["messages"]
        assert message["role"] == "user"
        assert message["content"] not in tests
        problem = by_prompt[message["content"]]
        assert len(set(row["responses"])) == len(set(row["rewards"])) == 4
        assert row["rewards"] == [reward(problem, text) for text in row["responses"]]
        assert max(row["rewards"]) > 0.5 > min(row["rewards"])
    assert len({row["messages"][0]["content"] for row in read}) == rows
