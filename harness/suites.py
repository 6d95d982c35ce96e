"""Suites by the names that users type: the benchmarks, and what is measured on their prompts."""

from typing import Any

import eval_suites
from eval_suites.suite import Suite
from harness.kl import suite as kl


def find(name: str) -> Suite[Any]:
    """The suite of a name: one of `eval_suites.SUITES`, or `kl:SUITE` on a suite's prompts.

    Raises:
        eval_suites.UnknownSuiteError: there is none; the message lists what there is.
    """
    prefix, _, rest = name.partition(":")
    if prefix == kl.PREFIX:
        return kl.on_policy(eval_suites.find(rest or kl.PREFIX))
    return eval_suites.find(name)
