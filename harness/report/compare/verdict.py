"""What a comparison shows and what it does not, in one sentence."""

from collections.abc import Iterator

from harness.stats.cells import AVERAGE, Column, Comparison
from harness.stats.methods import Gap
from harness.stats.seeds import LEAST_SEEDS


def verdict(comparison: Comparison) -> str:
    """One sentence that names checkpoints: what the comparison shows and what it does not.

    Methods are named only where at least three training seeds of each stand behind them: a
    checkpoint is one training run, and another seed may fall otherwise.
    """
    base = comparison.baseline
    shown, unclear = [], []
    for column in comparison.columns:
        if parts := list(_directions(comparison, column)):
            shown.append(f"on {column.suite} {' and '.join(parts)}")
        if names := _unclear(comparison, column):
            unclear.append(f"on {column.suite} for {', '.join(names)}")
    shown += [_method(comparison, gap) for gap in comparison.gaps if gap.significant]
    lacks = [f"a difference from {base} {'; '.join(unclear)}"] if unclear else []
    if withheld := list(_withheld(comparison)):
        lacks.append(f"the withheld score of {', '.join(withheld)}")
    lacks += _orders(comparison)
    said = "; ".join(shown) or f"no difference from {base}"
    return f"Shown: {said}; not shown: {'; '.join(lacks)}."


def _withheld(comparison: Comparison) -> Iterator[str]:
    for cell in comparison.cells.values():
        if cell.value is None and cell.suite != AVERAGE:
            yield f"{cell.checkpoint} on {cell.suite} ({cell.n} of {cell.total} have a value)"


def _orders(comparison: Comparison) -> list[str]:
    if not comparison.gaps:
        return ["any order among the others or of methods (each checkpoint is one training run)"]
    unclear = [
        f"{gap.first} and {gap.second} on {gap.suite}"
        for gap in comparison.gaps
        if not gap.significant
    ]
    return [
        "any order among the other checkpoints (each is one training run)",
        *([f"any order of the methods {', '.join(unclear)}"] if unclear else []),
    ]


def _method(comparison: Comparison, gap: Gap) -> str:
    column, difference = comparison.column(gap.suite), gap.difference
    by, low, high = column.shown(
        difference.delta, difference.interval.low, difference.interval.high, sign=True
    )
    word = "above" if difference.delta > 0 else "below"
    seeds = " and ".join(str(n) for n in difference.seeds if n >= LEAST_SEEDS)
    return (
        f"on {gap.suite} method {gap.first} {word} {gap.second} by {by} [{low}, {high}] "
        f"over {seeds} training seeds"
    )


def _unclear(comparison: Comparison, column: Column) -> list[str]:
    cells = (comparison.cell(name, column.suite) for name in comparison.checkpoints)
    return [cell.checkpoint for cell in cells if cell and cell.delta and not cell.significant]


def _directions(comparison: Comparison, column: Column) -> Iterator[str]:
    deltas = [
        (cell.checkpoint, cell.delta.delta)
        for name in comparison.checkpoints
        if (cell := comparison.cell(name, column.suite)) and cell.delta and cell.significant
    ]
    for word, sign in (("above", 1), ("below", -1)):
        names = [
            f"{name} ({column.shown(by, sign=True)[0]})" for name, by in deltas if by * sign > 0
        ]
        if names:
            yield f"{', '.join(names)} {word} {comparison.baseline}"
