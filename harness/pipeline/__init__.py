"""From a recipe to a finished run: plan, stages, launch, worker and audit."""

__all__ = [
    "audit",
    "checks",
    "dry_run",
    "environment",
    "finish",
    "jobs",
    "lookup",
    "places",
    "plan",
    "run",
    "runner",
    "stages",
    "worker",
]
