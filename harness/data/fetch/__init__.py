"""Benchmark files, downloaded from upstream and checked by their digests."""

__all__ = ["download", "fetch", "manifest"]
