"""Figures that others published, as `results/published/*.yaml` keeps them.

Every figure has a mark for the kind of its source. A difference from ours is taken only where the
published protocol is known and each of its facts is ours too.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from harness.report.tables.specification import Record
from harness.storage.result import SuiteResult

#: C: confirmed in a primary source. S: from a secondary one. R: recalled, no source found.
Mark = Literal["C", "S", "R"]
MARKS: Mapping[Mark, str] = {
    "C": "confirmed in a primary source",
    "S": "from a secondary source",
    "R": "recalled, confirmed by no source: not to be quoted",
}
#: Shown behind a figure.
SIGNS: Mapping[Mark, str] = {"C": "", "S": "†", "R": "?"}


class Source(Record):
    """The source of published figures, and how they were read."""

    title: str
    where: str
    read: str
    url: str | None = None


class Figure(Record):
    """One published number: written as `[value, mark]` or `[value, mark, standard error]`."""

    value: float
    mark: Mark
    error: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_list(cls, raw: object) -> object:
        names = ("value", "mark", "error")
        return dict(zip(names, raw, strict=False)) if isinstance(raw, list) else raw


class PublishedColumn(Record):
    """One suite of a published table.

    Attributes:
        title: as it is shown.
        decimals: digits behind the point, as published.
        ranked: whether more is better.
        protocol: facts that ours must share: `suite` (name alone), `samples`, or any key of a
            result's protocol. Empty where it is not known: then no difference is ever taken.
    """

    title: str
    decimals: int = 1
    ranked: bool = True
    protocol: dict[str, str] = Field(default={})


class Published(Record):
    """A published table."""

    title: str
    source: Source
    columns: dict[str, PublishedColumn]
    rows: dict[str, dict[str, Figure]]
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _columns_exist(self) -> "Published":
        for row, cells in self.rows.items():
            for column in cells:
                if column not in self.columns:
                    raise ValueError(f"row {row!r}: no column {column!r} is described")
        return self


def unlike(column: PublishedColumn, ours: SuiteResult) -> Iterator[str]:
    """Yield each difference of protocol between a published column and ours."""
    if not column.protocol:
        yield "the published protocol is not known"
    facts = {
        **ours.protocol,
        "suite": ours.protocol.get("suite", ours.suite).partition(" ")[0],
        "samples": str(len({sample.id for sample in ours.samples})),
    }
    for key, theirs in column.protocol.items():
        here = facts.get(key, "not stated")
        if here != theirs:
            yield f"{key} is {theirs} there and {here} here"
