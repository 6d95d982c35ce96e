"""From a recipe to a finished run: plan, stages, launch, worker and audit."""

__all__ = [
    "audit",
    "dry_run",
    "finish",
    "launch",
    "lookup",
    "places",
    "plan",
    "processes",
    "run",
    "stages",
    "worker",
]
