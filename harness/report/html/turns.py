"""What was asked and said in one line of a sample log, cut to what a reader wants to see."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Line = Mapping[str, Any]
Parts = list[dict[str, str]]


def asked(line: Line) -> list[list[Parts]]:
    """Turn -> request -> what it asks, as parts with a role and a text.

    Of later turns only what is new: the conversation before, with the answer that it goes on
    from, is left out.
    """
    return [
        [_parts(request, _before(line, number)) for request in turn["requests"]]
        for number, turn in enumerate(line["turns"])
    ]


def _before(line: Line, turn: int) -> Sequence[Any]:
    """The messages of the turn before and the answer to them, where each was one."""
    if not turn:
        return ()
    last = line["turns"][turn - 1]
    if len(last["requests"]) != 1 or len(last["answers"]) != 1:
        return ()
    answer = {"role": "assistant", "content": last["answers"][0].get("text")}
    return (*last["requests"][0].get("messages", ()), answer)


def _parts(request: Mapping[str, Any], before: Sequence[Any]) -> Parts:
    messages = request.get("messages") or ()
    if before and list(messages[: len(before)]) == list(before):
        messages = messages[len(before) :]
    found = [(str(one.get("role")), one.get("content")) for one in messages]
    found += [
        (title, request.get(key))
        for key, title in (
            ("text", "text"),
            ("prefix", "the answer begins"),
            ("continuation", "scored continuation"),
        )
    ]
    return [{"role": role, "text": _text(content)} for role, content in found if content]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else str(content)


def answers(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Answers or verdicts without the log-probabilities of tokens."""
    kept = ("text", "finish_reason", "tokens", "likelihood")
    return [{key: one[key] for key in kept if key in one} for one in given]


def hint(line: Line) -> str:
    """The text that tells a sample from others: the last thing that is asked in its first turn."""
    requests = line["turns"][0]["requests"] if line["turns"] else ()
    return next(_last(requests), "")


def _last(requests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for request in requests[:1]:
        parts = [part for part in _parts(request, ()) if part["role"] in ("user", "text")]
        yield from (part["text"] for part in parts[-1:])
