"""Answers as plain values, for the journal and for sample logs, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from eval_suites.suite import Answer, Likelihood


def plain(answer: Answer) -> dict[str, Any]:
    """An answer as a line of a log has it; log-probs and likelihood only where asked for."""
    fields = asdict(answer)
    return {k: v for k, v in fields.items() if v or k not in ("logprobs", "likelihood")}


def answer_of(fields: Mapping[str, Any]) -> Answer:
    """The answer that `plain`, or JSON made of it, tells of.

    Raises:
        TypeError, ValueError, KeyError: it tells of none.
    """
    tops = tuple(
        tuple((str(token), float(logprob)) for token, logprob in place)
        for place in fields.get("logprobs", ())
    )
    scored = fields.get("likelihood")
    found = None if scored is None else Likelihood(scored["logprob"], scored["greedy"])
    return Answer(**{**fields, "logprobs": tops, "likelihood": found})
