"""An engine's silence ends who waits for it; an answer, however late, does not. No clock runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from harness.engines.base import EngineGone
from harness.engines.heartbeat import Ask, Heartbeat, silence
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.engines.vllm import _installed
from harness.errors import RecipeError

T = TypeVar("T")
WAITS = 3


class Core:
    """Answers when it is let; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def ask(self) -> bool:
        self.asked += 1
        await self.answers.wait()
        return False


async def turns(number: int) -> None:
    """Let everything else run so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def guarded(pulse: Heartbeat, work: Awaitable[T]) -> T:
    async with pulse.guard():
        return await work


def run(ask: Ask, work: Callable[[Heartbeat], Awaitable[T]]) -> T:
    """Work beside a heartbeat whose waits are one turn of the event loop each."""

    async def main() -> T:
        pulse = Heartbeat(ask, every_s=0.0, waits=WAITS)
        try:
            return await work(pulse)
        finally:
            pulse.stop()

    return asyncio.run(main())


async def never() -> bool:
    await asyncio.Event().wait()
    return False


def test_silence_ends_all_that_wait_and_all_that_come_later() -> None:
    async def work(pulse: Heartbeat) -> tuple[list[object], bool]:
        waiting = [guarded(pulse, asyncio.Event().wait()) for _ in range(5)]
        told: list[object] = list(await asyncio.gather(*waiting, return_exceptions=True))
        later = asyncio.sleep(0)
        told += await asyncio.gather(guarded(pulse, later), return_exceptions=True)
        later.close()
        return told, bool(pulse.silent)

    told, silent = run(never, work)

    assert silent
    assert [type(error) for error in told] == [EngineGone] * 6
    assert "no sign of life" in str(told[0])


def test_an_engine_that_answers_is_asked_on_and_its_requests_take_as_long_as_they_take() -> None:
    async def work(pulse: Heartbeat) -> tuple[str, int]:
        async def long() -> str:
            await turns(500)
            return "done"

        return await guarded(pulse, long()), core.asked

    core = Core()
    done, asked = run(core.ask, work)

    assert done == "done"
    assert asked > 10


def test_late_answers_count_and_silent_waits_do_not_add_up() -> None:
    """Each answer is waited for more than once."""

    async def slow() -> bool:
        await turns(WAITS - 2)
        return False

    async def work(pulse: Heartbeat) -> bool:
        await guarded(pulse, turns(500))
        return bool(pulse.silent)

    assert run(slow, work) is False


def test_one_that_stops_after_it_has_answered_is_noticed() -> None:
    async def work(pulse: Heartbeat) -> int:
        await guarded(pulse, turns(50))
        core.answers.clear()
        with pytest.raises(EngineGone, match="no sign of life"):
            await guarded(pulse, asyncio.Event().wait())
        return core.asked

    core = Core()
    assert run(core.ask, work) > 1


def test_one_that_is_known_to_be_dead_is_told_with_the_reason() -> None:
    async def dead() -> bool:
        raise RuntimeError("the core has left")

    async def work(pulse: Heartbeat) -> None:
        await guarded(pulse, asyncio.Event().wait())

    with pytest.raises(EngineGone, match="RuntimeError: the core has left"):
        run(dead, work)


def test_faults_and_cancellation_of_the_request_stay_what_they_are() -> None:
    async def late() -> None:
        raise TimeoutError("the request's own")

    async def work(pulse: Heartbeat) -> None:
        with pytest.raises(TimeoutError, match="the request's own"):
            await guarded(pulse, late())
        task = asyncio.create_task(guarded(pulse, asyncio.Event().wait()))
        await turns(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(Core().ask, work)


def test_a_heartbeat_that_is_stopped_asks_no_more() -> None:
    async def work(pulse: Heartbeat) -> bool:
        await turns(20)
        pulse.stop()
        await turns(5)
        before = core.asked
        await turns(50)
        return core.asked == before

    core = Core()
    assert run(core.ask, work)


@pytest.mark.parametrize("hung_s", ["0", "-1", "nan", "inf"])
@pytest.mark.skipif(_installed() is None, reason="vLLM is not installed")
def test_a_patience_that_is_none_is_refused_before_anything_starts(hung_s: str) -> None:
    with pytest.raises(RecipeError, match=r"hung_s = .*: give seconds, more than 0"):
        make(EngineSpec(EngineChoice(name="vllm", options={"hung_s": hung_s})))


@pytest.mark.parametrize("hung_s", [0.3, 5.0, 29.0, 300.0])
def test_the_patience_is_kept_and_at_most_one_wait_is_added(hung_s: float) -> None:
    every_s, waits = silence(hung_s)

    assert hung_s <= every_s * waits <= hung_s + every_s
    assert every_s <= 10
