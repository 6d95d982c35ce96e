"""Events of a stage and how they are shown."""

__all__ = ["events", "live", "progress_file", "screen", "throughput", "wording"]
