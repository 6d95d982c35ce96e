"""With HF_HUB_OFFLINE=1 nothing is asked of the network, and telemetry is off by default.

Counted with strace in a network without a way out. MLflow is silent in a continuous integration
or a test, so the commands run as if they were in none.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.engines.vllm import _installed

from .commands import Command
from .network import addresses, outward, unwatchable, watched

pytestmark = pytest.mark.skipif(bool(unwatchable()), reason=unwatchable())

TALK = """
import contextlib, socket, sys
own = socket.create_server(("127.0.0.1", 0))
socket.create_connection(own.getsockname())
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(("::1", 9))
if sys.argv[1] == "out":
    with contextlib.suppress(OSError):
        socket.create_connection(("192.0.2.1", 443))
    with contextlib.suppress(OSError):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"?", ("127.0.0.53", 53))
    with contextlib.suppress(OSError):
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"?", ("2001:db8::1", 80))
"""
#: What packages know a test, a continuous integration or a wish for silence by.
UNSET = (
    *("CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILDKITE", "TF_BUILD", "CIRCLECI"),
    *("TRAVIS", "CLOUD_RUN_EXECUTION", "CODEBUILD_BUILD_ARN", "TEAMCITY_VERSION"),
    *("BITBUCKET_BUILD_NUMBER", "PYTEST_CURRENT_TEST", "PYTEST_VERSION", "DO_NOT_TRACK"),
    *("DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY"),
    *("VLLM_NO_USAGE_STATS", "VLLM_DO_NOT_TRACK", "VLLM_HOST_IP"),
)


def command(folder: Path, *arguments: str, **settings: str) -> Command:
    offline = {**dict.fromkeys(UNSET, ""), "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    return Command(folder, arguments, {**offline, **settings}, before=watched(folder / "calls"))


def outward_calls(asked: Command) -> list[tuple[str, int]]:
    done = asked.run()
    assert done.returncode == 0, done.stdout + done.stderr
    found = addresses(asked.folder / "calls")
    print(f"nca {asked.arguments[0]}: {dict(found)}")
    return list(outward(found))


@pytest.mark.parametrize("way", ["in", "out"])
def test_what_would_leave_the_machine_is_counted(tmp_path: Path, way: str) -> None:
    log = tmp_path / "calls"
    subprocess.run([*watched(log), sys.executable, "-c", TALK, way], check=True)
    found = addresses(log)
    assert ("::1", 9) in found
    assert len([port for address, port in found if address == "127.0.0.1"]) == 1
    wanted = [("127.0.0.53", 53), ("192.0.2.1", 443), ("2001:db8::1", 80)]
    assert outward(found) == (wanted if way == "out" else [])


def test_evaluating_tracking_and_reading_back_ask_nobody(tiny_model: Path, tmp_path: Path) -> None:
    ask = ["--suites", "arithmetic", "--engine", "fake", "--limit", "2"]
    evaluate = command(tmp_path, "eval", f"tiny={tiny_model}", *ask)
    assert outward_calls(evaluate) == []
    assert outward_calls(replace(evaluate, arguments=["compare", "mlflow:eval"])) == []


@pytest.mark.slow
def test_a_recipe_trains_evaluates_and_tracks_without_the_network(
    tiny_model: Path, tmp_path: Path
) -> None:
    rows = [{"prompt": f"{n}?", "chosen": f"{n}", "rejected": "no"} for n in range(4)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "name": "tiny",
        "base": str(tiny_model),
        "train": {"data": "rows.jsonl", "max_steps": 2, "prompts_per_step": 2},
        "checkpoints": {"nca": {"method": "nca"}, "dpo": {"method": "dpo"}},
        "evaluate": {"suites": ["arithmetic"], "limit": 2, "engine": {"name": "transformers"}},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    assert outward_calls(command(tmp_path, "run", "recipe.yaml")) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(_installed() is None, reason="vLLM is not installed")
def test_vllm_asks_nobody(smollm2: Path, tmp_path: Path) -> None:
    ask = ["--suites", "arithmetic", "--engine", "vllm", "--limit", "2", "--tracking", "none"]
    assert outward_calls(command(tmp_path, "eval", str(smollm2), *ask)) == []
