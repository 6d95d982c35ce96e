"""Small results to compare, built from values."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from harness.storage.result import CheckpointResult, Result, SampleResult, SuiteResult


def suite(
    values: Sequence[float | None],
    *,
    name: str = "maths",
    headline: str = "accuracy",
    bounds: tuple[float, float] = (0.0, 1.0),
    **protocol: str,
) -> SuiteResult:
    """A suite result with one value a sample; None is a sample that we failed on."""
    samples = tuple(
        SampleResult(id=str(i), value=v, status="infra" if v is None else "ok")
        for i, v in enumerate(values)
    )
    return SuiteResult(
        suite=name,
        headline=headline,
        metrics={},
        statuses={"ok": sum(v is not None for v in values)},
        samples=samples,
        protocol=protocol,
        bounds=bounds,
    )


def kl(values: Sequence[float | None]) -> SuiteResult:
    """A measure without bounds, nats."""
    return suite(values, name="kl:maths", headline="k1", bounds=(-inf, inf))


def result(
    trained: Mapping[str, Mapping[str, Any]] | None = None, **checkpoints: list[SuiteResult]
) -> Result:
    """A result whose checkpoints have these suites; `trained` are training settings by name."""
    settings = trained or {}
    return Result(
        recipe="toy",
        key="0",
        base="some-model",
        baseline="base",
        checkpoints=tuple(
            CheckpointResult(
                name=name,
                fingerprint=name,
                train=dict(settings[name]) if name in settings else None,
                suites={s.suite: s for s in suites},
            )
            for name, suites in checkpoints.items()
        ),
    )
