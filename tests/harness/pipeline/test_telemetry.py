"""Telemetry is off before anything that reports is imported; what the user set stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SHOW = """
import contextlib, sys
with contextlib.suppress(SystemExit):
    {start}
{show}
"""
HUB = "from huggingface_hub import constants; print(constants.HF_HUB_DISABLE_TELEMETRY)"
MLFLOW = "from mlflow.telemetry import utils; print(utils.is_telemetry_disabled())"
#: MLflow is silent where it finds one of these.
TESTING = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "PYTEST_CURRENT_TEST")
STARTS = {
    "cli": "import harness.cli.main; sys.argv = ['nca', '--help']; harness.cli.main.main()",
    "stage": "from harness.pipeline import worker; worker.main(['train', 'absent/resolved.json'])",
}


def disabled(start: str, show: str = HUB, **settings: str) -> str:
    """What a package made of the environment, in a process of its own."""
    keep = {k: v for k, v in os.environ.items() if "TELEMETRY" not in k and "TRACK" not in k}
    keep = {k: v for k, v in keep.items() if k not in TESTING}
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(start=start, show=show)],
        env={**keep, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def test_the_command_and_its_stages_switch_the_hub_clients_telemetry_off() -> None:
    assert disabled("pass") == "False"  # what it is without us
    assert [disabled(start) for start in STARTS.values()] == ["True", "True"]


@pytest.mark.slow
def test_the_command_switches_mlflows_telemetry_off() -> None:
    assert disabled("pass", MLFLOW) == "False"  # what it is without us
    assert disabled(STARTS["cli"], MLFLOW) == "True"


def test_what_the_user_set_stays() -> None:
    assert disabled(STARTS["cli"], HF_HUB_DISABLE_TELEMETRY="0") == "False"
