"""Benchmark files that are fetched, and training data that is sampled."""

__all__ = ["fetch", "sampling"]
