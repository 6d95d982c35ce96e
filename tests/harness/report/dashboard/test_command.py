"""`nca dashboard` as it is typed."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from .folders import save, scored


def test_it_says_where_it_is_and_ends_quietly(tmp_path: Path) -> None:
    save(tmp_path / "runs" / "one" / "result.json", scored({"base": 20}))
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli.main", "dashboard", "--port", "0"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A test run in the background ignores SIGINT, and its children would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        with process:
            try:
                assert process.stdout is not None
                said = process.stdout.readline()
                found = re.search(r"http://127\.0\.0\.1:\d+/", said)
                assert found is not None, said
                with urllib.request.urlopen(found[0], timeout=60) as page:
                    assert b"one" in page.read()
                process.send_signal(number)
                out, err = process.communicate(timeout=60)
                assert (process.returncode, out, err) == (0, "", "")
            finally:
                process.kill()


def test_a_folder_that_is_not_there_is_the_user_s_to_mend(
    tmp_path: Path,
    nca: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert nca("dashboard") == 2
    assert capsys.readouterr().err == (
        "nca: runs: no folder there; name that of your runs: nca dashboard DIR\n"
    )
