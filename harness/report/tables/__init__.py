"""Tables for the terminal, Markdown, LaTeX, CSV and HTML, and published numbers."""

__all__ = ["build", "formats", "likelihood_table", "score_table", "table"]
