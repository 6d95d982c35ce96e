"""An engine that dies is started again a bounded number of times; what it gave is kept."""

import asyncio
from pathlib import Path

import pytest
import yaml

from eval_suites.requests import Request
from harness.engines.options import EngineChoice, EngineSpec
from harness.engines.registry import make
from harness.errors import EngineDied
from harness.evaluate.client.restarting import Restarting

from .commands import Command, counts


@pytest.mark.parametrize("waiting", [1, 8])
def test_it_is_started_three_times_however_many_wait_for_it(waiting: int) -> None:
    spec = EngineSpec(EngineChoice(name="fake", options={"dies_after": "2"}))
    starts: list[int] = []
    given: list[str] = []

    async def main() -> None:
        async with Restarting(lambda: make(spec), on_start=lambda: starts.append(1)) as engine:

            async def ask(who: int) -> None:
                for number in range(9):
                    request = Request(token_ids=(who, number))
                    given.extend((await engine.complete(request)).texts)

            async with asyncio.TaskGroup() as group:
                for who in range(waiting):
                    group.create_task(ask(who))

    with pytest.raises(ExceptionGroup) as died:
        asyncio.run(main())
    assert died.group_contains(EngineDied, match=r"died 3 times \(.*\); answers so far are kept")
    assert len(starts) == 3
    assert len(given) == 6


def test_the_command_says_so_keeps_everything_and_goes_on(tiny_model: Path, tmp_path: Path) -> None:
    engine = {"name": "fake", "concurrency": 2, "options": {"dies_after": 4}}
    section = {"suites": ["arithmetic"], "limit": 20, "engine": engine}
    recipe = {"name": "dies", "base": str(tiny_model), "evaluate": section}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    command = Command(tmp_path, ["run", "recipe.yaml", "--tracking", "none"])
    told = [command.run() for _ in range(2)]

    assert [done.returncode for done in told] == [1, 0]
    assert told[0].stdout.count("the engine died: ") == 2
    assert "the engine died 3 times" in told[0].stderr
    assert "run the same command again" in told[0].stderr
    assert len(told[0].stderr.strip().splitlines()) == 1
    assert counts(told[1].stdout) == (8, 12)
    assert command.left() == []
