"""A leaderboard over many runs: which cells of a suite may be ranked together, and why not others.

Cells are ranked together where everything agrees that `nca compare` asks to agree: version, data,
template, decoding, engine and the rest of the protocol. The protocol that most checkpoints share
is the column's own; of two that are as common, that of the newer run. Cells made otherwise are
marked, and a note says what differs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.report.dashboard.reading import Score, Scored

#: As much of a value of the protocol as a note holds.
_LONGEST = 80
#: What it means that a hash differs, which says nothing to people.
_HASHES = {
    "prompts": "other prompts (another version of the data, or another limit)",
    "template": "another chat template",
}

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A cell on the board.

    Attributes:
        score: what stands in it.
        group: 0 for the column's own protocol, else the number of the note that says what differs.
        best: whether no cell of the column's own protocol is higher.
        bar: where the interval begins, the value stands and the interval ends, in percent of what
            all intervals of the column span; None without an interval.
    """

    score: Score
    group: int
    best: bool = False
    bar: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One checkpoint of one run; `places` has a cell, or None, for every column."""

    run: str
    checkpoint: str
    method: str
    baseline: bool
    places: tuple[Place | None, ...]


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """A suite, with the measure of the column's own protocol and how many of its cells share it."""

    suite: str
    measure: str
    ranked: bool
    cells: int


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Checkpoints of all runs by suite, those of the newest run first; notes count from 1."""

    columns: tuple[BoardColumn, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ranking:
    """A column, the group of each protocol, the highest value of its own one, and all it spans."""

    column: BoardColumn
    groups: Mapping[Facts, int]
    notes: tuple[str, ...]
    best: float | None
    span: tuple[float, float]

    def place(self, score: Score | None) -> Place | None:
        """Where a score stands in the column."""
        if score is None:
            return None
        group = self.groups[_facts(score)]
        best = not group and score.value is not None and score.value == self.best
        return Place(score, group, best, _bar(score, self.span))


def leaderboard(runs: Mapping[str, Scored]) -> Leaderboard:
    """The board of runs by name, newest first; checkpoints without any score are left out."""
    suites = dict.fromkeys(suite for *_, row in _scored_rows(runs) for suite in row)
    rankings: dict[str, _Ranking] = {}
    notes: list[str] = []
    for suite in suites:
        found = [row[suite] for *_, row in _scored_rows(runs) if suite in row]
        rankings[suite] = _ranking(suite, found, len(notes) + 1)
        notes += rankings[suite].notes
    rows = (
        Row(
            run=run,
            checkpoint=checkpoint,
            method=runs[run].methods.get(checkpoint, ""),
            baseline=checkpoint == runs[run].baseline,
            places=tuple(ranking.place(row.get(suite)) for suite, ranking in rankings.items()),
        )
        for run, checkpoint, row in _scored_rows(runs)
    )
    columns = tuple(ranking.column for ranking in rankings.values())
    return Leaderboard(columns, tuple(rows), tuple(notes))


def _scored_rows(runs: Mapping[str, Scored]) -> Iterator[tuple[str, str, Mapping[str, Score]]]:
    """Run, checkpoint and scores of all rows that have any."""
    for run, scored in runs.items():
        for checkpoint, row in scored.rows.items():
            if row:
                yield run, checkpoint, row


def _ranking(suite: str, scores: Sequence[Score], first_note: int) -> _Ranking:
    """A column of these cells, newest first; its notes are numbered from `first_note`."""
    sizes = Counter(map(_facts, scores)).most_common()  # of equal ones the first, so the newest
    own, *others = [facts for facts, _ in sizes]
    alike = [score for score in scores if _facts(score) == own]
    values = {score.value for score in alike if score.value is not None}
    one = alike[0]
    ends = [end for score in scores for end in score.ends or ()] or [0.0]
    return _Ranking(
        column=BoardColumn(suite, one.measure, one.ranked, len(alike)),
        groups={own: 0} | {facts: number for number, facts in enumerate(others, first_note)},
        notes=tuple(f"{suite}: {differences(dict(own), dict(other))}" for other in others),
        best=max(values) if one.ranked and len(values) > 1 else None,
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
    """What is otherwise in one protocol than in a column's own one."""
    keys = sorted(key for key in own.keys() | other.keys() if own.get(key) != other.get(key))
    return "; ".join(_difference(key, own.get(key), other.get(key)) for key in keys)


def _difference(key: str, own: str | None, other: str | None) -> str:
    if key in _HASHES:
        return _HASHES[key]
    here, there = (_clipped("not stated" if one is None else one) for one in (other, own))
    return f"{key} {here}, in the other cells {there}"


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
