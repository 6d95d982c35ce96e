"""Progress: a table where there is a terminal, lines where there is none, nothing if quiet."""

import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.progress.live import Live, drawn, screen
from harness.progress.screen import JsonLines, Plain, Screen
from harness.progress.throughput import Pair, View
from harness.progress.wording import clipped

ROOT = Path(__file__).resolve().parents[3]
EVENTS = [
    {"event": "note", "text": "starting [engine]"},
    {"event": "progress", "phase": "train", "done": 1, "total": 2},
    {"event": "progress", "phase": "probe", "done": 5, "total": 5},
    {"event": "progress", "phase": "train", "done": 2, "total": 2},
    {"event": "progress", "phase": "probe", "done": 1, "total": 5},
    {"event": "log", "split": "train", "step": 1},
]
BASE = Pair("gsm8k", "base", 200)
NCA = Pair("gsm8k", "nca", 200)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80, height=24)


def evaluating(seconds: float, *pairs: Pair) -> dict[str, Any]:
    return {"event": "evaluating", "seconds": seconds, "pairs": [asdict(pair) for pair in pairs]}


def stage(event: str, number: int, of: int, title: str) -> dict[str, Any]:
    return {"event": event, "number": number, "of": of, "title": title}


def drive(show: Screen, events: Sequence[Mapping[str, Any]] = EVENTS) -> None:
    with show:
        show(stage("stage", 1, 3, "train nca"))
        for event in events:
            show(event)
        show(stage("ended", 1, 3, "train nca"))
        show(stage("skipped", 2, 3, "evaluate"))


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", to.file.getvalue())


def shown(view: View, width: int = 80, height: int = 24) -> list[str]:
    """The lines of a view's table."""
    to = Console(file=io.StringIO(), width=width, height=height)
    to.print(drawn(view, 65.0, width, height))
    return written(to).splitlines()


def test_the_screen_suits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(screen(console(terminal=True), quiet=False), Live)
    assert isinstance(screen(console(terminal=False), quiet=False), Plain)
    assert type(screen(console(terminal=True), quiet=True)) is Screen
    monkeypatch.setenv("TERM", "dumb")  # it cannot move its cursor
    assert isinstance(screen(console(terminal=True), quiet=False), Plain)


def test_plain_lines_say_what_runs_and_what_was_done_already() -> None:
    to = console(terminal=False)

    drive(Plain(to))

    lines = written(to).splitlines()
    assert lines[0] == "[1/3] train nca"
    assert "starting [engine]" in lines[1]
    assert any("train: 2/2" in line for line in lines)
    assert lines[-2:] == ["[1/3] train nca: done in 0:00", "[2/3] evaluate: done already"]


