"""The results of runs as comparisons, tables, figures, pages and a dashboard."""

__all__ = ["compare", "dashboard", "figures", "html", "run_summary", "tables"]
