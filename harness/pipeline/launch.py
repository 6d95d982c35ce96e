"""Stages as processes of their own: their start, their events, and one stage after another."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from harness.errors import HarnessError, RunFailed, StageFailed, UserError
from harness.pipeline.processes import end_group
from harness.progress.events import Reporter
from harness.progress.screen import Screen
from harness.recipe.schema import LaunchSection
from harness.storage.atomic_files import write_json
from harness.storage.run_folder import is_done, pending_job

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Stage:
    """The work of one process.

    Attributes:
        kind: a key of `harness.pipeline.worker.KINDS`.
        key: a hash of everything that the outcome depends on; no path is in it.
        launch: the number of processes that share the work, where it is not one.
        old_key: as versions wrote it that hashed paths, too; "" where it is the same.
        lost: whether the outcome is known to be gone, whatever the key says.
    """

    kind: str
    title: str
    folder: Path
    key: str
    job: BaseModel | Mapping[str, Any]
    launch: LaunchSection | None = None
    old_key: str = ""
    lost: bool = False

    @property
    def done(self) -> bool:
        """True where the stage was finished with these very inputs."""
        keys = [key for key in (self.key, self.old_key) if key]
        return not self.lost and any(is_done(self.folder, key) for key in keys)

    def adopt(self) -> None:
        """Replace an old key by the one without paths; the stage must be done."""
        if not is_done(self.folder, self.key):
            with contextlib.suppress(OSError):  # the folder may be read-only
                write_json(self.folder / "done.json", {"key": self.key})

    @property
    def plain_job(self) -> Mapping[str, Any]:
        """The job as JSON-able values."""
        if isinstance(self.job, BaseModel):
            return self.job.model_dump(mode="json", by_alias=True)
        return self.job


@dataclass(slots=True)
class StageRunner:
    """Runs stages one after another; the screen shows each with its number, and its events.

    `number` is that of the stage that began last; `events` are the stages' own, except progress.
    """

    screen: Screen
    total: int
    number: int = 0
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def report(self, event: Mapping[str, Any]) -> None:
        """Show an event, and keep it unless it is progress."""
        if event["event"] not in ("progress", "evaluating", "log", "speed"):
            self.events.append(dict(event))
        self.screen(event)

    def perform(self, stage: Stage) -> None:
        """Run a stage unless it is done; the screen shows which of the two.

        Raises:
            UserError, RunFailed: as the stage's process classified it.
        """
        self.number += 1
        about = {"number": self.number, "of": self.total, "title": stage.title}
        if stage.done:
            stage.adopt()
            self.screen({"event": "skipped", **about})
            return
        self.screen({"event": "stage", **about})
        launch(stage, self.report)
        self.screen({"event": "ended", **about})


def launch(stage: Stage, report: Reporter) -> None:
    """Run a stage in a process of its own, or in several; `report` receives its events.

    Raises:
        UserError, RunFailed: as the stage classified it.
        StageFailed: it ended without an error event; the message names its log.
    """
    resolved = pending_job(stage.folder)  # another command's stage may be at work here
    described = {"kind": stage.kind, "key": stage.key, "job": dict(stage.plain_job)}
    write_json(resolved, described)
    try:
        failure = _listen(stage, resolved, report)
    finally:
        resolved.unlink(missing_ok=True)  # it is still there where the stage got no lock
    if failure is not None:
        raise failure


def _command(stage: Stage, resolved: Path) -> list[str]:
    work = ["harness.stage", stage.kind, str(resolved), "--events", "0"]
    section = stage.launch
    if section is None or section.processes == 1:
        return [sys.executable, "-m", *work]
    config = ["--multi_gpu"] if section.config is None else ["--config_file", str(section.config)]
    return [
        *(sys.executable, "-m", "harness.pipeline.accelerate_launch", *config),
        *("--num_processes", str(section.processes), "--main_process_port", "0"),  # a free port
        *("--log_dir", str(resolved.with_name("launch")), "--module", *work),
    ]


def _listen(stage: Stage, resolved: Path, report: Reporter) -> HarnessError | None:
    reader, writer = os.pipe()
    log = resolved.with_name("stage.log")
    # The packages' own folder comes first, so that a checkout works anywhere.
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    with log.open("ab") as output:
        process = subprocess.Popen(
            _command(stage, resolved),
            stdin=writer,  # stages read nothing; a launcher passes on no other descriptor
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
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
    return _failure(stage.kind, process.returncode, error, log)


def _failure(
    kind: str, code: int, error: Mapping[str, Any] | None, log: Path
) -> HarnessError | None:
    if code == 0:
        return None
    if error is None:
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        return StageFailed(
            f"the {kind} stage ended with {ending}; its log is {log}; what was finished is kept: "
            "run the same command again"
        )
    if error["exit_code"] == UserError.exit_code:
        return UserError(error["message"])
    return RunFailed(f"{error['message']} (log: {log})")
