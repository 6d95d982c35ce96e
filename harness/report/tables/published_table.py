"""A published table with rows of our own under the rows that they belong to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import RunError
from harness.report.tables.published import MARKS, SIGNS, Figure, Published, unlike
from harness.report.tables.table import NONE, Heading, Raw, Table
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


def published_table(
    published: Published,
    ours: Sequence[OurRow],
    rows: Mapping[str, str],
    columns: Mapping[str, str],
) -> Table:
    """Return published figures with marks, and ours with intervals and differences.

    Differences are taken only where the protocols match.

    Args:
        published: the figures of others.
        ours: rows of our own.
        rows: published rows to be shown -> labels; empty for all.
        columns: columns to be shown -> labels; empty for all.

    Raises:
        RunError: a row or column is not there, or a row of ours stands beside none.
    """
    shown = {
        name: columns.get(name, published.columns[name].title)
        for name in _chosen("column", columns, published.columns)
    }
    labels = {name: rows.get(name, name) for name in _chosen("row", rows, published.rows)}
    _chosen("row", {row.beside: "" for row in ours if row.beside}, labels)
    cells = {row.label: _cells(published, row, shown) for row in ours}
    return Table(
        title=published.title,
        headings=(Heading("model", "left"), *(Heading(title) for title in shown.values())),
        rows=tuple(_rows(published, ours, cells, labels, list(shown))),
        notes=tuple(_notes(published, cells, labels, shown)),
        records=tuple(_records(published, cells, labels, list(shown))),
        ranks=_ranks(published, ours, labels, list(shown)),
    )


def _chosen(kind: str, wanted: Mapping[str, str], there: Mapping[str, object]) -> list[str]:
    for name in wanted:
        if name not in there:
            raise RunError(f"no published {kind} {name!r}: there are {', '.join(there)}")
    return list(wanted or there)


def _cells(published: Published, row: OurRow, columns: Mapping[str, str]) -> dict[str, _Cell]:
    cells = {}
    for column in columns:
        score = row.checkpoint.suites.get(row.suites.get(column, ""))
        if score is None or any(sample.value is None for sample in score.samples):
            continue
        fraction = score.bounds == (0.0, 1.0)
        numbers = list(values(score).values())
        (interval,) = mean_intervals([numbers], 0, graded=not fraction)
        scale = 100.0 if fraction else 1.0
        theirs = published.rows[row.beside].get(column) if row.beside else None
        against = tuple(unlike(published.columns[column], score))
        alike = theirs is not None and theirs.mark != "R" and not against
        value = scale * sum(numbers) / len(numbers)
        around = interval and Interval(scale * interval.low, scale * interval.high)
        difference = value - theirs.value if alike and theirs else None
        cells[column] = _Cell(value, around, difference, against)
    return cells


def _rows(
    published: Published,
    ours: Sequence[OurRow],
    own: Mapping[str, Mapping[str, _Cell]],
    labels: Mapping[str, str],
    columns: Sequence[str],
) -> Iterator[tuple[str, ...]]:
    for name, label in labels.items():
        cells = published.rows[name]
        yield (label, *(_figure(published, column, cells.get(column)) for column in columns))
        for row in (row for row in ours if row.beside == name):
            yield _own(published, row.label, own[row.label], columns)
    for row in (row for row in ours if row.beside is None):
        yield _own(published, row.label, own[row.label], columns)


def _figure(published: Published, column: str, figure: Figure | None) -> str:
    if figure is None:
        return NONE
    digits = published.columns[column].decimals
    error = "" if figure.error is None else f" ± {figure.error:.{digits}f}"
    return f"{figure.value:.{digits}f}{SIGNS[figure.mark]}{error}"


def _own(
    published: Published, label: str, cells: Mapping[str, _Cell], columns: Sequence[str]
) -> tuple[str, ...]:
    return (label, *(_ours(published, column, cells.get(column)) for column in columns))


def _ours(published: Published, column: str, cell: _Cell | None) -> str:
    if cell is None:
        return NONE
    digits = published.columns[column].decimals
    shown = f"{cell.value:.{digits}f}"
    if cell.interval:
        shown += f" [{cell.interval.low:.{digits}f}, {cell.interval.high:.{digits}f}]"
    return shown if cell.difference is None else f"{shown}\n{cell.difference:+.{digits}f}"


def _notes(
    published: Published,
    own: Mapping[str, Mapping[str, _Cell]],
    labels: Mapping[str, str],
    columns: Mapping[str, str],
) -> Iterator[str]:
    source = published.source
    address = f", {source.url}" if source.url else ""
    yield f"Published figures: {source.title}{address}, {source.where}. {source.read}"
    marks = {f.mark for row in labels for c, f in published.rows[row].items() if c in columns}
    for mark, meaning in MARKS.items():
        if mark in marks and SIGNS[mark]:
            yield f"{SIGNS[mark]} {meaning}."
    yield from published.notes
    if any(cells for cells in own.values()):
        yield (
            "Our scores have 95 % intervals; below them is ours minus published, where protocols "
            "match."
        )
    reasons = {
        f"{columns[column]}: no difference is given, because {'; '.join(cell.unlike)}.": None
        for cells in own.values()
        for column, cell in cells.items()
        if cell.unlike
    }
    yield from reasons


def _ranks(
    published: Published, ours: Sequence[OurRow], labels: Mapping[str, str], columns: Sequence[str]
) -> dict[tuple[int, int], int]:
    """Rank the published figures of each column whose figures are all confirmed."""
    places, row = {}, 0
    for name in labels:
        places[name] = row
        row += 1 + sum(our_row.beside == name for our_row in ours)
    ranked: dict[tuple[int, int], int] = {}
    for number, column in enumerate(columns, start=1):
        figures = {n: f for n in labels if (f := published.rows[n].get(column))}
        order = sorted({f.value for f in figures.values()}, reverse=True)
        confirmed = all(figure.mark == "C" for figure in figures.values())
        if published.columns[column].ranked and confirmed and len(order) > 1:
            ranks = {value: rank for rank, value in enumerate(order[:2], start=1)}
            ranked |= {
                (places[n], number): ranks[f.value] for n, f in figures.items() if f.value in ranks
            }
    return ranked


def _records(
    published: Published,
    own: Mapping[str, Mapping[str, _Cell]],
    labels: Mapping[str, str],
    columns: Sequence[str],
) -> Iterator[dict[str, Raw]]:
    for name, label in labels.items():
        for column in columns:
            if figure := published.rows[name].get(column):
                yield _record(label, column, figure.value, mark=figure.mark, error=figure.error)
    for label, cells in own.items():
        for column, cell in cells.items():
            yield _record(
                label, column, cell.value, interval=cell.interval, difference=cell.difference
            )


def _record(
    model: str,
    column: str,
    value: float,
    *,
    mark: str | None = None,
    error: float | None = None,
    interval: Interval | None = None,
    difference: float | None = None,
) -> dict[str, Raw]:
    return {
        "model": model,
        "column": column,
        "value": value,
        "mark": mark,
        "error": error,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "difference": difference,
    }
