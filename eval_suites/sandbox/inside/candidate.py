"""The candidate's side of a case: define it, then answer calls until nobody asks any more.

Everything in this process may be read and replaced by the candidate: nothing in it decides.
"""

import os
import socket
import sys
import types
from typing import Any, NoReturn

from . import channel
from .values import NotPlainError, decode, encode

_CHANGEABLE = (list, dict, set, bytearray)
_MOST = 1 << 30


def serve(job: dict[str, Any], sock: socket.socket) -> NoReturn:
    """Define the candidate and answer the tester's calls."""
    try:
        objects = [_define(job)]
    except BaseException as error:
        _send(sock, "broken", _shown(error))
        os._exit(0)
    _send(sock, "ready", "")
    while (text := channel.receive(sock, _MOST)) is not None:
        channel.send(sock, _answer(objects, *decode(text)))
    os._exit(0)


def _send(sock: socket.socket, *message: Any) -> None:
    channel.send(sock, encode(message))


def _define(job: dict[str, Any]) -> Any:
    """Return the entry point of the source, run as a module that pickle and dataclasses find."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    exec(compile(job["candidate"], "<candidate>", "exec"), vars(module))  # noqa: S102 - its purpose
    return vars(module)[job["entry_point"]]


def _answer(
    objects: list[Any], number: int, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> str:
    """Return the result of a call, as text, with the arguments that it changed."""
    arguments: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    before = {
        place: encode(value) for place, value in arguments.items() if type(value) in _CHANGEABLE
    }
    target = objects[number]
    try:
        result = (getattr(target, method) if method else target)(*args, **kwargs)
        changed = [
            (place, arguments[place])
            for place in before
            if encode(arguments[place]) != before[place]
        ]
        if number == 0 and not method and isinstance(target, type):
            objects.append(result)
            return encode(("object", len(objects) - 1, changed))
        return encode(("value", result, changed))
    except NotPlainError as error:
        return encode(("raised", ("TypeError", f"the candidate returned {error}"), []))
    except BaseException as error:
        return encode(("raised", (type(error).__name__, _text(error)), []))


def _shown(error: BaseException) -> str:
    return f"{type(error).__name__}: {_text(error)}".rstrip(": ")


def _text(error: BaseException) -> str:
    return str(error)[:500]
