"""Events of a stage and how they are shown."""

__all__ = ["events", "json_lines", "live", "progress_file", "screen", "throughput", "wording"]
