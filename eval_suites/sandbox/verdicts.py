"""From what the watches over a case saw to its outcome. CPU time is looked at first: it decides."""

import json
import signal
from collections.abc import Mapping
from typing import Any

from eval_suites.sandbox.checks import Limits, Outcome

#: A case that the wall clock ended was idle of its own accord when that much of the time was.
_IDLE_SHARE = 0.5


def of_program(
    candidate: Mapping[str, Any], tester: Mapping[str, Any], limits: Limits, tier: str
) -> Outcome:
    """The outcome of a program from the reports on its two processes."""
    message = _message(tester)
    found = (
        _ended_by_us(candidate, limits)
        or (_said(message, candidate) if message else None)
        or _tester_died(tester)
    )
    return Outcome(**{**found, "cpu_s": candidate.get("cpu_s", 0.0), "tier": tier})


def of_call(report: Mapping[str, Any], limits: Limits) -> Outcome:
    """The outcome of a trusted call from the report on its process."""
    message = _message(report)
    found = _ended_by_us(report, limits) or (
        message or {"verdict": "crash", "reason": _ending(report)}
    )
    return Outcome(**{**found, "cpu_s": report["cpu_s"], "tier": "call"})


def _ended_by_us(report: Mapping[str, Any], limits: Limits) -> dict[str, Any] | None:
    """What the limits made of a case; None where they had no say."""
    what = report["what"]
    if what == "unconfined":
        return {"verdict": "infra", "reason": f"the sandbox failed: {report['said']}"}
    if report["cpu_s"] >= limits.cpu_s or what == "cpu":
        used = f"used {report['cpu_s']:.2f} of {limits.cpu_s:g} CPU seconds"
        return {"verdict": "timeout", "reason": used}
    if what == "memory":
        held = f"held more than {limits.memory_bytes >> 20} MiB in all its processes"
        return {"verdict": "crash", "reason": held}
    if what != "wall":
        return None
    if report["idle_s"] > _IDLE_SHARE * limits.wall_s:
        waited = f"waited for {report['idle_s']:.0f} of {limits.wall_s:g} s"
        return {"verdict": "timeout", "reason": waited}
    still = f"still running after {limits.wall_s:g} s with {report['cpu_s']:.2f} CPU seconds used"
    return {"verdict": "infra", "reason": still}


def _said(message: Mapping[str, Any], candidate: Mapping[str, Any]) -> dict[str, Any]:
    if message["verdict"] != "gone":
        return dict(message)
    ours = candidate["what"] == "leash"
    return {"verdict": "crash", "reason": message["reason"] if ours else _ending(candidate)}


def _tester_died(tester: Mapping[str, Any]) -> dict[str, Any]:
    killed = tester["status"] == -signal.SIGKILL and not tester["what"]
    verdict = "infra" if killed else "crash"
    return {"verdict": verdict, "reason": f"the test's own process: {_ending(tester)}"}


def _ending(report: Mapping[str, Any]) -> str:
    status = report["status"]
    ended = f"by signal {-status}" if status < 0 else "without a verdict"
    return f"the process ended {ended}"


def _message(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """What trusted code said, None where it was cut off."""
    try:
        found = json.loads(report["said"])
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
