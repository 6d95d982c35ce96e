"""A training stage of several processes that is killed: all end, one line says so, it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import train.trainer.run
from harness.errors import RunFailed, UserError
from harness.pipeline import run as pipeline
from harness.pipeline.launch import Stage, launch
from harness.pipeline.places import Places
from harness.progress.screen import Screen
from harness.recipe.reading import read_recipe
from harness.recipe.schema import LaunchSection, Recipe
from harness.storage.atomic_files import read_lines
from train import TrainJob

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "recipes" / "accelerate"
RECIPE = """
name: two
base: {base}
train:
  data: train.jsonl
  probe: probe.jsonl
  max_steps: 6
  prompts_per_step: 4
  prompts_per_batch: 2
  probe_every: 2
  save_every: 2
  learning_rate: 1.0e-3
checkpoints: {{nca: {{}}}}
"""
PARENT = """
import sys
from pathlib import Path
from harness.pipeline.launch import Stage, launch
from harness.recipe.schema import LaunchSection
from harness.storage.atomic_files import read_json
folder = Path(sys.argv[1])
job = read_json(folder / "given.json")
launch(Stage("train", "", folder / "stage", "k", job, LaunchSection(processes=2)), print)
"""


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path) -> Path:
    for name, start in (("train", 0), ("probe", 50)):
        rows = (
            {"prompt": f"{n}?", "responses": [f"{n}!", "no", f"{n} {n}"], "rewards": [2, 1, 0]}
            for n in range(start, start + 24)
        )
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(base=tiny_model), encoding="utf-8")
    return path


def workers(folder: Path) -> dict[int, int]:
    """Rank -> pid of the stage's processes that work in a folder."""
    found = {}
    for process in _processes(folder):
        settings = (process / "environ").read_bytes().decode(errors="replace").split("\0")
        ranks = [text.removeprefix("RANK=") for text in settings if text.startswith("RANK=")]
        found.update({int(rank): int(process.name) for rank in ranks})
    return found