def test_plain_lines_say_every_quarter_minute_what_runs_and_at_once_what_ended() -> None:
    to, clock = console(terminal=False), Clock()
    show = Plain(to, clock)
    show(stage("stage", 1, 1, "evaluate"))
    for second in range(0, 61, 3):
        clock.now = float(second)
        done = {"done": 2 * second, "generated": 2 * second, "tokens": 80 * second}
        running = replace(NCA, begun=True, seconds=clock.now, not_ok=second // 10, **done)
        ended = replace(BASE, begun=True, done=200)
        show(evaluating(clock.now, ended, running))

    lines = [line.strip() for line in written(to).splitlines()]
    assert lines == [
        "[1/1] evaluate",
        "gsm8k · base: 200 done, all from the journal",
        "evaluate: 230/400, 80 tokens/s, about 1:25 left; running: gsm8k · nca 30/200 (1 not ok)",
        "evaluate: 260/400, 80 tokens/s, about 1:10 left; running: gsm8k · nca 60/200 (3 not ok)",
        "evaluate: 290/400, 80 tokens/s, about 0:55 left; running: gsm8k · nca 90/200 (4 not ok)",
        "evaluate: 320/400, 80 tokens/s, about 0:40 left; running: gsm8k · nca 120/200 (6 not ok)",
    ]


def test_the_line_of_a_finished_pair_tells_journal_speed_and_faults_apart() -> None:
    to = console(terminal=False)
    done = replace(
        NCA, begun=True, done=200, generated=150, tokens=6000, seconds=31.0, not_ok=69, lost=2
    )

    drive(Plain(to), [evaluating(31.0, done), evaluating(32.0, done)])

    (line,) = written(to).splitlines()[1:-2]
    speed = "200 done (50 from the journal) in 0:31, 194 tokens/s"
    assert line.strip() == f"gsm8k · nca: {speed}, 69 not ok, 2 lost by us"


def test_a_terminal_keeps_what_ended_and_takes_the_table_away() -> None:
    to = console(terminal=True)

    done = replace(BASE, begun=True, done=200)
    drive(Live(to, Clock()), [*EVENTS, evaluating(1.0, done, NCA)])

    lines = [line.strip() for line in written(to).splitlines()]
    for kept in (
        "starting [engine]",
        "gsm8k · base: 200 done, all from the journal",
        "[1/3] train nca: done in 0:00",
        "[2/3] evaluate: done already",
    ):
        assert kept in lines


def test_the_table_has_a_line_for_all_and_one_for_each_pair_that_runs() -> None:
    running = replace(
        NCA, begun=True, done=120, generated=100, tokens=5000, seconds=25.0, not_ok=12
    )
    view = View("[2/2] evaluate").after(
        evaluating(25.0, replace(BASE, begun=True, done=200), running, Pair("math", "nca", 80)), 0.0
    )

    lines = [re.sub("[━╸╺ ]+", " ", line).strip() for line in shown(view)]

    assert lines == [
        "[2/2] evaluate 1:05 done tokens/s left not ok",
        "all 320/480 200 0:40 12",
        "gsm8k · nca 120/200 200 0:20 12",
        "1 waiting",
    ]


def test_columns_of_failures_are_there_only_where_there_are_some() -> None:
    fine = View("x").after(evaluating(1.0, replace(NCA, begun=True, done=1)), 0.0)
    ours = View("x").after(evaluating(1.0, replace(NCA, begun=True, done=1, lost=1)), 0.0)

    assert not {"not ok", "lost"} & set(re.split(" {2,}", shown(fine)[0]))
    assert shown(ours)[0].endswith("lost")
    assert "not ok" not in shown(ours)[0]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 10), (200, 60)])
def test_64_pairs_fit_into_the_terminal(width: int, height: int) -> None:
    pairs = [
        Pair(suite, f"nca-learning_rate5e-05-seed{seed}", 10_552, True, 1_234, 1_000, 999_999, 99.0)
        for suite in ("gsm_plus:mini-eurus", "math:minerva4", "humaneval_plus", "bbh") * 4
        for seed in range(16)
    ]
    view = View("[17/17] evaluate").after(evaluating(99.0, *pairs), 0.0)

    lines = shown(view, width, height)

    assert max(map(len, lines)) <= width
    assert len(lines) < height
    assert re.fullmatch(r"\d+ more running *", lines[-1])
    assert all("seed" in line for line in lines[2:-1])


def test_names_are_cut_in_the_middle() -> None:
    assert clipped("gsm8k · nca-beta0.1-seed7", 15) == "gsm8k ·…1-seed7"
    assert clipped("short", 5) == "short"


DRIVE = """
import json, sys
from rich.console import Console
from harness.progress.live import screen
show = screen(Console(), quiet=False)
with show:
    for line in sys.argv[1:]:
        show(json.loads(line))
        show._drawing.refresh()
"""


