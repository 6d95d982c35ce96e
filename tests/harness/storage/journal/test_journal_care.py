"""`nca journal`: what is in the store, whether it is whole, what may go, what another one adds."""

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import RunError
from harness.storage.hashing import digest
from harness.storage.journal.care import Choice, merge, prune, survey
from harness.storage.journal.check import check
from harness.storage.journal.entries import Journal

SCHEMA_1 = """
CREATE TABLE entries(
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL, sum TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE quarantine(key TEXT, kind TEXT, body BLOB, sum TEXT);
PRAGMA journal_mode=WAL;
PRAGMA user_version=1;
"""
Nca = Callable[..., int]
Said = pytest.CaptureFixture[str]


def bodies(start: int, end: int) -> dict[str, dict[str, object]]:
    """Key -> body; some fit into a page of the file, some need several."""
    rng = random.Random(start)
    return {digest(i): {"text": f"{i} " + "ä" * rng.randrange(6000)} for i in range(start, end)}


def filled(path: Path, start: int, end: int, origin: str = "fake 1, m") -> dict[str, object]:
    found = bodies(start, end)
    with Journal(path) as journal:
        for key, body in found.items():
            journal.put(key, "answer", body, origin)
    return dict(found)


def as_schema_1(path: Path) -> None:
    """Rewrite a journal as the first version of this program left it."""
    with closing(sqlite3.connect(path)) as new:
        rows = new.execute("SELECT key, kind, body, sum FROM entries").fetchall()
        path.unlink()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(SCHEMA_1)
        old.executemany("INSERT INTO entries VALUES(?,?,?,?)", rows)
        old.execute("INSERT INTO quarantine VALUES('k', 'answer', x'00', 'no')")
        old.commit()


def damage(path: Path, key: str) -> None:
    """Flip the last bit of an entry's body."""
    with closing(sqlite3.connect(path)) as raw:
        (body,) = raw.execute("SELECT body FROM entries WHERE key=?", (key,)).fetchone()
        flipped = body[:-1] + bytes([body[-1] ^ 1])
        raw.execute("UPDATE entries SET body=? WHERE key=?", (flipped, key))
        raw.commit()


def found_in(path: Path) -> dict[str, object]:
    with Journal(path) as journal:
        return {key: body for key in bodies(0, 60) if (body := journal.get(key)) is not None}


def test_a_journal_of_the_first_schema_is_upgraded_in_place(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    stored = filled(path, 0, 20)
    as_schema_1(path)
    assert check(path).intact == 20  # looking at it changes nothing
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)

    with Journal(path) as journal:
        assert {key: journal.get(key) for key in stored} == stored
        journal.put("new", "answer", {}, "fake 1, m")

    found = survey(path)
    assert [(p.origin, p.entries, p.times) for p in found.parts] == [
        ("", 20, 20),
        ("fake 1, m", 1, 0),
    ]
    assert found.quarantined == 1


def test_entries_are_counted_as_found_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first, second, third = filled(path, 0, 3)

    for _ in range(3):
        with Journal(path) as journal:
            journal.get(first)
            journal.get(first)
            journal.get(second)
            journal.get("not there")

    (part,) = survey(path).parts
    assert (part.entries, part.reused, part.times) == (3, 2, 9)
    gone = prune(path, Choice(unused=True))
    assert [p.entries for p in gone.parts] == [1]
    assert set(found_in(path)) == {first, second}
    assert third not in found_in(path)


def test_pruning_removes_what_was_chosen_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    kept = filled(path, 0, 30, "vllm 2, m")
    filled(path, 30, 60, "vllm 1, m")
    damage(path, next(iter(kept)))
    assert len(found_in(path)) == 59  # the damaged one is set aside
    choice = Choice(origin="vllm 1,", quarantine=True)

    would = prune(path, choice, dry_run=True)
    assert len(found_in(path)) == 59
    done = prune(path, choice)

    assert (would.parts[0].entries, would.quarantined) == (30, 1)
    assert done.parts[0].entries == 30
    assert done.bytes_after < 0.7 * done.bytes_before
    assert found_in(path) == dict(list(kept.items())[1:])
    assert survey(path).quarantined == 0
    assert check(path).sound


