"""The command line: every command and its options. Nothing imports this package."""

__all__ = ["main"]
