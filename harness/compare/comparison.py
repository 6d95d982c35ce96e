"""Side by side: every checkpoint on every suite, with what can be told apart from the baseline.

Prompts are paired by (sample id, repeat), repeats are averaged per prompt, and every difference
from the baseline is corrected (Holm) for all differences that the comparison shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.errors import RunError
from harness.result import Result, SampleResult, SuiteResult
from harness.statistics import (
    Interval,
    PairedDifference,
    bootstrap_mean,
    holm,
    is_binary,
    mover_average,
    paired_average,
    paired_difference,
    wilson,
)

#: Name of the column that averages the others.
AVERAGE = "average"
#: A difference is called significant when its corrected p-value is below this.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Column:
    """One suite: its headline metric, and whether that is a fraction (shown in percent)."""

    suite: str
    headline: str
    fraction: bool

    @property
    def scale(self) -> float:
        """What a value is multiplied by to be shown: 100 for fractions, else 1."""
        return 100.0 if self.fraction else 1.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One checkpoint on one suite.

    Attributes:
        checkpoint: its name.
        suite: its name, or `AVERAGE`.
        n: prompts that have a value.
        total: prompts that were asked.
        value: mean over prompts; None where the headline is withheld.
        interval: 95 % interval of the value; None where there is no value, or it cannot be
            estimated (one graded prompt, or graded ones that are all equal).
        bounds: what the value would be if every missing one were the worst or the best that there
            can be; None without any missing.
        statuses: status -> number of samples.
        tokens: generated tokens a sample.
        beside: the suite's other metrics (not those of subsets), means over prompts.
        delta: paired difference from the baseline, on the prompts that both have.
        p_holm: p-value of the delta, corrected for all deltas of the comparison.
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
    delta: PairedDifference | None = None
    p_holm: float | None = None

    @property
    def significant(self) -> bool:
        """Whether the delta can be told apart from zero after correction."""
        return self.p_holm is not None and self.p_holm < LEVEL


@dataclass(frozen=True, slots=True)
class Comparison:
    """A typed table: rows `checkpoints`, columns `columns`, `cells` by (checkpoint, suite)."""

    recipe: str
    baseline: str
    checkpoints: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: Mapping[tuple[str, str], Cell]
    warnings: tuple[str, ...] = ()

    def cell(self, checkpoint: str, suite: str) -> Cell | None:
        """The cell, or None where the checkpoint was not evaluated on the suite."""
        return self.cells.get((checkpoint, suite))

    def row(self, checkpoint: str) -> tuple[Cell | None, ...]:
        """A checkpoint's cells in the order of the columns."""
        return tuple(self.cell(checkpoint, column.suite) for column in self.columns)


