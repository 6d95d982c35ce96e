"""The comparison of checkpoints: scores on every suite, and differences from a baseline.

Prompts are paired by (sample id, repeat), repeats are averaged per prompt, and every difference
from the baseline is corrected (Holm) for all differences that the comparison shows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite

from harness.report.compare.together import checked
from harness.stats.cells import AVERAGE, Cell, Column, Comparison, Key, decimals_of
from harness.stats.clusters import noise
from harness.stats.intervals import is_binary, mean_intervals, mover_average
from harness.stats.methods import LEVEL, gaps, methods
from harness.stats.paired import holm, is_won_or_tied, paired_averages, paired_differences, win_rate
from harness.stats.power.sizes import detectable
from harness.stats.series import answers, paired_values, values
from harness.storage.result import Result, SuiteResult


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
        result: the result of a run.
        baseline: the checkpoint that the others are compared with.
        allow_missing: show a mean although the value of some samples is missing.
        allow_mismatch: warn, instead of refusing, when a column's cells differ in protocol or
            share no sample with the baseline.
        seed: of bootstrap and permutation.

    Raises:
        RunError: no such baseline; or (without `allow_mismatch`) two cells of one column that
            must not be compared, naming the difference.
    """
    options = {"allow_missing": allow_missing, "allow_mismatch": allow_mismatch}
    return compare_all(result, [baseline], **options, seed=seed)[baseline]


def compared_cells(result: Result) -> tuple[Cell, ...]:
    """Return all cells of a result, compared with its own baseline (else its first checkpoint)."""
    names = [checkpoint.name for checkpoint in result.checkpoints]
    baseline = result.baseline if result.baseline in names else names[0]
    return tuple(compare(result, baseline, allow_mismatch=True).cells.values())


