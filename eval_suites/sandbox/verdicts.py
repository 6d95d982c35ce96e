"""The outcome of a case from the reports of its watches. CPU time comes first: it decides."""

import json
import signal
from collections.abc import Mapping
from typing import Any

from eval_suites.sandbox.checks import Limits, Outcome

#: The idle share of the wall time from which a case has waited of its own accord.
_IDLE_SHARE = 0.5


def of_program(
    candidate: Mapping[str, Any], tester: Mapping[str, Any], limits: Limits, tier: str
) -> Outcome:
    """Return the outcome of a program from the reports on its two processes."""
    message = _message(tester)
    result = (
        _ended_by_us(candidate, limits)
        or (_of_message(message, candidate) if message else None)
        or _tester_died(tester)
    )
    return Outcome(**{**result, "cpu_s": candidate.get("cpu_s", 0.0), "tier": tier})


def of_call(report: Mapping[str, Any], limits: Limits) -> Outcome:
    """Return the outcome of a trusted call from the report on its process."""
    message = _message(report)
    ended = {"verdict": "crash", "reason": _ending(report)}
    result = _ended_by_us(report, limits) or message or ended
    return Outcome(**{**result, "cpu_s": report["cpu_s"], "tier": "call"})


def _ended_by_us(report: Mapping[str, Any], limits: Limits) -> dict[str, Any] | None:
    """Return the result of a case that a limit ended; None for others."""
    ended_by = report["ended_by"]
    if ended_by == "unconfined":
        return {"verdict": "infra", "reason": f"the sandbox failed: {report['message']}"}
    if report["cpu_s"] >= limits.cpu_s or ended_by == "cpu":
        used = f"used {report['cpu_s']:.2f} of {limits.cpu_s:g} CPU seconds"
        return {"verdict": "timeout", "reason": used}
    if ended_by == "memory":
        memory = f"held more than {limits.memory_bytes >> 20} MiB in all its processes"
        return {"verdict": "crash", "reason": memory}
    if ended_by != "wall":
        return None
    if report["idle_s"] > _IDLE_SHARE * limits.wall_s:
        waited = f"waited for {report['idle_s']:.0f} of {limits.wall_s:g} s"
        return {"verdict": "timeout", "reason": waited}
    still = f"still running after {limits.wall_s:g} s with {report['cpu_s']:.2f} CPU seconds used"
    return {"verdict": "infra", "reason": still}


def _of_message(message: Mapping[str, Any], candidate: Mapping[str, Any]) -> dict[str, Any]:
    if message["verdict"] != "gone":
        return dict(message)
    killed = candidate["ended_by"] == "leash"
    return {"verdict": "crash", "reason": message["reason"] if killed else _ending(candidate)}


def _tester_died(tester: Mapping[str, Any]) -> dict[str, Any]:
    killed = tester["status"] == -signal.SIGKILL and not tester["ended_by"]
    verdict = "infra" if killed else "crash"
    return {"verdict": verdict, "reason": f"the test's own process: {_ending(tester)}"}


def _ending(report: Mapping[str, Any]) -> str:
    status = report["status"]
    ended = f"by signal {-status}" if status < 0 else "without a verdict"
    return f"the process ended {ended}"


def _message(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the message of trusted code, None where it was cut off."""
    try:
        message = json.loads(report["message"])
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
