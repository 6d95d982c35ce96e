"""Answers as plain values: the bodies of journal entries, and the lines of sample logs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eval_suites.requests import Answer, Likelihood, Request
from eval_suites.scores import Score
from harness.storage.hashing import digest

#: Keys of a journal entry that no suite sees.
_JOURNAL_ONLY = ("token_ids", "served")
Line = dict[str, Any]


def plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as plain values; log-probs and likelihood only where it has them."""
    fields = asdict(answer)
    return {k: v for k, v in fields.items() if v or k not in ("logprobs", "likelihood")}


def answer_of(fields: Mapping[str, Any]) -> Answer:
    """Return the answer that `plain` or a journal entry describes, also after a trip through JSON.

    Raises:
        TypeError, ValueError, KeyError: the fields describe no answer.
    """
    logprobs = tuple(
        tuple((str(token), float(logprob)) for token, logprob in place)
        for place in fields.get("logprobs", ())
    )
    scored = fields.get("likelihood")
    likelihood = None if scored is None else Likelihood(scored["logprob"], scored["greedy"])
    others = {key: value for key, value in fields.items() if key not in _JOURNAL_ONLY}
    return Answer(**{**others, "logprobs": logprobs, "likelihood": likelihood})


def log_line(
    sample_id: str,
    repeat: int,
    turns: Sequence[Mapping[str, Any]],
    score: Score,
    verdicts: Sequence[Answer] = (),
) -> Line:
    """Return one line of a sample log (docs/reference/logs.md); `turns` are of `turn`."""
    return {
        "sample_id": sample_id,
        "repeat": repeat,
        "prompt_hash": digest(turns[0]["requests"] if turns else [], 16),
        "turns": list(turns),
        "extracted": score.extracted,
        "value": score.value,
        "metrics": dict(score.metrics),
        "status": score.status,
        "reason": score.reason,
        "verdicts": list(map(plain, verdicts)),
    }


def turn(requests: Sequence[Request], answers: Sequence[Answer]) -> dict[str, Any]:
    """Return one turn of a line: the requests and their answers."""
    return {"requests": list(map(_shown, requests)), "answers": list(map(plain, answers))}


def _shown(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if request.messages:
        shown["messages"] = [asdict(message) for message in request.messages]
    if request.text is not None:
        shown["text"] = request.text
    for key in ("prefix", "continuation"):
        if text := getattr(request, key):
            shown[key] = text
    return shown
