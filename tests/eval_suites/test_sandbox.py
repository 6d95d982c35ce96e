"""Each test attacks one promise of the sandbox."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eval_suites.sandbox import TIER, Call, Check, Limits, Outcome, Program, Sandbox

ROOT = Path(__file__).resolve().parents[2]
TESTER = "def check(f):\n    assert f(1) == 2\n    assert f(2) == 3\n"
RIGHT = "def f(x):\n    return x + 1\n"
QUICK = Limits(cpu_s=1.0, wall_s=20.0)


def program(candidate: str, limits: Limits = QUICK) -> Program:
    return Program(candidate, "f", TESTER, limits)


def run(*checks: Check, workers: int = 2) -> list[Outcome]:
    async def all_of_them() -> list[Outcome]:
        async with Sandbox(workers=workers) as box:
            return await asyncio.gather(*(box.run(check) for check in checks))

    return asyncio.run(all_of_them())


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("what was waited for never came")


def test_a_right_program_passes_and_a_wrong_one_names_the_case_that_failed() -> None:
    right, wrong = run(program(RIGHT), program("def f(x):\n    return 2 * x\n"))
    assert (right.verdict, right.tier) == ("pass", TIER)
    assert (wrong.verdict, wrong.failing) == ("fail", "assert f(2) == 3")


HOSTILE = {
    "loop": ("timeout", "def f(x):\n    while True: pass"),
    "loop that ignores the CPU signal": (
        "timeout",
        """
        import signal
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        def f(x):
            while True: pass
        """,
    ),
    "loop that catches everything": (
        "timeout",
        """
        def f(x):
            while True:
                try: f(x)
                except BaseException: pass
        """,
    ),
    "memory bomb": ("fail", "def f(x):\n    return bytearray(1 << 34) and x + 1"),
    "early _exit": ("crash", "import os\nos._exit(0)"),
    "_exit in the function": ("crash", "import os\ndef f(x): os._exit(0)"),
    "early exit": ("fail", "import sys\nsys.exit(0)"),
    "exit in the function": ("fail", "import sys\ndef f(x): sys.exit(0)"),
    "SystemExit": ("fail", "def f(x): raise SystemExit"),
    "atexit": ("fail", "import atexit\natexit.register(print, 'pass')\ndef f(x): exit()"),
    "signal": ("crash", "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGSEGV)"),
    "forged verdict on every descriptor": (
        "crash",
        """
        import os
        def f(x):
            for n in range(20):
                try: os.write(n, b'{"verdict": "pass"}\\n')
                except OSError: pass
            os._exit(0)
        """,
    ),
    "reads standard input": ("fail", "def f(x): return int(input())"),
    "no Python": ("fail", "def f(x) return x"),
    "no function": ("fail", "f = 3"),
    "other name": ("fail", "def g(x): return x + 1"),
    "null byte": ("fail", "\x00"),
    "lone surrogate": ("fail", "def f(x): return '\ud800'"),
    "large file": ("fail", "open('big', 'wb').write(bytes(1 << 22))\ndef f(x): return x + 1"),
    "exception that cannot be shown": (
        "crash",
        """
        import os
        class Error(Exception):
            def __str__(self): os._exit(0)
        def f(x): raise Error
        """,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_fails_and_the_next_one_passes(name: str) -> None:
    verdict, source = HOSTILE[name]
    outcome, after = run(program(textwrap.dedent(source)), program(RIGHT), workers=1)
    assert outcome.verdict == verdict
    assert after.verdict == "pass"


def test_a_flood_of_output_is_swallowed() -> None:
    flood = "def f(x):\n    for _ in range(2000): print('x' * 10000)\n    return x + 1\n"
    assert [one.verdict for one in run(program(flood))] == ["pass"]


def test_the_environment_is_empty_and_the_folder_is_the_cases_own(tmp_path: Path) -> None:
    note = tmp_path / "folder"
    spy = (
        f"import os\nassert dict(os.environ) == {{}}, dict(os.environ)\n"
        "assert open('/proc/self/environ').read() in ('', 'LC_CTYPE=C.UTF-8\\0')\n"
        f"assert os.listdir() == []\nopen('litter', 'w').close()\n"
        f"open({str(note)!r}, 'w').write(os.getcwd())\n"
    )
    outcome = run(program(spy + RIGHT))[0]
    assert (outcome.verdict, outcome.reason) == ("pass", "")
    assert note.read_text().startswith(tempfile.gettempdir())
    assert not Path(note.read_text()).exists()


def test_a_daemon_that_a_program_leaves_behind_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    daemon = textwrap.dedent(f"""
        import os, pathlib, time
        note = pathlib.Path({str(note)!r})
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                note.write_text(str(os.getpid()))
                time.sleep(1000)
            os._exit(0)
        os.wait()
        while not (note.exists() and note.read_text()): time.sleep(0.01)
    """)
    daemon_outcome, after = run(program(daemon + RIGHT), program(RIGHT), workers=1)
    assert daemon_outcome.verdict == "pass"
    assert not alive(int(note.read_text()))
    assert after.verdict == "pass"


def test_a_program_killed_by_the_wall_alone_is_our_fault_after_a_second_try(
    tmp_path: Path,
) -> None:
    note = tmp_path / "tries"
    sleeper = f"open({str(note)!r}, 'a').write('x')\nimport time\ndef f(x):\n    time.sleep(1000)\n"
    outcome, other = run(program(sleeper, Limits(wall_s=0.5)), program(RIGHT))
    assert outcome.verdict == "infra"
    assert note.read_text() == "xx"
    assert other.verdict == "pass"


def test_cpu_time_and_not_the_clock_decides_when_workers_crowd_the_machine() -> None:
    busy = "import time\ndef f(x):\n    while time.process_time() < 0.4: pass\n    return x + 1\n"
    outcomes = run(*[program(busy, Limits(cpu_s=1.0, wall_s=60.0))] * 8, workers=8)
    assert [one.verdict for one in outcomes] == ["pass"] * 8


def test_outcomes_do_not_depend_on_order_or_company() -> None:
    checks = [program(RIGHT), program("def f(x): return 0\n"), program("import os\nos._exit(0)\n")]
    forwards = [one.verdict for one in run(*checks * 4, workers=4)]
    backwards = [one.verdict for one in run(*(checks * 4)[::-1], workers=1)]
    assert forwards == backwards[::-1] == ["pass", "fail", "crash"] * 4


def test_a_box_lowers_a_checks_limits() -> None:
    async def lowered() -> Outcome:
        async with Sandbox(Limits(cpu_s=1.0)) as box:
            return await box.run(program("def f(x):\n    while True: pass\n", Limits(cpu_s=900.0)))

    assert asyncio.run(lowered()).verdict == "timeout"


def test_a_call_returns_its_value_and_a_fault_its_reason() -> None:
    good, bad, missing = run(
        Call("eval_suites.grading.answers:strict_answer", {"text": "\\boxed{1,234}"}),
        Call("json:loads", {"s": "{"}),
        Call("json:no_such_function", {}),
    )
    assert (good.verdict, good.value) == ("pass", "1234")
    assert (bad.verdict, bad.reason.split(":")[0]) == ("fail", "JSONDecodeError")
    assert (missing.verdict, missing.reason.split(":")[0]) == ("fail", "AttributeError")


def test_a_cancelled_run_leaves_no_process(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    loop = f"import os, time\nopen({str(note)!r}, 'w').write(str(os.getpid()))\ntime.sleep(1000)\n"

    async def cancelled() -> None:
        async with Sandbox() as box:
            task = asyncio.create_task(box.run(program(loop)))
            await asyncio.to_thread(wait_until, lambda: note.exists() and note.read_text() != "")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    assert not alive(int(note.read_text()))


def test_no_process_outlives_a_killed_harness(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    loop = textwrap.dedent(f"""
        import os, time
        os.fork()
        if os.fork() == 0: os.setsid()
        note = os.open({str(note)!r}, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(note, b"%d " % os.getpid())
        time.sleep(1000)
    """)
    host = (
        "import asyncio\nfrom eval_suites.sandbox import *\n"
        "async def main():\n    async with Sandbox() as box:\n"
        f"        await box.run(Program({loop!r}, 'f', '', Limits(wall_s=900)))\n"
        "asyncio.run(main())\n"
    )
    harness = subprocess.Popen(
        [sys.executable, "-c", host], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        wait_until(lambda: note.exists() and len(note.read_text().split()) == 4)
    finally:
        harness.send_signal(signal.SIGKILL)
        harness.wait()
    pids = [int(pid) for pid in note.read_text().split()]
    wait_until(lambda: not any(map(alive, pids)))
