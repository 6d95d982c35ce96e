"""`make fidelity`: the agreement of every suite with its gold, as a Markdown table.

Right responses must score 1 and wrong twins 0 in every metric (tests/suite_cases/). Progress goes
to stderr; exit code 1 where something disagrees that is no listed exception.
"""

import argparse
import sys
import time
from pathlib import Path
from types import ModuleType

from eval_suites.errors import DataError, SandboxError, UnknownSuiteError
from eval_suites.registry import SUITES, find

# tests/ is installed nowhere, and another package may have its name.
_TESTS = ModuleType("tests")
_TESTS.__path__ = [str(Path(__file__).resolve().parent.parent / "tests")]
sys.modules.setdefault("tests", _TESTS)

from tests.fidelity import table  # noqa: E402 - its parent is made above
from tests.fidelity.runner import faults, run  # noqa: E402
from tests.suite_cases.cases import GoldCases, gold_cases  # noqa: E402

GOLD = gold_cases()


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 where a suite disagrees, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("suites", nargs="*", help="names; all without one")
    options = parser.parse_args(arguments)
    if not options.data_dir.is_dir():
        parser.error(f"{options.data_dir} is no folder: name the folder of benchmark files")
    try:
        names = [find(name).name for name in options.suites or SUITES]
    except UnknownSuiteError as error:
        parser.error(str(error))
    print(table.HEAD, flush=True)
    wrong = [line for name in names for line in _print_row(name, options.data_dir)]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def _print_row(name: str, folder: Path) -> list[str]:
    """Print a suite's row, and return its disagreements."""
    if name not in GOLD:
        judged = find(name).judging is not None
        print(table.without(name, table.JUDGED if judged else "has no cases"), flush=True)
        return []
    gold, start = GOLD[name], time.monotonic()
    try:
        result = run(gold, folder, lambda done: _progress(gold, done, start))
    except (DataError, SandboxError) as error:
        absent = "is missing: " in str(error)
        reason = "its files are not there" if absent else "cannot be run here"
        print(table.without(name, reason), flush=True)
        print(f"{name}: {error}", file=sys.stderr)
        return [] if absent else [f"{name}: nothing was scored"]
    print(file=sys.stderr)
    print(table.row(gold, result), flush=True)
    return faults(gold, result)


def _progress(gold: GoldCases, done: int, start: float) -> None:
    spent = time.monotonic() - start
    print(f"\r{gold.suite}: {done} of {gold.samples}, {spent:.0f} s", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
