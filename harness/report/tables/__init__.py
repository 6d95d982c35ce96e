"""Tables for the terminal, Markdown, LaTeX, CSV and HTML, and published numbers."""

__all__ = ["build", "formats", "score_table", "table", "trend_table"]
