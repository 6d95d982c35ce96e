"""The outcome of a case from the reports of its watches. CPU time comes first: it decides."""

import json
import signal
from collections.abc import Mapping
from typing import Any

from eval_suites.sandbox.checks import Limits, Outcome

Report = Mapping[str, Any]
#: The idle share of the wall time from which a case has waited of its own accord.
_IDLE_SHARE = 0.5


def of_program(candidate: Report, tester: Report, limits: Limits, tier: str) -> Outcome:
    """Return the outcome of a program from the reports on its two processes."""
    result = _ended_by_us(candidate, limits) or _message(tester)
    if not result:
        killed = tester["status"] == -signal.SIGKILL and not tester["ended_by"]
        reason = f"the test's own process: {_ending(tester)}"
        result = {"verdict": "infra" if killed else "crash", "reason": reason}
    elif result["verdict"] == "gone":
        leashed = candidate["ended_by"] == "leash"
        reason = result["reason"] if leashed else _ending(candidate)
        result = {"verdict": "crash", "reason": reason}
    return Outcome(**{**result, "cpu_s": candidate["cpu_s"], "tier": tier})


def of_call(report: Report, limits: Limits) -> Outcome:
    """Return the outcome of a trusted call from the report on its process."""
    ended = {"verdict": "crash", "reason": _ending(report)}
    result = _ended_by_us(report, limits) or _message(report) or ended
    return Outcome(**{**result, "cpu_s": report["cpu_s"], "tier": "call"})


def _ended_by_us(report: Report, limits: Limits) -> dict[str, Any] | None:
    """Return the result of a case that a limit ended; None for others."""
    ended_by, cpu_s, wall = report["ended_by"], report["cpu_s"], f"{limits.wall_s:g} s"
    if ended_by == "unconfined":
        verdict, reason = "infra", f"the sandbox failed: {report['message']}"
    elif cpu_s >= limits.cpu_s or ended_by == "cpu":
        verdict, reason = "timeout", f"used {cpu_s:.2f} of {limits.cpu_s:g} CPU seconds"
    elif ended_by == "memory":
        reason = f"held more than {limits.memory_bytes >> 20} MiB in all its processes"
        verdict = "crash"
    elif ended_by != "wall":
        return None
    elif report["idle_s"] > _IDLE_SHARE * limits.wall_s:
        verdict, reason = "timeout", f"waited for {report['idle_s']:.0f} of {wall}"
    else:
        verdict, reason = "infra", f"still running after {wall} with {cpu_s:.2f} CPU seconds used"
    return {"verdict": verdict, "reason": reason}


def _ending(report: Report) -> str:
    status = report["status"]
    return f"the process ended {f'by signal {-status}' if status < 0 else 'without a verdict'}"


def _message(report: Report) -> dict[str, Any] | None:
    """Return the message of trusted code, None where it was cut off."""
    try:
        message = json.loads(report["message"])
    except ValueError:
        return None
    return message if isinstance(message, dict) else None
