"""Texts over a socket, each behind its length; a job may bring open descriptors along."""

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")
_PIECE = 1 << 20


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
