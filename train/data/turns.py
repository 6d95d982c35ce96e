"""Conversations as published data sets write them, read into turns of (role, content)."""

import re
from collections.abc import Mapping
from typing import Any

from train.errors import DataError

#: The turns of a conversation: (role, content) each.
Turns = tuple[tuple[str, str], ...]

_ROLES = {"human": "user", "gpt": "assistant"}
_SPEAKER = re.compile(r"(?:^|\n\n)(Human|Assistant):")
_TRANSCRIPT = re.compile(r"\s*Human:")


def read_prompt(value: Any) -> Turns:
    """Read a prompt, a text (one turn of the user, none if it is blank) or a list of messages."""
    if isinstance(value, str):
        return (("user", value),) if value.strip() else ()
    if isinstance(value, list):
        return read_messages(value)
    raise DataError("no `prompt` (a text) or `messages` (a list); add one")


def read_messages(messages: list[Any], role: str = "role", content: str = "content") -> Turns:
    """Read the turns of a list of messages, whose fields are named `role` and `content`.

    The roles `human` and `gpt` of ShareGPT's layout become `user` and `assistant`. Raises DataError
    where a message lacks one of its two texts.
    """
    for message in messages:
        fields = message if isinstance(message, Mapping) else {}
        if not all(isinstance(fields.get(name), str) for name in (role, content)):
            raise DataError(f"a message must have a `{role}` and a `{content}`, both texts")
    return tuple((_ROLES.get(m[role], m[role]), m[content]) for m in messages)


def split_reply(value: Any) -> tuple[Turns, str]:
    """Split a response into the turns before the reply (none for a plain text) and the reply.

    Raises DataError where it is no text, and no conversation that ends with the assistant.
    """
    if isinstance(value, str):
        return (), value
    if not isinstance(value, list) or not value:
        raise DataError("a response must be a text or a list of messages")
    *before, (role, content) = read_messages(value)
    if role != "assistant":
        raise DataError(f"a response ends with a turn of the assistant, not of {role!r}")
    return tuple(before), content


def is_transcript(value: Any) -> bool:
    """Return whether a value is a text of `Human:` and `Assistant:` turns."""
    return isinstance(value, str) and _TRANSCRIPT.match(value) is not None


def split_transcript(transcript: str) -> tuple[Turns, str]:
    """Split a transcript into the turns before the assistant's last reply, and it ("" if none)."""
    _, *parts = _SPEAKER.split(transcript.lstrip())
    roles = ("user" if speaker == "Human" else "assistant" for speaker in parts[::2])
    turns = tuple(zip(roles, (text.strip() for text in parts[1::2]), strict=True))
    if not turns or turns[-1][0] != "assistant":
        return turns, ""
    return turns[:-1], turns[-1][1]
