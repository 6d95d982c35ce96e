"""Suites by the names that users type, and those made from other suites."""

__all__ = ["library", "measured"]
