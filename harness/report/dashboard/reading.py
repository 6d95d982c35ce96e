"""What result files and recipes say, read once for every state of the file.

A result's intervals take time, so a look at a folder reads for about a second and leaves the rest
to the next one. Nothing in a file ends a look: what cannot be used is kept as unreadable, with
the reason.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import RunError

#: Seconds that one look reads for.
BUDGET_S = 1.0
#: What a result file has near its front; other JSON files are not read further.
_SIGN = b'"schema_version"'
_HEAD = 4096
#: As much of a reason as is kept.
_SAID = 400

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Score:
    """A cell: one checkpoint on one suite.

    Attributes:
        value: as it sorts; None where the headline is withheld.
        text: the value as it is shown; "" where it is withheld.
        interval: its 95 % interval as it is shown; "" where there is none.
        ends: of the interval, as it would sort; None where there is none.
        n: prompts that have a value.
        total: prompts that were asked.
        measure: the metric with its unit.
        ranked: whether more is better.
        protocol: what must agree between two cells before they are compared.
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
    """What the board takes from a result: scores by checkpoint and suite, none of the samples."""

    recipe: str
    baseline: str
    rows: Mapping[str, Mapping[str, Score]]
    methods: Mapping[str, str]

    @property
    def suites(self) -> tuple[str, ...]:
        """Names of all suites that any checkpoint was scored on."""
        return tuple(dict.fromkeys(suite for row in self.rows.values() for suite in row))


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that is no result, or none that can be used."""

    reason: str


@dataclass(frozen=True, slots=True)
class Planned:
    """How much a run's recipe asks for: checkpoints to train, data to sample, suites."""

    train: int = 0
    sample: int = 0
    suites: tuple[str, ...] = ()


class Reader:
    """Reads files, each once for every state of it; `begin` gives it time for another look.

    Args:
        budget_s: seconds of reading in one look.
        clock: seconds, from one that never jumps.
    """

    def __init__(
        self, budget_s: float = BUDGET_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._budget, self._clock = budget_s, clock
        self._spent = 0.0
        self._known: dict[Path, tuple[tuple[int, int], Any]] = {}

    def begin(self, files: Iterable[Path]) -> None:
        """Begin another look, at these files; what is known of others is forgotten."""
        kept = set(files)
        self._known = {file: known for file, known in self._known.items() if file in kept}
        self._spent = 0.0

    def scored(self, file: Path) -> Scored | Unreadable | None:
        """What a result file says; None where that is left to a later look."""
        return self._read(file, scored)

    def planned(self, file: Path) -> Planned | None:
        """What a resolved recipe asks for; None where that is left to a later look."""
        return self._read(file, planned)

    def _read(self, file: Path, read: Callable[[Path], T]) -> T | None:
        try:
            found = file.stat()
        except OSError:
            return None
        state = (found.st_mtime_ns, found.st_size)
        known = self._known.get(file)
        if known is not None and (known[0] == state or self._spent >= self._budget):
            old: T = known[1]
            return old
        if self._spent >= self._budget:
            return None
        began = self._clock()
        self._known[file] = (state, value := read(file))
        self._spent += self._clock() - began
        return value


def scored(file: Path) -> Scored | Unreadable:
    """Read a result file."""
    from harness.storage.result import read_result

    try:
        with file.open("rb") as opened:
            if _SIGN not in opened.read(_HEAD):
                return Unreadable("not a result file: it names no schema_version")
        return _scored(read_result(file))
    except (RunError, OSError) as error:
        return Unreadable(str(error).removeprefix(f"{file}: ")[:_SAID])
    except Exception as error:  # the border: a record of the right form may hold anything
        return Unreadable(f"{type(error).__name__}: {error}"[:_SAID])


def _scored(result: Any) -> Scored:
    from harness.report.compare.comparison import scores

    columns, cells = scores(result)
    by_suite = {column.suite: column for column in columns}
    rows = {
        checkpoint.name: {
            suite: _score(by_suite[suite], cells[checkpoint.name, suite], found.protocol)
            for suite, found in checkpoint.suites.items()
        }
        for checkpoint in result.checkpoints
    }
    methods = {c.name: str((c.train or {}).get("method", "")) for c in result.checkpoints}
    return Scored(result.recipe, result.baseline, rows, methods)


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
    """Read a resolved recipe; one that cannot be read asks for nothing that is known."""
    import yaml

    try:
        told = yaml.safe_load(file.read_bytes())
        suites = told["evaluate"]["suites"]
        return Planned(len(told["checkpoints"]), len(told["sample"]), tuple(map(str, suites)))
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, RecursionError):
        return Planned()
