"""The journal: what was paid for is found again, and damage is noticed."""

import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.requests import Decoding, Message, Request
from harness.errors import RunError, RunFailed
from harness.storage.journal.entries import Journal, answer_key, derived_seed, origin_of

ENGINE = {"name": "fake", "version": "1", "dtype": "float32"}
REQUEST = Request(messages=(Message("user", "hello"),), token_ids=(1, 2, 3))


def key(request: Request = REQUEST, seed: int = 0, repeat: int = 0, model: str = "m") -> str:
    return answer_key(ENGINE, model, request, seed, repeat)


def test_an_answer_is_found_again_after_reopening(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put("k", "answer", {"text": "ünïcode\n", "tokens": 3})

    with Journal(tmp_path / "j.sqlite") as journal:
        assert journal.get("k") == {"text": "ünïcode\n", "tokens": 3}
        assert journal.get("other") is None
        assert journal.counts() == {"answer": 1}


def test_the_first_answer_stays(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put("k", "answer", {"text": "first"})
        journal.put("k", "answer", {"text": "second"})

        assert journal.get("k") == {"text": "first"}


def test_a_flipped_byte_is_set_aside_and_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.put("k", "answer", {"text": "right"})
    raw = sqlite3.connect(path)
    (body,) = raw.execute("SELECT body FROM entries").fetchone()
    flipped = bytes([body[0] ^ 1]) + body[1:]
    raw.execute("UPDATE entries SET body=?", (flipped,))
    raw.commit()
    raw.close()

    with Journal(path) as journal:
        assert journal.get("k") is None
        assert journal.damaged == 1
        journal.put("k", "answer", {"text": "again"})
        assert journal.get("k") == {"text": "again"}


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    path.write_bytes(b"no database at all, but long enough to look at" * 9)

    with pytest.raises(RunError, match="move it away"):
        Journal(path)


def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE runs(id)")
    before = path.read_bytes()

    with pytest.raises(RunError, match="no journal"):
        Journal(path)

    assert path.read_bytes() == before


@pytest.mark.parametrize("column", ["body", "sum"])
@pytest.mark.parametrize("value", [b"\xff\xfe", "text", 7])
def test_damage_that_changes_a_columns_type_is_set_aside_too(
    tmp_path: Path, column: str, value: object
) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.put("k", "answer", {"text": "right"})
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"UPDATE entries SET {column}=?", (value,))
        raw.commit()

    with Journal(path) as journal:
        assert journal.get("k") is None
        journal.put("k", "answer", {"text": "again"})
        assert journal.get("k") == {"text": "again"}


def test_a_good_answer_that_another_process_put_meanwhile_is_not_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    with Journal(path) as late, Journal(path) as journal:
        journal.put("k", "answer", {"text": "right"})
        late._set_aside("k", b"what was read before")

        assert journal.get("k") == {"text": "right"}


def test_a_full_disk_is_said_and_nothing_else_is_lost(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.put("k", "answer", {"text": "right"})
        pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own word for full
        large = {"text": random.Random(0).randbytes(9000).hex()}
        with pytest.raises(RunFailed, match=r"disk is full at .*free some space"):
            journal.put("l", "answer", large)
        assert journal.get("k") == {"text": "right"}

        journal._db.execute("PRAGMA max_page_count=1000")
        journal.put("l", "answer", large)
        assert journal.get("l") == large


def test_an_origin_names_engine_model_and_the_start_of_its_hash() -> None:
    on = f"{'a' * 64} on {'b' * 64}"
    assert origin_of(ENGINE, "nca", on) == f"fake 1 float32, nca {'a' * 12} on {'b' * 12}"
    assert origin_of({"name": "openai"}, "j", "m at http://h/v1") == "openai, j m at http://h/v1"


def test_a_journal_of_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version=99")
    raw.close()

    with pytest.raises(RunError, match="schema 99"):
        Journal(path)


def test_two_processes_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from harness.storage.journal.entries import Journal\n"
        "with Journal(Path(sys.argv[1])) as j:\n"
        "    for i in range(200): j.put(f'{sys.argv[2]}{i}', 'answer', {'text': str(i)})\n"
    )
    command = [sys.executable, "-c", program, str(path)]

    writers = [subprocess.Popen([*command, name]) for name in "abc"]

    assert [writer.wait() for writer in writers] == [0, 0, 0]
    with Journal(path) as journal:
        assert journal.counts() == {"answer": 600}


def test_the_key_tells_apart_what_changes_an_answer() -> None:
    sampled = replace(REQUEST, decoding=Decoding(temperature=1.0))
    different = [
        key(),
        key(model="other"),
        key(repeat=1),
        key(replace(REQUEST, token_ids=(1, 2))),
        key(replace(REQUEST, decoding=Decoding(max_tokens=7))),
        key(sampled),
        key(sampled, seed=1),
        answer_key({**ENGINE, "version": "2"}, "m", REQUEST, 0, 0),
    ]

    assert len(set(different)) == len(different)


def test_a_greedy_answer_does_not_depend_on_the_seed() -> None:
    assert key(seed=0) == key(seed=1)


@given(st.integers(0, 2**31), st.integers(0, 99))
def test_seeds_leave_room_for_repeats_to_count_on(seed: int, repeat: int) -> None:
    assert 0 <= derived_seed(seed, REQUEST) + repeat < 2**31
    assert derived_seed(seed, REQUEST) != derived_seed(seed + 1, REQUEST)
