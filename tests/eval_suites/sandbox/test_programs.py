"""Each test attacks one promise of the sandbox; hostile programs are in tests/faults."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eval_suites.errors import SandboxError
from eval_suites.sandbox import runner
from eval_suites.sandbox.checks import Call, Check, Limits, Outcome, Program
from eval_suites.sandbox.runner import Sandbox
from eval_suites.sandbox.worker import Worker

ROOT = Path(__file__).resolve().parents[3]
TESTER = "def check(f):\n    assert f(1) == 2\n    assert f(2) == 3\n"
RIGHT = "def f(x):\n    return x + 1\n"
QUICK = Limits(cpu_s=1.0, wall_s=20.0)
#: Gives a process a name that the host sees.
NAMED = "import ctypes, os, time\nctypes.CDLL(None).prctl(15, b'%s', 0, 0, 0)\n"


def program(candidate: str, limits: Limits = QUICK, tester: str = TESTER) -> Program:
    return Program(textwrap.dedent(candidate), "f", textwrap.dedent(tester), limits)


def run(*checks: Check, workers: int = 2) -> list[Outcome]:
    async def all_of_them() -> list[Outcome]:
        async with Sandbox(workers=workers) as box:
            return await asyncio.gather(*(box.run(check) for check in checks))

    return asyncio.run(all_of_them())


def own(name: str) -> str:
    """A process name that no other run of these tests gives; the kernel keeps 15 characters."""
    return f"{os.getpid()}-{name}"[:15]


def named(name: str) -> list[int]:
    """Processes of the host that gave themselves this name and have not ended."""
    processes = []
    for folder in Path("/proc").iterdir():
        try:
            ended = " Z " in (folder / "stat").read_text().rpartition(")")[2][:4]
            if (folder / "comm").read_text().strip() == name and not ended:
                processes.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return processes


def wait_until(true: Callable[[], bool]) -> None:
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("what was waited for never came")


def test_a_right_program_passes_and_a_wrong_one_names_the_case_that_failed() -> None:
    right, wrong = run(program(RIGHT), program("def f(x):\n    return 2 * x\n"))
    assert (right.verdict, right.tier, right.reason) == ("pass", "A", "")
    assert (wrong.verdict, wrong.failing) == ("fail", "assert f(2) == 3")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def f(x) return x", "SyntaxError"),
        ("f = 3", "TypeError"),
        ("def g(x): return x + 1", "KeyError"),
        ("\x00", ""),
        ("def f(x): return int(input())", "EOFError"),
        ("def f(x): return 1 / 0", "ZeroDivisionError: division by zero"),
        ("import os\ndef f(x): return os.environ['HOME']", "KeyError"),
        ("def f(x): return '\\ud800'", "AssertionError"),
    ],
)
def test_what_is_no_answer_fails_with_its_reason(source: str, reason: str) -> None:
    (outcome,) = run(program(source))
    assert outcome.verdict == "fail"
    assert outcome.reason.startswith(reason)


def test_a_test_sees_what_the_call_changed_in_its_arguments() -> None:
    changing = """
        def f(numbers, table, found):
            numbers.sort()
            table["n"] = len(numbers)
            found.clear()
            return numbers
    """
    tester = """
        def check(f):
            numbers, table, found = [3, 1], {}, {1, 2}
            assert f(numbers, table, found) == [1, 3]
            assert numbers == [1, 3] and table == {"n": 2} and found == set()
            assert f(numbers=numbers, table=table, found=found) == [1, 3]
    """
    (outcome,) = run(program(changing, tester=tester))
    assert (outcome.verdict, outcome.reason) == ("pass", "")


def test_values_that_derive_from_plain_ones_arrive_as_plain_ones() -> None:
    deriving = """
        import collections, enum
        class Kind(enum.IntEnum): ONE = 1
        Point = collections.namedtuple("Point", "x y")
        def f(x): return [collections.Counter("aab"), Point(1, (2.5, None)), Kind.ONE, b"x", 1j]
    """
    tester = """
        def check(f):
            found = f(0)
            assert found == [{"a": 2, "b": 1}, (1, (2.5, None)), 1, b"x", 1j]
            assert [type(one) for one in found] == [dict, tuple, int, bytes, complex]
    """
    (outcome,) = run(program(deriving, tester=tester))
    assert (outcome.verdict, outcome.reason) == ("pass", "")


def test_a_class_lives_at_the_other_end_and_keeps_its_state() -> None:
    counter = """
        class f:
            def __init__(self, start): self.count = start
            def add(self, number, *, twice=False):
                self.count += number * (2 if twice else 1)
                return self.count
    """
    tester = """
        first, second = f(1), f(start=10)
        assert first.add(2) == 3
        assert second.add(2, twice=True) == 14
        assert first.add(1) == 4
    """
    (outcome,) = run(program(counter, tester=tester))
    assert (outcome.verdict, outcome.reason) == ("pass", "")


def test_a_test_may_expect_an_exception() -> None:
    tester = """
        def check(f):
            try: f(1)
            except ValueError as error: assert str(error) == "no"
            else: assert False
    """
    right, wrong = run(
        program("def f(x): raise ValueError('no')", tester=tester), program(RIGHT, tester=tester)
    )
    assert (right.verdict, wrong.verdict) == ("pass", "fail")


def test_a_test_that_passes_a_function_is_our_fault() -> None:
    (outcome,) = run(program(RIGHT, tester="def check(f): f(lambda: 1)"))
    assert (outcome.verdict, outcome.reason) == (
        "infra",
        "the test passes a value of type function",
    )


def test_numpy_can_be_imported_on_both_sides() -> None:
    numeric = "import numpy as np\ndef f(x): return np.cumsum(np.ones(3)) * np.float64(x)\n"
    tester = "import numpy as np\ndef check(f): assert np.allclose(f(2), [2, 4, 6])\n"
    (outcome,) = run(program(numeric, tester=tester))
    assert (outcome.verdict, outcome.reason) == ("pass", "")


def test_sets_have_one_order_whichever_worker_runs_it() -> None:
    ordered = "def f(x): return list({'a', 'b', 'c', 'd', 'e', 'f'})"
    tester = "def check(f): assert f(1) == list({'a', 'b', 'c', 'd', 'e', 'f'})"
    outcomes = run(*[program(ordered, tester=tester)] * 6, workers=3)
    assert {outcome.verdict for outcome in outcomes} == {"pass"}


def test_each_case_has_an_empty_folder_and_no_environment() -> None:
    spy = """
        import os
        assert dict(os.environ) == {}, dict(os.environ)
        assert os.listdir() == os.listdir("/dev/shm") == os.listdir("/proc") == []
        open("litter", "w").close()
        def f(x): return x + 1
    """
    outcomes = run(*[program(spy)] * 3, workers=1)
    assert [(outcome.verdict, outcome.reason) for outcome in outcomes] == [("pass", "")] * 3


def test_nothing_of_the_host_is_there_but_the_interpreter() -> None:
    spy = f"""
        import os
        assert not os.path.exists({str(ROOT)!r})
        assert not os.path.exists({str(Path.home() / ".bashrc")!r})
        assert os.getuid() != 0 and os.getpid() == 1
        def f(x): return x + 1
    """
    (outcome,) = run(program(spy))
    assert (outcome.verdict, outcome.reason) == ("pass", "")


def test_a_daemon_that_a_program_leaves_behind_is_killed() -> None:
    daemon = NAMED % own("daemon") + textwrap.dedent("""
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(1000)
            os._exit(0)
        os.wait()
    """)
    outcome, after = run(program(daemon + RIGHT), program(RIGHT), workers=1)
    assert (outcome.verdict, after.verdict) == ("pass", "pass")
    assert named(own("daemon")) == []


def test_one_that_only_waits_is_out_of_time_without_using_any() -> None:
    sleeper = "import time\ndef f(x):\n    time.sleep(1000)\n"
    outcome, other = run(program(sleeper, Limits(wall_s=1.0)), program(RIGHT))
    assert (outcome.verdict, outcome.reason) == ("timeout", "waited for 1 of 1 s")
    assert other.verdict == "pass"


def test_the_wall_alone_is_our_fault_after_a_second_try_with_nothing_beside_it() -> None:
    # Busy for less than its CPU limit and more than the wall: too slow a machine, as it were.
    busy = "def f(x):\n    while True: pass\n"
    limits = Limits(cpu_s=30.0, wall_s=1.0)
    began = time.monotonic()
    outcome, other = run(program(busy, limits), program(RIGHT))
    assert outcome.verdict == "infra"
    assert outcome.reason.startswith("still running after 1 s with ")
    assert time.monotonic() - began >= 2.0
    assert other.verdict == "pass"


def test_cpu_time_and_not_the_clock_decides_when_workers_crowd_the_machine() -> None:
    busy = "import time\ndef f(x):\n    while time.process_time() < 0.4: pass\n    return x + 1\n"
    outcomes = run(*[program(busy, Limits(cpu_s=1.0, wall_s=60.0))] * 8, workers=8)
    assert [outcome.verdict for outcome in outcomes] == ["pass"] * 8


def test_outcomes_do_not_depend_on_order_or_company() -> None:
    checks = [program(RIGHT), program("def f(x): return 0\n"), program("import os\nos._exit(0)\n")]
    forwards = [outcome.verdict for outcome in run(*checks * 4, workers=4)]
    backwards = [outcome.verdict for outcome in run(*(checks * 4)[::-1], workers=1)]
    assert forwards == backwards[::-1] == ["pass", "fail", "crash"] * 4


def test_a_box_lowers_a_checks_limits() -> None:
    async def lowered() -> Outcome:
        async with Sandbox(Limits(cpu_s=1.0)) as box:
            return await box.run(program("def f(x):\n    while True: pass\n", Limits(cpu_s=900.0)))

    assert asyncio.run(lowered()).verdict == "timeout"


def test_a_sandbox_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Sandbox(workers=0)


def test_a_call_returns_its_value_and_a_fault_its_reason() -> None:
    good, bad, missing, slow = run(
        Call("eval_suites.grading.quantities:declared_quantity", {"text": "\\boxed{1,234}"}),
        Call("json:loads", {"s": "{"}),
        Call("json:no_such_function", {}),
        Call("time:sleep", {}, Limits(wall_s=1.0)),
    )
    assert (good.verdict, good.value, good.tier) == ("pass", "1234", "call")
    assert (bad.verdict, bad.reason.split(":")[0]) == ("fail", "JSONDecodeError")
    assert (missing.verdict, missing.reason.split(":")[0]) == ("fail", "AttributeError")
    assert slow.verdict == "fail"


def test_a_module_is_warmed_before_its_calls_and_a_fault_in_that_is_not_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "seen = []\ndef warm():\n    seen.append(1)\n    assert len(seen) < 2\n"
    (tmp_path / "warmed_module.py").write_text(text + "def length():\n    return len(seen)\n")
    monkeypatch.syspath_prepend(tmp_path)
    first, second = run(*[Call("warmed_module:length", {})] * 2, workers=1)
    assert (first.verdict, first.value) == ("pass", 1)
    assert (second.verdict, second.value) == ("pass", 2)


def test_a_call_that_does_not_end_is_killed_and_the_next_one_answers() -> None:
    endless, after = run(
        Call("re:match", {"pattern": "(a+)+$", "string": "a" * 64 + "b"}, Limits(cpu_s=1.0)),
        Call("posixpath:basename", {"p": "a/b"}),
        workers=1,
    )
    assert endless.verdict == "timeout"
    assert (after.verdict, after.value) == ("pass", "b")


def test_a_cancelled_run_leaves_no_process() -> None:
    many = "for _ in range(20):\n    if os.fork() == 0: break\ntime.sleep(1000)\n"
    loop = NAMED % own("stopped") + many

    async def cancelled() -> Outcome:
        async with Sandbox() as box:
            task = asyncio.create_task(box.run(program(loop, Limits(wall_s=900))))
            await asyncio.to_thread(wait_until, lambda: len(named(own("stopped"))) == 21)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert named(own("stopped")) == []
            return await box.run(program(RIGHT))

    assert asyncio.run(cancelled()).verdict == "pass"


def test_no_process_outlives_a_killed_harness() -> None:
    loop = NAMED % own("orphan") + "os.fork()\nif os.fork() == 0: os.setsid()\ntime.sleep(1000)\n"
    host = (
        "import asyncio\nfrom eval_suites.sandbox.checks import Limits, Program\n"
        "from eval_suites.sandbox.runner import Sandbox\n"
        "async def main():\n    async with Sandbox() as box:\n"
        f"        await box.run(Program({loop!r}, 'f', '', Limits(wall_s=900)))\n"
        "asyncio.run(main())\n"
    )
    harness = subprocess.Popen(
        [sys.executable, "-c", host], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        wait_until(lambda: len(named(own("orphan"))) == 4)
    finally:
        harness.send_signal(signal.SIGKILL)
        harness.wait()
    wait_until(lambda: named(own("orphan")) == [])


def test_a_worker_whose_zygotes_were_killed_is_started_again() -> None:
    async def twice() -> tuple[Outcome, Outcome]:
        others = _children(os.getpid())
        async with Sandbox(workers=1) as box:
            first = await box.run(program(RIGHT))
            for pid in set(_children(os.getpid())) - set(others):
                os.kill(pid, signal.SIGKILL)
            return first, await box.run(program(RIGHT))

    assert [outcome.verdict for outcome in asyncio.run(twice())] == ["pass", "pass"]


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def test_programs_that_run_at_once_do_not_meet_in_the_network() -> None:
    def meeting(own: str, other: str) -> Program:
        return program(
            f"""
            import socket, time
            def f(x):
                open_to_all = socket.socket(socket.AF_UNIX)
                open_to_all.bind(chr(0) + "{own}")
                open_to_all.listen()
                time.sleep(0.5)
                try:
                    socket.socket(socket.AF_UNIX).connect(chr(0) + "{other}")
                except ConnectionRefusedError:
                    return x + 1
            """
        )

    outcomes = run(meeting("one", "other"), meeting("other", "one"))
    assert [outcome.verdict for outcome in outcomes] == ["pass", "pass"]


def test_a_case_that_could_not_be_confined_is_our_fault() -> None:
    async def without_room() -> Outcome:
        async with Sandbox() as box:
            await box.tier()
            return await box.run(program(RIGHT, limits=Limits(output_bytes=-5)))

    outcome = asyncio.run(without_room())
    assert outcome.verdict == "infra"
    assert "mount /tmp" in outcome.reason


def test_where_nothing_contains_programs_they_are_refused_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = runner.obstacle

    async def none(tier: runner.Tier, worker: Worker) -> str | None:
        return "not here" if tier != "unsafe" else await real(tier, worker)

    monkeypatch.setattr(runner, "obstacle", none)

    async def refused() -> None:
        async with Sandbox() as box:
            await box.run(program(RIGHT))

    with pytest.raises(SandboxError, match=r"tier A: not here; tier B: not here.*--unsafe"):
        asyncio.run(refused())

    async def allowed() -> Outcome:
        async with Sandbox(unsafe=True) as box:
            return await box.run(program(RIGHT))

    outcome = asyncio.run(allowed())
    assert (outcome.verdict, outcome.tier) == ("pass", "unsafe")
