"""The requests and answers in a line of a sample log, cut for readers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Line = Mapping[str, Any]
Parts = list[dict[str, str]]


def turn_questions(line: Line) -> list[list[Parts]]:
    """Return the requests of each turn as parts with a role and a text.

    Later turns omit the conversation up to and including the answer that they continue.
    """
    return [
        [_parts(request, _before(line, number)) for request in turn["requests"]]
        for number, turn in enumerate(line["turns"])
    ]


def _before(line: Line, turn: int) -> Sequence[Any]:
    """Return the messages of the previous turn and their answer, if there was one of each."""
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
    contents = [(str(message.get("role")), message.get("content")) for message in messages]
    contents += [
        (title, request.get(key))
        for key, title in (
            ("text", "text"),
            ("prefix", "the answer begins"),
            ("continuation", "scored continuation"),
        )
    ]
    return [{"role": role, "text": _text(content)} for role, content in contents if content]


def _text(content: Any) -> str:
    return content if isinstance(content, str) else str(content)


def answers(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return answers or verdicts without the log-probabilities of tokens."""
    kept = ("text", "finish_reason", "tokens", "likelihood")
    return [{key: answer[key] for key in kept if key in answer} for answer in given]


def hint(line: Line) -> str:
    """Return the text that identifies a sample: the last question of its first turn."""
    requests = line["turns"][0]["requests"] if line["turns"] else ()
    return next(_last(requests), "")


def _last(requests: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for request in requests[:1]:
        parts = [part for part in _parts(request, ()) if part["role"] in ("user", "text")]
        yield from (part["text"] for part in parts[-1:])
