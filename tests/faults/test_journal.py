"""What may befall the journal: kills, other writers, bad bytes, a full disk. Real processes."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import RunError
from harness.storage.journal.entries import Journal

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from harness.storage.journal.entries import Journal
path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with Journal(path) as journal:
    for number in range(count):
        journal.put(f"{name}{number}", "answer", {"text": "x" * number})
        print(number, flush=True)
"""
FULL = Path(__file__).with_name("full_disk.py")


def write(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def killed(path: Path, after: int) -> list[int]:
    """Numbers of the entries that a writer had stored, by its own word, when it was killed."""
    writer = write(path, "k", 10**6)
    assert writer.stdout is not None
    with closing(writer.stdout) as said:
        stored = [int(said.readline()) for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        rest = said.read().split("\n")
    # The last line may be torn; what came after the last one that we read was stored as well.
    return [*stored, *map(int, rest[:-1])]


@pytest.mark.parametrize("after", [1, 300])
def test_a_killed_writer_loses_nothing_that_put_returned_for(tmp_path: Path, after: int) -> None:
    path = tmp_path / "journal.sqlite"

    stored = killed(path, after)

    with Journal(path) as journal:
        assert all(journal.get(f"k{n}") == {"text": "x" * n} for n in stored)
        assert journal.counts()["answer"] - len(stored) in (0, 1)


def test_a_cut_log_costs_the_last_entries_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    stored = killed(path, 100)
    log = path.with_name("journal.sqlite-wal")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size // 2 + 5)

    with Journal(path) as journal:
        there = [n for n in stored if journal.get(f"k{n}") == {"text": "x" * n}]
        assert there == stored[: len(there)]
        assert 20 < len(there) < len(stored)
        journal.put("k99", "answer", {"text": "again"})
        assert journal.get("k99") == {"text": "again"}


def test_several_processes_make_a_journal_at_once_and_all_their_entries_are_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"

    writers = [write(path, name, 100) for name in "abcd"]

    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    with Journal(path) as journal:
        assert journal.counts() == {"answer": 400}


def test_no_flipped_bit_gives_a_wrong_answer_or_an_unknown_error(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.sqlite", tmp_path / "journal.sqlite"
    stored = {f"{n:02x}": {"text": random.Random(n).randbytes(60 * n).hex()} for n in range(40)}
    with Journal(whole) as journal:
        for key, body in stored.items():
            journal.put(key, "answer", body)
    raw = whole.read_bytes()
    rng = random.Random(7)
    anywhere = [rng.randrange(len(raw)) for _ in range(20)]
    headers = [rng.randrange(len(raw) // 4096) * 4096 + rng.randrange(100) for _ in range(20)]
    refused = set_aside = 0
    for place in (*anywhere, *headers):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            with Journal(path) as journal:
                for key, body in stored.items():
                    assert journal.get(key) in (None, body)
                set_aside += journal.damaged
        except RunError:
            refused += 1
    assert refused
    assert set_aside


def can_mount() -> bool:
    """Whether a test may have a small disk of its own."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/tmp"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_full_disk_ends_the_run_in_one_line_and_it_goes_on_once_there_is_room(
    tmp_path: Path, tiny_model: Path
) -> None:
    if not can_mount():
        pytest.skip("no small disk: `unshare -Urm mount -t tmpfs` is not allowed here")
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["unshare", "-Urm", sys.executable, str(FULL), str(disk), str(tiny_model)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)

    found = json.loads(done.stdout)
    full = found["full"]
    assert full["code"] == 1
    (line,) = full["error"].strip().splitlines()
    assert line.startswith("nca: the disk is full at ")
    assert "free some space and run the same command again" in line
    assert 0 < found["kept"] < 400
    assert found["sound"]
    again = found["again"]
    assert (again["code"], again["error"]) == (0, "")
    assert f"{400 - found['kept']} asked, {found['kept']} reused" in again["output"]
