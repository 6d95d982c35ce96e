"""The records of a comparison: columns and cells, and their numbers as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, isfinite, log10

from harness.stats.clusters import Noise
from harness.stats.methods import LEVEL, Gap, Method
from harness.stats.records import Interval, PairedDifference

#: Name of the column that averages the others.
AVERAGE = "average"
#: Metrics that are no fractions and have a unit.
_UNITS = {"k1": "nats"}

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """One suite: its headline metric, and how its values are to be shown.

    Attributes:
        fraction: values are fractions, shown in percent.
        decimals: digits behind the point; None where every number has three significant ones.
        ranked: more is better.
    """

    suite: str
    headline: str
    fraction: bool
    decimals: int | None = 1
    ranked: bool = True

    @property
    def scale(self) -> float:
        """Return the factor of shown values: 100 for fractions, else 1."""
        return 100.0 if self.fraction else 1.0

    @property
    def measure(self) -> str:
        """Return the metric with its unit."""
        unit = "%" if self.fraction else _UNITS.get(self.headline)
        return f"{self.headline}, {unit}" if unit else self.headline

    def shown(self, *numbers: float, sign: bool = False) -> list[str]:
        """Return the numbers of one cell as text, all with the same decimals."""
        scaled = [self.scale * number for number in numbers]
        digits = decimals_of(scaled) if self.decimals is None else self.decimals
        return [f"{number:{'+' if sign else ''}.{digits}f}" for number in scaled]


@dataclass(frozen=True, slots=True)
class Cell:
    """One checkpoint on one suite, or on their `AVERAGE`.

    Attributes:
        n: prompts that have a value.
        total: prompts of the suite.
        value: mean over prompts; None where the headline is withheld.
        interval: 95 % interval of the value; None where there is no value, or it cannot be
            estimated (one graded prompt, or graded ones that are all equal).
        bounds: the value if every missing one were the worst, and if it were the best; None
            without any missing.
        statuses: status -> number of samples.
        tokens: generated tokens a sample.
        beside: the suite's other metrics (not those of subsets), means over prompts.
        noise: what prompts and repeats add to the value's error; None without repeats.
        delta: paired difference from the baseline, on the prompts that both have.
        p_holm: p-value of the delta, corrected for all deltas of the comparison.
        detectable: smallest difference from the baseline that these prompts show with a power
            of 80 %, corrected likewise; None where it is not known.
    """

    checkpoint: str
    suite: str
    n: int
    total: int
    value: float | None
    interval: Interval | None = None
    bounds: tuple[float, float] | None = None
    statuses: Mapping[str, int] = field(default_factory=dict)
    tokens: float | None = None
    beside: Mapping[str, float] = field(default_factory=dict)
    noise: Noise | None = None
    delta: PairedDifference | None = None
    p_holm: float | None = None
    detectable: float | None = None

    @property
    def significant(self) -> bool:
        """Return True if the difference is significant after correction."""
        return self.p_holm is not None and self.p_holm < LEVEL


@dataclass(frozen=True, slots=True)
class Comparison:
    """A typed table: rows `checkpoints`, columns `columns`, `cells` by (checkpoint, suite).

    `methods` are checkpoints that differ in their training seed alone, `gaps` the differences
    between methods that have seeds enough to be compared.
    """

    recipe: str
    baseline: str
    checkpoints: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: Mapping[Key, Cell]
    warnings: tuple[str, ...] = ()
    methods: tuple[Method, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def cell(self, checkpoint: str, suite: str) -> Cell | None:
        """Return the cell, or None where the checkpoint was not evaluated on the suite."""
        return self.cells.get((checkpoint, suite))

    def of_suite(self, suite: str) -> list[Cell]:
        """Return the cells of a suite in the order of the checkpoints."""
        return [cell for name in self.checkpoints if (cell := self.cell(name, suite))]

    def column(self, suite: str) -> Column:
        """Return the column of a suite of the comparison."""
        return next(column for column in self.columns if column.suite == suite)

    def row(self, checkpoint: str) -> tuple[tuple[Column, Cell | None], ...]:
        """Return a checkpoint's cells with their columns."""
        return tuple((column, self.cell(checkpoint, column.suite)) for column in self.columns)


def decimals_of(numbers: Sequence[float]) -> int:
    """Return the decimals that give the largest number three digits, at most six."""
    most = max(map(abs, numbers))
    return min(6, max(0, 3 - ceil(log10(most)))) if most and isfinite(most) else 1
