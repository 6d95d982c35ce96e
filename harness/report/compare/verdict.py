"""The verdict of a comparison: its significant differences, and those that it does not show."""

from collections.abc import Iterator, Sequence

from harness.stats.cells import AVERAGE, Cell, Column, Comparison
from harness.stats.methods import Gap
from harness.stats.seeds import LEAST_SEEDS


def verdict(comparison: Comparison) -> str:
    """Return the verdict in short sentences.

    Methods are named only where each has at least three training seeds: a checkpoint is one
    training run, and another seed may give another order.
    """
    return " ".join(_sentences(comparison))


def _sentences(comparison: Comparison) -> Iterator[str]:
    base = comparison.baseline
    unclear = []
    for column in comparison.columns:
        cells = [cell for cell in comparison.of_suite(column.suite) if cell.delta]
        significant = [cell for cell in cells if cell.significant]
        others = [cell.checkpoint for cell in cells if not cell.significant]
        yield from _directions(base, column, significant)
        if significant and others:
            verb = "does not differ" if len(others) == 1 else "do not differ"
            yield f"On {column.suite}, {joined(others)} {verb} significantly from {base}."
        elif others:
            unclear.append(_with_prompts(column, cells))
    if unclear:
        yield f"No checkpoint differs significantly from {base} on {joined(unclear, 'or')}."
    yield from (_method(comparison, gap) for gap in comparison.gaps)
    for cell in comparison.cells.values():
        if cell.value is None and cell.suite != AVERAGE:
            yield (
                f"The score of {cell.checkpoint} on {cell.suite} is withheld, because only "
                f"{cell.n} of {cell.total} prompts have a value."
            )
    unranked = "checkpoints" if comparison.gaps else "checkpoints or methods"
    yield f"The other {unranked} are not ranked, because each checkpoint is one training run."


def joined(names: Sequence[str], word: str = "and") -> str:
    """Return names as text: "a", "a and b", "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


def _directions(base: str, column: Column, cells: Sequence[Cell]) -> Iterator[str]:
    for word, sign in (("above", 1), ("below", -1)):
        names = [
            f"{cell.checkpoint} ({column.shown(cell.delta.delta, sign=True)[0]})"
            for cell in cells
            if cell.delta and cell.delta.delta * sign > 0
        ]
        if names:
            verb = "is" if len(names) == 1 else "are"
            yield f"On {column.suite}, {joined(names)} {verb} significantly {word} {base}."


def _with_prompts(column: Column, cells: Sequence[Cell]) -> str:
    """Return a suite with its prompts, and the differences that these may not show."""
    if column.suite == AVERAGE:
        return f"the {AVERAGE}"
    prompts = joined([str(n) for n in sorted({c.delta.n for c in cells if c.delta})], "or")
    least = min((cell.detectable for cell in cells if cell.detectable is not None), default=None)
    if least is None:
        return f"{column.suite} ({prompts} prompts)"
    unit = " points" if column.fraction else ""
    limit = f"differences below {column.shown(least)[0]}{unit} may not show"
    return f"{column.suite} ({prompts} prompts; {limit})"


def _method(comparison: Comparison, gap: Gap) -> str:
    if not gap.significant:
        names = f"{gap.first} and {gap.second}"
        return f"On {gap.suite}, the methods {names} do not differ significantly."
    difference = gap.difference
    interval = difference.interval
    by, low, high = comparison.column(gap.suite).shown(
        difference.delta, interval.low, interval.high, sign=True
    )
    word = "above" if difference.delta > 0 else "below"
    seeds = " and ".join(str(n) for n in difference.seeds if n >= LEAST_SEEDS)
    return (
        f"On {gap.suite}, method {gap.first} is significantly {word} {gap.second} by {by} "
        f"[{low}, {high}] over {seeds} training seeds."
    )