def _processes(folder: Path) -> Iterator[Path]:
    """Entries of /proc whose command line names the folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "harness." in command and str(folder) in command:
            yield process


def all_gone(folder: Path) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not list(_processes(folder)):
            return True
        time.sleep(0.05)
    return False


class At(Screen):
    """Does something at the first train record of a step."""

    def __init__(self, step: int, action: Callable[[], object]) -> None:
        self.step, self.action, self.due = step, action, True

    def __call__(self, event: Mapping[str, Any]) -> None:
        here = (event["event"], event.get("split"), event.get("step"))
        if self.due and here == ("log", "train", self.step):
            self.due = False
            self.action()


def run(recipe: Recipe, folder: Path, screen: Screen, *, track: bool = True) -> Path:
    """Train a recipe in a folder of runs; its run folder."""
    uri = f"sqlite:///{folder / 'mlflow.db'}" if track else ""
    places = Places(runs=folder, models=folder, tracking_uri=uri, near=(folder.parent,))
    return pipeline.run(recipe, places, screen).folder.path


def stored(folder: Path) -> dict[str, list[dict[str, list[int]]]]:
    """Run name -> for each MLflow run of that name: metric -> its steps, in order."""
    from mlflow import MlflowClient

    store = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    found: dict[str, list[dict[str, list[int]]]] = {}
    for one in store.search_runs([store.get_experiment_by_name("two").experiment_id]):
        curves = {
            name: sorted(m.step for m in store.get_metric_history(one.info.run_id, name))
            for name in one.data.metrics
        }
        found.setdefault(one.info.run_name, []).append(curves)
    return found


def undisturbed(run_folder: Path, folder: Path) -> list[float]:
    """The losses of the same job done at once by this process."""
    described = json.loads((run_folder / "train" / "nca" / "resolved.json").read_text())
    job = TrainJob.model_validate(described["job"]).model_copy(update={"out": folder / "whole"})
    train.trainer.run.run(job)
    return [line["loss"] for line in read_lines(job.out / "steps.jsonl")]


def losses(run_folder: Path) -> list[float]:
    return [line["loss"] for line in read_lines(run_folder / "train" / "nca" / "steps.jsonl")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # MLflow's own
def test_one_of_two_is_killed_and_the_run_goes_on_as_one_curve_in_one_mlflow_run(
    recipe: Path, tmp_path: Path
) -> None:
    two = tmp_path / "two"
    several = read_recipe(recipe, ["launch.processes=2"])

    def kill() -> None:
        os.kill(workers(two)[1], signal.SIGKILL)

    with pytest.raises(RunFailed) as failed:
        run(several, two, At(3, kill))
    assert all_gone(two)
    assert "run the same command again" in str(failed.value)
    assert "\n" not in str(failed.value)
    (killed,) = two.glob("two-*")
    assert sorted(file.name for file in (killed / "train" / "nca").iterdir()) == [
        "progress.json",
        "resolved.json",
        "speed.jsonl",
        "stage.lock",
        "stage.log",
        "state",
        "steps.jsonl",
    ]

    # What two processes saved is whole: any number of them goes on from it.
    assert run(read_recipe(recipe), two, Screen()) == killed
    summary = json.loads((killed / "train" / "nca" / "summary.json").read_text())
    assert summary["resumed_at"] == 2
    assert losses(killed) == pytest.approx(undisturbed(killed, tmp_path), abs=1e-5)

    (curves,) = stored(two)["train nca"]
    assert curves["train/loss"] == [*range(6)]
    assert curves["probe/loss"] == [0, 2, 4, 6]
    assert len(stored(two)[killed.name]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("how", ["ddp", "fsdp2"])
def test_two_processes_go_on_from_what_two_saved(recipe: Path, tmp_path: Path, how: str) -> None:
    chosen = read_recipe(
        recipe, ["launch.processes=2", f"launch.config={CONFIGS / how}.yaml", "train.save_every=50"]
    )

    def interrupt() -> None:
        raise KeyboardInterrupt

    # Ctrl-C: the step in progress is finished and saved by both.
    with pytest.raises(KeyboardInterrupt):
        run(chosen, tmp_path / "two", At(2, interrupt), track=False)
    assert all_gone(tmp_path / "two")
    (state,) = tmp_path.glob("two/two-*/train/nca/state/checkpoint-*")
    assert (state / "pytorch_model_fsdp_0").is_dir() == (how == "fsdp2")

    finished = run(chosen, tmp_path / "two", Screen(), track=False)
    summary = json.loads((finished / "train" / "nca" / "summary.json").read_text())
    assert summary["resumed_at"] in (3, 4)
    assert losses(finished) == pytest.approx(undisturbed(finished, tmp_path), abs=1e-5)


def test_all_processes_end_with_whoever_started_them(
    recipe: Path, tmp_path: Path, tiny_model: Path
) -> None:
    config = {"data": str(tmp_path / "train.jsonl"), "epochs": 1e4, "prompts_per_batch": 1}
    places = {"base": str(tiny_model), "out": str(tmp_path / "stage")}
    job = {**places, "cache": str(tmp_path / "cache"), "config": config}
    (tmp_path / "given.json").write_text(json.dumps(job))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, "-u", "-c", PARENT, str(tmp_path)], env=env, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert any(b"train" in line for line in parent.stdout)  # both work by now
    assert len(workers(tmp_path / "stage")) == 2

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert all_gone(tmp_path / "stage")


def test_a_configuration_that_accelerate_cannot_use_is_the_users_to_mend(
    recipe: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.yaml").write_text("distributed_type: [\n")
    section = LaunchSection(processes=2, config=tmp_path / "bad.yaml")
    with pytest.raises(UserError, match=r"bad\.yaml: accelerate cannot start the processes"):
        launch(
            Stage("train", "", tmp_path / "stage", "k", {}, section),
            lambda _: None,
        )
    for setting, said in [
        ("launch.config=absent.yaml", r"absent\.yaml: no such file \(launch\.config\)"),
        ("launch.processes=3", "prompts_per_step 4 cannot be shared by 3 processes"),
    ]:
        chosen = read_recipe(recipe, ["launch.processes=2", setting])
        with pytest.raises((UserError, ValueError), match=said):
            run(chosen, tmp_path / "runs", Screen(), track=False)
