"""A real `mlflow server`, and a door before it that can be slow or shut."""

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest


@dataclass
class Served:
    """A real server: its address, its process, and how to start it again."""

    uri: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    process: "subprocess.Popen[bytes]" = field(init=False)

    def __post_init__(self) -> None:
        self.again()

    def again(self) -> None:
        """Start it, and wait until it answers."""
        self.process = self.start()
        for _ in range(240):
            assert self.process.poll() is None
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                    return
            except OSError:
                time.sleep(0.5)
        pytest.fail("the server did not start")

    def kill(self) -> None:
        """End its whole group at once, and wait until no worker of it listens any more."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        address = urllib.parse.urlsplit(self.uri)
        for _ in range(240):
            try:
                socket.create_connection((address.hostname, address.port or 0), 1).close()
            except ConnectionRefusedError:
                return
            except OSError:
                pass
            time.sleep(0.1)
        pytest.fail("the server did not end")


@dataclass
class Door:
    """Passes requests on to a server, each `delay` seconds late, until `closes_after` of them.

    Then it hangs up without an answer (`hangs`: it keeps the caller waiting), having called
    `on_close` once.
    """

    upstream: str
    delay: float = 0.0
    closes_after: int = 1_000_000
    hangs: bool = False
    on_close: Callable[[], None] = lambda: None
    passed: int = 0
    uri: str = ""
    released: threading.Event = field(default_factory=threading.Event)

    def opens(self) -> None:
        """Let every request through again."""
        self.closes_after = self.passed + 1_000_000

    def admits(self) -> bool:
        """Whether the next request goes through."""
        self.passed += 1
        if self.passed == self.closes_after + 1:
            self.on_close()
        return self.passed <= self.closes_after


def handler(door: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _pass(self) -> None:
            self.close_connection = True
            if not door.admits():
                if door.hangs:
                    door.released.wait(60)
                return
            time.sleep(door.delay)
            length = int(self.headers.get("Content-Length") or 0)
            kept = {
                k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")
            }
            asked = urllib.request.Request(
                door.upstream + self.path,
                data=self.rfile.read(length) if length else None,
                headers=kept,
                method=self.command,
            )
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    self._answer(answer.status, answer.headers["Content-Type"], answer.read())
            except urllib.error.HTTPError as error:
                self._answer(error.code, error.headers["Content-Type"], error.read())

        def _answer(self, status: int, kind: str | None, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind or "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler
