"""Events of a stage and how they are shown."""

__all__ = ["counts", "events", "json_lines", "progress_file", "screen", "throughput", "wording"]
