"""The start of a stage as a process of its own, and the events that it sends."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, RunFailed, StageFailed, UserError
from harness.pipeline.processes import end_group
from harness.progress.events import Reporter
from harness.storage.atomic_files import write_json
from harness.storage.run_folder import pending_job

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Processes:
    """The number of processes of a stage, and the `accelerate` configuration that starts them."""

    number: int = 1
    config: Path | None = None


ONE = Processes()


def launch(
    kind: str,
    folder: Path,
    key: str,
    job: Mapping[str, Any],
    report: Reporter,
    processes: Processes = ONE,
) -> None:
    """Run a stage in a process of its own, or in several.

    Args:
        kind: a key of `harness.pipeline.worker.KINDS`.
        folder: the stage's own folder.
        key: hash of everything that the stage's outcome depends on.
        job: JSON-able, of the stage.
        report: receives the stage's events.
        processes: the number of them.

    Raises:
        UserError, RunFailed: as the stage classified it.
        StageFailed: it ended without an error event; the message names its log.
    """
    resolved = pending_job(folder)  # another command's stage may be at work here
    write_json(resolved, {"kind": kind, "key": key, "job": dict(job)})
    try:
        failure = _listen(kind, resolved, report, processes)
    finally:
        resolved.unlink(missing_ok=True)  # it is still there where the stage got no lock
    if failure is not None:
        raise failure


def _command(kind: str, resolved: Path, processes: Processes) -> list[str]:
    if processes.number == 1:
        return [sys.executable, "-m", "harness.stage", kind, str(resolved), "--events", "0"]
    launcher = [sys.executable, "-m", "harness.pipeline.accelerate_launch", kind, str(resolved)]
    config = [] if processes.config is None else ["--config", str(processes.config)]
    return [*launcher, "--processes", str(processes.number), *config]


def _listen(
    kind: str, resolved: Path, report: Reporter, processes: Processes
) -> HarnessError | None:
    reader, writer = os.pipe()
    log = resolved.with_name("stage.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            _command(kind, resolved, processes),
            stdin=writer,  # stages read nothing; a launcher passes on no other descriptor
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _python_path(), "PYTHONUNBUFFERED": "1"},
        )
    os.close(writer)
    error: dict[str, Any] | None = None
    try:
        with os.fdopen(reader, encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                if event["event"] == "error":
                    error = error or event  # of several processes the first to fail knows why
                else:
                    report(event)
        process.wait()
    finally:
        end_group(process)
    return _failure(kind, process.returncode, error, log)


def _failure(
    kind: str, code: int, error: Mapping[str, Any] | None, log: Path
) -> HarnessError | None:
    if code == 0:
        return None
    if error is None:
        return StageFailed(
            f"the {kind} stage ended with {_ending(code)}; its log is {log}; what was finished is "
            "kept: run the same command again"
        )
    if error["exit_code"] == UserError.exit_code:
        return UserError(error["message"])
    return RunFailed(f"{error['message']} (log: {log})")


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _python_path() -> str:
    """Return PYTHONPATH with the packages' own folder first, so that a checkout works anywhere."""
    rest = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(_ROOT), rest] if rest else [str(_ROOT)])
