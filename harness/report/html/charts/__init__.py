"""Charts of the report, drawn as SVG."""

__all__: list[str] = []