def compare_all(
    result: Result,
    baselines: Sequence[str],
    *,
    allow_missing: bool = False,
    allow_mismatch: bool = False,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Return the comparison with each of several baselines; scores are computed once.

    Raises:
        RunError: as `compare` does.
    """
    warnings = {}
    for baseline in baselines:
        result.checkpoint(baseline)
        warnings[baseline] = tuple(
            warning
            for suite in result.suites
            for warning in checked(result, baseline, suite, allow_mismatch=allow_mismatch)
        )
    columns, cells = scores(result, allow_missing=allow_missing, seed=seed)
    fractions = [column.suite for column in columns if column.fraction]
    average = Column(AVERAGE, "unweighted mean", fraction=True)
    names, families = tuple(c.name for c in result.checkpoints), methods(result)
    comparisons = {}
    for baseline in baselines:
        pairs = _pairs(result, baseline, cells, allow_missing=allow_missing)
        compared = _with_deltas(cells, pairs, columns, seed)
        if len(fractions) > 1:
            compared |= _averages(result, fractions, compared, pairs, seed)
        comparisons[baseline] = Comparison(
            recipe=result.recipe,
            baseline=baseline,
            checkpoints=names,
            columns=(*columns, average) if len(fractions) > 1 else columns,
            cells=_corrected(compared, pairs),
            warnings=warnings[baseline],
            methods=families,
            gaps=gaps(result, baseline, allow_missing=allow_missing),
        )
    return comparisons


def scores(
    result: Result, *, allow_missing: bool = False, seed: int = 0
) -> tuple[tuple[Column, ...], dict[Key, Cell]]:
    """Return the columns and cells of a result as `compare` does, but without differences."""
    columns = tuple(_column(result, suite) for suite in result.suites)
    cells = {
        (checkpoint.name, suite): _cell(checkpoint.name, score, allow_missing=allow_missing)
        for checkpoint in result.checkpoints
        for suite, score in checkpoint.suites.items()
    }
    return columns, _with_intervals(cells, result, columns, seed)


def _column(result: Result, suite: str) -> Column:
    scores = list(result.of_suite(suite).values())
    most = max(abs(bound) for score in scores for bound in score.bounds)
    # Older records lack the suite's bounds; values beyond the default ones have no known best.
    inside = all(
        sample.value is None or score.bounds[0] <= sample.value <= score.bounds[1]
        for score in scores
        for sample in score.samples
    )
    # Ratings run from 1 to 10 and may all be 1, so the bounds decide and not the values.
    fraction = inside and all(score.bounds == (0.0, 1.0) for score in scores)
    return Column(
        suite=suite,
        headline=scores[0].headline,
        fraction=fraction,
        decimals=1 if fraction else decimals_of([most]) if isfinite(most) and most > 1 else None,
        ranked=isfinite(most) and inside,
    )


def _cell(checkpoint: str, score: SuiteResult, *, allow_missing: bool) -> Cell:
    means = values(score)
    missing = sum(s.value is None for s in score.samples)
    shown = bool(means) and (allow_missing or not missing)
    total = len(score.samples)
    own = {score.headline, *(name for name in score.metrics if "/" in name)}
    beside = {name: value for name, value in score.metrics.items() if name not in own}
    return Cell(
        checkpoint=checkpoint,
        suite=score.suite,
        n=len(means),
        total=len({s.id for s in score.samples}),
        value=sum(means.values()) / len(means) if shown else None,
        bounds=_bounds(score) if missing else None,
        statuses=score.statuses,
        tokens=score.tokens / total if score.tokens and total else None,
        beside=beside if shown else {},
        noise=noise(answers(score)) if shown else None,
    )


def _bounds(score: SuiteResult) -> tuple[float, float] | None:
    """Return the mean if every missing value were the worst, and if it were the best.

    None where the metric has no bounds, and for older records whose values exceed their bounds.
    """
    present = [s.value for s in score.samples if s.value is not None]
    low, high = score.bounds
    if not (isfinite(low) and isfinite(high)) or any(not low <= value <= high for value in present):
        return None
    total, missing = len(score.samples), len(score.samples) - len(present)
    return (sum(present) + missing * low) / total, (sum(present) + missing * high) / total


def _with_intervals(
    cells: Mapping[Key, Cell], result: Result, columns: Sequence[Column], seed: int
) -> dict[Key, Cell]:
    verdicts = {column.suite for column in columns if column.headline.endswith("win_rate")}
    estimated = dict(cells)
    for graded in (False, True):
        keys = [k for k in _of_kind(cells, columns, graded=graded) if cells[k].value is not None]
        scores = [result.checkpoint(name).suites[suite] for name, suite in keys]
        series = [list(values(score).values()) for score in scores]
        intervals = mean_intervals(series, seed, graded=graded)
        for key, score, numbers, mean in zip(keys, scores, series, intervals, strict=True):
            interval = mean
            if score.protocol.get("against") == key[0]:  # judged against itself: it is one half
                interval = None
            elif key[1] in verdicts and is_won_or_tied(numbers):
                counts = Counter(numbers)
                interval = win_rate(counts[1], counts[0.5], counts[0]).interval
            estimated[key] = replace(cells[key], interval=interval)
    return estimated


def _of_kind(cells: Iterable[Key], columns: Sequence[Column], *, graded: bool) -> list[Key]:
    """Return the keys of columns that hold fractions, or with `graded` of all others."""
    suites = {column.suite for column in columns if column.fraction != graded}
    return [key for key in cells if key[1] in suites]


Pairs = dict[Key, tuple[list[float], list[float]]]


def _pairs(
    result: Result, baseline: str, cells: Mapping[Key, Cell], *, allow_missing: bool
) -> Pairs:
    """Return the values of each cell and of the baseline on their shared prompts."""
    against = result.checkpoint(baseline).suites
    complete = {
        suite
        for suite, score in against.items()
        if allow_missing or all(s.value is not None for s in score.samples)
    }
    return {
        key: paired_values(result.checkpoint(key[0]).suites[key[1]], against[key[1]])
        for key, cell in cells.items()
        if key[0] != baseline and key[1] in complete and cell.value is not None
    }


def _with_deltas(
    cells: Mapping[Key, Cell], pairs: Pairs, columns: Sequence[Column], seed: int
) -> dict[Key, Cell]:
    compared = dict(cells)
    for graded in (False, True):
        keys = [
            key
            for key in _of_kind(pairs, columns, graded=graded)
            if len(own := pairs[key][0]) > 1
            or (own and not graded and all(map(is_binary, pairs[key])))
        ]
        deltas = paired_differences([pairs[key] for key in keys], seed, graded=graded)
        for key, delta in zip(keys, deltas, strict=True):
            compared[key] = replace(cells[key], delta=delta)
    return compared


def _averages(
    result: Result, suites: Sequence[str], cells: Mapping[Key, Cell], pairs: Pairs, seed: int
) -> dict[Key, Cell]:
    """Return the averages of the checkpoints that have a value on every suite."""
    averages: dict[Key, Cell] = {}
    paired = []
    for name in (checkpoint.name for checkpoint in result.checkpoints):
        row = [cell for s in suites if (cell := cells.get((name, s))) and cell.value is not None]
        if len(row) == len(suites):
            averages[name, AVERAGE] = _average(name, row)
            if all(cells[name, s].delta and len(pairs[name, s][0]) > 1 for s in suites):
                paired.append((name, AVERAGE))
    deltas = paired_averages([[pairs[name, suite] for suite in suites] for name, _ in paired], seed)
    for key, delta in zip(paired, deltas, strict=True):
        averages[key] = replace(averages[key], delta=delta)
    return averages


def _average(checkpoint: str, row: Sequence[Cell]) -> Cell:
    scores = [cell.value for cell in row if cell.value is not None]
    intervals = [cell.interval for cell in row if cell.interval is not None]
    return Cell(
        checkpoint=checkpoint,
        suite=AVERAGE,
        n=sum(cell.n for cell in row),
        total=sum(cell.total for cell in row),
        value=sum(scores) / len(scores),
        interval=mover_average(scores, intervals) if len(intervals) == len(row) else None,
    )


def _corrected(cells: Mapping[Key, Cell], pairs: Pairs) -> dict[Key, Cell]:
    deltas = {key: cell.delta for key, cell in cells.items() if cell.delta}
    adjusted = dict(zip(deltas, holm([d.p_value for d in deltas.values()]), strict=True))
    corrected = dict(cells)
    for key, delta in deltas.items():
        seen = detectable(delta, pairs[key], LEVEL / len(deltas)) if key in pairs else None
        corrected[key] = replace(cells[key], p_holm=adjusted[key], detectable=seen)
    return corrected
