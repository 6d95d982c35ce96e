"""`make fidelity`: whether every suite agrees with its gold, as a Markdown table.

Right responses must score 1 and wrong twins 0 in every metric (tests/fidelity/). Progress goes to
stderr; exit code 1 where something disagrees that is no listed exception.
"""

import argparse
import sys
import time
from pathlib import Path

from eval_suites.errors import DataError, SandboxError, UnknownSuiteError
from eval_suites.registry import SUITES, find

# tests/ is installed nowhere.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fidelity import table
from fidelity.held import Held
from fidelity.runner import faults, run
from fidelity.suites import HELD


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where a suite disagrees, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("suites", nargs="*", help="names; all without one")
    asked = parser.parse_args(arguments)
    if not asked.data_dir.is_dir():
        parser.error(f"{asked.data_dir} is no folder: name the folder of benchmark files")
    try:
        names = [find(name).name for name in asked.suites or SUITES]
    except UnknownSuiteError as error:
        parser.error(str(error))
    print(table.HEAD, flush=True)
    wrong = [line for name in names for line in _told(name, asked.data_dir)]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _told(name: str, folder: Path) -> list[str]:
    """Print a suite's row, and return what disagrees."""
    if name not in HELD:
        judged = find(name).judging is not None
        reason = table.JUDGED if judged else "has no cases"
        print(table.without(name, reason), flush=True)
        return []
    held, began = HELD[name], time.monotonic()
    try:
        found = run(held, folder, lambda done: _progress(held, done, began))
    except (DataError, SandboxError) as error:
        absent = "is missing: " in str(error)
        reason = "its files are not there" if absent else "cannot be run here"
        print(table.without(name, reason), flush=True)
        print(f"{name}: {error}", file=sys.stderr)
        return [] if absent else [f"{name}: nothing was scored"]
    print(file=sys.stderr)
    print(table.row(held, found), flush=True)
    return faults(held, found)


def _progress(held: Held, done: int, began: float) -> None:
    spent = time.monotonic() - began
    print(f"\r{held.suite}: {done} of {held.samples}, {spent:.0f} s", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
