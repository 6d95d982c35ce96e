"""Two commands at once: on one stage, and on two stages that share the journal."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from .commands import PATIENCE_S, Command, until
from .endpoint import NAME, Endpoint

#: What `nca eval` keeps in flight.
WIDTH = 64


def ask(endpoint: Endpoint, samples: int) -> list[str]:
    where = ["--engine", "openai", "--base-url", endpoint.url, "--tracking", "none"]
    return ["eval", NAME, "--suites", "arithmetic", "--limit", str(samples), *where]


def resolved(command: Command) -> dict[str, Any]:
    """What the stage's folder says that it was told."""
    (file,) = (command.folder / "runs").glob("eval-*/eval/resolved.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_the_second_on_one_stage_is_told_who_works_there_and_spoils_nothing(tmp_path: Path) -> None:
    with Endpoint().serving() as endpoint:
        command = Command(tmp_path / "both", ask(endpoint, 130))
        endpoint.gate.clear()
        first = command.start()
        assert until(lambda: endpoint.asked.total() > 0)
        stage = command.stage()
        told = resolved(command)
        # Another limit: it would leave other logs.
        second = replace(command, arguments=ask(endpoint, 5)).run()
        still = resolved(command)
        endpoint.gate.set()
        first.wait(PATIENCE_S)
        whole = replace(command, folder=tmp_path / "whole")
        assert whole.run().returncode == 0

    assert second.returncode == 2
    assert f"process {stage} on " in second.stderr
    assert "works on this stage" in second.stderr
    assert len(second.stderr.strip().splitlines()) <= 2
    assert told == still
    assert told["job"]["suites"] == {"arithmetic": 130}
    assert first.returncode == 0
    assert command.outputs() == whole.outputs()
    assert command.left() == []


def test_of_many_at_once_one_works_and_what_it_was_told_is_what_stands_there(
    tmp_path: Path,
) -> None:
    with Endpoint().serving() as endpoint:
        endpoint.gate.clear()
        commands = {n: Command(tmp_path / "many", ask(endpoint, n)) for n in (5, 6, 7)}
        running = {n: command.start() for n, command in commands.items()}
        assert until(lambda: sum(one.poll() is not None for one in running.values()) == 2)
        endpoint.gate.set()
        codes = {n: one.wait(PATIENCE_S) for n, one in running.items()}
    (winner,) = (n for n, code in codes.items() if code == 0)
    told = resolved(commands[winner])

    assert sorted(codes.values()) == [0, 2, 2]
    assert told["job"]["suites"] == {"arithmetic": winner}
    assert commands[winner].entries() == winner
    (folder,) = (tmp_path / "many" / "runs").glob("eval-*/eval")
    assert json.loads((folder / "done.json").read_text()) == {"key": told["key"]}
    assert list(folder.rglob("*.new")) == []


def test_two_stages_that_share_the_journal_both_finish_right(tmp_path: Path) -> None:
    with Endpoint().serving() as endpoint:
        one = Command(tmp_path / "shared", ask(endpoint, 130))
        endpoint.gate.clear()
        # The same questions under another name, so in another run folder.
        other = replace(one, arguments=[*one.arguments[:1], f"other={NAME}", *one.arguments[2:]])
        first, second = one.start(), other.start()
        both_work = until(lambda: endpoint.asked.total() == 2 * WIDTH)
        endpoint.gate.set()
        assert (first.wait(PATIENCE_S), second.wait(PATIENCE_S)) == (0, 0)
        asked = endpoint.asked.total()
        again = [command.run() for command in (one, other)]
    found = (tmp_path / "shared" / "runs").glob("eval-*/eval/*/arithmetic.jsonl")
    logs = sorted(found, key=lambda log: log.parent.name)  # a folder's key holds a free port

    assert [log.parent.name for log in logs] == [NAME, "other"]
    assert logs[0].read_bytes() == logs[1].read_bytes()
    assert len(logs[0].read_bytes().splitlines()) == 130
    assert one.entries() == 130
    assert both_work
    assert 130 + WIDTH <= asked <= 260  # the first answer counts, whoever has it
    assert all("done already" in done.stdout for done in again)
