"""Answers as plain values, for the journal and for sample logs, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from eval_suites.requests import Answer, Likelihood

#: What the journal keeps of an answer that no suite sees.
_ABOUT = ("token_ids", "served")


def plain(answer: Answer) -> dict[str, Any]:
    """An answer as a line of a log has it; log-probs and likelihood only where asked for."""
    fields = asdict(answer)
    return {k: v for k, v in fields.items() if v or k not in ("logprobs", "likelihood")}


def answer_of(fields: Mapping[str, Any]) -> Answer:
    """The answer that `plain`, or JSON made of it, tells of, or the body of a journal's entry.

    Raises:
        TypeError, ValueError, KeyError: it tells of none.
    """
    tops = tuple(
        tuple((str(token), float(logprob)) for token, logprob in place)
        for place in fields.get("logprobs", ())
    )
    scored = fields.get("likelihood")
    found = None if scored is None else Likelihood(scored["logprob"], scored["greedy"])
    named = {key: value for key, value in fields.items() if key not in _ABOUT}
    return Answer(**{**named, "logprobs": tops, "likelihood": found})
