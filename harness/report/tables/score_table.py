"""Scores with their intervals and differences, as a table."""

from collections.abc import Iterator, Sequence

from harness.report.compare.verdict import joined, verdict
from harness.report.tables.table import (
    CLEAR,
    NO_INTERVAL,
    NONE,
    UNCLEAR,
    Heading,
    Raw,
    Table,
    best_two,
)
from harness.stats.cells import AVERAGE, Cell, Column, Comparison
from harness.stats.methods import Method
from harness.stats.records import Interval


def comparison_table(comparison: Comparison) -> Table:
    """Return scores with intervals and differences; the verdict is the first note.

    With one suite, differences and generated tokens have columns of their own; with several,
    differences are under the scores.
    """
    columns = comparison.columns
    alone = columns[0] if len(columns) == 1 else None
    headings = [f"{column.suite}\n{column.measure}" for column in columns]
    if alone:
        points = "points" if alone.fraction else alone.measure
        headings += [f"against {comparison.baseline}\n{points}", "tokens\nan answer"]
    return Table(
        title=f"{comparison.recipe}: scores with 95 % intervals",
        headings=(Heading("checkpoint", "left"), *map(Heading, headings)),
        rows=tuple(
            (name, *_texts(row)) for name in comparison.checkpoints if (row := comparison.row(name))
        ),
        notes=tuple(_notes(comparison)),
        records=tuple(map(_record, comparison.cells.values())),
        ranks=ranks(comparison),
    )


def ranks(comparison: Comparison) -> dict[tuple[int, int], int]:
    """Return (row, column) of the best (1) and second (2) where more is better; columns from 1."""
    ranked: dict[tuple[int, int], int] = {}
    rows = {name: row for row, name in enumerate(comparison.checkpoints)}
    for number, column in enumerate(comparison.columns, start=1):
        cells = comparison.of_suite(column.suite) if column.ranked else []
        best = best_two({rows[c.checkpoint]: c.value for c in cells if c.value is not None})
        ranked |= {(row, number): rank for row, rank in best.items()}
    return ranked


def _texts(row: Sequence[tuple[Column, Cell | None]]) -> Iterator[str]:
    for column, cell in row:
        score, difference = score_text(column, cell), difference_text(column, cell)
        if len(row) == 1:
            tokens = NONE if cell is None or cell.tokens is None else f"{cell.tokens:.1f}"
            yield from (score, difference, tokens)
        else:
            yield score if difference == NONE else f"{score}\n{difference}"


def score_text(column: Column, cell: Cell | None) -> str:
    """Return a value with its interval, a dash without a cell, or the missing prompts."""
    if cell is None:
        return NONE
    if cell.value is None:
        return f"missing ({cell.n} of {cell.total})"
    return _estimate(column, cell.value, cell.interval)


def difference_text(column: Column, cell: Cell | None) -> str:
    """Return the marked difference from the baseline with its interval, or a dash."""
    if cell is None or cell.delta is None:
        return NONE
    mark = CLEAR if cell.significant else UNCLEAR
    return f"{_estimate(column, cell.delta.delta, cell.delta.interval, sign=True)}{mark}"


def _estimate(
    column: Column, value: float, interval: Interval | None, *, sign: bool = False
) -> str:
    if interval is None:
        return f"{column.shown(value, sign=sign)[0]} {NO_INTERVAL}"
    shown, low, high = column.shown(value, interval.low, interval.high, sign=sign)
    return f"{shown} [{low}, {high}]"


def _notes(comparison: Comparison) -> Iterator[str]:
    yield verdict(comparison)
    yield from (f"Warning: {warning}" for warning in comparison.warnings)
    if any(cell.delta for cell in comparison.cells.values()):
        yield (
            f"{CLEAR} differs significantly from {comparison.baseline} (p < 0.05, paired by "
            f"prompt, Holm-corrected for all differences shown); {UNCLEAR} does not."
        )
    scored = [cell for cell in comparison.cells.values() if cell.value is not None]
    if any(c.interval is None or (c.delta and c.delta.interval is None) for c in scored):
        yield (
            f"{NO_INTERVAL} means that no interval can be estimated: there is one value, all are "
            "equal, or a suite of the average has none."
        )
    columns = [column for column in comparison.columns if column.suite != AVERAGE]
    fractions = [column.suite for column in columns if column.fraction]
    if len(fractions) < len(columns) < len(comparison.columns):
        yield f"The {AVERAGE} is over {joined(fractions)}."
    for column in columns:
        yield from _counts(comparison, column)
        yield from _seen(comparison, column)
        yield from _repeats(comparison, column)
        yield from _beside(comparison, column)
        yield from _seeds(comparison.methods, column)


