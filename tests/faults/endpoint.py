"""An endpoint of the test's own that answers as the fake engine does and counts what it is asked.

It outlives the runs that ask it, so it knows what was asked by those that were killed. Run as a
script with a port it is a process of its own, which may itself be killed.
"""

import asyncio
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eval_suites.requests import Decoding, Message, Request
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make

NAME = "counted"


class Endpoint:
    """Serves one model; `asked` counts the requests of each prompt, whoever asked.

    Answers are given while `gate` is set; a test closes it to know that a run is at work, or sets
    `closes_after`, how many requests are let through before it closes by itself.
    """

    def __init__(self, delay_s: float = 0.0, port: int = 0) -> None:
        self.asked: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.closes_after: int | None = None
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the fake engine says, as a chat completion."""
        with self._lock:
            self.asked[body["messages"][-1]["content"]] += 1
            if self.closes_after is not None:
                self.closes_after -= 1
                if self.closes_after < 0:
                    self.gate.clear()
            through = self.gate.is_set()
        time.sleep(self._delay_s)
        if not through:
            self.gate.wait()
        messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
        decoding = Decoding(body["temperature"], max_tokens=body["max_tokens"])
        drawn = {name: body[name] for name in ("n", "seed") if name in body}
        request = Request(messages=messages, decoding=decoding, **drawn)
        said = asyncio.run(make(EngineSpec(EngineChoice(name="fake"))).complete(request))
        choices = [
            {"index": k, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
            for k, (text, reason) in enumerate(zip(said.texts, said.finish_reasons, strict=True))
        ]
        tokens = said.usage.completion_tokens
        usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
        about = {"id": "x", "object": "chat.completion", "created": 0, "model": NAME}
        return {**about, "choices": choices, "usage": usage}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def _send(self, value: dict[str, Any]) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self._send({"object": "list", "data": [{"id": NAME, "owned_by": "test"}]})

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["Content-Length"]))
                # Whoever asked may be killed while it asks, or before it is answered.
                with suppress(json.JSONDecodeError, BrokenPipeError, ConnectionResetError):
                    self._send(endpoint.answer(json.loads(text)))

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    @contextmanager
    def serving(self) -> Iterator["Endpoint"]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.gate.set()
            self._http.shutdown()
            thread.join()
            self._http.server_close()


if __name__ == "__main__":
    with Endpoint(delay_s=0.02, port=int(sys.argv[1])).serving():
        threading.Event().wait()
