"""Benchmarks as values: each suite names pure functions; nothing here generates or writes files."""

__all__ = [
    "errors",
    "files",
    "grading",
    "judging",
    "problems",
    "registry",
    "requests",
    "sandbox",
    "scores",
    "suite",
]
