"""The recipe: its schema, sweeps, dependencies, and the options of judge and engine."""

__all__ = ["dependencies", "judge_options", "reading", "schema"]
