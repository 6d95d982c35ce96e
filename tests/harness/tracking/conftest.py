"""A run folder to send, a real server to send it to, and a door before the server."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.storage.result import read_result
from tests.harness.tracking.serving import Door, Served, handler

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder: the golden result, a table, training curves and samples of one checkpoint."""
    folder = tmp_path / "runs" / "golden-00c0ffee"
    (folder / "train" / "dpo").mkdir(parents=True)
    _golden_result(folder / "result.json")
    (folder / "table.md").write_text("**a table**\n", encoding="utf-8")
    steps = [
        {"split": "train", "step": step, "loss": 0.7 - step / 100, "logp_best": -1.0 * step}
        for step in range(1, 13)
    ]
    steps.append({"split": "probe", "step": 0, "loss": 0.6931, "logps": [-1.0, -2.0]})
    lines = [json.dumps(step) for step in steps] + ['{"split": "train", "st']
    (folder / "train" / "dpo" / "steps.jsonl").write_text("\n".join(lines), encoding="utf-8")
    log = folder / "eval" / "dpo" / "arithmetic.jsonl"
    log.parent.mkdir(parents=True)
    rows = [_sample(name, value) for name, value in (("0", 0.0), ("1", 1.0))]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def _golden_result(file: Path) -> None:
    """The golden result with what newer results also say: data, prompts, what made them."""
    result = json.loads((GOLDEN / "result.json").read_text(encoding="utf-8"))
    for checkpoint in result["checkpoints"]:
        if checkpoint["train"]:
            checkpoint["data"] = {"data": "da7a" * 4, "probe": "9306" * 4}
            checkpoint["train"] |= {"data": "train.jsonl", "probe": "probe.jsonl"}
    result["made"] = {"train:dpo": {"commit": "c0ffee" * 6 + "c0ff", "changed": "no", "cores": "2"}}
    file.write_text(json.dumps(result), encoding="utf-8")
    read_result(file)


def _sample(name: str, value: float) -> dict[str, object]:
    turn = {
        "requests": [{"messages": [{"role": "user", "content": f"question {name}"}]}],
        "answers": [{"text": f"<b>answer</b> {name}", "finish_reason": "stop", "tokens": 3}],
    }
    known = {"extracted": "7", "value": value, "status": "ok", "reason": "", "metrics": {}}
    return {"sample_id": name, "repeat": 0, "turns": [turn], "verdicts": [], **known}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A real `mlflow server` on a free port, SQLite behind it, one worker."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{folder}/served.db", "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}

    def start() -> "subprocess.Popen[bytes]":
        with (folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *store, "--port", str(port)],
                env={**os.environ, **quiet},
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    served = Served(f"http://127.0.0.1:{port}", start)
    try:
        yield served
    finally:
        served.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def door(server: Served) -> Iterator[Door]:
    """A door before the real server."""
    made = Door(server.uri)
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    made.uri = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.released.set()
        http.shutdown()
        http.server_close()
        thread.join()
