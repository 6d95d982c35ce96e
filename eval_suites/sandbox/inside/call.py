"""Trusted functions on plain values: imported once in the zygote, called in a fork of it."""

import contextlib
import importlib
import json
import sys
from typing import Any

from .tester import describe


def warm(job: dict[str, Any]) -> None:
    """Import the function's module from the host's path, so that every fork has it.

    A module may have a function `warm` for work that is slow the first time; it is called before
    each call, and does its work once.
    """
    sys.path[:] = job["path"]
    with contextlib.suppress(Exception):  # the call itself reports the fault
        module = importlib.import_module(job["function"].partition(":")[0])
        getattr(module, "warm", lambda: None)()


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Call `module:function` and return its result, or the error that it raised."""
    name, _, function = job["function"].partition(":")
    try:
        value = getattr(importlib.import_module(name), function)(**job["arguments"])
        return {"verdict": "pass", "value": json.loads(json.dumps(value))}
    except Exception as error:
        return {"verdict": "fail", "reason": describe(error)}
