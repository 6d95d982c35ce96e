"""The evaluation loop: all suites and checkpoints of one base in one queue."""

__all__ = ["loop", "speed", "suite_choice"]
