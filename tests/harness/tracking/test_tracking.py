"""The sink: what reaches a real store, twice, at once, over HTTP, and when there is none."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import RunError
from harness.result import read_result
from harness.runs import file_digest, write_json
from harness.tracking.lineage import parts
from harness.tracking.records import metric_name
from harness.tracking.store import sync
from harness.tracking.tracked import tracked_results

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).parents[1] / "golden"
# MLflow 3.17 itself uses what SQLAlchemy 2.1 and others have deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder: the golden result, a table, and training curves of one checkpoint."""
    folder = tmp_path / "runs" / "golden-00c0ffee"
    (folder / "train" / "dpo").mkdir(parents=True)
    shutil.copy(GOLDEN / "result.json", folder / "result.json")
    (folder / "table.md").write_text("**a table**\n", encoding="utf-8")
    steps = [
        {"split": "train", "step": step, "loss": 0.7 - step / 100, "logp_best": -1.0 * step}
        for step in range(1, 13)
    ]
    steps.append({"split": "probe", "step": 0, "loss": 0.6931, "logps": [-1.0, -2.0]})
    lines = [json.dumps(step) for step in steps] + ['{"split": "train", "st']
    (folder / "train" / "dpo" / "steps.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def client(uri: str):  # noqa: ANN201 - MLflow is imported only where a store is opened
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri)


def stored(uri: str, experiment: str) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Run name -> metric -> (step, value) of every point that the store holds."""
    store = client(uri)
    found = store.get_experiment_by_name(experiment)
    return {
        run.info.run_name: {
            name: sorted((m.step, m.value) for m in store.get_metric_history(run.info.run_id, name))
            for name in run.data.metrics
        }
        for run in store.search_runs([found.experiment_id])
    }


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
    child = next(part for part in parts(run, result) if part.part == "train:nca")
    assert [p.name for p in child.points if p.name.startswith("train/")] == ["train/fine"]


def test_a_second_sync_adds_nothing_and_a_change_adds_itself(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/store.db"
    for left in (".store.db.new", ".store.db.new-journal"):
        (tmp_path / left).write_bytes(b"left by a process that was killed while it built the store")
    first = sync(run, uri, "golden")
    assert first.failed == ""
    assert (first.runs, first.models, first.sent) == (8, 4, first.points)
    before = stored(uri, "golden")
    assert before["train dpo"]["train/loss"][0] == (1, 0.69)
    assert len(before["train dpo"]["train/loss"]) == 12
    assert before["eval dpo"]["eval/arithmetic"] == [(0, 0.21)]
    assert before["eval dpo"].keys() >= {"eval/arithmetic.low", "arithmetic/delta", "arithmetic/n"}
    assert before["train dpo"]["probe/logps_2"] == [(0, -2.0)]

    again = sync(run, uri, "golden")
    assert replace(again, sent=first.sent) == first
    assert again.sent == 0
    assert stored(uri, "golden") == before

    file = run / "result.json"
    changed = json.loads(file.read_text(encoding="utf-8"))
    changed["checkpoints"][1]["suites"]["arithmetic"]["metrics"]["accuracy"] = 0.5
    file.write_text(json.dumps(changed), encoding="utf-8")
    assert (sync(run, uri, "golden").failed, sync(run, uri, "golden").sent) == ("", 0)
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
    assert kept == {"result.json", "tables"}
    assert parent.data.tags["mlflow.note.content"] == "**a table**\n"
    assert not (tmp_path / "mlruns").exists()
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


def test_a_result_that_changed_after_the_clock_was_set_back_is_the_newest(
    run: Path, tmp_path: Path
) -> None:
    uri, file = f"sqlite:///{tmp_path}/store.db", run / "result.json"
    tomorrow = int((time.time() + 86400) * 1000)  # what the clock said at the first sync
    times = {"started": tomorrow, "digest": file_digest(file), "result": tomorrow}
    write_json(run / "tracking" / "times.json", times)
    first = sync(run, uri, "golden")
    changed = json.loads(file.read_text(encoding="utf-8"))
    changed["checkpoints"][1]["suites"]["arithmetic"]["metrics"]["accuracy"] = 0.5
    write_json(file, changed)

    again = sync(run, uri, "golden")

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
    report = sync(run, uri, "golden")
    assert "refused" in report.failed
    assert (report.runs, report.points) == (0, 0)


def test_a_file_that_is_no_store_is_a_report_and_stays_as_it_was(run: Path) -> None:
    store = run.parent / "mlflow.db"
    store.write_bytes(b"precious notes" * 100)
    assert sync(run, f"sqlite:///{store}", "golden").failed
    assert store.read_bytes() == b"precious notes" * 100


def test_a_folder_without_a_result_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no result there"):
        sync(tmp_path, "sqlite:///never.db", "golden")


@pytest.mark.slow
def test_two_processes_open_one_fresh_store_at_once(run: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from harness.tracking.store import sync\n"
        "print(sync(Path(sys.argv[1]), sys.argv[2], 'golden').failed, end='')"
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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A real `mlflow server` on a free port, one worker; its whole group ends with the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{tmp_path}/served.db", "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *store, "--port", str(port)],
            env={**os.environ, **quiet},
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        _await_health(uri, process)
        yield uri, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await_health(uri: str, process: "subprocess.Popen[bytes]") -> None:
    import time

    for _ in range(240):
        assert process.poll() is None
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not start")


@pytest.mark.slow
def test_a_real_server_holds_the_same_and_its_death_is_a_report(
    run: Path, server: tuple[str, "subprocess.Popen[bytes]"]
) -> None:
    uri, process = server
    first = sync(run, uri, "golden")
    assert (first.failed, first.runs, first.sent) == ("", 8, first.points)
    held = stored(uri, "golden")
    again = sync(run, uri, "golden")
    assert (again.failed, again.points, again.sent) == ("", first.points, 0)
    assert stored(uri, "golden") == held
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert sync(run, uri, "golden").failed


def test_a_table_made_from_the_store_equals_the_one_made_from_the_folder(
    run: Path, tmp_path: Path
) -> None:
    from harness.cli.commands import results

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert sync(run, uri, "golden").failed == ""

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
    sync(run, uri, "golden")

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
    first = sync(run, uri, "golden")
    before = {one.info.run_id for one in client(uri).search_runs([first.experiment_id])}

    # Interrupted after step 12, it goes on from a state of step 8 and repeats 9 to 12.
    again = [json.dumps({"split": "train", "step": n, "loss": 0.7 - n / 100}) for n in range(9, 17)]
    kept = [line for line in lines if json.loads(line)["step"] < 9]
    steps.write_text("\n".join([*kept, *again]) + "\n", encoding="utf-8")
    second = sync(run, uri, "golden")

    assert (second.failed, second.sent) == ("", 4)
    assert {one.info.run_id for one in client(uri).search_runs([first.experiment_id])} == before
    losses = stored(uri, "golden")["train dpo"]["train/loss"]
    assert losses == [(step, 0.7 - step / 100) for step in range(1, 17)]
