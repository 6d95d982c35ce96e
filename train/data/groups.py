"""Training data: prompts with K scored responses, from any source and row that is known.

`train.data.sources` says what can be named, `train.data.row_formats` which rows are known.
Preferences become rewards 1 and 0, whatever other scores a row carries.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike, fspath

from train.data.group import Group, Turn
from train.data.row_formats import Reading, read_row
from train.data.sources import SourceRow, rows_of
from train.errors import DataError

__all__ = ["DataReport", "Group", "Turn", "group_at", "read_groups"]

Source = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class DataReport:
    """What became of a source's rows: `rows` is `groups` and all reasons of dropping together.

    Attributes:
        rows: rows read.
        groups: rows kept.
        different_prompts: rows dropped because their responses answer different prompts.
        no_question: rows dropped because the prompt is empty or ends with the assistant.
        empty: rows dropped because fewer than two of their responses have any text.
        too_few: rows dropped because they have fewer than two responses with a score.
        identical: rows dropped because all their responses are the same text.
        left_out: responses of kept rows left out because they are empty or have no score.
        tied: rows kept whose rewards are all equal.
        duplicates: responses of kept rows that repeat another of their prompt.
    """

    rows: int
    groups: int
    different_prompts: int = 0
    no_question: int = 0
    empty: int = 0
    too_few: int = 0
    identical: int = 0
    left_out: int = 0
    tied: int = 0
    duplicates: int = 0


def read_groups(
    source: Source, rows: int | None = None, responses: int | None = None, seed: int = 0
) -> tuple[tuple[Group, ...], DataReport]:
    """The groups of a source and what was dropped on the way.

    Args:
        source: a file, a folder, or a name on the hub (`train.data.sources`).
        rows: read only the first so many rows.
        responses: keep this many responses a prompt: the best and a seeded draw of the others.
        seed: of that draw; it depends on the prompt and its responses too, not on other rows.

    Raises:
        DataError: a row is malformed, or nothing is left. The message names file and row.
    """
    if responses == 1:
        raise DataError("responses: 1 leaves nothing to compare; set it to 2 or more")
    readings = tuple(map(_read, itertools.islice(rows_of(fspath(source)), rows)))
    groups = [reading.group for reading in readings if isinstance(reading.group, Group)]
    if not groups:
        raise DataError(
            f"{source}: no usable row among {len(readings)}; give a file of scored responses"
        )
    kept = tuple(keep(group, responses, seed) for group in groups)
    return kept, _report(readings, kept)


def group_at(
    source: Source, number: int, responses: int | None = None, seed: int = 0
) -> tuple[str, Group | str]:
    """What one row gave: its `file:row`, and its group or the reason for leaving it out.

    Args:
        source: as in `read_groups`.
        number: which row of the whole source, from 1.
        responses: as in `read_groups`.
        seed: as in `read_groups`.

    Raises:
        DataError: there is no such row, or it is malformed.
    """
    rows: Iterator[SourceRow] = rows_of(fspath(source))
    found = next(itertools.islice(rows, number - 1, None), None)
    if found is None:
        raise DataError(f"{source}: has no row {number}; name an earlier one")
    group = _read(found).group
    return found.source, keep(group, responses, seed) if isinstance(group, Group) else group


def keep(group: Group, responses: int | None, seed: int) -> Group:
    """The best response (the first of several) and a draw of the others, in their old order.

    The draw for K is part of the draw for K + 1, so that an ablation of K only adds responses.
    """
    if responses is None or responses >= len(group.responses):
        return group
    order = range(len(group.responses))
    best = max(order, key=lambda place: group.rewards[place])
    others = [place for place in order if place != best]
    random.Random(f"{seed}:{group.messages}:{group.responses}").shuffle(others)
    return group.only(tuple(sorted([best, *others[: responses - 1]])))


def _read(found: SourceRow) -> Reading:
    try:
        return read_row(found.row, found.source)
    except DataError as error:
        raise DataError(f"{found.place}, row {found.number}: {error}") from None


def _report(readings: tuple[Reading, ...], groups: tuple[Group, ...]) -> DataReport:
    dropped = Counter(str(r.group) for r in readings if not isinstance(r.group, Group))
    return DataReport(
        rows=len(readings),
        groups=len(groups),
        left_out=sum(reading.left_out for reading in readings),
        tied=sum(len(set(group.rewards)) == 1 for group in groups),
        duplicates=sum(len(g.responses) - len(set(g.responses)) for g in groups),
        **dropped,
    )
