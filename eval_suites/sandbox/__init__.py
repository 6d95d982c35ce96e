"""Run checks on model-written code: `async with Sandbox(limits) as box: await box.run(check)`."""

from eval_suites.sandbox.checks import Call, Check, Limits, Outcome, Program, Verdict
from eval_suites.sandbox.runner import VERSION, Sandbox
from eval_suites.sandbox.tiers import Tier

__all__ = [
    "VERSION",
    "Call",
    "Check",
    "Limits",
    "Outcome",
    "Program",
    "Sandbox",
    "Tier",
    "Verdict",
]
