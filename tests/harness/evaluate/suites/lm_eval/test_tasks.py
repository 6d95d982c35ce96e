"""Tasks that cannot be had or are not run here: one or two lines with the remedy, exit code 2."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eval_suites.errors import DataError, UnknownSuiteError
from eval_suites.requests import Answer
from harness.errors import UserError, classify
from harness.evaluate.suites.library import find
from harness.pipeline.lookup import locate
from harness.pipeline.places import Places
from harness.recipe.reading import read_recipe

Write = Callable[..., None]
GENERATION = [{"q": f"What is {k} and 3?", "a": str(k + 3)} for k in range(4)]
EXACT = [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]
PLAIN = {
    "output_type": "generate_until",
    "doc_to_text": "{{q}}",
    "doc_to_target": "{{a}}",
    "generation_kwargs": {"until": ["\n"]},
    "metric_list": EXACT,
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"unsafe_code": True}, "runs what the model wrote"),
        ({"repeats": 3}, "3 answers a question"),
        ({"generation_kwargs": {"until": [], "top_k": 5}}, "top_k"),
        ({"metric_list": [{"metric": "bleu"}]}, "over all answers together"),
        ({"doc_to_text": "{{q"}, "lm-eval cannot make it"),
        ({"metric_list": [{"metric": "exact_match", "aggregation": "middle"}]}, "know the aggreg"),
        ({"output_type": "loglikelihood", "doc_to_target": ""}, "scored is empty"),
    ],
)
def test_a_task_that_is_not_run_here_says_why(
    folder: Path, write_task: Write, changed: dict[str, object], said: str
) -> None:
    write_task(folder, "odd", GENERATION, **{**PLAIN, **changed})

    with pytest.raises((UserError, DataError), match=said) as caught:
        find("lm_eval:odd", folder)

    assert str(caught.value).startswith("lm_eval:odd")
    known = classify(caught.value)
    assert known is not None
    assert known.exit_code == 2


def test_a_group_names_its_tasks(folder: Path) -> None:
    (folder / "group.yaml").write_text("group: both\ntask: [sums, animals]\n")

    with pytest.raises(UserError, match=r"group of tasks.*lm_eval:sums, lm_eval:animals"):
        find("lm_eval:both", folder)


def test_a_file_that_lm_eval_would_leave_out_is_named(folder: Path) -> None:
    (folder / "broken.yaml").write_text("task: [half\n")

    with pytest.raises(DataError, match=r"broken\.yaml"):
        find("lm_eval:half", folder)


def test_a_missing_folder_and_an_odd_name_are_told(folder: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        find("lm_eval:sums", folder / "nowhere")
    with pytest.raises(UserError, match="rename it"):
        find("lm_eval:../sums", folder)


@pytest.mark.slow  # reads the thousands of files of lm-eval's own tasks
def test_an_unknown_task_gets_the_nearest_names(folder: Path) -> None:
    with pytest.raises(UnknownSuiteError, match="did you mean animals"):
        find("lm_eval:animales", folder)


def test_without_lm_eval_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval.tasks", None)

    with pytest.raises(UserError, match=r"nca-harness\[lm-eval\]"):
        find("lm_eval:sums", folder)


def test_data_that_cannot_be_reached_end_with_code_2_and_the_remedy(
    folder: Path,
    write_task: Write,
    tiny_model: Path,
    nca: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder.parent)
    missing = {"test": str(folder / "nowhere.jsonl")}
    write_task(folder, "gone", GENERATION, **{**PLAIN, "dataset_kwargs": {"data_files": missing}})
    arguments = ("--suites", "lm_eval:gone", "--lm-eval-tasks", folder, "--engine", "fake")

    assert nca("eval", tiny_model, *arguments) == 2

    error = capsys.readouterr().err
    assert "nowhere.jsonl" in error
    assert "HF_HUB_OFFLINE=1" in error
    assert "Traceback" not in error


def test_a_row_that_the_tasks_own_code_cannot_judge_is_ungraded(
    folder: Path, write_task: Write
) -> None:
    (folder / "judging.py").write_text("def judge(doc, results):\n    return {'hit': 1 / 0}\n")
    write_task(
        folder, "own", GENERATION, **{**PLAIN, "metric_list": [{**EXACT[0], "metric": "hit"}]}
    )
    with (folder / "own.yaml").open("a") as file:
        file.write("process_results: !function judging.judge\n")
    suite = find("lm_eval:own", folder)

    score = suite.score(suite.load(None)[0], (Answer("3"),), (), ())

    assert (score.value, score.status) == (None, "ungraded")
    assert "division by zero" in score.reason


def test_a_temperature_of_the_users_leaves_what_is_scored_alone(folder: Path) -> None:
    for name, same in (("animals", True), ("sums", False)):
        suite = find(f"lm_eval:{name}", folder)
        sample = suite.load(None)[0]
        assert (
            suite.with_decoding(temperature=0.8).ask(sample, ()) == suite.ask(sample, ())
        ) == same


def test_the_version_follows_rows_and_rules_and_not_the_place(
    folder: Path, write_task: Write, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    versions = []
    for place, rows, changes in (
        (folder, GENERATION, {}),
        (other, GENERATION, {}),
        (other, [*GENERATION[:3], {"q": "What is 3 and 3?", "a": "7"}], {}),
        (other, GENERATION, {"filter_list": None, "generation_kwargs": {"until": ["\n", "x"]}}),
    ):
        write_task(place, "plain", rows, **{**PLAIN, **changes})
        versions.append(find("lm_eval:plain", place).version)

    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


def test_a_recipes_folder_of_tasks_lies_beside_it(folder: Path, tiny_model: Path) -> None:
    file = folder.parent / "recipe.yaml"
    text = "name: small\nbase: {}\nevaluate: {{suites: [lm_eval:sums], lm_eval_tasks: {}}}\n"
    near = Places(folder.parent, folder.parent, near=(folder.parent,))

    file.write_text(text.format(tiny_model, folder.name))
    assert locate(read_recipe(file), near).evaluate.lm_eval_tasks == folder
    file.write_text(text.format(tiny_model, "nowhere"))
    with pytest.raises(UserError, match=r"nowhere.*evaluate\.lm_eval_tasks"):
        locate(read_recipe(file), near)


def test_the_command_evaluates_a_folder_of_tasks(
    folder: Path,
    tiny_model: Path,
    nca: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder.parent)
    suites = ("--suites", "lm_eval:sums,lm_eval:animals", "--lm-eval-tasks", folder.name)

    assert nca("eval", tiny_model, *suites, "--engine", "fake", "--tracking", "none") == 0

    printed = capsys.readouterr().out
    assert "exact_match:first-byte, %" in printed
    assert "acc_norm" in printed
    assert nca("eval", tiny_model, *suites, "--engine", "openai", "--base-url", "http://x/v1") == 2
    assert "needs tokens, which engine openai lacks" in capsys.readouterr().err
