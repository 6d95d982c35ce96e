"""The evaluation: one engine and one queue for all suites and checkpoints of a base."""