def test_another_journal_adds_what_is_new_and_intact(tmp_path: Path) -> None:
    path, other = tmp_path / "a" / "journal.sqlite", tmp_path / "b" / "journal.sqlite"
    filled(path, 0, 20)
    theirs = filled(other, 10, 40)
    as_schema_1(other)
    damaged = list(theirs)[-1]
    damage(other, damaged)
    with Journal(path) as journal:
        journal.put(damaged, "check", {"own": 1})
    before = other.read_bytes()

    (merged,) = merge(path, [other.parent])

    assert (merged.new, merged.present, merged.damaged, merged.unreadable) == (19, 10, 1, 0)
    assert other.read_bytes() == before
    assert found_in(path)[damaged] == {"own": 1}  # what was there first counts
    assert len(found_in(path)) == 40
    with pytest.raises(RunError, match="very journal"):
        list(merge(path, [path]))


def test_a_page_of_zeros_costs_its_entries_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    stored = filled(path, 0, 60)
    prune(path, Choice(quarantine=True))
    raw = bytearray(path.read_bytes())
    pages = len(raw) // 4096
    for page in random.Random(0).sample(range(1, pages), 4):
        torn = bytearray(raw)
        torn[4096 * page : 4096 * (page + 1)] = bytes(4096)
        path.write_bytes(torn)

        found = check(path, repair=True)

        assert found.repaired
        assert check(path).sound
        kept = found_in(path)
        assert kept.items() <= stored.items()
        assert len(kept) == found.intact


def test_a_cut_tail_costs_what_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    stored = filled(path, 0, 60)
    prune(path, Choice(quarantine=True))
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size * 3 // 4)

    with pytest.raises(RunError, match="nca journal verify --repair"):
        found_in(path)
    assert not check(path).sound
    check(path, repair=True)

    kept = found_in(path)
    assert kept.items() <= stored.items()
    assert 30 <= len(kept) < 60


def test_the_commands_say_what_they_found(tmp_path: Path, nca: Nca, capsys: Said) -> None:
    path = tmp_path / "journal.sqlite"
    key, *_ = filled(path, 0, 3)
    where = ("--runs", tmp_path)

    assert nca("journal", "verify", *where) == 0
    assert "3 entries are as they were stored, 0 damaged" in capsys.readouterr().out
    damage(path, key)
    assert nca("journal", "verify", *where) == 1
    said = capsys.readouterr()
    assert "1 damaged" in said.out
    assert "nca journal verify --repair" in said.err
    assert nca("journal", "verify", "--repair", *where) == 0
    assert nca("journal", "verify", "--json", *where) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["quarantined"] == 1
    assert nca("journal", "show", *where) == 0
    assert "fake 1, m" in capsys.readouterr().out
    assert nca("journal", "show", "--json", *where) == 0
    assert json.loads(capsys.readouterr().out)["parts"][0]["entries"] == 2
    assert nca("journal", "prune", "--damaged", "--dry-run", *where) == 0
    assert "would be removed: 1 set aside" in capsys.readouterr().out
    assert nca("journal", "merge", path, "--runs", tmp_path / "fresh") == 0
    assert "2 new, 0 known" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show",), "no journal there"),
        (("verify",), "no journal there"),
        (("prune", "--unused"), "no journal there"),
        (("prune",), "say what may go"),
        (("merge", "nowhere"), "no journal there"),
    ],
)
def test_a_mistake_ends_with_exit_code_2_and_makes_no_journal(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Nca,
    capsys: Said,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert nca("journal", *arguments) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_kind_that_is_not_there_is_named(tmp_path: Path, nca: Nca, capsys: Said) -> None:
    filled(tmp_path / "journal.sqlite", 0, 1)
    assert nca("journal", "prune", "--kind", "answers", "--runs", tmp_path) == 2
    assert "it has answer" in capsys.readouterr().err
