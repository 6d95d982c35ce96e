"""The leaderboard over many runs, which ranks only comparable cells of a suite together.

Cells are comparable if their protocols agree as in `nca compare`: version, data, template,
decoding, engine and so on. The most common protocol of a column is its own; ties go to the newer
run. Other cells are marked, and a note states the difference.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.report.dashboard.reading import Score, Scored

#: Most characters of a protocol value in a note.
_LONGEST = 80
#: The meaning of hashes that differ, which are unreadable themselves.
_HASHES = {
    "prompts": "other prompts (another version of the data, or another limit)",
    "template": "another chat template",
}

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BoardCell:
    """A cell of the leaderboard.

    Attributes:
        score: the score of the cell.
        group: 0 for the column's own protocol, else the number of the note on the difference.
        best: True for the highest value among cells of the column's own protocol.
        bar: low end of the interval, value and high end, in percent of the span of all intervals
            of the column; None without an interval.
    """

    score: Score
    group: int
    best: bool = False
    bar: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A checkpoint of a run; `cells` has a cell, or None, for every column."""

    run: str
    checkpoint: str
    method: str
    baseline: bool
    cells: tuple[BoardCell | None, ...]


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A suite, with the measure and the number of cells of the column's own protocol."""

    suite: str
    measure: str
    ranked: bool
    cells: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The checkpoints of all runs by suite, newest run first; notes count from 1."""

    columns: tuple[BoardColumn, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ranking:
    """A column with the group of each protocol, the best value, and the span of intervals."""

    column: BoardColumn
    groups: Mapping[Facts, int]
    notes: tuple[str, ...]
    best: float | None
    span: tuple[float, float]

    def cell(self, score: Score | None) -> BoardCell | None:
        """Return the cell of a score."""
        if score is None:
            return None
        group = self.groups[_facts(score)]
        best = not group and score.value is not None and score.value == self.best
        return BoardCell(score, group, best, _bar(score, self.span))


def leaderboard(runs: Mapping[str, Scored]) -> Leaderboard:
    """Build the leaderboard of the runs, newest first; skip checkpoints without scores."""
    suites = dict.fromkeys(suite for *_, row in _scored_rows(runs) for suite in row)
    rankings: dict[str, _Ranking] = {}
    notes: list[str] = []
    for suite in suites:
        scores = [row[suite] for *_, row in _scored_rows(runs) if suite in row]
        rankings[suite] = _ranking(suite, scores, len(notes) + 1)
        notes += rankings[suite].notes
    rows = (
        Row(
            run=run,
            checkpoint=checkpoint,
            method=runs[run].methods.get(checkpoint, ""),
            baseline=checkpoint == runs[run].baseline,
            cells=tuple(ranking.cell(row.get(suite)) for suite, ranking in rankings.items()),
        )
        for run, checkpoint, row in _scored_rows(runs)
    )
    columns = tuple(ranking.column for ranking in rankings.values())
    return Leaderboard(columns, tuple(rows), tuple(notes))


def _scored_rows(runs: Mapping[str, Scored]) -> Iterator[tuple[str, str, Mapping[str, Score]]]:
    """Yield run, checkpoint and scores of all rows that have any."""
    for run, scored in runs.items():
        for checkpoint, row in scored.rows.items():
            if row:
                yield run, checkpoint, row


def _ranking(suite: str, scores: Sequence[Score], first_note: int) -> _Ranking:
    """Rank the scores of a suite, newest first; number the notes from `first_note`."""
    sizes = Counter(map(_facts, scores)).most_common()  # of equal ones the first, so the newest
    own, *others = [facts for facts, _ in sizes]
    alike = [score for score in scores if _facts(score) == own]
    values = {score.value for score in alike if score.value is not None}
    first = alike[0]
    ends = [end for score in scores for end in score.ends or ()] or [0.0]
    return _Ranking(
        column=BoardColumn(suite, first.measure, first.ranked, len(alike)),
        groups={own: 0} | {facts: number for number, facts in enumerate(others, first_note)},
        notes=tuple(f"{suite}: {differences(dict(own), dict(other))}" for other in others),
        best=max(values) if first.ranked and len(values) > 1 else None,
        span=(min(ends), max(ends)),
    )


def _bar(score: Score, span: tuple[float, float]) -> tuple[float, float, float] | None:
    low, width = span[0], span[1] - span[0]
    if score.ends is None or score.value is None or not width:
        return None
    start, at, end = (100 * (x - low) / width for x in (score.ends[0], score.value, score.ends[1]))
    return round(start, 1), round(at, 1), round(end, 1)


def _facts(score: Score) -> Facts:
    return tuple(sorted(score.protocol.items()))


def differences(own: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Return the differences of a protocol from the column's own one."""
    keys = sorted(key for key in own.keys() | other.keys() if own.get(key) != other.get(key))
    return "; ".join(_difference(key, own.get(key), other.get(key)) for key in keys)


def _difference(key: str, own: str | None, other: str | None) -> str:
    if key in _HASHES:
        return _HASHES[key]
    here, there = (_clipped("not stated" if value is None else value) for value in (other, own))
    return f"{key} {here}, in the other cells {there}"


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
