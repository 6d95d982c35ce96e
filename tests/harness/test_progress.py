"""Progress: bars where there is a terminal, lines where there is none, nothing if quiet."""

import io

from rich.console import Console

from harness.progress import Bars, Plain, Quiet, screen

EVENTS = [
    {"event": "note", "text": "starting [engine]"},
    {"event": "progress", "phase": "train", "done": 1, "total": 2},
    {"event": "progress", "phase": "probe", "done": 5, "total": 5},
    {"event": "progress", "phase": "train", "done": 2, "total": 2},
    {"event": "progress", "phase": "probe", "done": 1, "total": 5},
    {"event": "log", "split": "train", "step": 1},
]


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=90)


def drive(show: Bars | Plain | Quiet) -> None:
    with show:
        show.stage(1, 3, "train nca")
        for event in EVENTS:
            show(event)
        show.skipped(2, 3, "evaluate")


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_the_screen_suits_the_terminal() -> None:
    assert isinstance(screen(console(terminal=True), quiet=False), Bars)
    assert isinstance(screen(console(terminal=False), quiet=False), Plain)
    assert isinstance(screen(console(terminal=True), quiet=True), Quiet)


def test_plain_lines_say_what_runs_and_what_was_done_already() -> None:
    to = console(terminal=False)

    drive(Plain(to))

    lines = written(to).splitlines()
    assert lines[0] == "[1/3] train nca"
    assert "starting [engine]" in lines[1]
    assert any("train: 2/2" in line for line in lines)
    assert lines[-1] == "[2/3] evaluate: done already"


def test_bars_follow_phases_that_alternate() -> None:
    to = console(terminal=True)

    drive(Bars(to))

    assert "evaluate: done already" in written(to)
    assert "train nca: train" in written(to)
