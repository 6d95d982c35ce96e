"""The tester's side of a case: calls the candidate through messages, and decides.

The test's source is trusted, what the candidate answers is not: it arrives as plain values.
"""

import builtins
import socket
import sys
import types
from typing import Any

from .channel import NotPlainError, decode, encode, receive, send

REASON_CHARS = 500


class GoneError(BaseException):
    """The candidate's process ended, or sent no message; a test cannot catch this."""


class RaisedError(Exception):
    """The candidate raised an exception that is not built in."""


class Remote:
    """An object in the candidate's process: a function, a class, or an instance of it."""

    def __init__(self, talk: "Talk", number: int) -> None:
        self._talk = talk
        self._number = number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object."""
        return self._talk.call(self._number, "", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self._talk.call(self._number, name, args, kwargs)


class Talk:
    """The tester's end of the channel."""

    def __init__(self, sock: socket.socket, most: int) -> None:
        self._sock = sock
        self._most = most

    def call(self, number: int, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call object `number`, or a method of it; lists and dicts that it changed change here too.

        Raises:
            GoneError: there was no answer.
        """
        try:
            send(self._sock, encode((number, method, args, kwargs)))
        except OSError:
            raise GoneError("the process was gone") from None
        kind, value, changed = self.receive(3)
        everything: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        for place, content in changed:
            _change(everything[place], content)
        if kind == "raised":
            raise _exception(*value)
        return Remote(self, value) if kind == "object" else value

    def receive(self, parts: int) -> tuple[Any, ...]:
        """Return the next message, a tuple of some parts.

        Raises:
            GoneError: there was none.
        """
        try:
            text = receive(self._sock, self._most)
            if text is None:
                raise GoneError("the process was gone")
            answer = decode(text)
            if type(answer) is not tuple or len(answer) != parts:
                raise GoneError("its answer was no message")
        except ValueError as error:
            raise GoneError(f"its answer was no message: {error}") from None
        return answer


def _change(here: Any, content: Any) -> None:
    kind = type(here)
    if kind is not type(content) or kind not in (list, bytearray, dict, set):
        raise GoneError("its answer was no message")
    if kind in (list, bytearray):
        here[:] = content
    else:
        here.clear()
        here.update(content)


def _exception(name: str, text: str) -> Exception:
    kind = getattr(builtins, str(name), None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(text)
        except TypeError:  # UnicodeDecodeError and the like take more
            pass
    return RaisedError(f"{name}: {text}")


def decide(job: dict[str, Any], sock: socket.socket) -> dict[str, Any]:
    """Run the test against the candidate at the other end; return the verdict with its reason."""
    talk = Talk(sock, job["output_bytes"])
    try:
        kind, text = talk.receive(2)
        if kind != "ready":
            return {"verdict": "fail", "reason": str(text)[:REASON_CHARS]}
        _test(job, Remote(talk, 0))
    except GoneError as error:
        return {"verdict": "gone", "reason": str(error)}
    except NotPlainError as error:
        return {"verdict": "infra", "reason": f"the test passes {error}"}
    except BaseException as error:
        failing = failing_line(error, job["tester"])
        return {"verdict": "fail", "reason": describe(error), "failing": failing}
    return {"verdict": "pass"}


def _test(job: dict[str, Any], remote: Remote) -> None:
    """Run the test's own lines with the entry point's name bound, then its `check`, if any."""
    module = types.ModuleType("tester")
    sys.modules["tester"] = module
    names = vars(module)
    names[job["entry_point"]] = remote
    exec(compile(job["tester"], "<tester>", "exec"), names)  # noqa: S102 - what a tester is for
    if "check" in names:
        # A helper of the same name in the test's own source has taken its place by now.
        names[job["entry_point"]] = remote
        names["check"](remote)


def describe(error: BaseException) -> str:
    """Return an exception as one short text: its kind and, if it has one, its message."""
    name = "" if isinstance(error, RaisedError) else f"{type(error).__name__}: "
    return f"{name}{error}"[:REASON_CHARS].rstrip(": ")


def failing_line(error: BaseException, tester: str) -> str:
    """Return the tester's line at which the check failed; "" when it failed elsewhere."""
    lines, line, frame = tester.splitlines(), "", error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<tester>":
            line = lines[frame.tb_lineno - 1].strip()
        frame = frame.tb_next
    return line[:REASON_CHARS]
