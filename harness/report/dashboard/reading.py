"""The cached content of result files and recipes.

Intervals of a result take time to compute, so each pass over a folder reads for about a second
and leaves the rest to the next. Invalid files do not end a pass: they are kept as unreadable,
with the reason.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import RunError

#: Seconds of reading in a pass.
BUDGET_S = 1.0
#: A key near the start of result files; JSON files without it are not read further.
_SIGN = b'"schema_version"'
_HEAD = 4096
#: Most characters of a reason.
_MOST_TEXT = 400

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Score:
    """A cell: one checkpoint on one suite.

    `value` is for sorting and `text` is shown: None and "" if the headline is withheld. `interval`
    is the 95 % interval as text, "" if there is none, and `ends` are its ends on the scale of
    `value`. Of `total` prompts `n` have a value. `measure` is the metric with its unit, `ranked` is
    True if more is better, and `protocol` has the facts that must agree between comparable cells.
    """

    value: float | None
    text: str
    interval: str
    ends: tuple[float, float] | None
    n: int
    total: int
    measure: str
    ranked: bool
    protocol: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of a result by checkpoint and suite, without its samples."""

    baseline: str
    rows: Mapping[str, Mapping[str, Score]]
    methods: Mapping[str, str]

    @property
    def suites(self) -> tuple[str, ...]:
        """Return the names of all suites with a score."""
        return tuple(dict.fromkeys(suite for row in self.rows.values() for suite in row))


@dataclass(frozen=True, slots=True)
class Planned:
    """The extent of a run's recipe: checkpoints to train, data to sample, suites."""

    train: int = 0
    sample: int = 0
    suites: tuple[str, ...] = ()


class Reader:
    """A reader that caches files until they change; `begin` starts another pass.

    A pass reads for `budget_s` seconds; `clock` is a monotonic clock in seconds.
    """

    def __init__(
        self, budget_s: float = BUDGET_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._budget, self._clock = budget_s, clock
        self._spent = 0.0
        self._cache: dict[Path, tuple[tuple[int, int], Any]] = {}

    def begin(self, files: Iterable[Path]) -> None:
        """Start another pass over these files and drop all others from the cache."""
        kept = set(files)
        self._cache = {file: value for file, value in self._cache.items() if file in kept}
        self._spent = 0.0

    def read(self, file: Path, parse: Callable[[Path], T]) -> T | None:
        """Return what `parse` makes of a file, or None if that is left to a later pass."""
        try:
            stat = file.stat()
        except OSError:
            return None
        state = (stat.st_mtime_ns, stat.st_size)
        cached = self._cache.get(file)
        if cached is not None and (cached[0] == state or self._spent >= self._budget):
            old: T = cached[1]
            return old
        if self._spent >= self._budget:
            return None
        began = self._clock()
        self._cache[file] = (state, value := parse(file))
        self._spent += self._clock() - began
        return value


def scored(file: Path) -> Scored | str:
    """Read a result file; return the reason if it is not a usable result."""
    from harness.storage.result import read_result

    try:
        with file.open("rb") as opened:
            if _SIGN not in opened.read(_HEAD):
                return "not a result file: it names no schema_version"
        return _scored(read_result(file))
    except (RunError, OSError) as error:
        return str(error).removeprefix(f"{file}: ")[:_MOST_TEXT]
    except Exception as error:  # the border: a record of the right form may hold anything
        return f"{type(error).__name__}: {error}"[:_MOST_TEXT]


def _scored(result: Any) -> Scored:
    from harness.report.compare.comparison import scores

    columns, cells = scores(result)
    by_suite = {column.suite: column for column in columns}
    rows = {
        checkpoint.name: {
            suite: _score(by_suite[suite], cells[checkpoint.name, suite], score.protocol)
            for suite, score in checkpoint.suites.items()
        }
        for checkpoint in result.checkpoints
    }
    methods = {c.name: str((c.train or {}).get("method", "")) for c in result.checkpoints}
    return Scored(result.baseline, rows, methods)


def _score(column: Any, cell: Any, protocol: Mapping[str, str]) -> Score:
    value = cell.value if cell.value is not None and isfinite(cell.value) else None
    text, interval, ends = "", "", None
    if value is not None and cell.interval is not None:
        ends = (cell.interval.low, cell.interval.high)
        text, low, high = column.shown(value, *ends)
        interval = f"[{low}, {high}]"
    elif value is not None:
        (text,) = column.shown(value)
    facts = {**protocol, "measure": column.measure}
    shown = (value, text, interval, ends)
    return Score(*shown, cell.n, cell.total, column.measure, column.ranked, facts)


def planned(file: Path) -> Planned:
    """Read the extent of a resolved recipe; return an empty one if it cannot be read."""
    import yaml

    try:
        recipe = yaml.safe_load(file.read_bytes())
        suites = recipe["evaluate"]["suites"]
        return Planned(len(recipe["checkpoints"]), len(recipe["sample"]), tuple(map(str, suites)))
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, RecursionError):
        return Planned()
