"""The endpoint engine against a real HTTP server of the test's own."""

import asyncio
import json
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import openai
import pytest

from eval_suites.requests import Decoding, Message, Request
from harness.engines.base import Completion, EngineGone, RequestFailed
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.engines.retry import Patience, retry_after, wait_s
from harness.errors import EngineUnavailable

ASK = Request(messages=(Message("user", "hello"),), decoding=Decoding(max_tokens=5))
FAST = {"backoff_s": "0.01", "deadline_s": "5", "down_s": "0.1"}
Reply = tuple[int, dict[str, str], bytes]


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, raw


def error(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    return reply(status, {"error": {"message": message, "code": code, "type": code}}, **headers)


def answer(*texts: str, reason: str = "stop") -> Reply:
    choices = [
        {"index": k, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
        for k, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    about = {"id": "x", "object": "chat.completion", "created": 0, "model": "m"}
    return reply(200, {**about, "choices": choices, "usage": usage})


MODELS = reply(200, {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "us"}]})


@dataclass
class Server:
    """Replies in order, the last one for ever; keeps what it was asked."""

    replies: list[Reply] = field(default_factory=lambda: [answer("hi")])
    models: Reply = MODELS
    asked: list[dict[str, Any]] = field(default_factory=list)
    http: ThreadingHTTPServer | None = None

    @property
    def spec(self) -> EngineSpec:
        assert self.http is not None
        port = self.http.server_address[1]
        url = f"http://127.0.0.1:{port}/v1"
        return EngineSpec(EngineChoice(name="openai", base_url=url, options=FAST))


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def send(self, reply: Reply) -> None:
            status, headers, body = reply
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.send(state.models)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append(json.loads(body))
            self.send(state.replies.pop(0) if len(state.replies) > 1 else state.replies[0])

        def log_message(self, *arguments: object) -> None:
            pass

    state.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=state.http.serve_forever, args=(0.01,))
    thread.start()
    yield state
    state.http.shutdown()
    thread.join()
    state.http.server_close()


def changed(spec: EngineSpec, **settings: object) -> EngineSpec:
    return replace(spec, settings=spec.settings.model_copy(update=settings))


def ask(spec: EngineSpec, request: Request = ASK) -> Completion:
    async def main() -> Completion:
        async with make(spec) as engine:
            return await engine.complete(request)

    return asyncio.run(main())


def test_messages_and_decoding_go_as_they_are(server: Server) -> None:
    chat = (Message("system", "be brief"), Message("user", "hello"))
    how = Decoding(temperature=0.7, top_p=0.9, max_tokens=8, stop=("\n",))
    server.replies = [answer("hi", "ho")]

    got = ask(server.spec, Request(messages=chat, decoding=how, n=2, seed=3))

    assert (got.texts, got.finish_reasons) == (("hi", "ho"), ("stop", "stop"))
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (9, 4)
    assert server.asked == [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "hello"},
            ],
            "temperature": 0.7,
            "top_p": 0.9,
            "max_tokens": 8,
            "n": 2,
            "seed": 3,
            "stop": ["\n"],
        }
    ]


def test_busy_broken_and_garbled_answers_are_asked_again_by_one_layer(server: Server) -> None:
    server.replies = [
        error(429, "slow down", **{"Retry-After": "0.05"}),
        error(500, "oops"),
        reply(200, b'{"choices": ['),
        reply(200, {"error": "no choices"}),
        answer("at last"),
    ]

    assert ask(server.spec).texts == ("at last",)
    assert len(server.asked) == 5


def test_wrong_key_and_empty_account_stop_at_once_with_the_remedy(server: Server) -> None:
    server.replies = [error(401, "bad key")]
    with pytest.raises(EngineUnavailable, match="check OPENAI_API_KEY"):
        ask(server.spec)
    server.replies = [error(429, "pay first", "insufficient_quota")]
    with pytest.raises(EngineUnavailable, match="quota"):
        ask(server.spec)
    server.replies = [error(404, "no model m")]
    with pytest.raises(EngineUnavailable, match="model's name"):
        ask(server.spec)

    assert len(server.asked) == 3


def test_what_the_prompt_caused_is_a_finish_reason(server: Server) -> None:
    server.replies = [
        error(400, "This model's maximum context length is 8 tokens", "context_length_exceeded")
    ]
    assert ask(server.spec, replace(ASK, n=2)).finish_reasons == ("overflow", "overflow")
    server.replies = [error(400, "filtered by policy", "content_filter")]
    assert ask(server.spec).finish_reasons == ("filtered",)
    server.replies = [answer("", reason="content_filter")]
    assert ask(server.spec).finish_reasons == ("filtered",)
    server.replies = [answer("cut", reason="length")]
    assert ask(server.spec).finish_reasons == ("length",)


