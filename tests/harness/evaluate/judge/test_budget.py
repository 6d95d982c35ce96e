"""A budget is kept by requests that are under way together, and paid by what was used."""

import asyncio

import pytest

from eval_suites.requests import Decoding, Message, Request
from harness.cli.output import verdicts_line
from harness.engines.base import Completion, Usage
from harness.errors import BudgetSpent
from harness.evaluate.judge.budget import Budget, MeteredEngine, dollars

#: 84 + 16 tokens at most of prompt at a dollar each, 10 of completion at 10: 200 dollars.
ASK = Request(messages=(Message("user", "x" * 84),), decoding=Decoding(max_tokens=10))
DEAR = (1e6, 1e7)


class Slow:
    """An engine that takes a while, uses half of what it may, and knows how many ask at once."""

    def __init__(self, usage: Usage | None = None) -> None:
        self.usage = Usage(50, 5) if usage is None else usage
        self.asked = self.now = self.most = 0

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return Completion(("7",) * request.n, ("stop",) * request.n, usage=self.usage)


async def ask_many(engine: Slow, budget: Budget, count: int) -> list[BaseException]:
    metered = MeteredEngine(engine, budget)
    asked = (metered.complete(ASK) for _ in range(count))
    found = await asyncio.gather(*asked, return_exceptions=True)
    return [one for one in found if isinstance(one, BaseException)]


def test_the_worst_case_counts_every_byte_and_every_token() -> None:
    budget = Budget(DEAR, 1.0)
    assert budget.worst(ASK) == pytest.approx(200.0)
    wide = Request(messages=(Message("user", "é" * 42),), decoding=Decoding(max_tokens=10), n=2)
    assert budget.worst(wide) == pytest.approx(300.0)
    assert Budget().worst(ASK) == 0.0


def test_no_more_is_under_way_than_the_budget_bears_and_the_rest_is_refused() -> None:
    engine, budget = Slow(), Budget(DEAR, 650.0)

    failures = asyncio.run(ask_many(engine, budget, 20))

    # Each may cost 200 and costs 100: three at first, then fewer, until less than 200 is left.
    assert engine.most == 3
    assert (budget.spent, budget.requests, engine.asked) == (pytest.approx(500.0), 5, 5)
    assert len(failures) == 15
    assert all(isinstance(one, BudgetSpent) for one in failures)
    assert "$500.00 of $650.00 for 5 verdicts, and the next may cost $200.00" in str(failures[0])


def test_without_a_budget_all_are_asked_and_counted() -> None:
    engine, budget = Slow(), Budget(DEAR)
    assert asyncio.run(ask_many(engine, budget, 20)) == []
    assert engine.most == 20
    assert budget.record() == {
        "requests": 20,
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "uncounted": 0,
        "cost": pytest.approx(2000.0),
    }


def test_replies_that_do_not_say_what_they_took_are_counted_as_the_most() -> None:
    engine, budget = Slow(Usage()), Budget(DEAR, 450.0)

    failures = asyncio.run(ask_many(engine, budget, 5))

    assert (budget.uncounted, budget.spent, len(failures)) == (2, pytest.approx(400.0), 3)
    silent_one = Budget()
    asyncio.run(ask_many(Slow(Usage()), silent_one, 5))
    assert (silent_one.record()["cost"], silent_one.uncounted) == (None, 5)


def test_a_failed_request_gives_back_what_was_put_aside() -> None:
    class Broken(Slow):
        async def complete(self, request: Request) -> Completion:
            await super().complete(request)
            raise RuntimeError("lost")

    budget = Budget(DEAR, 200.0)
    failures = asyncio.run(ask_many(Broken(), budget, 3))
    assert [str(one) for one in failures] == ["lost"] * 3
    assert budget.spent == 0.0


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(), "verdicts: 3 asked, 5 reused from the journal"),
        (
            Budget(None, requests=3, usage=Usage(1200, 30)),
            "; 1,200 prompt and 30 completion tokens",
        ),
        (
            Budget(DEAR, requests=3, usage=Usage(5, 1), spent=15.0),
            " and 1 completion tokens, $15.00",
        ),
        (
            Budget(DEAR, requests=3, uncounted=2, spent=9.0),
            ", $9.00 (2 replies did not say how many",
        ),
        (Budget(None, requests=3, uncounted=2), "tokens (2 replies did not say how many)"),
    ],
)
def test_the_end_of_a_run_says_what_was_used(budget: Budget, said: str) -> None:
    event = {"verdicts_asked": 3, "verdicts_reused": 5, "judge": budget.record()}
    line = verdicts_line(event)
    assert said in line
    assert line.startswith("verdicts: 3 asked")


def test_sums_are_shown_to_two_places_that_matter() -> None:
    shown = [dollars(x) for x in (0.0, 1234.5, 1.0, 0.25, 0.0042)]
    assert shown == ["$0.00", "$1,234.50", "$1.00", "$0.25", "$0.0042"]
