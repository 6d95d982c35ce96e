"""What a suite is held to: for each sample a right response and a wrong twin of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A sample, a response that must score 1, and one that must score 0."""

    sample: Any
    gold: str
    twin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The cases of a suite, and those that are known to be otherwise.

    Attributes:
        suite: its name.
        cases: of the real files in a data folder; raises `DataError` where these are missing.
        samples: how many cases there must be.
        golds: ids whose gold response does not score 1, with the reason.
        twins: ids whose twin does not score 0, with the reason.
        note: what the table says besides.
        slow: whether it takes more than about 20 seconds.
    """

    suite: str
    cases: Callable[[Path], Iterator[Case]]
    samples: int
    golds: Mapping[str, str] = field(default_factory=dict)
    twins: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    slow: bool = False
