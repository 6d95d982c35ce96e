"""What an evaluation is made of: one sample of one suite for one model."""

from dataclasses import dataclass
from typing import Any

from eval_suites.requests import Answer
from eval_suites.suite import Suite
from harness.evaluate.client.cached_client import Model

Answers = tuple[Answer, ...]
#: The most turns that a suite may ask of a model.
MAX_TURNS = 64


@dataclass(frozen=True, slots=True)
class Task:
    """One sample of one suite for one model, with all its repeats."""

    model: Model
    suite: Suite[Any]
    sample: Any
    repeats: int

    @property
    def column(self) -> tuple[str, str]:
        """Whose score it is part of: suite and checkpoint, by name."""
        return self.suite.name, self.model.name
