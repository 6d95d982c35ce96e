"""Telemetry is off before anything that reports is imported; what the user set stays."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import contextlib, sys
with contextlib.suppress(SystemExit):
    {start}
from huggingface_hub import constants
print(constants.HF_HUB_DISABLE_TELEMETRY)
"""
STARTS = {
    "cli": "import harness.cli; sys.argv = ['nca', '--help']; harness.cli.main()",
    "stage": "import harness.stage; harness.stage.main(['train', 'absent/resolved.json'])",
}


def disabled(start: str, **settings: str) -> str:
    """What the hub client made of the environment, in a process of its own."""
    keep = {k: v for k, v in os.environ.items() if "TELEMETRY" not in k and "TRACK" not in k}
    done = subprocess.run(
        [sys.executable, "-c", SHOW.format(start=start)],
        env={**keep, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def test_the_command_and_its_stages_switch_the_hub_clients_telemetry_off() -> None:
    assert disabled("pass") == "False"  # what it is without us
    assert [disabled(start) for start in STARTS.values()] == ["True", "True"]


def test_what_the_user_set_stays() -> None:
    assert disabled(STARTS["cli"], HF_HUB_DISABLE_TELEMETRY="0") == "False"
