"""Run by test_vllm.py as a script of its own: vLLM starts its core by importing the main module.

Reads a pickled list (spec, requests, pairs) from the first argument and writes what the engine
gave to the second; then starts an engine again and kills its core under a waiting request.
"""

import asyncio
import os
import pickle
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.engines.base import EngineGone
from harness.engines.options import EngineSpec
from harness.engines.registry import make


def parents() -> dict[int, int]:
    """Every live process (no zombies) and its parent, from /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z":
            found[int(folder.name)] = int(fields[1])
    return found


def below(pid: int, tree: dict[int, int]) -> set[int]:
    """The process ids under a process, but for Python's own resource tracker."""
    own = {child for child, parent in tree.items() if parent == pid and not is_tracker(child)}
    return own.union(*(below(child, tree) for child in own))


def is_tracker(pid: int) -> bool:
    try:
        return "resource_tracker" in Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def running() -> set[int]:
    """What the engine started: its core and the core's workers."""
    return below(os.getpid(), parents())


def left(before: set[int], patience_s: float = 60.0) -> int:
    """How many of these still live after a while; workers of a killed core need a moment."""
    end = time.monotonic() + patience_s
    while before & parents().keys() and time.monotonic() < end:
        time.sleep(0.1)
    return len(before & parents().keys())


async def work(spec: EngineSpec, requests: list[Any], pairs: list[Any]) -> dict[str, Any]:
    async with make(spec) as engine:
        processes = running()
        answers = await asyncio.gather(*map(engine.complete, requests))
        scores = await asyncio.gather(*(engine.loglikelihood(*pair) for pair in pairs))
    return {
        "answers": answers,
        "scores": scores,
        "running": len(processes),
        "left": left(processes),
    }


async def killed(spec: EngineSpec, request: Any) -> dict[str, Any]:
    async with make(replace(spec, adapters=())) as engine:
        long = replace(request, model="", decoding=replace(request.decoding, max_tokens=900))
        tasks = [asyncio.create_task(engine.complete(long)) for _ in range(3)]
        await asyncio.sleep(0.5)
        processes, tree = running(), parents()
        for pid in [pid for pid in processes if tree[pid] == os.getpid()]:
            os.kill(pid, signal.SIGKILL)
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        later = await asyncio.gather(engine.complete(request), return_exceptions=True)
    gone = [isinstance(error, EngineGone) for error in [*errors, *later]]
    return {"gone": gone, "left_after_kill": left(processes)}


async def both(spec: EngineSpec, requests: list[Any], pairs: list[Any]) -> dict[str, Any]:
    return await work(spec, requests, pairs) | await killed(spec, requests[0])


if __name__ == "__main__":
    what = pickle.loads(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_bytes(pickle.dumps(asyncio.run(both(*what))))
