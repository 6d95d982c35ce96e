"""The promise: a task scores here as in lm-eval's own evaluator with its own model class."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.engines.options import EngineChoice
from harness.evaluate.client.cached_client import Tally
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.progress.events import silent
from harness.storage.run_folder import RunFolder

TASKS = ("sums", "animals", "texts", "ends")
#: Tokens that both take at once; the longer text is scored in parts.
MOST = 100


def theirs(model: Path, folder: Path) -> dict[str, Any]:
    """What lm-eval's evaluator finds, with its class for transformers."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    lm = HFLM(pretrained=str(model), device="cpu", dtype="float32", max_length=MOST - 1)
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    return simple_evaluate(lm, tasks=list(TASKS), task_manager=manager, bootstrap_iters=0)


def evaluate(
    model: Path, folder: Path, out: Path, tasks: tuple[str, ...] = TASKS, most: int = MOST
) -> Tally:
    """Our evaluation of the tasks, with the same tokens at once."""
    return run(
        EvalJob(
            models={"m": str(model)},
            fingerprints={"m": "m"},
            suites={f"lm_eval:{task}": None for task in tasks},
            engine=EngineChoice(name="transformers", max_model_len=most + 1),
            lm_eval_tasks=folder,
            run=out / "run",
            journal=out / "journal.sqlite",
        ),
        silent,
    )


def logged(out: Path, task: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Summary and sample log of a task."""
    run_folder = RunFolder(out / "run")
    log = run_folder.sample_log("m", f"lm_eval:{task}").read_text(encoding="utf-8")
    summary = run_folder.summary("m", f"lm_eval:{task}").read_text(encoding="utf-8")
    return json.loads(summary), [json.loads(line) for line in log.split("\n")[:-1]]


@pytest.mark.filterwarnings("ignore")  # lm-eval's own
def test_scores_are_those_of_lm_evals_own_evaluator(
    lively_model: Path, folder: Path, tmp_path: Path
) -> None:
    their = theirs(lively_model, folder)
    evaluate(lively_model, folder, tmp_path)

    for task in TASKS:
        summary, lines = logged(tmp_path, task)
        results = their["results"][task]
        kinds = {key.partition(",")[2] for key in results} - {""}
        for key, value in results.items():
            metric, _, kind = key.partition(",")
            if not kind or metric.endswith("_stderr"):
                continue
            ours = summary["metrics"][f"{metric}:{kind}" if len(kinds) > 1 else metric]
            assert ours == pytest.approx(value, rel=1e-5), (task, key)
        for sample in their["samples"][task]:
            answers = lines[sample["doc_id"]]["turns"][0]["answers"]
            for answer, (given,) in zip(answers, sample["resps"], strict=True):
                _same(answer, given)
    assert logged(tmp_path, "texts")[0]["headline"] == "logprob_per_byte"


def _same(answer: dict[str, Any], given: Any) -> None:
    if isinstance(given, str):
        assert answer["text"] == given
        return
    logprob, greedy = given if isinstance(given, tuple | list) else (given, None)
    assert answer["likelihood"]["logprob"] == pytest.approx(logprob, rel=1e-5)
    assert greedy is None or answer["likelihood"]["greedy"] == greedy


def test_a_second_run_asks_nothing_and_says_the_same(
    lively_model: Path, folder: Path, tmp_path: Path
) -> None:
    first = evaluate(lively_model, folder, tmp_path)
    before = [logged(tmp_path, task) for task in TASKS]
    second = evaluate(lively_model, folder, tmp_path)

    assert (first.asked, first.reused) == (4 + 9 + 2 + 2, 0)
    assert (second.asked, second.reused) == (0, first.asked)
    assert [logged(tmp_path, task) for task in TASKS] == before


def test_a_long_text_is_scored_again_where_its_parts_are_others(
    lively_model: Path, folder: Path, tmp_path: Path
) -> None:
    evaluate(lively_model, folder, tmp_path, ("texts",))
    (_, (short, long)) = logged(tmp_path, "texts")
    again = evaluate(lively_model, folder, tmp_path, ("texts",), most=600)

    assert (again.asked, again.reused) == (1, 1)
    (_, (same, other)) = logged(tmp_path, "texts")
    assert same == short
    assert other["value"] != long["value"]


def test_a_choice_without_room_counts_against_the_model_and_is_not_kept(
    lively_model: Path, folder: Path, tmp_path: Path
) -> None:
    evaluate(lively_model, folder, tmp_path, ("animals",), most=len("The cat says woof woof") - 1)
    summary, lines = logged(tmp_path, "animals")

    assert {line["status"] for line in lines} == {"overflow"}
    assert {line["value"] for line in lines} == {0.0}
    assert summary["metrics"] == {"acc": 0.0}
    evaluate(lively_model, folder, tmp_path, ("animals",))
    assert logged(tmp_path, "animals")[0]["statuses"] == {"ok": 3}
