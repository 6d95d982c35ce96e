"""The cost of judging: usage as the judge's server counts it, and a budget that is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from eval_suites.requests import Likelihood, Request
from harness.engines.base import Completion, Usage
from harness.errors import BudgetSpent
from harness.evaluate.client.cached_client import Completer, Ids

#: Tokens that a chat template adds to a message, at most.
_TOKENS_A_MESSAGE = 16
_MILLION = 1e6
#: Dollars for a million tokens of prompt and of completion.
Price = tuple[float, float]


def cost(price: Price, prompt_tokens: float, completion_tokens: float) -> float:
    """Return the dollars for a number of tokens."""
    return (price[0] * prompt_tokens + price[1] * completion_tokens) / _MILLION


@dataclass(slots=True)
class Budget:
    """The requests and dollars of a judge so far; dollars are 0 where no price is known.

    Before a request is sent, the most that it can cost is put aside, so that requests in flight
    cannot exceed the budget together. One that does not fit waits for those to be paid.

    Attributes:
        most: dollars that may be spent; None for any sum.
        usage: tokens of answered requests, as the server counts them.
        uncounted: requests without a count of tokens; they are taken to have cost the most.
    """

    price: Price | None = None
    most: float | None = None
    requests: int = 0
    usage: Usage = field(default_factory=Usage)
    uncounted: int = 0
    spent: float = 0.0
    _reserved: list[float] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def record(self) -> dict[str, int | float | None]:
        """Return the usage as JSON-able values; `cost` is null where no price is known."""
        return {
            "requests": self.requests,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "uncounted": self.uncounted,
            "cost": None if self.price is None else self.spent,
        }

    def worst(self, request: Request) -> float:
        """Return the most dollars that a request can cost: no token is shorter than a byte."""
        if self.price is None:
            return 0.0
        texts = [request.text or "", request.prefix, *(m.content for m in request.messages)]
        prompt = sum(len(text.encode()) + _TOKENS_A_MESSAGE for text in texts if text)
        return cost(self.price, prompt, request.decoding.max_tokens * request.n)

    @asynccontextmanager
    async def reserve(self, worst: float) -> AsyncIterator[None]:
        """Put dollars aside for a request, once there is room, until the block ends.

        Raises:
            BudgetSpent: there is none, and nothing in flight that could leave any.
        """
        async with self._changed:
            while self.most is not None and self.spent + sum(self._reserved) + worst > self.most:
                if not self._reserved:
                    raise BudgetSpent(
                        f"the judge's budget is used up: {dollars(self.spent)} of "
                        f"{dollars(self.most)} for {self.requests:,} verdicts, and the next may "
                        f"cost {dollars(worst)}; all are kept: run the same command again with a "
                        "larger --max-cost, which counts anew"
                    )
                await self._changed.wait()
            self._reserved.append(worst)
        try:
            yield
        finally:
            async with self._changed:
                self._reserved.remove(worst)
                self._changed.notify_all()

    def pay(self, usage: Usage, worst: float) -> None:
        """Count an answered request."""
        self.requests += 1
        if usage == Usage():
            self.uncounted += 1
            self.spent += worst
            return
        self.usage = self.usage + usage
        if self.price is not None:
            self.spent += cost(self.price, usage.prompt_tokens, usage.completion_tokens)


@dataclass(frozen=True, slots=True)
class MeteredEngine:
    """An engine whose answers are paid from a budget."""

    engine: Completer
    budget: Budget

    async def complete(self, request: Request) -> Completion:
        """Complete a request if the budget allows it.

        Raises:
            BudgetSpent: it does not.
        """
        worst = self.budget.worst(request)
        async with self.budget.reserve(worst):
            completion = await self.engine.complete(request)
            self.budget.pay(completion.usage, worst)
        return completion

    async def loglikelihood(self, prefix: Ids, continuation: Ids, model: str = "") -> Likelihood:
        """Return the log-probability of a continuation, which no judge is paid for."""
        return await self.engine.loglikelihood(prefix, continuation, model)


def describe_usage(budget: Budget) -> str:
    """Return the usage of a judge in words, as its server counts it."""
    usage = (
        f"judge: {budget.requests:,} requests, {budget.usage.prompt_tokens:,} prompt and "
        f"{budget.usage.completion_tokens:,} completion tokens"
    )
    return usage if budget.price is None else f"{usage}, {dollars(budget.spent)}"


def dollars(sum_: float) -> str:
    """Return a sum as people read it: `$12.30`, `$0.0042`."""
    return f"${sum_:,.2f}" if sum_ >= 1 or sum_ == 0 else f"${sum_:.2g}"
