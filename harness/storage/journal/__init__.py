"""The journal: every answer, verdict and check, stored before it is used."""

__all__ = ["care", "check", "entries", "file"]
