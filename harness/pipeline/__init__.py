"""From a recipe to a finished run: plan, stages, launch, worker and audit."""

__all__ = ["audit", "dry_run", "jobs", "plan", "run", "stages", "telemetry", "worker"]
