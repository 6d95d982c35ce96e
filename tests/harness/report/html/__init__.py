"""The report: what its pages hold, and what they do in a real browser."""
