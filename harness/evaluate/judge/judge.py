"""The judge: one more engine, asked about answers; its replies are journalled like any answer."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean, stdev
from typing import TypeVar, cast
from weakref import WeakValueDictionary

from eval_suites.grading.suite_rules import score_sample
from eval_suites.requests import Answer, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score, mean_metrics
from eval_suites.suite import Answers, Requests
from harness.engines.base import RequestFailed
from harness.engines.registry import make
from harness.evaluate.client.cached_client import CachedClient, Model, Tally
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.restarting import Restarting
from harness.evaluate.client.tasks import Task
from harness.evaluate.judge.budget import Budget, MeteredEngine
from harness.progress.throughput import Key
from harness.recipe.schema import JudgeChoice
from harness.storage.journal.entries import Journal

T = TypeVar("T")
NAME = "judge"
_MAX_TURNS = 8
#: Standard deviation of a sample's value over the repetitions of the judge.
SD = "judge_sd"
#: Seconds that a run which fails waits for replies that are under way.
_LAST_REPLIES_S = 30.0


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge model behind the journal.

    Attributes:
        client: asks its engine; its tally counts verdicts.
        title: the judge as a protocol states it.
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
        """Return the judge's part of the protocol of a suite and a checkpoint."""
        protocol = {"judge": self.title}
        if served := self.served.get(key):
            protocol["judge_served"] = ", ".join(sorted(served))
        if self.repeats > 1:
            protocol["judge_repeats"] = str(self.repeats)
        return protocol


def count_asked(ask: Callable[[Answers], Requests], answers: Answers) -> int:
    """Count the answers that are asked for; where there are too few, more than there are.

    `ask` gives the next requests after the answers so far; empty means done.
    """
    count = 0
    while count <= len(answers) and (requests := ask(answers[:count])):
        count += len(requests)
    return count


def split_repeats(ask: Callable[[Answers], Requests], verdicts: Answers) -> tuple[Answers, ...]:
    """Return the verdicts of each repetition of the judge; without any, one empty repetition.

    `ask` gives the next requests of a repetition. The verdicts are one repetition after the other.
    """
    repeats: list[Answers] = []
    while verdicts:
        # A suite that asks no judge: nothing can be told apart.
        count = count_asked(ask, verdicts) or len(verdicts)
        repeats.append(verdicts[:count])
        verdicts = verdicts[count:]
    return tuple(repeats) or ((),)


def pooled(scores: Sequence[Score]) -> Score:
    """Return the mean over repetitions of value and metrics, with `judge_sd` beside them.

    A repetition without a value leaves the sample without one: a mean over those that succeeded
    would rest on other repetitions for every sample. A single repetition is returned as it is.
    """
    if len(scores) == 1:
        return scores[0]
    values = [score.value for score in scores if score.value is not None]
    if len(values) < len(scores):
        return next(score for score in scores if score.value is None)
    read = "; ".join(str(score.extracted) for score in scores if score.extracted is not None)
    return Score(
        fmean(values),
        next((score.status for score in scores if score.status != "ok"), "ok"),
        extracted=read or None,
        reason="; ".join(dict.fromkeys(score.reason for score in scores if score.reason)),
        metrics={**mean_metrics(scores), SD: stdev(values)},
    )


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
    note: Callable[[str], None],
) -> AsyncIterator[Judge]:
    """Open a judge, whose engine starts with the first question.

    `fingerprint` is its model's, `seed` is of replies that are drawn, and `note` receives a line
    when the engine starts.
    """
    (group,) = group_by_engine({NAME: choice.model}, {NAME: fingerprint}, choice)
    on_start = partial(note, f"starting judge {choice.name}")
    async with Restarting(partial(make, group.spec), on_start) as engine:
        budget = Budget(choice.price, choice.max_cost)
        client = CachedClient(MeteredEngine(engine, budget), group.identity, journal, seed)
        title = f"{choice.name} {fingerprint}"
        if not choice.remote:
            name = choice.model.rstrip("/").rpartition("/")[2]
            title = f"{choice.name} {group.version} {choice.dtype} {name} {fingerprint}"
        judge = Judge(client, group.models[0], title, budget, choice.repeats, choice.remote)
        try:
            yield judge
        except Exception:
            await judge.last_replies()
            raise
