"""A judge of the test's own behind real HTTP that fails as endpoints do, by a seed."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.recipe.schema import JudgeChoice

NAME = "stub-judge"
KINDS = ("busy", "broken", "silent", "cut", "malformed")
#: Of one try, in seconds: long, so that a whole reply is never given up on a busy machine.
TIMEOUT_S = 2.0
#: A late reply comes so much after a refusal that the run has begun to stop.
LATE_S = 0.2


def ratings(prompt: str) -> str:
    """A rating that depends on what is judged."""
    return f"Rating: [[{random.Random(prompt).randint(1, 10)}]]"


@dataclass
class JudgeServer:
    """Answers chat requests, or fails `share` of them in one of the ways of `kinds`.

    `sent` counts, by prompt, the replies that it sent whole; `failed` the failures by kind. After
    `credit` whole replies it refuses for want of quota (None: never); the last three of them come
    after the first refusal.
    """

    share: float = 0.0
    seed: int = 0
    kinds: tuple[str, ...] = KINDS
    reply: Callable[[str], str] = ratings
    usage: bool = True
    credit: int | None = None
    sent: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    url: str = ""
    _tries: Counter[str] = field(default_factory=Counter)
    refused: threading.Event = field(default_factory=threading.Event)
    _waited: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def choice(self, **keys: Any) -> JudgeChoice:
        """This judge, asked with little patience."""
        options = {"backoff_s": "0.01", "timeout_s": str(TIMEOUT_S)}
        return JudgeChoice(model=NAME, base_url=self.url, options=options, **keys)

    def fate(self, prompt: str) -> str:
        """What becomes of the next try of a prompt: a kind of failure, or "whole"."""
        with self._lock:
            if self.credit is not None and self.sent.total() >= self.credit:
                return "refused"
            self._tries[prompt] += 1
            rng = random.Random(f"{self.seed} {prompt} {self._tries[prompt]}")
            if rng.random() >= self.share:
                self.sent[prompt] += 1
                last = self.credit is not None and self.sent.total() > self.credit - 3
                return "late" if last else "whole"
            # One time-out a prompt is enough: they take long.
            kinds = [kind for kind in self.kinds if kind != "silent" or prompt not in self._waited]
            kind = rng.choice(kinds)
            self.failed[kind] += 1
            self._waited |= {prompt} if kind == "silent" else set()
            return kind

    def body(self, prompt: str) -> bytes:
        """A whole chat completion."""
        message = {"role": "assistant", "content": self.reply(prompt)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        about = {"id": "x", "object": "chat.completion", "created": 0, "model": f"{NAME}-0613"}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        said = {**about, "choices": [choice], **({"usage": usage} if self.usage else {})}
        return json.dumps(said).encode()

    @contextmanager
    def serving(self) -> Iterator["JudgeServer"]:
        """Serve on a port of its own."""
        http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"judge": self}))
        self.url = f"http://127.0.0.1:{http.server_port}/v1"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            http.shutdown()
            thread.join()
            http.server_close()


class _Handler(BaseHTTPRequestHandler):
    judge: JudgeServer

    def send(self, status: int, body: bytes, size: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.send_header("Content-Type", "application/json")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        models = {"object": "list", "data": [{"id": NAME, "owned_by": "test"}]}
        self.send(200, json.dumps(models).encode())

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        prompt = json.loads(text)["messages"][-1]["content"]
        with suppress(BrokenPipeError, ConnectionResetError):
            self.meet(self.judge.fate(prompt), self.judge.body(prompt))

    def meet(self, fate: str, whole: bytes) -> None:
        half = whole[: len(whole) // 2]
        if fate == "silent":
            self.connection.recv(1)  # until the client gives up
        elif fate == "cut":
            self.send(200, half, size=len(whole))
        elif fate == "malformed":
            self.send(200, half)
        elif fate == "busy":
            self.send(429, b'{"error": {"message": "slow down"}}', Retry_After="0.05")
        elif fate == "broken":
            self.send(500, b"<html>oops</html>")
        elif fate == "refused":
            error = {"message": "You exceeded your current quota", "code": "insufficient_quota"}
            self.send(429, json.dumps({"error": error}).encode())
            self.judge.refused.set()
        else:
            if fate == "late":
                self.judge.refused.wait(TIMEOUT_S / 2)
                time.sleep(LATE_S)
            self.send(200, whole)

    def log_message(self, *_: object) -> None:
        pass
