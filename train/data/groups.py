"""The groups of a source (`train.data.sources`), read from its rows (`train.data.row_formats`)."""

import itertools
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from train.data.row_formats import Group, Reading, read_row
from train.data.sources import SourceRow, read_rows
from train.errors import DataError


@dataclass(frozen=True, slots=True)
class DataReport:
    """The rows of a source counted: `rows` is the sum of `groups` and of all rows dropped."""

    rows: int  # rows read
    groups: int  # rows kept
    different_prompts: int = 0  # rows dropped because their responses answer different prompts
    no_question: int = 0  # rows dropped because the prompt is empty or ends with the assistant
    empty: int = 0  # rows dropped because fewer than two of their responses have any text
    too_few: int = 0  # rows dropped because they have fewer than two responses with a score
    identical: int = 0  # rows dropped because all their responses are the same text
    left_out: int = 0  # responses of kept rows left out because they are empty or have no score
    tied: int = 0  # rows kept whose rewards are all equal
    duplicates: int = 0  # responses of kept rows that repeat another of their prompt


def read_groups(
    source: str | Path, rows: int | None = None, responses: int | None = None, seed: int = 0
) -> tuple[tuple[Group, ...], DataReport]:
    """Read the groups of a source, and count what is dropped on the way.

    `source` is a file, a folder, or a name on the hub (`train.data.sources`). `rows` are read, from
    the first (by default all), and `responses` of each prompt kept (`choose_responses`). Raises
    DataError, naming file and row, where a row is malformed, or nothing is left.
    """
    if responses == 1:
        raise DataError("responses: 1 leaves nothing to compare; set it to 2 or more")
    readings = tuple(map(_read, itertools.islice(read_rows(str(source)), rows)))
    groups = [reading.group for reading in readings if isinstance(reading.group, Group)]
    if not groups:
        raise DataError(
            f"{source}: no usable row among {len(readings)}; give a file of scored responses"
        )
    kept = tuple(choose_responses(group, responses, seed) for group in groups)
    dropped = Counter(str(r.group) for r in readings if not isinstance(r.group, Group))
    report = DataReport(
        rows=len(readings),
        groups=len(kept),
        left_out=sum(reading.left_out for reading in readings),
        tied=sum(len(set(group.rewards)) == 1 for group in kept),
        duplicates=sum(len(g.responses) - len(set(g.responses)) for g in kept),
        **dropped,
    )
    return kept, report


def read_group(
    source: str | Path, number: int, responses: int | None = None, seed: int = 0
) -> tuple[str, Group | str]:
    """Read one row, as `read_groups` does, by its number in the whole source, from 1.

    Returns its name, `file:row`, and its group, or the reason for leaving it out. Raises DataError
    where there is no such row, or it is malformed.
    """
    row = next(itertools.islice(read_rows(str(source)), number - 1, None), None)
    if row is None:
        raise DataError(f"{source}: has no row {number}; name an earlier one")
    group = _read(row).group
    if isinstance(group, Group):
        group = choose_responses(group, responses, seed)
    return row.source, group


def choose_responses(group: Group, responses: int | None, seed: int) -> Group:
    """Keep the best response (the first of several) and a draw of the others, in their old order.

    The draw depends on the seed, the prompt and its responses, not on other rows. The draw for K
    is part of the draw for K + 1, so that an ablation of K only adds responses.
    """
    if responses is None or responses >= len(group.responses):
        return group
    order = range(len(group.responses))
    best = max(order, key=lambda place: group.rewards[place])
    others = [place for place in order if place != best]
    random.Random(f"{seed}:{group.messages}:{group.responses}").shuffle(others)
    return group.select(sorted([best, *others[: responses - 1]]))


def _read(row: SourceRow) -> Reading:
    try:
        return read_row(row.row, row.source)
    except DataError as error:
        raise DataError(f"{row.place}, row {row.number}: {error}") from None
