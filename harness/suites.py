"""Suites by name: this project's, and with the prefix `lm_eval:` lm-evaluation-harness's tasks."""

from pathlib import Path
from typing import Any

import eval_suites
from eval_suites.suite import Suite
from harness.lm_eval.suite import PREFIX, suite_of


def find(name: str, lm_eval_tasks: Path | None = None) -> Suite[Any]:
    """The suite of this name.

    Args:
        name: what the user types.
        lm_eval_tasks: a folder of task files of lm-eval, besides its own.

    Raises:
        UserError: lm-eval is not installed, or it has the task but we cannot run it.
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite; a task of lm-eval that
            cannot be made.
    """
    if name.startswith(PREFIX):
        return suite_of(name.removeprefix(PREFIX), lm_eval_tasks)
    return eval_suites.find(name)
