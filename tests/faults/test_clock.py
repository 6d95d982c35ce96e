"""A clock that jumps back a day in the middle of a run: libfaketime's, never the machine's."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from .commands import PATIENCE_S, Command, until
from .endpoint import NAME, Endpoint

DAY_S = 86400
LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
pytestmark = pytest.mark.skipif(
    LIBRARY is None, reason="libfaketime is not installed: apt-get install libfaketime"
)


def clock(offset: Path) -> dict[str, str]:
    """An environment whose wall clock runs by the offset in a file, read at every look at it.

    The monotonic clock stays as it is, as it would.
    """
    offset.write_text("+0")
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def test_the_clock_really_jumps(tmp_path: Path) -> None:
    show = (
        "import pathlib, sys, time\n"
        "first, still = time.time(), time.monotonic()\n"
        "pathlib.Path(sys.argv[1]).write_text('-1d')\n"
        "print(time.time() - first, time.monotonic() - still)"
    )
    offset = tmp_path / "offset"
    done = subprocess.run(
        [sys.executable, "-c", show, offset],
        env={**os.environ, **clock(offset)},
        capture_output=True,
        text=True,
        check=True,
    )
    wall, monotonic = map(float, done.stdout.split())
    assert -DAY_S - 1 < wall < -DAY_S + 600
    assert 0 <= monotonic < 600


def test_an_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    with Endpoint().serving() as endpoint:
        where = ["--engine", "openai", "--base-url", endpoint.url, "--tracking", "none"]
        ask = ["eval", NAME, "--suites", "arithmetic", "--limit", "130", *where]
        command = Command(tmp_path / "jumped", ask, clock(offset))
        endpoint.gate.clear()
        process = command.start()
        assert until(lambda: endpoint.asked.total() > 0)
        offset.write_text("-1d")
        endpoint.gate.set()
        assert process.wait(PATIENCE_S) == 0
        whole = replace(command, folder=tmp_path / "whole", environment={})
        assert whole.run().returncode == 0
    assert command.outputs() == whole.outputs()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # MLflow's own
def test_training_and_tracking_go_on_and_no_duration_is_negative(
    tiny_model: Path, tmp_path: Path
) -> None:
    rows = [{"prompt": f"{n}?", "chosen": f"{n}", "rejected": "no"} for n in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    train = {"data": str(tmp_path / "rows.jsonl"), "max_steps": 60, "prompts_per_step": 2}
    recipe = {"name": "tiny", "base": str(tiny_model), "train": {**train, "method": "dpo"}}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    offset = tmp_path / "offset"
    command = Command(tmp_path / "jumped", ["train", "../recipe.yaml"], clock(offset))
    process = command.start()
    (steps,) = _come(command, "runs/tiny-*/train/dpo/speed.jsonl", process)
    offset.write_text("-1d")
    working = process.poll() is None
    assert process.wait(PATIENCE_S) == 0
    whole = replace(command, folder=tmp_path / "whole", environment={})
    assert whole.run().returncode == 0

    assert working
    name = "train/dpo/steps.jsonl"
    (ours,) = (command.folder / "runs").glob(f"tiny-*/{name}")
    (undisturbed,) = (whole.folder / "runs").glob(f"tiny-*/{name}")
    assert ours.read_bytes() == undisturbed.read_bytes()
    speeds = [json.loads(line) for line in steps.read_text().splitlines()]
    assert all(0 <= line["seconds"] < DAY_S and line["tokens_per_second"] > 0 for line in speeds)
    seconds = json.loads((steps.parent / "timing.json").read_text())["seconds"]
    assert all(0 <= value < DAY_S for value in seconds.values())
    assert all(run.info.end_time - run.info.start_time >= 0 for run in _logged(command))


def _come(command: Command, pattern: str, process: "subprocess.Popen[bytes]") -> list[Path]:
    def found() -> list[Path]:
        return [file for file in command.folder.glob(pattern) if file.stat().st_size]

    assert until(lambda: bool(found()) or process.poll() is not None)
    return found()


def _logged(command: Command) -> list:
    from mlflow import MlflowClient

    store = MlflowClient(tracking_uri=f"sqlite:///{command.folder / 'runs' / 'mlflow.db'}")
    return store.search_runs([store.get_experiment_by_name("tiny").experiment_id])
