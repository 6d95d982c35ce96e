"""The contents of a run for a tracking store, as plain records, and names that stores accept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LONGEST_NAME = 250


@dataclass(frozen=True, slots=True)
class Data:
    """Data that a run used: name, digest, and purpose (`training`, `evaluation`)."""

    name: str
    digest: str
    context: str


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric; `step` is the training step, 0 for a score."""

    name: str
    value: float
    step: int = 0
    data: Data | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint, stored as a logged model; `step` is its last training step."""

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    step: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One run of the store: the tag by which it is found again (`part`), and its contents.

    `makes` is the checkpoint that was trained in it, `measures` the checkpoint that its points are
    scores of. `seconds` is its duration, 0 if unknown. `files` maps paths among the run's
    artifacts to files, `tables` names to sample tables (`harness.tracking.sample_tables`).
    """

    part: str
    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    points: tuple[Point, ...] = ()
    data: tuple[Data, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    makes: Model | None = None
    measures: Model | None = None
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0


def metric_name(name: str) -> str:
    """Return a name that MLflow accepts: `pass@1` becomes `pass_at_1`, other characters `_`.

    Raises:
        ValueError: nothing is left of the name, or it is longer than 250 characters.
    """
    spelled = name.replace("@", "_at_").replace("%", "_percent")
    segments = re.sub(r"[^\w.\- :/]", "_", spelled).split("/")
    safe = "/".join(s for s in segments if s not in ("", ".", ".."))
    if not safe or len(safe) > _LONGEST_NAME:
        raise ValueError(f"metric name {name[:40]!r}: 1 to {_LONGEST_NAME} characters are allowed")
    return safe