def in_a_terminal(*command: str) -> str:
    """What a command writes to a terminal of 80 columns and 24 lines."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        environment.pop(name, None)
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        parts = []
        while part := _read(leader):
            parts.append(part)
    os.close(leader)
    assert process.returncode == 0
    return b"".join(parts).decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


def on_screen(output: str, width: int = 80) -> list[str]:
    """The lines that a terminal shows after an output: what rich uses of its control codes.

    Raises:
        AssertionError: a line is longer than the terminal is wide.
    """
    rows, row = [""], 0
    for code, text in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z]|\r|\n)|([^\x1b\r\n]+)", output):
        if code == "\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif code.endswith("A"):
            row -= int(code[2:-1] or 1)
        elif code == "\x1b[2K":
            rows[row] = ""
        rows[row] += text
        assert len(rows[row]) <= width, rows[row]
    return rows


def test_in_a_real_terminal_the_table_is_drawn_in_place() -> None:
    half = replace(NCA, begun=True, done=100, generated=90, tokens=4500, seconds=9.0)
    full = replace(half, done=200, generated=190, tokens=9500, seconds=19.0, not_ok=3)
    long = Pair("gsm_plus:mini-eurus", "nca-learning_rate5e-05-beta0.1-seed1", 2400, begun=True)
    events = (
        evaluating(0.0, BASE, NCA, long),
        {"event": "note", "text": "starting vllm"},
        evaluating(9.0, half),
        evaluating(19.0, full),
        evaluating(20.0, replace(long, done=2400)),
    )

    whole = (stage("stage", 1, 1, "evaluate"), *events, stage("ended", 1, 1, "evaluate"))
    output = in_a_terminal(sys.executable, "-c", DRIVE, *map(json.dumps, whole))

    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
    assert re.search(r"gsm8k · nca +━+.* 100/200 +500 +0:10", drawn)
    lines = [line.rstrip() for line in on_screen(output) if line.strip()]
    assert lines == [
        "starting vllm",
        "gsm8k · nca: 200 done (10 from the journal) in 0:19, 500 tokens/s, 3 not ok",
        "gsm_plus:mini-eurus · …rate5e-05-beta0.1-seed1: 2,400 done, all from the journal",
        "[1/1] evaluate: done in 0:00",
    ]


def test_json_lines_hold_every_event_and_what_the_pairs_come_to() -> None:
    out = io.StringIO()
    half = replace(NCA, begun=True, done=100, generated=50, tokens=500, seconds=10.0)

    drive(JsonLines(out), [{"event": "log", "loss": float("nan")}, evaluating(10.0, half)])

    began, log, pace, _ended, skipped = map(json.loads, out.getvalue().splitlines())
    assert began == {"event": "stage", "number": 1, "of": 3, "title": "train nca"}
    assert log == {"event": "log", "loss": None}
    assert pace["pairs"] == [asdict(half)]
    overall = {"done": 100, "total": 200, "tokens_per_second": 50.0, "seconds_left": 20.0}
    assert overall.items() <= pace.items()
    assert skipped["event"] == "skipped"


def test_a_reader_of_json_lines_that_goes_away_does_not_end_the_work() -> None:
    program = (
        "import sys\n"
        "from harness.progress.screen import JsonLines\n"
        "lines = JsonLines(sys.stdout)\n"
        "for number in range(20_000):\n"
        "    lines({'event': 'note', 'text': str(number)})\n"
        "sys.stderr.write('worked to the end')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, "worked to the end")


def test_an_evaluation_in_json_lines_ends_with_the_records_of_its_table_and_quiet_shows_it_alone(
    tmp_path: Path,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ("--suites", "arithmetic", "--engine", "fake", "--limit", "3", "--tracking", "none")
    code = nca("eval", f"one={tiny_model}", f"two={tiny_model}", *asked, "--json")

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert code == 0
    assert [line["event"] for line in lines if line["event"] not in ("evaluating", "note")] == [
        "stage",
        "evaluated",
        "ended",
        "result",
    ]
    last: dict[tuple[str, str], int] = {}
    for line in lines:
        for pair in line.get("pairs", ()):
            last[pair["suite"], pair["checkpoint"]] = pair["done"]
    assert last == {("arithmetic", "one"): 3, ("arithmetic", "two"): 3}
    records = lines[-1]["records"]
    assert [(record["checkpoint"], record["n"]) for record in records] == [("one", 3), ("two", 3)]
    assert (Path(lines[-1]["run"]) / "result.json").is_file()

    assert nca("eval", f"one={tiny_model}", f"two={tiny_model}", *asked, "--quiet") == 0
    table = capfd.readouterr().out.splitlines()
    assert table[0].startswith("eval: scores with 95 % intervals")
    assert not [line for line in table if re.match(r"\[|answers:|files:|MLflow:", line)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("eval", ".", "--suites", "gsm9", "--engine", "fake"), "did you mean gsm8k"),
        (("eval", "."), "--suites"),
        (("run", "nowhere.yaml"), "no such recipe"),
    ],
)
def test_an_error_in_json_lines_is_the_last_of_them_and_keeps_its_exit_code(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    code = nca(*arguments, "--json")

    printed = capsys.readouterr()
    error = json.loads(printed.out.splitlines()[-1])
    assert (code, error["event"], error["exit_code"]) == (2, "error", 2)
    assert said in error["message"]
    assert said in printed.err
