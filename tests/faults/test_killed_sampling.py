"""SIGKILL in the middle of `nca data sample`: the same command ends with the undisturbed bytes."""

from pathlib import Path

import pytest

from .commands import Command, below, kill, until
from .endpoint import NAME, Endpoint

#: Prompts, and responses to each.
LIMIT, K = 12, 2
#: Prompts that are answered before the kill.
ANSWERED = 5
ROWS = ("rows.jsonl", "rows.provenance.yaml")


def output(command: Command) -> list[bytes]:
    return [(command.folder / name).read_bytes() for name in ROWS]


@pytest.mark.parametrize("stage", [True, False])
def test_a_killed_sampling_asks_again_only_what_was_in_flight(tmp_path: Path, stage: bool) -> None:
    with Endpoint().serving() as endpoint:
        asked = ["--prompts", "arithmetic:train", "--limit", str(LIMIT), "-k", str(K)]
        arguments = ["data", "sample", NAME, *asked, "-o", ROWS[0], "--base-url", endpoint.url]
        whole, killed = (Command(tmp_path / name, arguments) for name in ("whole", "killed"))
        done = whole.run()
        assert done.returncode == 0, done.stderr
        endpoint.closes_after = ANSWERED
        process = killed.start()
        try:
            assert until(lambda: killed.entries() == ANSWERED * K or process.poll() is not None)
            tree = below(process.pid)
            kill(process, killed.stage("sample") if stage else None)
        finally:
            process.kill()
            endpoint.closes_after = None
            endpoint.gate.set()
        assert killed.left(tree) == []
        assert not (killed.folder / ROWS[0]).exists()
        again = killed.run()

    assert again.returncode == 0, again.stderr
    assert f"({ANSWERED * K} from the journal)" in again.stdout
    assert output(killed) == output(whole)
