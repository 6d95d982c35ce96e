"""No child outlives its parent: death signals, and a watchdog for grandchildren (Linux)."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1
# A process of its own: when the stage that started it dies, it kills what is left of the group.
# It reads its parent's death from the kernel's signal, so no pipe that a fork could keep open.
_WATCHDOG = """
import ctypes, os, signal, sys
parent = int(sys.argv[1])
def end(*_):
    os.killpg(parent, signal.SIGKILL)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGUSR1, end)
ctypes.CDLL(None).prctl(1, signal.SIGUSR1)
if os.getppid() != parent:
    end()
while True:
    signal.pause()
"""


def die_with_parent(sig: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to send this process `sig` when its parent dies. No-op off Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sig)


def guard_group() -> None:
    """Start the watchdog of this process group; call it in a process that leads its session."""
    if sys.platform != "linux" or os.getpgrp() != os.getpid():
        return
    subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WATCHDOG, str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end_group(process: "subprocess.Popen[bytes]", patience_s: float = 10.0) -> None:
    """Interrupt a process that leads its group, wait, then kill the whole group."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
