"""A published table with rows of our own under the rows that they belong to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from harness.report.tables.published import MARKS, SIGNS, Figure, Published, unlike
from harness.report.tables.specification import require_known
from harness.report.tables.table import NONE, Heading, Raw, Table, best_two
from harness.stats.intervals import mean_intervals
from harness.stats.records import Interval
from harness.stats.series import values
from harness.storage.result import CheckpointResult


@dataclass(frozen=True, slots=True)
class OurRow:
    """A checkpoint of ours, and the published row that it stands beside (None: it has none).

    `suites` are by the published table's columns.
    """

    label: str
    checkpoint: CheckpointResult
    suites: Mapping[str, str]
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class _Cell:
    """One number of ours beside the published one."""

    value: float
    interval: Interval | None
    difference: float | None
    unlike: tuple[str, ...]


#: The label of a row, and its cells by column.
_Theirs = tuple[str, Mapping[str, Figure]]
_Ours = tuple[str, Mapping[str, _Cell]]


def published_table(
    published: Published,
    ours: Sequence[OurRow],
    rows: Mapping[str, str],
    columns: Mapping[str, str],
) -> Table:
    """Return published figures with marks, and ours with intervals and differences.

    Differences are taken only where the protocols match. `rows` and `columns` map what is shown of
    the published table to labels; empty for all.

    Raises:
        RunError: a row or column is not there, or a row of ours stands beside none.
    """
    require_known("published column", columns, published.columns)
    require_known("published row", rows, published.rows)
    titles = columns or {name: column.title for name, column in published.columns.items()}
    labels = rows or {name: name for name in published.rows}
    require_known("published row", (row.beside for row in ours if row.beside), labels)
    own = [(row.label, _cells(published, row, titles)) for row in ours]
    theirs: list[_Theirs] = []
    lines: list[_Theirs | _Ours] = []
    for name in (*labels, None):
        if name is not None:
            row = published.rows[name]
            theirs.append((labels[name], {c: row[c] for c in titles if c in row}))
            lines.append(theirs[-1])
        lines += [cells for cells, row in zip(own, ours, strict=True) if row.beside == name]
    digits = {name: published.columns[name].decimals for name in titles}
    return Table(
        title=published.title,
        headings=(Heading("model", "left"), *map(Heading, titles.values())),
        rows=tuple(
            (label, *(_text(cells.get(c), digits[c]) for c in titles)) for label, cells in lines
        ),
        notes=tuple(_notes(published, theirs, own, titles)),
        records=tuple(_records(theirs, own)),
        ranks=_ranks(published, lines, list(titles)),
    )


def _cells(published: Published, row: OurRow, columns: Mapping[str, str]) -> dict[str, _Cell]:
    cells = {}
    for column in columns:
        score = row.checkpoint.suites.get(row.suites.get(column, ""))
        if score is None or any(sample.value is None for sample in score.samples):
            continue
        fraction = score.bounds == (0.0, 1.0)
        scale = 100.0 if fraction else 1.0
        numbers = list(values(score).values())
        (interval,) = mean_intervals([numbers], 0, graded=not fraction)
        value = scale * sum(numbers) / len(numbers)
        around = interval and Interval(scale * interval.low, scale * interval.high)
        theirs = published.rows[row.beside].get(column) if row.beside else None
        mismatches = tuple(unlike(published.columns[column], score))
        comparable = theirs is not None and theirs.mark != "R" and not mismatches
        difference = value - theirs.value if comparable and theirs else None
        cells[column] = _Cell(value, around, difference, mismatches)
    return cells


def _text(cell: Figure | _Cell | None, digits: int) -> str:
    if cell is None:
        return NONE
    shown = f"{cell.value:.{digits}f}"
    if isinstance(cell, Figure):
        error = "" if cell.error is None else f" ± {cell.error:.{digits}f}"
        return f"{shown}{SIGNS[cell.mark]}{error}"
    if cell.interval:
        shown += f" [{cell.interval.low:.{digits}f}, {cell.interval.high:.{digits}f}]"
    return shown if cell.difference is None else f"{shown}\n{cell.difference:+.{digits}f}"


def _notes(
    published: Published,
    theirs: Sequence[_Theirs],
    ours: Sequence[_Ours],
    titles: Mapping[str, str],
) -> Iterator[str]:
    source = published.source
    address = f", {source.url}" if source.url else ""
    yield f"Published figures: {source.title}{address}, {source.where}. {source.read}"
    marks = {figure.mark for _, figures in theirs for figure in figures.values()}
    for mark, meaning in MARKS.items():
        if mark in marks and SIGNS[mark]:
            yield f"{SIGNS[mark]} {meaning}."
    yield from published.notes
    cells = list(chain.from_iterable(row.items() for _, row in ours))
    if cells:
        yield (
            "Our scores have 95 % intervals; below them is ours minus published, where protocols "
            "match."
        )
    yield from dict.fromkeys(
        f"{titles[column]}: no difference is given, because {'; '.join(cell.unlike)}."
        for column, cell in cells
        if cell.unlike
    )


def _ranks(
    published: Published, lines: Sequence[_Theirs | _Ours], columns: Sequence[str]
) -> dict[tuple[int, int], int]:
    """Rank the published figures of each column whose figures are all confirmed."""
    ranks: dict[tuple[int, int], int] = {}
    for number, column in enumerate(columns, start=1):
        cells = {row: own.get(column) for row, (_, own) in enumerate(lines)}
        figures = {row: cell for row, cell in cells.items() if isinstance(cell, Figure)}
        confirmed = all(figure.mark == "C" for figure in figures.values())
        if published.columns[column].ranked and confirmed:
            best = best_two({row: figure.value for row, figure in figures.items()})
            ranks |= {(row, number): rank for row, rank in best.items()}
    return ranks


def _records(theirs: Sequence[_Theirs], ours: Sequence[_Ours]) -> Iterator[dict[str, Raw]]:
    keys = ("model", "column", "value", "mark", "error", "low", "high", "difference")
    empty: dict[str, Raw] = dict.fromkeys(keys)
    for label, figures in theirs:
        for column, figure in figures.items():
            yield empty | {"model": label, "column": column} | figure.model_dump()
    for label, cells in ours:
        for column, cell in cells.items():
            ends = {"low": cell.interval.low, "high": cell.interval.high} if cell.interval else {}
            names = {"model": label, "column": column}
            yield empty | names | ends | {"value": cell.value, "difference": cell.difference}
