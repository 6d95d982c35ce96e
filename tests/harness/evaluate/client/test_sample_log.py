"""Sample logs: sorted, whole, and no texts held in memory on the way."""

import tracemalloc
from pathlib import Path
from typing import Any

from eval_suites.registry import find
from eval_suites.requests import Answer, Message, Request
from eval_suites.scores import Score
from harness.evaluate.client.answers import Spool, log_line, turn
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.run_folder import RunFolder

SUITE = find("arithmetic")


def line(number: int, text: str, repeat: int = 0) -> dict[str, Any]:
    asked = (Request(messages=(Message("user", "q"),)),)
    score = Score(number % 2, "ok", "x", metrics={"accuracy": float(number % 2)})
    return log_line(f"{number:05}", repeat, [turn(asked, (Answer(text, tokens=3),))], score)


def test_logs_are_sorted_and_told_apart_however_lines_come(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with Spool(tmp_path) as spool:
        for number in (2, 0, 1):
            for repeat in (1, 0):
                spool.add("nca", "arithmetic", line(number, f"\u2028 {number}\n", repeat))
        spool.add("base", "arithmetic", line(7, "other"))
        spool.write(folder, "nca", SUITE, {"seed": "0"})
        spool.add("base", "arithmetic", line(5, "late"))
        spool.write(folder, "base", SUITE, {})

    lines = read_lines(folder.sample_log("nca", "arithmetic"))
    assert [(one["sample_id"], one["repeat"]) for one in lines] == [
        ("00000", 0), ("00000", 1), ("00001", 0), ("00001", 1), ("00002", 0), ("00002", 1),
    ]  # fmt: skip
    assert lines[0]["turns"][0]["answers"][0]["text"] == "\u2028 0\n"
    summary = read_json(folder.summary("nca", "arithmetic"))
    assert summary["metrics"]["accuracy"] == 1 / 3
    assert (summary["statuses"], summary["tokens"]) == ({"ok": 6}, 18)
    others = read_lines(folder.sample_log("base", "arithmetic"))
    assert [one["sample_id"] for one in others] == ["00005", "00007"]
    assert [path.name for path in tmp_path.iterdir()] == ["eval"]


def test_a_suite_without_lines_has_an_empty_log(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with Spool(tmp_path) as spool:
        spool.write(folder, "nca", SUITE, {})
    assert folder.sample_log("nca", "arithmetic").read_text() == ""


def test_memory_does_not_grow_with_the_texts(tmp_path: Path) -> None:
    text = "word " * 2000

    def held(count: int) -> int:
        tracemalloc.start()
        with Spool(tmp_path / str(count)) as spool:
            for number in range(count):
                spool.add("nca", "arithmetic", line(number, text))
            spool.write(RunFolder(tmp_path / str(count)), "nca", SUITE, {})
            found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert held(1200) - held(200) < 1000 * len(text) / 5
