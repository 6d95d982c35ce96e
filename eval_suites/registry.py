"""The suites by name; a suite's module is imported when the suite is first asked for."""

import difflib
import importlib
from typing import Any

from eval_suites.errors import UnknownSuiteError
from eval_suites.suite import Suite

#: Every suite by the name that users type, as `module:attribute` below `eval_suites.suites` or as
#: the suite itself; a variant is `suite:variant`.
SUITES: dict[str, str | Suite[Any]] = {
    "alpaca_eval": "alpaca_eval:SECOND",
    "alpaca_eval_1": "alpaca_eval:FIRST",
    "arithmetic": "arithmetic:SUITE",
    "arithmetic:train": "arithmetic:TRAIN",
    "asdiv": "asdiv:FULL",
    "asdiv:eurus": "asdiv:EURUS",
    "bbh": "bbh:SUITE",
    "gsm8k": "gsm8k:CHAT",
    "gsm8k:cot8": "gsm8k:COT8",
    "gsm8k:train": "gsm8k:TRAIN",
    "gsm_plus": "gsm_plus:FULL",
    "gsm_plus:mini": "gsm_plus:MINI",
    "gsm_plus:eurus": "gsm_plus:EURUS",
    "gsm_plus:mini-eurus": "gsm_plus:MINI_EURUS",
    "humaneval": "humaneval:SUITE",
    "humaneval_plus": "humaneval:PLUS",
    "leetcode": "leetcode:SUITE",
    "math": "math:CHAT",
    "math:minerva4": "math:MINERVA4",
    "math500": "math:MATH500",
    "math:eurus": "math:EURUS",
    "mt_bench": "mt_bench:SUITE",
    "svamp": "svamp:SUITE",
    "svamp:eurus": "svamp:EURUS",
    "theoremqa": "theoremqa:SUITE",
    "theoremqa:eurus": "theoremqa:EURUS",
}


def find(name: str) -> Suite[Any]:
    """Return the suite of this name.

    Raises:
        UnknownSuiteError: there is none; the message lists the nearest names.
    """
    if name not in SUITES:
        near = difflib.get_close_matches(name, SUITES, n=3, cutoff=0.4) or sorted(SUITES)
        raise UnknownSuiteError(f"no suite is named {name!r}: did you mean {' or '.join(near)}?")
    entry = SUITES[name]
    if isinstance(entry, Suite):
        return entry
    module, _, attribute = entry.partition(":")
    suite: Suite[Any] = getattr(importlib.import_module(f"eval_suites.suites.{module}"), attribute)
    return suite
