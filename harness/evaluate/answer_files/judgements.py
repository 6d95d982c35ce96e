"""The judgements of files, as records that `nca score` prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.evaluate.answer_files.rescore import Rescored

#: Where a row of a file stands, and the row.
Placed = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored number that our reading of the same reply does not give; None is no number."""

    what: str
    stored: float | None
    ours: float | None
    where: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The answers and judgements of one model in a file.

    Attributes:
        model: its name there.
        answers: its answers with their scores.
        stored: upstream's numbers that count.
        judgements: how many the file holds, those that upstream drops too.
        unread: how many are there as a number only, without the judge's reply.
        odd: how many have another prompt than the official one; their answers are not known.
        differ: where our reading is another than the stored number.
    """

    model: str
    answers: tuple[Rescored, ...]
    stored: tuple[float, ...] = ()
    judgements: int = 0
    unread: int = 0
    odd: int = 0
    differ: tuple[Difference, ...] = ()


def text(row: Mapping[str, Any], key: str) -> str:
    """Return a text of a row.

    Raises:
        KeyError, TypeError: it is not there, or is none.
    """
    if not isinstance(row[key], str):
        raise TypeError(f"{key} is no text")
    return str(row[key])
