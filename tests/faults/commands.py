"""`nca` as a process of the test's own: started with a mark that its children inherit, killed."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MARK = "NCA_TEST_MARK"
#: How long anything may take before a test gives it up; nothing is asserted on it.
PATIENCE_S = 600.0


def until(what: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Whether it came true while there was patience."""
    deadline = time.monotonic() + patience_s
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def command_of(pid: int) -> str:
    """A process's command line; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def parents() -> dict[int, int]:
    """Every live process (no zombies) and its parent."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found[int(entry.parent.name)] = int(parent)
    return found


def below(pid: int) -> frozenset[int]:
    """A process and everything under it, also what dropped its environment."""
    tree, found = parents(), {pid}
    while more := {child for child, parent in tree.items() if parent in found} - found:
        found |= more
    return frozenset(found)


@dataclass
class Command:
    """One `nca` command in a folder, which may be started again and again.

    Every process below it carries a mark in its environment, whatever session it is in.
    """

    folder: Path
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[str] = ()
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def line(self) -> list[str]:
        """The command as it is run; `before` is what runs it (strace, faketime, unshare)."""
        return [*self.before, sys.executable, "-m", "harness.cli.main", *self.arguments]

    @property
    def settings(self) -> dict[str, str]:
        """The environment it runs in; what `environment` maps to "" is taken out of it."""
        own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", _MARK: self.mark, "COLUMNS": "200"}
        found = {**os.environ, **own, **self.environment}
        return {name: value for name, value in found.items() if value}

    @property
    def journal(self) -> Path:
        return self.folder / "runs" / "journal.sqlite"

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it; nobody reads what it says."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            self.line,
            cwd=self.folder,
            env=self.settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            self.line,
            cwd=self.folder,
            env=self.settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def processes(self) -> list[int]:
        """The pids of everything below it that still runs (a zombie has ended)."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"{_MARK}={self.mark}".encode() in entry.read_bytes():
                    found.append(int(entry.parent.name))
            except OSError:  # it has just ended, or is not ours
                continue
        return found

    def left(self, before: frozenset[int] = frozenset()) -> list[str]:
        """Command lines of what still runs, of these too, once all had time to end."""

        def alive() -> list[int]:
            return [*self.processes(), *(before & parents().keys())]

        until(lambda: not alive(), 20)
        return [command_of(pid) or str(pid) for pid in alive()]

    def stage(self, kind: str = "evaluate") -> int | None:
        """The pid of its stage of this kind, None where none runs."""
        for pid in self.processes():
            if f"-m harness.stage {kind} " in command_of(pid):
                return pid
        return None

    def entries(self, kind: str = "answer") -> int:
        """How many answers (or checks) are in its journal."""
        if not self.journal.exists():
            return 0
        try:
            with self._journal() as db:
                query = "SELECT count(*) FROM entries WHERE kind=?"
                return int(db.execute(query, (kind,)).fetchone()[0])
        except sqlite3.OperationalError:  # it is being made
            return 0

    def _journal(self) -> "contextlib.closing[sqlite3.Connection]":
        return contextlib.closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True))

    def bodies(self) -> dict[str, bytes]:
        """Key -> stored bytes of every entry in the journal."""
        with self._journal() as db:
            return dict(db.execute("SELECT key, body FROM entries"))

    def outputs(self) -> dict[str, bytes]:
        """What a run is for, byte for byte: sample logs, summaries, tables and the result."""
        (run,) = (path for path in (self.folder / "runs").glob("*-*") if path.is_dir())
        files = [*run.glob("eval/*/*"), *run.glob("*.md"), *run.glob("*.csv"), run / "result.json"]
        return {str(file.relative_to(run)): file.read_bytes() for file in files}


def kill(process: "subprocess.Popen[bytes]", pid: int | None = None) -> None:
    """SIGKILL to the process, or to another pid, and wait for the process to end."""
    with contextlib.suppress(ProcessLookupError):  # it was quicker
        os.kill(process.pid if pid is None else pid, signal.SIGKILL)
    process.wait(PATIENCE_S)


def counts(output: str) -> tuple[int, int]:
    """How many answers a command says it asked and reused."""
    (line,) = (text for text in output.splitlines() if text.startswith("answers: "))
    words = line.split()
    return int(words[1]), int(words[3])
