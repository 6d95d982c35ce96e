"""Answers as plain values: the bodies of journal entries, and the lines of sample logs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eval_suites.requests import Answer, Likelihood, Request
from eval_suites.scores import Score
from harness.engines.base import Completion
from harness.storage.hashing import digest

#: Keys of a journal entry that no suite sees.
_JOURNAL_ONLY = ("token_ids", "served")
Line = dict[str, Any]


def plain(answer: Answer) -> dict[str, Any]:
    """Return an answer as plain values; what few answers have is there only where it has it."""
    few = ("logprobs", "likelihood", "program")
    return {key: value for key, value in asdict(answer).items() if value or key not in few}


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


def bodies_of(completion: Completion) -> list[dict[str, Any]]:
    """Return the journal entry of each text; a sum of tokens is shared out where it is all."""
    each, rest = divmod(completion.usage.completion_tokens, len(completion.texts))
    ids = completion.token_ids or ((),) * len(completion.texts)
    return [
        {
            "text": text,
            "finish_reason": completion.finish_reasons[k],
            "token_ids": list(ids[k]),
            "tokens": len(ids[k]) or each + (k < rest),
            **({"logprobs": completion.logprobs[k]} if completion.logprobs else {}),
            **({"served": completion.served} if completion.served else {}),
        }
        for k, text in enumerate(completion.texts)
    ]


def scored_body(scored: Likelihood | None) -> dict[str, Any]:
    """Return the journal entry of a scored continuation, as of an answer without text."""
    body = {"text": "", "finish_reason": "stop", "token_ids": [], "tokens": 0}
    if scored is None:
        return {**body, "finish_reason": "overflow"}
    return {**body, "likelihood": asdict(scored)}


def log_line(
    sample_id: str,
    repeat: int,
    turns: Sequence[Mapping[str, Any]],
    score: Score,
    verdicts: Sequence[Answer] = (),
) -> Line:
    """Return one line of a sample log (docs/reference/logs.md); `turns` are of `turn`."""
    return {
        **asdict(score),
        "sample_id": sample_id,
        "repeat": repeat,
        "prompt_hash": digest(turns[0]["requests"] if turns else [], 16),
        "turns": list(turns),
        "verdicts": list(map(plain, verdicts)),
    }


def turn(requests: Sequence[Request], answers: Sequence[Answer]) -> dict[str, Any]:
    """Return one turn of a line: the requests and their answers."""
    return {"requests": list(map(_shown, requests)), "answers": list(map(plain, answers))}


def _shown(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "messages": list(map(asdict, request.messages)),
        "prefix": request.prefix,
        "continuation": request.continuation,
    }
    text = {} if request.text is None else {"text": request.text}
    return text | {key: value for key, value in shown.items() if value}
