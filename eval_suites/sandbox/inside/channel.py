"""Plain values as text, and texts over a socket, between processes that do not trust each other.

Plain are exactly None, bool, int, float, complex, str, bytes, list, tuple, dict, set and frozenset:
what arrives is made anew from text, so no class of the sender's, equal to everything, ever reaches
the receiver. A text goes behind its length; a job may bring open descriptors along.
"""

import json
import socket
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct("!Q")
_PIECE = 1 << 20
_AS_THEY_ARE = frozenset({type(None), bool, int, float, str})
#: Bits of a number that goes as hexadecimal digits: Python refuses to write 4,300 decimal ones.
_LONG = 1 << 13


class NotPlainError(Exception):
    """A value, or a part of it, is none of the plain kinds."""


def encode(value: Any) -> str:
    """Return the value as text.

    A value that derives from a plain kind (a Counter, a named tuple, an IntEnum) is sent as that, a
    number or an array of numpy as Python's own.

    Raises:
        NotPlainError: it holds something else, or itself.
    """
    try:
        return json.dumps(_outward(value))
    except RecursionError:
        raise NotPlainError("a value nested too deep, or one that holds itself") from None


def decode(text: str) -> Any:
    """Return the value that `encode` was called with.

    Raises:
        ValueError: the text does not come from `encode`.
    """
    try:
        return _inward(json.loads(text))
    except (RecursionError, TypeError, KeyError) as error:
        raise ValueError(f"no plain value: {type(error).__name__}") from None


def _outward(value: Any) -> Any:
    kind = type(value)
    if kind is int and value.bit_length() > _LONG:
        return {"int": hex(value)}
    if kind in _AS_THEY_ARE:
        return value
    if kind is list:
        return _items(value)
    if (maker := _TAGGED.get(kind)) is not None:
        return {kind.__name__: maker(value)}
    # A value of a kind that derives from a plain one goes as that.
    if kind.__module__ == "numpy" and hasattr(value, "tolist"):
        return _outward(value.tolist())
    for base in (str, int, float, list, *_TAGGED):
        if isinstance(value, base) and type(plain := base(value)) is base:
            return _outward(plain)
    raise NotPlainError(f"a value of type {kind.__name__}")


def _items(values: Any) -> list[Any]:
    return [_outward(value) for value in values]


_TAGGED: dict[Any, Callable[[Any], Any]] = {
    dict: lambda value: [[_outward(key), _outward(item)] for key, item in value.items()],
    tuple: _items,
    set: _items,
    frozenset: _items,
    bytes: bytes.hex,
    bytearray: bytearray.hex,
    complex: lambda value: [value.real, value.imag],
}


def _inward(value: Any) -> Any:
    if type(value) is list:
        return [_inward(item) for item in value]
    if type(value) is not dict:
        return value
    ((kind, content),) = value.items()
    return _MAKERS[kind](content)


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "int": lambda digits: int(digits, 16),
    "dict": lambda pairs: {_inward(key): _inward(value) for key, value in pairs},
    "tuple": lambda content: tuple(map(_inward, content)),
    "set": lambda content: set(map(_inward, content)),
    "frozenset": lambda content: frozenset(map(_inward, content)),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda parts: complex(*parts),
}


def send(sock: socket.socket, text: str) -> None:
    """Send one text.

    Raises:
        OSError: the other side is gone.
    """
    data = text.encode("utf-8", "surrogatepass")
    sock.sendall(_LENGTH.pack(len(data)) + data)


def receive(sock: socket.socket, most: int) -> str | None:
    """Return the next text, None when the other side has closed.

    Raises:
        ValueError: it is no text, or longer than `most` bytes; then nothing of it was read.
    """
    head = _exactly(sock, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise ValueError(f"{length} bytes at once, more than {most}")
    body = _exactly(sock, length)
    return None if body is None else body.decode("utf-8", "surrogatepass")


def receive_job(sock: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Return a job and its descriptors, None when the other side has closed."""
    head, descriptors, _, _ = socket.recv_fds(sock, _LENGTH.size, 4)
    if not head:
        return None
    body = _exactly(sock, _LENGTH.unpack(head)[0])
    return None if body is None else (json.loads(body), descriptors)


def _exactly(sock: socket.socket, length: int) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        try:
            piece = sock.recv(min(length - len(data), _PIECE))
        except ConnectionError:
            return None
        if not piece:
            return None
        data += piece
    return bytes(data)
