"""Figures drawn with matplotlib."""

__all__: list[str] = []
