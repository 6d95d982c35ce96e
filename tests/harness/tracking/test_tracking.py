"""The sink: what reaches a real store, twice, at once, over HTTP, and when there is none."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.machine import sync_run
from harness.errors import RunError
from harness.storage.atomic_files import write_json
from harness.storage.hashing import file_digest
from harness.storage.result import read_result
from harness.tracking.lineage import parts
from harness.tracking.records import metric_name
from harness.tracking.store import tracked_results
from tests.harness.tracking.stores import client, models, runs, stored

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).parents[1] / "golden"
# MLflow 3.17 itself uses what SQLAlchemy 2.1 and others have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@settings(deadline=None)  # the first example imports MLflow
@given(st.text(max_size=300))
def test_every_metric_name_is_refused_by_us_or_accepted_by_mlflow(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    try:
        safe = metric_name(name)
    except ValueError:
        return
    _validate_metric_name(safe)
    assert metric_name(safe) == safe


def test_metric_names_that_people_know_stay_readable() -> None:
    assert metric_name("humaneval/pass@1") == "humaneval/pass_at_1"
    assert metric_name("gsm8k:cot8/accuracy") == "gsm8k:cot8/accuracy"
    with pytest.raises(ValueError, match="1 to 250"):
        metric_name("/")


def test_no_value_that_a_store_would_change_is_sent(run: Path) -> None:
    result = read_result(run)
    steps = run / "train" / "nca" / "steps.jsonl"
    steps.parent.mkdir()
    odd = {"split": "train", "step": 1, "loss": float("inf"), "nan": float("nan"), "none": None}
    steps.write_text(json.dumps(odd | {"fine": 1, "flag": True}) + "\n", encoding="utf-8")
    child = next(part for part in parts(run, result, ()) if part.part == "train:nca")
    assert [p.name for p in child.points if p.name.startswith("train/")] == ["train/fine"]


def test_a_second_sync_adds_nothing_and_a_change_adds_itself(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/store.db"
    for left in (".store.db.new", ".store.db.new-journal"):
        (tmp_path / left).write_bytes(b"left by a process that was killed while it built the store")
    first = sync_run(run, uri, "golden")
    assert first.failed == ""
    assert (first.runs, first.models, first.sent) == (8, 4, first.points)
    before = stored(uri, "golden")
    assert before["train dpo"]["train/loss"][0] == (1, 0.69)
    assert len(before["train dpo"]["train/loss"]) == 12
    assert before["eval dpo"]["eval/arithmetic"] == [(0, 0.21)]
    assert before["eval dpo"].keys() >= {"eval/arithmetic.low", "arithmetic/delta", "arithmetic/n"}
    assert before["train dpo"]["probe/logps_2"] == [(0, -2.0)]

    again = sync_run(run, uri, "golden")
    assert replace(again, sent=first.sent) == first
    assert again.sent == 0
    assert stored(uri, "golden") == before

    file = run / "result.json"
    changed = json.loads(file.read_text(encoding="utf-8"))
    changed["checkpoints"][1]["suites"]["arithmetic"]["metrics"]["accuracy"] = 0.5
    file.write_text(json.dumps(changed), encoding="utf-8")
    assert (sync_run(run, uri, "golden").failed, sync_run(run, uri, "golden").sent) == ("", 0)
    store = client(uri)
    runs = store.search_runs([first.experiment_id])
    by_name = {run.info.run_name: run for run in runs}
    assert by_name["eval dpo"].data.metrics["arithmetic/accuracy"] == 0.5

    parent = by_name["golden-00c0ffee"]
    children = [by_name[f"{kind} dpo"] for kind in ("train", "eval")]
    assert {c.data.tags["mlflow.parentRunId"] for c in children} == {parent.info.run_id}
    assert by_name["train dpo"].data.params["lora.rank"] == "8"
    assert {run.info.status for run in runs} == {"FINISHED"}
    kept = {file.path for file in store.list_artifacts(parent.info.run_id)}
    assert kept == {"result.json", "tables", "arithmetic.json"}
    assert parent.data.tags["mlflow.note.content"] == "**a table**\n"
    assert not (tmp_path / "mlruns").exists()
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


def test_checkpoints_are_models_that_lead_to_training_data_and_scores(
    run: Path, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path}/store.db"
    assert sync_run(run, uri, "golden").failed == ""
    best = [{"field_name": "metrics.eval/arithmetic", "ascending": False}]
    ranked = models(uri, "golden", filter_string="metrics.`eval/arithmetic` > 0.1", order_by=best)
    by_run = runs(uri, "golden")
    values = {
        c.name: c.suites["arithmetic"].metrics["accuracy"] for c in read_result(run).checkpoints
    }

    assert [m.name for m in ranked] == sorted(
        (name for name in values if values[name] > 0.1), key=lambda name: -values[name]
    )
    (dpo,) = (model for model in ranked if model.name == "dpo")
    training, evaluation = by_run["train dpo"], by_run["eval dpo"]
    assert dpo.source_run_id == training.info.run_id
    assert dpo.params["lora.rank"] == "8"
    assert dpo.tags["nca.fingerprint"] == "fingerprint-of-dpo"
    assert str(dpo.status) == "READY"
    assert [(m.model_id, m.step) for m in training.outputs.model_outputs] == [(dpo.model_id, 12)]
    assert [m.model_id for m in evaluation.inputs.model_inputs] == [dpo.model_id]
    assert {(d.dataset.name, d.dataset.digest) for d in training.inputs.dataset_inputs} == {
        ("train.jsonl", "da7a" * 4),
        ("probe.jsonl", "9306" * 4),
    }
    (base,) = (m for m in models(uri, "golden") if m.name == "base")
    assert base.source_run_id is None
    assert "train base" not in by_run


def test_scores_are_linked_to_the_digest_of_their_prompts(run: Path, tmp_path: Path) -> None:
    uri, file = f"sqlite:///{tmp_path}/store.db", run / "result.json"
    changed = json.loads(file.read_text(encoding="utf-8"))
    for checkpoint in changed["checkpoints"]:
        checkpoint["suites"]["arithmetic"]["protocol"] = {"prompts": "72a3378c11ef2a8e"}
    write_json(file, changed)
    assert sync_run(run, uri, "golden").failed == ""
    (metric,) = (
        metric
        for model in models(uri, "golden")
        for metric in model.metrics
        if (model.name, metric.key) == ("dpo", "eval/arithmetic")
    )
    assert (metric.dataset_name, metric.dataset_digest) == ("arithmetic", "72a3378c11ef2a8e")


def test_a_run_says_by_what_it_was_made(run: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/store.db"
    sync_run(run, uri, "golden")
    by_run = runs(uri, "golden")
    tags = by_run["train dpo"].data.tags
    assert tags["mlflow.source.git.commit"] == tags["nca.commit"] == "c0ffee" * 6 + "c0ff"
    assert (tags["nca.changed"], tags["nca.cores"]) == ("no", "2")
    assert "nca.commit" not in by_run["train nca"].data.tags  # nothing is said of it


def test_how_a_recipe_evaluates_is_told_anew_when_it_changed(run: Path, tmp_path: Path) -> None:
    uri, file = f"sqlite:///{tmp_path}/store.db", run / "recipe.resolved.yaml"
    for limit in ("64", "{gsm8k: 8}"):
        text = f"name: golden\nevaluate: {{suites: [arithmetic], limit: {limit}}}\n"
        file.write_text(text, encoding="utf-8")
        assert sync_run(run, uri, "golden").failed == ""
    tags = runs(uri, "golden")["golden-00c0ffee"].data.tags
    assert tags["nca.evaluate.suites"] == "['arithmetic']"
    assert tags["nca.evaluate.limit.gsm8k"] == "8"
    assert "nca.evaluate.limit" not in tags


def test_samples_are_a_table_that_the_store_shows_on_the_parent(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    uri = f"sqlite:///{tmp_path}/store.db"
    sync_run(run, uri, "golden")
    parent = runs(uri, "golden")["golden-00c0ffee"]
    shown = json.loads(parent.data.tags["mlflow.loggedArtifacts"])
    assert shown == [{"path": "arithmetic.json", "type": "table"}]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_experiment("golden")
    table = mlflow.load_table("arithmetic.json", run_ids=[parent.info.run_id])
    assert list(table["prompt"]) == ["question 0", "question 1"]
    assert list(table["dpo: answer"]) == ["<b>answer</b> 0", "<b>answer</b> 1"]
    assert list(table["dpo: value"]) == [0, 1]
    assert table["base: answer"].isna().all()  # this folder has no log of it


def test_the_report_goes_with_its_run(run: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/store.db"
    (run / "report").mkdir()
    (run / "report" / "index.html").write_text("<!doctype html>", encoding="utf-8")
    first = sync_run(run, uri, "golden")
    (parent,) = (r for r in runs(uri, "golden").values() if r.data.tags["nca.part"] == "recipe")
    listed = client(uri).list_artifacts(parent.info.run_id, "report")
    assert [file.path for file in listed] == ["report/index.html"]
    assert first.files == 4


def test_files_are_sent_again_only_when_they_changed_or_are_gone(run: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/store.db"
    first = sync_run(run, uri, "golden")
    assert first.files == 3
    table = next((tmp_path / "mlartifacts").rglob("table.md"))
    table.write_text("not ours", encoding="utf-8")
    sync_run(run, uri, "golden")
    assert table.read_text(encoding="utf-8") == "not ours"  # it is there, so it was left alone
    table.unlink()
    assert sync_run(run, uri, "golden") == replace(first, sent=0)
    assert table.read_text(encoding="utf-8") == "**a table**\n"
    (run / "table.md").write_text("**another**\n", encoding="utf-8")
    sync_run(run, uri, "golden")
    assert table.read_text(encoding="utf-8") == "**another**\n"


def test_names_that_a_store_cannot_keep_or_quote_are_no_obstacle(run: Path, tmp_path: Path) -> None:
    uri, file = f"sqlite:///{tmp_path}/store.db", run / "result.json"
    changed = json.loads(file.read_text(encoding="utf-8"))
    changed["checkpoints"][1]["name"] = "org/model's:tag.1"
    write_json(file, changed)
    first = sync_run(run, uri, "golden")
    assert first.failed == ""
    assert sync_run(run, uri, "golden") == replace(first, sent=0)
    assert "org_model_s_tag_1" in {model.name for model in models(uri, "golden")}


def test_a_result_that_changed_after_the_clock_was_set_back_is_the_newest(
    run: Path, tmp_path: Path
) -> None:
    uri, file = f"sqlite:///{tmp_path}/store.db", run / "result.json"
    tomorrow = int((time.time() + 86400) * 1000)  # what the clock said at the first sync
    times = {"started": tomorrow, "digest": file_digest(file), "result": tomorrow}
    write_json(run / "tracking" / "times.json", times)
    first = sync_run(run, uri, "golden")
    changed = json.loads(file.read_text(encoding="utf-8"))
    changed["checkpoints"][1]["suites"]["arithmetic"]["metrics"]["accuracy"] = 0.5
    write_json(file, changed)

    again = sync_run(run, uri, "golden")

    assert (first.failed, again.failed) == ("", "")
    assert again.sent > 0
    runs = client(uri).search_runs([first.experiment_id])
    (dpo,) = (run for run in runs if run.info.run_name == "eval dpo")
    assert dpo.data.metrics["arithmetic/accuracy"] == 0.5
    assert all(run.info.end_time >= run.info.start_time for run in runs)


def test_a_dead_server_is_a_report_and_no_error(run: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
    report = sync_run(run, uri, "golden")
    assert "refused" in report.failed
    assert (report.runs, report.points) == (0, 0)


def test_a_file_that_is_no_store_is_a_report_and_stays_as_it_was(run: Path) -> None:
    store = run.parent / "mlflow.db"
    store.write_bytes(b"precious notes" * 100)
    assert sync_run(run, f"sqlite:///{store}", "golden").failed
    assert store.read_bytes() == b"precious notes" * 100


def test_a_folder_without_a_result_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no result there"):
        sync_run(tmp_path, "sqlite:///never.db", "golden")


@pytest.mark.slow
def test_two_processes_open_one_fresh_store_at_once(run: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from harness.cli.machine import sync_run\n"
        "print(sync_run(Path(sys.argv[1]), sys.argv[2], 'golden').failed, end='')"
    )
    uri = f"sqlite:///{tmp_path}/store.db"
    folders = [shutil.copytree(run, tmp_path / f"copy{i}") for i in range(2)]
    for number, folder in enumerate(folders):
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        text = json.dumps(result | {"key": f"{number:08d}"})
        (folder / "result.json").write_text(text, encoding="utf-8")
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program, str(folder), uri],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for folder in folders
    ]
    assert [process.communicate()[0].decode() for process in started] == [""] * 2
    found = client(uri)
    (experiment,) = [e for e in found.search_experiments() if e.name == "golden"]
    assert len(found.search_runs([experiment.experiment_id])) == 16


def test_a_table_made_from_the_store_equals_the_one_made_from_the_folder(
    run: Path, tmp_path: Path
) -> None:
    from harness.cli.parse import results

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert sync_run(run, uri, "golden").failed == ""

    assert results("mlflow:golden", uri) == [read_result(run)]
    assert results("mlflow:golden/golden-00c0ffee", uri) == results(str(run), uri)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mlflow:golde", "no experiment is called 'golde': there is golden, Default"),
        ("mlflow:golden/x", "has no run x: it has golden-00c0ffee"),
    ],
)
def test_what_a_store_lacks_is_said_with_what_it_has(
    run: Path, tmp_path: Path, name: str, said: str
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    sync_run(run, uri, "golden")

    with pytest.raises(RunError, match=said):
        tracked_results(name, uri)


def test_asking_a_store_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    for uri in (f"sqlite:///{tmp_path / 'mlflow.db'}", ""):
        with pytest.raises(RunError, match="no MLflow store there: name one with --tracking"):
            tracked_results("mlflow:golden", uri)
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_down_is_an_error_of_one_line_when_it_is_to_be_read() -> None:
    with pytest.raises(RunError, match=r"cannot read the MLflow store .* see --tracking"):
        tracked_results("mlflow:golden", "http://127.0.0.1:9")


def test_a_curve_that_was_rewound_by_a_resume_goes_on_in_the_same_run_without_a_step_twice(
    run: Path, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    steps = run / "train" / "dpo" / "steps.jsonl"
    lines = steps.read_text(encoding="utf-8").splitlines()[:-1]
    first = sync_run(run, uri, "golden")
    before = {one.info.run_id for one in client(uri).search_runs([first.experiment_id])}

    # Interrupted after step 12, it goes on from a state of step 8 and repeats 9 to 12.
    again = [json.dumps({"split": "train", "step": n, "loss": 0.7 - n / 100}) for n in range(9, 17)]
    kept = [line for line in lines if json.loads(line)["step"] < 9]
    steps.write_text("\n".join([*kept, *again]) + "\n", encoding="utf-8")
    second = sync_run(run, uri, "golden")

    assert (second.failed, second.sent) == ("", 4)
    assert {one.info.run_id for one in client(uri).search_runs([first.experiment_id])} == before
    losses = stored(uri, "golden")["train dpo"]["train/loss"]
    assert losses == [(step, 0.7 - step / 100) for step in range(1, 17)]


def test_the_search_that_the_docs_show_finds_the_best_checkpoint(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sync_run(run, "sqlite:///runs/mlflow.db", "demo").failed == ""
    text = (ROOT / "docs" / "how-to" / "mlflow.md").read_text(encoding="utf-8")
    shown = text.partition("```python\n")[2].partition("```")[0]
    found: dict[str, list] = {}
    exec(shown, found)

    scores = {
        c.name: c.suites["arithmetic"].metrics["accuracy"] for c in read_result(run).checkpoints
    }
    assert found["best"][0].name == max(scores, key=scores.__getitem__)
