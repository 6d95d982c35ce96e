"""Runs the hostile programs of a folder, each followed by a right one: what became of both.

    python tests/faults/hostile_run.py TIER [NAME ...]

Prints one JSON object a program. Needs the standard library and `eval_suites` alone, so that any
user's interpreter can run it.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval_suites.sandbox.checks import Limits, Program
from eval_suites.sandbox.runner import Sandbox

HOSTILE = Path(__file__).with_name("hostile")
TESTER = "def check(f):\n    assert f(1) == 2\n    assert f(2) == 3\n"
RIGHT = "def f(x):\n    return x + 1\n"
LIMITS = Limits(cpu_s=1.0, wall_s=6.0, memory_bytes=512 << 20, output_bytes=4 << 20)
SECRET = "NCA_SECRET"


class Witnesses:
    """Things of the user that no program may touch: a file, servers, an environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "witness"
        self.file.write_text("untouched")
        self.stream, self.packets = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        self.stream.bind(("127.0.0.1", 0))
        self.port = self.stream.getsockname()[1]
        self.packets.bind(("127.0.0.1", self.port))
        self.local = socket.socket(socket.AF_UNIX)
        self.local.bind(f"\0nca-witness-{self.port}")
        for one in (self.stream, self.local):
            one.listen()
        for one in (self.stream, self.packets, self.local):
            one.setblocking(False)

    def touched(self) -> list[str]:
        """What a program did to them."""
        found = []
        if sorted(self.folder.iterdir()) != [self.file] or self.file.read_text() != "untouched":
            found.append("files")
        litter = [Path(folder, f"nca-litter-{self.port}") for folder in ("/dev/shm", "/tmp")]
        if any(path.exists() for path in litter):
            found.append("litter")
        for name in ("stream", "local"):
            with contextlib.suppress(BlockingIOError):
                getattr(self, name).accept()[0].close()
                found.append(f"a connection ({name})")
        with contextlib.suppress(BlockingIOError):
            self.packets.recv(100)
            found.append("a datagram")
        return found

    def close(self) -> None:
        for one in (self.stream, self.packets, self.local):
            one.close()


def sources(names: list[str]) -> Iterator[tuple[str, str]]:
    """The programs by name, in order."""
    for file in sorted(HOSTILE.glob("*.py")):
        if not names or file.stem in names:
            yield file.stem, file.read_text(encoding="utf-8")


async def outcomes(box: Sandbox, witnesses: Witnesses, names: list[str]) -> list[dict[str, Any]]:
    """What became of each program, of the right one behind it, and of the witnesses."""
    known = f"WITNESS, PORT, HARNESS = {str(witnesses.file)!r}, {witnesses.port}, {os.getpid()}\n"
    found = []
    for name, source in sources(names):
        outcome = await box.run(Program(known + source, "f", TESTER, LIMITS))
        after = await box.run(Program(RIGHT, "f", TESTER, LIMITS))
        found.append(
            {
                "name": name,
                "verdict": outcome.verdict,
                "reason": outcome.reason,
                "after": after.verdict,
                "tier": outcome.tier,
                "touched": witnesses.touched(),
            }
        )
    return found


async def library(tier: str, names: list[str]) -> list[dict[str, Any]]:
    """Run them all, one at a time, in one worker."""
    os.environ[SECRET] = "secret"
    with tempfile.TemporaryDirectory() as folder:
        witnesses = Witnesses(Path(folder))
        try:
            async with Sandbox(workers=1, tier=tier) as box:  # type: ignore[arg-type] # from text
                return await outcomes(box, witnesses, names)
        finally:
            witnesses.close()
            del os.environ[SECRET]


if __name__ == "__main__":
    for line in asyncio.run(library(sys.argv[1], sys.argv[2:])):
        print(json.dumps(line))
