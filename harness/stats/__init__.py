"""Intervals, paired tests, resampling, clusters, seeds and power, as pure functions."""

__all__ = [
    "cells",
    "clusters",
    "intervals",
    "methods",
    "paired",
    "power",
    "records",
    "seeds",
    "series",
]