def compare(
    result: Result,
    baseline: str,
    *,
    allow_missing: bool = False,
    allow_mismatch: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare every checkpoint of a result with one of them.

    Args:
        result: what a run found.
        baseline: the checkpoint that the others are compared with.
        allow_missing: show a value though some samples have none because we failed.
        allow_mismatch: warn, instead of refusing, when a column's cells differ in protocol or
            share no sample with the baseline.
        seed: of bootstrap and permutation.

    Raises:
        RunError: no such baseline; or (without `allow_mismatch`) two cells of one column that
            must not be compared, naming the difference.
    """
    result.checkpoint(baseline)
    suites = tuple(dict.fromkeys(s for c in result.checkpoints for s in c.suites))
    warnings: list[str] = []
    for suite in suites:
        warnings += _sample_differences(result, baseline, suite)
        mismatches = list(_mismatches(result, baseline, suite))
        if mismatches and not allow_mismatch:
            raise RunError(
                f"{mismatches[0]}: these scores are not comparable; evaluate both the same way, "
                "or allow the mismatch to see them side by side"
            )
        warnings += mismatches
        warnings += _tiers(result, suite)
    cells = dict(_cells(result, baseline, suites, allow_missing=allow_missing, seed=seed))
    columns = tuple(_column(result, suite) for suite in suites)
    if len(columns) > 1 and all(column.fraction for column in columns):
        columns += (Column(AVERAGE, "unweighted mean", fraction=True),)
        cells |= dict(_averages(result, baseline, suites, cells, seed))
    return Comparison(
        recipe=result.recipe,
        baseline=baseline,
        checkpoints=tuple(c.name for c in result.checkpoints),
        columns=columns,
        cells=_corrected(cells),
        warnings=tuple(warnings),
    )


def verdict(comparison: Comparison) -> str:
    """One sentence that names checkpoints: what the comparison shows and what it does not.

    It never ranks methods: a checkpoint is one training run, and another seed may fall otherwise.
    """
    base = comparison.baseline
    shown, unclear = [], []
    for column in comparison.columns:
        if parts := list(_directions(comparison, column)):
            shown.append(f"on {column.suite} {' and '.join(parts)}")
        if names := _unclear(comparison, column):
            unclear.append(f"on {column.suite} for {', '.join(names)}")
    withheld = [
        f"{c.checkpoint} on {c.suite} ({c.n} of {c.total} have a value)"
        for c in comparison.cells.values()
        if c.value is None and c.suite != AVERAGE
    ]
    lacks = [f"a difference from {base} {'; '.join(unclear)}"] if unclear else []
    lacks += [f"the withheld score of {', '.join(withheld)}"] if withheld else []
    lacks += ["any order among the others or of methods (each checkpoint is one training run)"]
    said = "; ".join(shown) or f"no difference from {base}"
    return f"Shown: {said}; not shown: {'; '.join(lacks)}."


def values(suite: SuiteResult) -> dict[str, float]:
    """Sample id -> mean over its repeats that have a value."""
    return _means({(s.id, s.repeat): s.value for s in suite.samples if s.value is not None})


def paired_values(first: SuiteResult, second: SuiteResult) -> tuple[list[float], list[float]]:
    """Both series on the prompts they share, repeats averaged, sorted by sample id.

    Only pairs (sample id, repeat) that have a value in both count.
    """
    one, two = (
        {(s.id, s.repeat): s.value for s in suite.samples if s.value is not None}
        for suite in (first, second)
    )
    shared = one.keys() & two.keys()
    means = [_means({key: table[key] for key in shared}) for table in (one, two)]
    ids = sorted(means[0])
    return [means[0][i] for i in ids], [means[1][i] for i in ids]


def _means(table: Mapping[tuple[str, int], float]) -> dict[str, float]:
    repeats: dict[str, list[float]] = {}
    for (sample, _repeat), value in sorted(table.items()):
        repeats.setdefault(sample, []).append(value)
    return {sample: sum(v) / len(v) for sample, v in repeats.items()}


def _sides(result: Result, baseline: str, suite: str) -> Iterator[tuple[str, str, SuiteResult]]:
    """(name, name of the reference, its score) of all that have the suite, reference first."""
    have = [c.name for c in result.checkpoints if suite in c.suites]
    reference = baseline if baseline in have else have[0]
    for name in sorted(have, key=lambda n: n != reference):
        yield name, reference, result.checkpoint(name).suites[suite]


def _mismatches(result: Result, baseline: str, suite: str) -> Iterator[str]:
    """What forbids comparing cells of one column: another protocol, or no shared sample."""
    (_, reference, ours), *others = _sides(result, baseline, suite)
    for name, _, theirs in others:
        for key in sorted(ours.protocol.keys() | theirs.protocol.keys()):
            old, new = ours.protocol.get(key, "not stated"), theirs.protocol.get(key, "not stated")
            if old != new:
                yield f"{suite}: {key} is {old} for {reference} and {new} for {name}"
        if not _keys(ours.samples) & _keys(theirs.samples):
            yield f"{suite}: {reference} and {name} share no sample"


def _tiers(result: Result, suite: str) -> list[str]:
    """On which weaker tiers than A a suite's programs were contained."""
    found = {
        c.suites[suite].protocol.get("tier", "A") for c in result.checkpoints if suite in c.suites
    }
    return [
        f"{suite}: its programs were contained on tier {tier}, not A (docs/security.md)"
        for tier in sorted(found - {"A"})
    ]


def _sample_differences(result: Result, baseline: str, suite: str) -> list[str]:
    (_, reference, ours), *others = _sides(result, baseline, suite)
    mine = _keys(ours.samples)
    return [
        f"{suite}: {reference} has {len(mine)} samples and {name} {len(keys)}; "
        f"the difference stands on the {len(mine & keys)} shared ones"
        for name, _, theirs in others
        if (keys := _keys(theirs.samples)) != mine
    ]


def _keys(samples: Sequence[SampleResult]) -> set[tuple[str, int]]:
    return {(sample.id, sample.repeat) for sample in samples}


def _column(result: Result, suite: str) -> Column:
    scores = [c.suites[suite] for c in result.checkpoints if suite in c.suites]
    found = [s.value for score in scores for s in score.samples if s.value is not None]
    # Ratings run from 1 to 10, and they may all be 1: what can be says more than what is.
    fraction = all(score.bounds == (0.0, 1.0) for score in scores) and _is_fraction(found)
    return Column(suite, scores[0].headline, fraction)


def _cells(
    result: Result, baseline: str, suites: Sequence[str], *, allow_missing: bool, seed: int
) -> Iterator[tuple[tuple[str, str], Cell]]:
    for checkpoint in result.checkpoints:
        for suite in suites:
            if suite not in checkpoint.suites:
                continue
            score = checkpoint.suites[suite]
            cell = _cell(checkpoint.name, score, allow_missing=allow_missing, seed=seed)
            against = result.checkpoint(baseline).suites.get(suite)
            if checkpoint.name != baseline and against and cell.value is not None:
                complete = all(s.value is not None for s in against.samples)
                if complete or allow_missing:
                    cell = replace(cell, delta=_delta(score, against, seed))
            yield (checkpoint.name, suite), cell


def _cell(checkpoint: str, score: SuiteResult, *, allow_missing: bool, seed: int) -> Cell:
    found = list(values(score).values())
    missing = sum(s.value is None for s in score.samples)
    shown = bool(found) and (allow_missing or not missing)
    total = len(score.samples)
    return Cell(
        checkpoint=checkpoint,
        suite=score.suite,
        n=len(found),
        total=len({s.id for s in score.samples}),
        value=sum(found) / len(found) if shown else None,
        interval=interval_of(found, seed) if shown else None,
        bounds=_bounds(score) if missing else None,
        statuses=score.statuses,
        tokens=score.tokens / total if score.tokens and total else None,
        beside=_beside(score) if shown else {},
    )


def _bounds(score: SuiteResult) -> tuple[float, float] | None:
    """The mean over all samples, with the worst and the best value in place of missing ones.

    None where values lie outside of what the record says: older ones do not say it.
    """
    known = [s.value for s in score.samples if s.value is not None]
    low, high = score.bounds
    if any(not low <= value <= high for value in known):
        return None
    total, missing = len(score.samples), len(score.samples) - len(known)
    return (sum(known) + missing * low) / total, (sum(known) + missing * high) / total


def _beside(score: SuiteResult) -> dict[str, float]:
    own = {score.headline, *(name for name in score.metrics if "/" in name)}
    return {name: value for name, value in score.metrics.items() if name not in own}


def _is_fraction(found: Sequence[float]) -> bool:
    return all(0 <= value <= 1 for value in found)


def interval_of(found: Sequence[float], seed: int = 0) -> Interval | None:
    """The 95 % interval of a mean: Wilson's of right-or-wrong values, else a bootstrap's.

    None for a single graded value, and for graded values that are all equal.
    """
    if is_binary(found):
        return wilson(int(sum(found)), len(found))
    return bootstrap_mean(found, seed) if len(found) > 1 else None


def _delta(score: SuiteResult, against: SuiteResult, seed: int) -> PairedDifference | None:
    first, second = paired_values(score, against)
    enough = len(first) > 1 or (first and is_binary(first) and is_binary(second))
    return paired_difference(first, second, seed) if enough else None


def _averages(
    result: Result,
    baseline: str,
    suites: Sequence[str],
    cells: Mapping[tuple[str, str], Cell],
    seed: int,
) -> Iterator[tuple[tuple[str, str], Cell]]:
    """Averages of the checkpoints that have a value on every suite."""
    for checkpoint in result.checkpoints:
        row = [cells.get((checkpoint.name, suite)) for suite in suites]
        scores = [cell.value for cell in row if cell and cell.value is not None]
        if len(scores) < len(suites):
            continue
        intervals = [cell.interval for cell in row if cell and cell.interval is not None]
        against = result.checkpoint(baseline).suites
        pairs = [
            paired_values(checkpoint.suites[suite], against[suite])
            for suite, cell in zip(suites, row, strict=True)
            if cell and cell.delta
        ]
        whole = len(intervals) == len(scores)
        paired = len(pairs) == len(suites) and all(len(first) > 1 for first, _ in pairs)
        yield (
            (checkpoint.name, AVERAGE),
            Cell(
                checkpoint=checkpoint.name,
                suite=AVERAGE,
                n=sum(cell.n for cell in row if cell),
                total=sum(cell.total for cell in row if cell),
                value=sum(scores) / len(scores),
                interval=mover_average(scores, intervals) if whole else None,
                delta=paired_average(pairs, seed) if paired else None,
            ),
        )


def _corrected(cells: Mapping[tuple[str, str], Cell]) -> dict[tuple[str, str], Cell]:
    deltas = {key: cell.delta.p_value for key, cell in cells.items() if cell.delta}
    adjusted = dict(zip(deltas, holm(list(deltas.values())), strict=True))
    return {key: replace(cell, p_holm=adjusted.get(key)) for key, cell in cells.items()}


def _unclear(comparison: Comparison, column: Column) -> list[str]:
    cells = (comparison.cell(name, column.suite) for name in comparison.checkpoints)
    return [cell.checkpoint for cell in cells if cell and cell.delta and not cell.significant]


def _directions(comparison: Comparison, column: Column) -> Iterator[str]:
    found = [
        (cell.checkpoint, column.scale * cell.delta.delta)
        for name in comparison.checkpoints
        if (cell := comparison.cell(name, column.suite)) and cell.delta and cell.significant
    ]
    for word, sign in (("above", 1), ("below", -1)):
        names = [f"{name} ({by:+.1f})" for name, by in found if by * sign > 0]
        if names:
            yield f"{', '.join(names)} {word} {comparison.baseline}"