def test_a_request_that_the_endpoint_cannot_answer_is_lost_alone(server: Server) -> None:
    server.replies = [error(400, "unknown parameter")]
    with pytest.raises(RequestFailed, match="unknown parameter"):
        ask(server.spec)
    assert len(server.asked) == 1

    short = changed(server.spec, options={"backoff_s": "0.01", "deadline_s": "0.2"})
    server.replies = [error(503, "overloaded")]
    with pytest.raises(RequestFailed, match="overloaded"):
        ask(short)
    server.replies = [error(429, "come back tomorrow", **{"Retry-After": "86400"})]
    with pytest.raises(RequestFailed, match="tomorrow"):
        ask(short)


def test_nobody_there_is_unavailable_at_start_and_gone_later(server: Server) -> None:
    async def dies() -> None:
        assert server.http is not None
        async with make(server.spec) as engine:
            server.http.shutdown()
            server.http.server_close()
            await engine.complete(ASK)

    spec = server.spec
    with pytest.raises(EngineGone, match="does not answer any more"):
        asyncio.run(dies())
    with pytest.raises(EngineUnavailable, match="start the server, or correct the address"):
        ask(spec)


def test_what_is_pending_when_the_engine_is_closed_ends_before_the_client(server: Server) -> None:
    server.replies = [error(503, "overloaded")]
    spec = changed(server.spec, concurrency=2, options={"backoff_s": "0.3"})

    async def main() -> list[Completion | BaseException]:
        async with make(spec) as engine:
            cancelled, *pending = [asyncio.create_task(engine.complete(ASK)) for _ in range(4)]
            # Two wait before they try again, two for their turn.
            while len(server.asked) < 2:  # noqa: ASYNC110 - a thread counts
                await asyncio.sleep(0.01)
            cancelled.cancel()
        return await asyncio.gather(cancelled, *pending, return_exceptions=True)

    first, *rest = asyncio.run(main())

    assert isinstance(first, asyncio.CancelledError)
    assert [type(error) for error in rest] == [EngineGone] * 3, rest


def test_version_and_names_come_from_the_endpoint(server: Server) -> None:
    async def main(spec: EngineSpec) -> tuple[str, str]:
        engine = make(spec)
        before = engine.version
        async with engine:
            return before, engine.version

    two = {"data": [{"id": "a", "owned_by": "us"}, {"id": "b", "owned_by": "vllm", "root": "/b"}]}
    assert asyncio.run(main(server.spec)) == ("unknown", "us:m")

    server.models = reply(200, two)
    served = replace(server.spec, served=(("nca", "b"),))
    assert asyncio.run(main(served)) == ("unknown", "vllm:/b")
    ask(served, replace(ASK, model="nca"))
    assert server.asked[-1]["model"] == "b"
    with pytest.raises(ValueError, match="model '' is not served: it serves nca"):
        ask(served)
    server.models = error(404, "no such page")
    assert asyncio.run(main(served)) == ("unknown", "unknown")


def test_logprobs_are_kept_and_text_is_refused(server: Server) -> None:
    status, headers, body = answer("hi")
    told = json.loads(body)
    tops = [{"token": "hi", "logprob": -0.1, "bytes": None}, {"token": "ho", "logprob": -2.5}]
    told["choices"][0]["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}]}
    server.replies = [(status, headers, json.dumps(told).encode())]

    got = ask(server.spec, replace(ASK, top_logprobs=2))

    assert got.logprobs == (((("hi", -0.1), ("ho", -2.5)),),)
    with pytest.raises(ValueError, match="chat messages alone"):
        ask(server.spec, Request(text="once upon"))


def test_waits_double_with_jitter_and_yield_to_the_server() -> None:
    patience, rng = Patience(backoff_s=1.0), random.Random(0)
    waits = [wait_s(tries, rng, patience, 0.0) for tries in range(9)]
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    def asks_for(text: str) -> float:
        request = httpx2.Request("POST", "http://x")
        response = httpx2.Response(429, headers={"retry-after": text}, request=request)
        return retry_after(openai.RateLimitError("", response=response, body=None))

    assert all(min(60, 2**k) / 2 <= wait <= min(60, 2**k) for k, wait in enumerate(waits))
    assert wait_s(0, rng, patience, 17.0) == 17.0
    assert (asks_for("3"), asks_for("soon"), asks_for("")) == (3.0, 0.0, 0.0)
    assert 60 < asks_for(date) <= 90
