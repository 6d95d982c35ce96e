"""The judge: one more engine, asked about answers; what it said is journalled like any answer."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from eval_suites.grading.suite_rules import score_sample
from eval_suites.requests import Answer, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import Suite
from harness.engines.base import RequestFailed
from harness.errors import RecipeError
from harness.evaluate.client.cached_client import CachedClient, Model, Tally
from harness.evaluate.client.engine_groups import Group, groups
from harness.evaluate.client.restarting import Restarting
from harness.evaluate.client.task import Answers, Task
from harness.evaluate.judge.budget import Budget, MeteredEngine, Price
from harness.evaluate.judge.pooling import pooled
from harness.recipe.schema import JudgeChoice
from harness.storage.journal.entries import Journal

T = TypeVar("T")
NAME = "judge"
MAX_TURNS = 8
#: How long a run that fails waits for what it has asked already.
_LAST_REPLIES_S = 30.0


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge model behind the journal.

    Attributes:
        client: asks its engine; its tally counts verdicts.
        model: the judge's.
        title: says in a column's protocol who judged.
        budget: what it has used.
        repeats: how often each verdict is asked for.
        elsewhere: whether it needs nothing of this machine, and so judges while others generate.
        served: column -> the models that an endpoint says have answered.
    """

    client: CachedClient
    model: Model
    title: str
    budget: Budget
    repeats: int = 1
    elsewhere: bool = True
    served: defaultdict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    _asking: WeakValueDictionary[tuple[Request, int], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )
    _under_way: set[asyncio.Task[Answer]] = field(default_factory=set)

    async def score(
        self, task: Task, answers: Answers, outcomes: tuple[Outcome, ...]
    ) -> tuple[Score, Answers]:
        """A sample's score, pooled over the judge's repetitions, and all replies in their order.

        A lost reply is a missing verdict, never a score.

        Raises:
            EngineDied: the judge died too often.
            EngineUnavailable: it refused (key, quota, unknown model).
            BudgetSpent: it may cost no more.
        """
        rounds = range(self.repeats)
        try:
            found = await _all([self._verdicts(task, answers, number) for number in rounds])
        except RequestFailed as lost:
            return Score(None, "judge_missing", reason=str(lost)), ()
        scores = [score_sample(task.suite, task.sample, answers, said, outcomes) for said in found]
        return pooled(scores), tuple(reply for said in found for reply in said)

    async def _verdicts(self, task: Task, answers: Answers, number: int) -> Answers:
        def ask(replies: Answers) -> tuple[Request, ...]:
            return task.suite.judge(task.sample, answers, replies)

        return await self.replies(ask, task.column, number)

    async def replies(
        self,
        ask: Callable[[Answers], tuple[Request, ...]],
        column: tuple[str, str],
        number: int = 0,
    ) -> Answers:
        """The replies to all that is asked, turn after turn.

        Args:
            ask: the next requests, given the replies so far; empty means done.
            column: whose score they make.
            number: of the judge's repetition.

        Raises:
            RequestFailed: a reply is lost.
            EngineDied, EngineUnavailable, BudgetSpent: as for `score`.
        """
        client = replace(self.client, tally=Tally())
        replies: Answers = ()
        try:
            for _ in range(MAX_TURNS):
                requests = ask(replies)
                if not requests:
                    break
                replies += await _all([self._kept(client, r, number) for r in requests])
        finally:
            self.client.tally.add(client.tally)
            self.served[column] |= client.tally.served
        return replies

    async def _kept(self, client: CachedClient, request: Request, number: int) -> Answer:
        """A reply, which reaches the journal even if whoever asks is told to stop."""
        task = asyncio.create_task(self._once(client, request, number))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # heard, though nobody may wait for it any more

    async def last_replies(self) -> None:
        """Wait a while for replies that are under way: they are paid for."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_LAST_REPLIES_S)
        for task in self._under_way:
            task.cancel()

    async def _once(self, client: CachedClient, request: Request, number: int) -> Answer:
        """A reply; who asks the same while it is on its way gets the same from the journal."""
        async with self._asking.setdefault((request, number), asyncio.Lock()):
            return await client.ask(self.model, request, number)

    def protocol(self, column: tuple[str, str]) -> dict[str, str]:
        """Who judged a column: name and version, and what the endpoint said answered."""
        found = {"judge": self.title}
        if served := self.served.get(column):
            found["judge_served"] = ", ".join(sorted(served))
        if self.repeats > 1:
            found["judge_repeats"] = str(self.repeats)
        return found


async def _all(asked: Iterable[Awaitable[T]]) -> tuple[T, ...]:
    """What all of them give; the first failure is raised when none is under way any more.

    A reply that is under way is paid for: it is not given up because another one is lost.
    """
    found = await asyncio.gather(*asked, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return tuple(one for one in found if not isinstance(one, BaseException))


def is_judged(suite: Suite[Any]) -> bool:
    """Whether a suite asks a judge."""
    return suite.judging is not None


def require_judge(suites: Iterable[Suite[Any]], *, chosen: bool) -> None:
    """Refuse judged suites when no judge was chosen.

    Raises:
        RecipeError: naming the first such suite and the key to set.
    """
    for suite in suites:
        if is_judged(suite) and not chosen:
            raise RecipeError(
                f"suite {suite.name} needs a judge: name one with --judge openai:MODEL (and "
                "--judge-url) or --judge vllm:FOLDER; in a recipe, set evaluate.judge"
            )


@asynccontextmanager
async def open_judge(
    choice: JudgeChoice,
    fingerprint: str,
    seed: int,
    journal: Journal,
    starting: Callable[[str], None],
) -> AsyncIterator[Judge]:
    """A judge, started when it is first asked.

    Args:
        choice: its engine, and its model's folder or served name.
        fingerprint: what identifies the model in the journal.
        seed: of replies that are drawn.
        journal: of its replies.
        starting: hears what starts.
    """
    (group,) = groups({NAME: choice.model}, {NAME: fingerprint}, choice)
    async with Restarting(
        group.make, on_start=lambda: starting(f"judge {group.engine_name}")
    ) as engine:
        budget = Budget(Price(*choice.price) if choice.price else None, choice.max_cost)
        client = CachedClient(MeteredEngine(engine, budget), group.identity, journal, seed)
        title = title_of(group, choice, fingerprint)
        judge = Judge(client, group.models[0], title, budget, choice.repeats, choice.remote)
        try:
            yield judge
        except Exception:
            await judge.last_replies()
            raise


def title_of(group: Group, choice: JudgeChoice, fingerprint: str) -> str:
    """A judge as a protocol states it: engine and model, for local ones with their versions."""
    if choice.remote:
        return f"{choice.name} {fingerprint}"
    name = choice.model.rstrip("/").rpartition("/")[2]
    return f"{choice.name} {group.version} {choice.dtype} {name} {fingerprint}"