def _seen(comparison: Comparison, column: Column) -> Iterator[str]:
    """Yield the detectable differences of a suite, where a difference is not significant."""
    cells = [c for c in comparison.of_suite(column.suite) if c.delta and not c.significant]
    if least := [cell.detectable for cell in cells if cell.detectable is not None]:
        unit = " points" if column.fraction else ""
        low, high = column.shown(min(least), max(least))
        span = low if low == high else f"{low} to {high}"
        yield (
            f"{column.suite}: these prompts show a difference of {span}{unit} with a power of 80 % "
            "(see nca power)."
        )


def _repeats(comparison: Comparison, column: Column) -> Iterator[str]:
    """Yield the standard errors of prompts and of repeated answers or verdicts."""
    parts = []
    for cell in comparison.of_suite(column.suite):
        if cell.noise and cell.value is not None:
            prompts, repeats = column.shown(cell.noise.of_prompts, cell.noise.of_repeats)
            parts.append(f"{prompts} and {repeats} for {cell.checkpoint}")
    if parts:
        yield (
            f"{column.suite}: the standard errors of prompts and of repeats are {', '.join(parts)}."
        )


def _seeds(methods: Sequence[Method], column: Column) -> Iterator[str]:
    """Yield the mean and spread of each method over its training seeds."""
    for method in methods:
        if spread := method.spreads.get(column.suite):
            mean, sd, low, high = column.shown(
                method.means[column.suite], spread.sd, spread.interval.low, spread.interval.high
            )
            yield (
                f"{column.suite}: method {method.name} has the mean {mean} and the standard "
                f"deviation {sd} [{low}, {high}] over {len(method.checkpoints)} training seeds."
            )


def _beside(comparison: Comparison, column: Column) -> Iterator[str]:
    """Yield a note for each metric beside the headline, such as pass@k."""
    cells = comparison.of_suite(column.suite)
    for metric in dict.fromkeys(name for cell in cells for name in cell.beside):
        by_checkpoint = {c.checkpoint: c.beside[metric] for c in cells if metric in c.beside}
        # A suite of fractions may count other things beside them, such as characters.
        fraction = column.fraction and all(0 <= value <= 1 for value in by_checkpoint.values())
        shown = (
            f"{name} {100 * value:.1f}" if fraction else f"{name} {value:.4g}"
            for name, value in by_checkpoint.items()
        )
        unit = ", %" if fraction else ""
        yield f"{column.suite}, {metric}{unit}: {', '.join(shown)}"


def _counts(comparison: Comparison, column: Column) -> Iterator[str]:
    """Yield the number of prompts with all failures, then what is missing."""
    suite = column.suite
    cells = comparison.of_suite(suite)
    failed = [f"{cell.checkpoint} {failures(cell)}" for cell in cells if failures(cell)]
    sizes = sorted({cell.total for cell in cells})
    prompts = " or ".join(map(str, sizes)) + (" prompt" if sizes == [1] else " prompts")
    failures_text = f" Answers that are not ok: {'; '.join(failed)}." if failed else ""
    yield f"{suite}: {prompts}.{failures_text}"
    if any(cell.n and cell.value is None for cell in cells):
        yield f"{suite}: nca compare RUN --allow-missing shows incomplete scores with their bounds."
    for cell in cells:
        if cell.n < cell.total and cell.value is not None:
            between = ""
            if cell.bounds is not None:
                low, high = column.shown(*cell.bounds)
                between = f" (with all of them it lies between {low} and {high})"
            prompts = f"{cell.n} of {cell.total} prompts{between}"
            yield f"{suite}: the score of {cell.checkpoint} uses {prompts}."


def failures(cell: Cell) -> str:
    """Return the count of each status other than `ok`, as text; empty where there is none."""
    counts = ((s, n) for s, n in sorted(cell.statuses.items()) if s != "ok" and n)
    return ", ".join(f"{status} {count}" for status, count in counts)


def _record(cell: Cell) -> dict[str, Raw]:
    interval, delta = cell.interval, cell.delta
    bounds = delta.interval if delta else None
    return {
        "checkpoint": cell.checkpoint,
        "suite": cell.suite,
        "value": cell.value,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "delta": delta.delta if delta else None,
        "delta_low": bounds.low if bounds else None,
        "delta_high": bounds.high if bounds else None,
        "p": delta.p_value if delta else None,
        "p_holm": cell.p_holm,
        "test": delta.test if delta else None,
        "detectable": cell.detectable,
        "error_of_prompts": cell.noise.of_prompts if cell.noise else None,
        "error_of_repeats": cell.noise.of_repeats if cell.noise else None,
        "n": cell.n,
        "total": cell.total,
        "tokens": cell.tokens,
        "statuses": " ".join(f"{s}:{n}" for s, n in sorted(cell.statuses.items())),
    }
