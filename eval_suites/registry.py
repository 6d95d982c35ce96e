"""The suites by name."""

import difflib
from collections.abc import Mapping
from typing import Any

from eval_suites.errors import UnknownSuiteError
from eval_suites.suite import Suite
from eval_suites.suites import (
    alpaca_eval,
    arithmetic,
    asdiv,
    bbh,
    gsm8k,
    gsm_plus,
    humaneval,
    humaneval_plus,
    leetcode,
    math,
    mt_bench,
    svamp,
    theoremqa,
)

_ALL: tuple[Suite[Any], ...] = (
    alpaca_eval.SECOND,
    alpaca_eval.FIRST,
    arithmetic.SUITE,
    arithmetic.TRAIN,
    asdiv.FULL,
    asdiv.EURUS,
    bbh.SUITE,
    gsm8k.CHAT,
    gsm8k.COT8,
    gsm8k.TRAIN,
    gsm_plus.FULL,
    gsm_plus.MINI,
    gsm_plus.EURUS,
    gsm_plus.MINI_EURUS,
    humaneval.SUITE,
    humaneval_plus.SUITE,
    leetcode.SUITE,
    math.CHAT,
    math.MINERVA4,
    math.MATH500,
    math.EURUS,
    mt_bench.SUITE,
    svamp.SUITE,
    svamp.EURUS,
    theoremqa.SUITE,
    theoremqa.EURUS,
)

#: Every suite by the name that a user types; a variant is `suite:variant`.
SUITES: Mapping[str, Suite[Any]] = {suite.name: suite for suite in _ALL}


def find(name: str) -> Suite[Any]:
    """The suite of this name.

    Raises:
        UnknownSuiteError: there is none; the message lists the nearest names.
    """
    if name in SUITES:
        return SUITES[name]
    near = difflib.get_close_matches(name, SUITES, n=3, cutoff=0.4) or sorted(SUITES)
    raise UnknownSuiteError(f"no suite is named {name!r}: did you mean {' or '.join(near)}?")
