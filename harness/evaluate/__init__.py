"""Evaluation: suites, the cached client, the judge, the loop and other measurements."""

__all__ = ["answer_files", "client", "judge", "loop", "measure", "suites"]
