"""The result file: everything that a table or a figure may stand on, and no texts.

A run folder's `result.json` and a committed `results/runs/<name>.json` are this record.
"""

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from harness.errors import RunError

SCHEMA = 1


def plain_bounds(bounds: tuple[float, float]) -> list[float | None]:
    """Bounds as JSON can say them: None in place of an infinite one."""
    return [bound if math.isfinite(bound) else None for bound in bounds]


def _bounds_of(bounds: Any) -> Any:
    ends = (-math.inf, math.inf)
    if not isinstance(bounds, (list, tuple)) or len(bounds) != len(ends):
        return bounds
    return tuple(end if bound is None else bound for bound, end in zip(bounds, ends, strict=True))


Bounds = Annotated[tuple[float, float], BeforeValidator(_bounds_of), PlainSerializer(plain_bounds)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleResult(_Record):
    """One repeat of one sample: its value (None when we failed) and status."""

    id: str
    repeat: int = 0
    value: float | None
    status: str
    metrics: dict[str, float] = {}


class SuiteResult(_Record):
    """One checkpoint on one suite: where the numbers stand and every sample's value.

    `protocol` maps what must agree between two columns before they are compared (suite version,
    data hash, template hash, decoding, engine and its version, dtype, sandbox tier) to its value.
    `bounds` are the least and the most that a value can be; null in JSON where there is no end.
    """

    suite: str
    headline: str
    metrics: dict[str, float]
    statuses: dict[str, int]
    samples: tuple[SampleResult, ...]
    protocol: dict[str, str]
    tokens: int = 0
    bounds: Bounds = (0.0, 1.0)


class CheckpointResult(_Record):
    """One checkpoint: how it was trained (None for the base) and what it scored.

    `data` has the digest of what it was trained on (`data`) and probed with (`probe`).
    """

    name: str
    fingerprint: str
    train: dict[str, Any] | None = None
    data: dict[str, str] = {}
    probe: tuple[dict[str, Any], ...] = ()
    first_step: dict[str, Any] | None = None
    suites: dict[str, SuiteResult] = {}


class Result(_Record):
    """A finished (or partly finished) run.

    `samples` has the provenance of what was sampled for it, by name; `made` what each stage was
    made by (`train:<checkpoint>`, `sample:<name>`, `evaluate`, `kl`, `duel`): `commit`, `changed`,
    `system`, `processor`, `cores`, `memory_gib`, `accelerator`, `python`, `version.<package>`.
    """

    schema_version: Literal[1] = 1
    recipe: str
    key: str
    base: str
    baseline: str
    checkpoints: tuple[CheckpointResult, ...]
    samples: dict[str, dict[str, Any]] = {}
    versions: dict[str, str] = {}
    made: dict[str, dict[str, str]] = {}

    @property
    def suites(self) -> tuple[str, ...]:
        """All suites, in the order in which the checkpoints name them."""
        return tuple(dict.fromkeys(suite for c in self.checkpoints for suite in c.suites))

    def of_suite(self, suite: str) -> dict[str, SuiteResult]:
        """Return the results on a suite by checkpoint."""
        return {c.name: c.suites[suite] for c in self.checkpoints if suite in c.suites}

    def checkpoint(self, name: str) -> CheckpointResult:
        """Return the checkpoint of this name.

        Raises:
            RunError: the run has none; the message lists those it has.
        """
        for checkpoint in self.checkpoints:
            if checkpoint.name == name:
                return checkpoint
        names = ", ".join(c.name for c in self.checkpoints)
        raise RunError(f"run {self.recipe} has no checkpoint {name!r}: it has {names}")


def read_result(path: Path) -> Result:
    """Read a result file, or the `result.json` of a run folder.

    Raises:
        RunError: there is none, it is not readable, or another version wrote it.
    """
    file = path / "result.json" if path.is_dir() else path
    try:
        return Result.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise RunError(
            f"{path}: no result there; name a run folder (runs/...) or a result file"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(
            f"{file}: not a result file of schema {SCHEMA}: {where}: {first['msg']}"
        ) from None
