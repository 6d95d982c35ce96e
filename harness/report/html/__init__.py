"""The report of a run: static pages that open without a server or a network."""

__all__ = ["build", "leaderboard", "material"]
