"""Suites by the names that users type: the benchmarks, and what is measured on their prompts."""

from collections.abc import Callable, Mapping
from typing import Any

import eval_suites
from eval_suites.suite import Suite
from harness.head_to_head import suite as head_to_head
from harness.kl import suite as kl

#: What is measured on another suite's prompts: prefix -> the suite made of that other one.
_DERIVED: Mapping[str, Callable[[Suite[Any]], Suite[Any]]] = {
    kl.PREFIX: kl.on_policy,
    head_to_head.PREFIX: head_to_head.duelling,
}


def find(name: str) -> Suite[Any]:
    """The suite of a name: of `eval_suites.SUITES`, or `kl:SUITE` or `head_to_head:SUITE`.

    Raises:
        eval_suites.UnknownSuiteError: there is none; the message lists what there is.
    """
    prefix, _, rest = name.partition(":")
    if prefix in _DERIVED:
        return _DERIVED[prefix](eval_suites.find(rest or prefix))
    return eval_suites.find(name)
