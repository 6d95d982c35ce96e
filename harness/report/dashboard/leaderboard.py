"""The leaderboard over many runs, which ranks only comparable cells of a suite together.

Cells are comparable if their protocols agree as in `nca compare`: version, data, template,
decoding, engine and so on. The most common protocol of a column is its own; ties go to the newer
run. Other cells are marked, and a note states the difference.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from harness.report.dashboard.reading import Score, Scored

#: Most characters of a protocol value in a note.
_LONGEST = 80
#: The meaning of hashes that differ, which are unreadable themselves.
_HASHES = {
    "prompts": "other prompts (another version of the data, or another limit)",
    "template": "another chat template",
}

#: A run and a checkpoint of it.
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BoardCell:
    """A cell of the leaderboard.

    `group` is 0 for the column's own protocol, else the number of the note on the difference;
    `best` is True for the highest value among cells of group 0. `bar` has the low end of the
    interval, the value and the high end, in percent of the span of all intervals of the column;
    None without an interval.
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
    cells: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The checkpoints of all runs by suite, newest run first; notes count from 1."""

    columns: tuple[BoardColumn, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def leaderboard(runs: Mapping[str, Scored]) -> Leaderboard:
    """Build the leaderboard of the runs, newest first; skip checkpoints without scores."""
    scored = {
        (run, checkpoint): row
        for run, result in runs.items()
        for checkpoint, row in result.rows.items()
        if row
    }
    columns: list[BoardColumn] = []
    cells: dict[tuple[_Key, str], BoardCell] = {}
    notes: list[str] = []
    for suite in dict.fromkeys(suite for row in scored.values() for suite in row):
        scores = {key: row[suite] for key, row in scored.items() if suite in row}
        column, ranked, differences = _ranked(suite, scores, len(notes) + 1)
        columns.append(column)
        cells |= {(key, suite): cell for key, cell in ranked.items()}
        notes += differences
    rows = (
        Row(
            run=run,
            checkpoint=checkpoint,
            method=runs[run].methods.get(checkpoint, ""),
            baseline=checkpoint == runs[run].baseline,
            cells=tuple(cells.get(((run, checkpoint), column.suite)) for column in columns),
        )
        for run, checkpoint in scored
    )
    return Leaderboard(tuple(columns), tuple(rows), tuple(notes))


def _ranked(
    suite: str, scores: Mapping[_Key, Score], first_note: int
) -> tuple[BoardColumn, dict[_Key, BoardCell], list[str]]:
    """Rank the scores of a suite, newest first; number the notes from `first_note`."""
    facts = {key: tuple(sorted(score.protocol.items())) for key, score in scores.items()}
    sizes = Counter(facts.values()).most_common()  # of equal ones the first, so the newest
    own, *others = [protocol for protocol, _ in sizes]
    groups = {own: 0} | {protocol: number for number, protocol in enumerate(others, first_note)}
    alike = [score for key, score in scores.items() if facts[key] == own]
    values = {score.value for score in alike if score.value is not None}
    best = max(values) if alike[0].ranked and len(values) > 1 else None
    ends = [end for score in scores.values() for end in score.ends or ()] or [0.0]
    cells = {}
    for key, score in scores.items():
        group = groups[facts[key]]
        is_best = not group and best is not None and score.value == best
        cells[key] = BoardCell(score, group, is_best, _bar(score, (min(ends), max(ends))))
    notes = [f"{suite}: {_differences(dict(own), dict(other))}" for other in others]
    return BoardColumn(suite, alike[0].measure, len(alike)), cells, notes


def _bar(score: Score, span: tuple[float, float]) -> tuple[float, float, float] | None:
    low, width = span[0], span[1] - span[0]
    if score.ends is None or score.value is None or not width:
        return None
    start, at, end = (100 * (x - low) / width for x in (score.ends[0], score.value, score.ends[1]))
    return round(start, 1), round(at, 1), round(end, 1)


def _differences(own: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Return the differences of a protocol from the column's own one."""
    parts = []
    for key in sorted(own.keys() | other.keys()):
        values = [facts.get(key, "not stated") for facts in (other, own)]
        if own.get(key) != other.get(key):
            here, there = (v if len(v) <= _LONGEST else f"{v[: _LONGEST - 1]}…" for v in values)
            parts.append(_HASHES.get(key, f"{key} {here}, in the other cells {there}"))
    return "; ".join(parts)
