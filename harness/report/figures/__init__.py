"""Figures drawn with matplotlib."""

__all__ = ["likelihood_figure"]
