"""The template, styles and escaping that all pages share."""

__all__: list[str] = []
