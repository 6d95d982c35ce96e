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


@dataclass(frozen=True, slots=True)
class _Content:
    """The chosen rows and columns, name -> label, and the cells of our rows."""

    published: Published
    rows: Mapping[str, str]
    columns: Mapping[str, str]
    ours: tuple[tuple[OurRow, Mapping[str, _Cell]], ...]

    def beside(self, name: str | None) -> list[tuple[OurRow, Mapping[str, _Cell]]]:
        """Return our rows beside a published one, or those beside none."""
        return [(row, cells) for row, cells in self.ours if row.beside == name]


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
    titles = {name: column.title for name, column in published.columns.items()}
    shown = {n: columns.get(n, titles[n]) for n in _chosen("column", columns, titles)}
    labels = {n: rows.get(n, n) for n in _chosen("row", rows, published.rows)}
    _chosen("row", {row.beside: "" for row in ours if row.beside}, labels)
    cells = tuple((row, _cells(published, row, shown)) for row in ours)
    content = _Content(published, labels, shown, cells)
    return Table(
        title=published.title,
        headings=(Heading("model", "left"), *(Heading(title) for title in shown.values())),
        rows=tuple(_rows(content)),
        notes=tuple(_notes(content)),
        records=tuple(_records(content)),
        ranks=_ranks(content),
    )


def _chosen(kind: str, names: Mapping[str, str], present: Mapping[str, object]) -> list[str]:
    for name in names:
        if name not in present:
            raise RunError(f"no published {kind} {name!r}: there are {', '.join(present)}")
    return list(names or present)


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


def _rows(content: _Content) -> Iterator[tuple[str, ...]]:
    for name, label in content.rows.items():
        figures = content.published.rows[name]
        yield (label, *(_figure(figures.get(c), _digits(content, c)) for c in content.columns))
        yield from _our_rows(content, name)
    yield from _our_rows(content, None)


def _our_rows(content: _Content, name: str | None) -> Iterator[tuple[str, ...]]:
    for row, cells in content.beside(name):
        yield (row.label, *(_ours(cells.get(c), _digits(content, c)) for c in content.columns))


def _digits(content: _Content, column: str) -> int:
    return content.published.columns[column].decimals


def _figure(figure: Figure | None, digits: int) -> str:
    if figure is None:
        return NONE
    error = "" if figure.error is None else f" ± {figure.error:.{digits}f}"
    return f"{figure.value:.{digits}f}{SIGNS[figure.mark]}{error}"


def _ours(cell: _Cell | None, digits: int) -> str:
    if cell is None:
        return NONE
    shown = f"{cell.value:.{digits}f}"
    if cell.interval:
        shown += f" [{cell.interval.low:.{digits}f}, {cell.interval.high:.{digits}f}]"
    return shown if cell.difference is None else f"{shown}\n{cell.difference:+.{digits}f}"


def _notes(content: _Content) -> Iterator[str]:
    source = content.published.source
    address = f", {source.url}" if source.url else ""
    yield f"Published figures: {source.title}{address}, {source.where}. {source.read}"
    marks = {figure.mark for _, _, figure in _figures(content)}
    for mark, meaning in MARKS.items():
        if mark in marks and SIGNS[mark]:
            yield f"{SIGNS[mark]} {meaning}."
    yield from content.published.notes
    if any(cells for _, cells in content.ours):
        yield (
            "Our scores have 95 % intervals; below them is ours minus published, where protocols "
            "match."
        )
    yield from dict.fromkeys(
        f"{content.columns[column]}: no difference is given, because {'; '.join(cell.unlike)}."
        for _, cells in content.ours
        for column, cell in cells.items()
        if cell.unlike
    )


def _figures(content: _Content) -> Iterator[tuple[str, str, Figure]]:
    """Yield (row, column, figure) of each published figure that is shown."""
    for row in content.rows:
        for column in content.columns:
            if figure := content.published.rows[row].get(column):
                yield row, column, figure


def _ranks(content: _Content) -> dict[tuple[int, int], int]:
    """Rank the published figures of each column whose figures are all confirmed."""
    places, place = {}, 0
    for name in content.rows:
        places[name] = place
        place += 1 + len(content.beside(name))
    ranks: dict[tuple[int, int], int] = {}
    for number, column in enumerate(content.columns, start=1):
        figures = {row: figure for row, own, figure in _figures(content) if own == column}
        order = sorted({figure.value for figure in figures.values()}, reverse=True)
        confirmed = all(figure.mark == "C" for figure in figures.values())
        if content.published.columns[column].ranked and confirmed and len(order) > 1:
            for row, figure in figures.items():
                if figure.value in order[:2]:
                    ranks[places[row], number] = 1 + order.index(figure.value)
    return ranks


def _records(content: _Content) -> Iterator[dict[str, Raw]]:
    keys = ("model", "column", "value", "mark", "error", "low", "high", "difference")
    empty: dict[str, Raw] = dict.fromkeys(keys)
    for row, column, figure in _figures(content):
        label = content.rows[row]
        yield empty | {"model": label, "column": column} | figure.model_dump()
    for our_row, cells in content.ours:
        for column, cell in cells.items():
            ends = {"low": cell.interval.low, "high": cell.interval.high} if cell.interval else {}
            names = {"model": our_row.label, "column": column}
            yield empty | names | ends | {"value": cell.value, "difference": cell.difference}
