"""Suites by the names that users type: the benchmarks, and names with a prefix.

`kl:SUITE` and `head_to_head:SUITE` are measured on another suite's prompts, `lm_eval:NAME` is a
task of lm-evaluation-harness.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eval_suites import registry
from eval_suites.suite import Suite
from harness.evaluate.suites import kl, pairwise
from harness.evaluate.suites.lm_eval.suite import PREFIX, suite_of

#: Prefix -> a function that makes a suite of the one named after it.
_DERIVED: Mapping[str, Callable[[Suite[Any]], Suite[Any]]] = {
    kl.PREFIX: kl.kl_suite,
    pairwise.PREFIX: pairwise.pairwise_suite,
}


def find(name: str, lm_eval_tasks: Path | None = None) -> Suite[Any]:
    """Return the suite of this name.

    Args:
        name: as the user types it.
        lm_eval_tasks: a folder of task files of lm-eval, besides its own.

    Raises:
        UserError: lm-eval is not installed, or it has the task but we cannot run it.
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite; a task of lm-eval that
            cannot be made.
    """
    if name.startswith(PREFIX):
        return suite_of(name.removeprefix(PREFIX), lm_eval_tasks)
    prefix, _, rest = name.partition(":")
    if prefix in _DERIVED:
        return _DERIVED[prefix](registry.find(rest or prefix))
    return registry.find(name)
