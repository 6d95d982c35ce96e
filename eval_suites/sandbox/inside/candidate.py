"""The candidate's side of a case: define it, then answer calls until nobody asks any more.

Everything in this process may be read and replaced by the candidate: nothing in it decides.
"""

import os
import socket
import sys
import types
from typing import Any, NoReturn

from .channel import NotPlainError, decode, encode, receive, send

_CHANGEABLE = (list, dict, set, bytearray)
_MOST = 1 << 30


def serve(job: dict[str, Any], sock: socket.socket) -> NoReturn:
    """Define the candidate, as a module that pickle and dataclasses find, and answer calls."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    try:
        exec(compile(job["candidate"], "<candidate>", "exec"), vars(module))  # noqa: S102 - its purpose
        objects = [vars(module)[job["entry_point"]]]
    except BaseException as error:
        reason = f"{type(error).__name__}: {str(error)[:500]}".rstrip(": ")
        send(sock, encode(("broken", reason)))
        os._exit(0)
    send(sock, encode(("ready", "")))
    while (text := receive(sock, _MOST)) is not None:
        send(sock, _answer(objects, *decode(text)))
    os._exit(0)


def _answer(
    objects: list[Any], number: int, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> str:
    """Return the result of a call, as text, with the arguments that it changed."""
    arguments: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    before = {at: encode(value) for at, value in arguments.items() if type(value) in _CHANGEABLE}
    target = objects[number]
    try:
        result = (getattr(target, method) if method else target)(*args, **kwargs)
        changed = [
            (at, arguments[at]) for at, text in before.items() if encode(arguments[at]) != text
        ]
        if number == 0 and not method and isinstance(target, type):
            objects.append(result)
            return encode(("object", len(objects) - 1, changed))
        return encode(("value", result, changed))
    except NotPlainError as error:
        return encode(("raised", ("TypeError", f"the candidate returned {error}"), []))
    except BaseException as error:
        return encode(("raised", (type(error).__name__, str(error)[:500]), []))
