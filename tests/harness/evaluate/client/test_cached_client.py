"""Asking through the journal: few requests, and the same answers however they are asked for."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from eval_suites.requests import Answer, Decoding, Message, Request
from harness.engines.base import Completion
from harness.engines.fake import FakeEngine
from harness.engines.options import EngineChoice, EngineSpec
from harness.evaluate.client.cached_client import CachedClient, Model
from harness.evaluate.client.restarting import Restarting
from harness.storage.journal.entries import Journal

DRAWN = Request(
    messages=(Message("user", "12 apples and 5 pears?"),), decoding=Decoding(temperature=0.8)
)
GREEDY = replace(DRAWN, decoding=Decoding())
MODEL = Model("nca", "weights", lambda request: request)


class Recording(FakeEngine):
    """The fake engine, and the requests that reached it."""

    def __init__(self) -> None:
        super().__init__(EngineSpec(EngineChoice(name="fake")))
        self.heard: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.heard.append(request)
        return await super().complete(request)


@dataclass
class Table:
    """A client over a journal of its own."""

    journal: Journal
    engine: Recording = field(default_factory=Recording)

    def ask_all(self, request: Request, repeats: range) -> tuple[Answer, ...]:
        client = CachedClient(Restarting(lambda: self.engine), {"name": "fake"}, self.journal)
        return asyncio.run(client.ask_all(MODEL, request, repeats))


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    with Journal(tmp_path / "journal.sqlite") as journal:
        yield Table(journal)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Table]:
    with Journal(tmp_path / "other.sqlite") as journal:
        yield Table(journal)


def test_repeats_are_asked_for_in_one_request(table: Table, other: Table) -> None:
    together = table.ask_all(DRAWN, range(5))
    apart = [other.ask_all(DRAWN, range(k, k + 1)) for k in range(5)]

    assert [request.n for request in table.engine.heard] == [5]
    assert together == tuple(answer for (answer,) in apart)
    assert len({answer.text for answer in together}) > 1


def test_only_what_is_missing_is_asked_for(table: Table, other: Table) -> None:
    table.ask_all(DRAWN, range(1, 2))
    table.ask_all(DRAWN, range(4, 5))
    table.engine.heard.clear()

    answers = table.ask_all(DRAWN, range(7))

    assert [request.n for request in table.engine.heard] == [1, 2, 2]
    assert answers == other.ask_all(DRAWN, range(7))


def test_a_greedy_answer_is_asked_for_once(table: Table) -> None:
    answers = table.ask_all(GREEDY, range(4))
    again = table.ask_all(GREEDY, range(6))

    assert [request.n for request in table.engine.heard] == [1, 1]
    assert len(set(answers + again)) == 1
    assert table.journal.counts() == {"answer": 6}


def test_what_a_third_party_withheld_is_asked_for_again(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def withheld(_engine: FakeEngine, request: Request) -> Completion:
        return Completion(("",) * request.n, ("filtered",) * request.n)

    with monkeypatch.context() as patched:
        patched.setattr(FakeEngine, "complete", withheld)
        table.ask_all(DRAWN, range(2))
    assert table.journal.counts() == {}
    assert all(answer.finish_reason != "filtered" for answer in table.ask_all(DRAWN, range(2)))


def test_tokens_are_shared_out_where_only_their_sum_is_known(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FakeEngine.complete

    async def uncounted(engine: FakeEngine, request: Request) -> Completion:
        completion = await whole(engine, request)
        usage = replace(completion.usage, completion_tokens=11)
        return replace(completion, token_ids=(), usage=usage)

    monkeypatch.setattr(FakeEngine, "complete", uncounted)
    assert [answer.tokens for answer in table.ask_all(DRAWN, range(3))] == [4, 4, 3]
