"""The checks that a sandbox runs, and their outcomes: plain frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "timeout", "crash", "infra"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one check: CPU and wall seconds, memory and output bytes."""

    cpu_s: float = 5.0
    wall_s: float = 60.0
    memory_bytes: int = 1 << 30
    output_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Program:
    """Untrusted source that defines `entry_point`, and tester source that defines `check(it)`."""

    candidate: str
    entry_point: str
    tester: str
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Call:
    """A trusted importable `module:function` on plain values, in a killable process."""

    function: str
    arguments: Mapping[str, Any]
    limits: Limits = field(default_factory=Limits)


Check = Program | Call


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a check.

    Attributes:
        verdict: `infra` means that we failed, not the program: it is never scored.
        reason: of the verdict.
        cpu_s: CPU seconds used.
        failing: the first failing case of a `Program`.
        value: the result of a `Call`.
        tier: the strength of the containment.
    """

    verdict: Verdict
    reason: str = ""
    cpu_s: float = 0.0
    failing: str = ""
    value: Any = None
    tier: str = ""
