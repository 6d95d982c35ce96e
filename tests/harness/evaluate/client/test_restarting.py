"""An engine that is started again when it dies, but not once it has been stopped."""

import asyncio

import pytest

from eval_suites.requests import Request
from harness.engines.base import Completion, EngineGone
from harness.engines.fake import FakeEngine
from harness.engines.options import EngineChoice, EngineSpec
from harness.errors import EngineDied
from harness.evaluate.client.restarting import Restarting


class Silent(FakeEngine):
    """Answers nothing until it is closed, and is gone then, as an endpoint's engine is."""

    def __init__(self) -> None:
        super().__init__(EngineSpec(EngineChoice(name="fake")))
        self.called, self.closed = asyncio.Event(), asyncio.Event()

    async def __aexit__(self, *_: object) -> None:
        self.closed.set()

    async def complete(self, request: Request) -> Completion:
        self.called.set()
        await self.closed.wait()
        raise EngineGone("closed")


def test_a_request_that_outlives_the_engine_starts_no_other() -> None:
    engines: list[Silent] = []

    def make() -> Silent:
        engines.append(Silent())
        return engines[-1]

    async def main() -> None:
        async with Restarting(make) as engine:
            pending = asyncio.create_task(engine.complete(Request(text="2 + 2")))
            await asyncio.sleep(0)
            await engines[0].called.wait()
        with pytest.raises(EngineDied):
            await asyncio.wait_for(pending, 60)

    asyncio.run(main())
    assert len(engines) == 1
