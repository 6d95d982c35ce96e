"""The judge: one more engine, asked about answers; its replies are journalled like any answer."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast
from weakref import WeakValueDictionary

from eval_suites.grading.suite_rules import score_sample
from eval_suites.requests import Answer, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import Answers
from harness.engines.base import RequestFailed
from harness.evaluate.client.cached_client import CachedClient, Model, Tally
from harness.evaluate.client.engine_groups import EngineGroup, group_by_engine
from harness.evaluate.client.restarting import Restarting
from harness.evaluate.client.task import Task
from harness.evaluate.judge.budget import Budget, MeteredEngine, Price
from harness.evaluate.judge.pooling import pooled
from harness.progress.throughput import Key
from harness.recipe.schema import JudgeChoice
from harness.storage.journal.entries import Journal

T = TypeVar("T")
NAME = "judge"
_MAX_TURNS = 8
#: Seconds that a run which fails waits for replies that are under way.
_LAST_REPLIES_S = 30.0


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge model behind the journal.

    Attributes:
        client: asks its engine; its tally counts verdicts.
        model: the judge's.
        title: the judge as a protocol states it.
        budget: the requests and dollars used so far.
        repeats: times that each verdict is asked for.
        remote: it needs nothing of this machine, and so judges while others generate.
        served: suite and checkpoint -> the models that an endpoint says have answered.
    """

    client: CachedClient
    model: Model
    title: str
    budget: Budget
    repeats: int = 1
    remote: bool = True
    served: defaultdict[Key, set[str]] = field(default_factory=lambda: defaultdict(set))
    _locks: WeakValueDictionary[tuple[Request, int], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )
    _under_way: set[asyncio.Task[Answer]] = field(default_factory=set)

    async def score(
        self, task: Task, answers: Answers, outcomes: tuple[Outcome, ...]
    ) -> tuple[Score, Answers]:
        """Return a sample's score, pooled over the judge's repetitions, and all replies in order.

        A lost reply is a missing verdict, never a score.

        Raises:
            EngineDied: the judge died too often.
            EngineUnavailable: it refused (key, quota, unknown model).
            BudgetSpent: it may cost no more.
        """
        try:
            rounds = await _all(self._replies(task, answers, k) for k in range(self.repeats))
        except RequestFailed as failure:
            return Score(None, "judge_missing", reason=str(failure)), ()
        scores = [score_sample(task.suite, task.sample, answers, r, outcomes) for r in rounds]
        return pooled(scores), tuple(reply for replies in rounds for reply in replies)

    async def _replies(self, task: Task, answers: Answers, repeat: int) -> Answers:
        """Return the replies to all questions about a sample, turn after turn."""
        client = replace(self.client, tally=Tally())
        replies: Answers = ()
        try:
            for _ in range(_MAX_TURNS):
                requests = task.suite.judge(task.sample, answers, replies)
                if not requests:
                    break
                replies += await _all(self._finish(client, r, repeat) for r in requests)
        finally:
            self.client.tally.add(client.tally)
            self.served[task.key] |= client.tally.served
        return replies

    async def _finish(self, client: CachedClient, request: Request, repeat: int) -> Answer:
        """Return a reply, which reaches the journal even if the caller is cancelled."""
        task = asyncio.create_task(self._reply(client, request, repeat))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, since nobody may wait for it any more

    async def _reply(self, client: CachedClient, request: Request, repeat: int) -> Answer:
        # A second caller with the same question waits, and gets the reply from the journal.
        async with self._locks.setdefault((request, repeat), asyncio.Lock()):
            return await client.ask(self.model, request, repeat)

    async def last_replies(self) -> None:
        """Wait a while for replies that are under way: they are paid for."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_LAST_REPLIES_S)
        for task in self._under_way:
            task.cancel()

    def protocol(self, key: Key) -> dict[str, str]:
        """Return the judge's part of the protocol of a suite and a checkpoint.

        It has the judge's name and version, and the models that an endpoint says have answered.
        """
        protocol = {"judge": self.title}
        if served := self.served.get(key):
            protocol["judge_served"] = ", ".join(sorted(served))
        if self.repeats > 1:
            protocol["judge_repeats"] = str(self.repeats)
        return protocol


async def _all(awaitables: Iterable[Awaitable[T]]) -> tuple[T, ...]:
    """Return all results; raise the first failure once none is under way any more.

    A reply that is under way is paid for: it is not given up because another one is lost.
    """
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("tuple[T, ...]", tuple(results))


@asynccontextmanager
async def open_judge(
    choice: JudgeChoice,
    fingerprint: str,
    seed: int,
    journal: Journal,
    starting: Callable[[str], None],
) -> AsyncIterator[Judge]:
    """Open a judge, whose engine starts with the first question.

    Args:
        choice: its engine, and its model's folder or served name.
        fingerprint: the model's, for the journal.
        seed: of replies that are drawn.
        journal: of its replies.
        starting: receives the name of an engine that starts.
    """
    (group,) = group_by_engine({NAME: choice.model}, {NAME: fingerprint}, choice)
    async with Restarting(group.make, on_start=lambda: starting(f"judge {choice.name}")) as engine:
        budget = Budget(Price(*choice.price) if choice.price else None, choice.max_cost)
        client = CachedClient(MeteredEngine(engine, budget), group.identity, journal, seed)
        title = _title(group, choice, fingerprint)
        judge = Judge(client, group.models[0], title, budget, choice.repeats, group.remote)
        try:
            yield judge
        except Exception:
            await judge.last_replies()
            raise


def _title(group: EngineGroup, choice: JudgeChoice, fingerprint: str) -> str:
    """Return a judge as a protocol states it: engine and model, for local ones with versions."""
    if group.remote:
        return f"{choice.name} {fingerprint}"
    name = choice.model.rstrip("/").rpartition("/")[2]
    return f"{choice.name} {group.version} {choice.dtype} {name} {fingerprint}"
