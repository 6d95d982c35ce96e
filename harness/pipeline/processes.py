"""Our processes: no child outlives its parent, and nothing in them reports or prints unasked.

Packages read their settings from the environment, some when they are imported: the settings come
before any of them, and processes that are started later inherit them. A setting of the user's
stays.
"""

import contextlib
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
#: No calls to their makers from the hub client (versions and agents in its requests), MLflow (calls
#: and their origin) and vLLM (the machine and the model).
_NO_TELEMETRY = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
}
_QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def switch_off_telemetry() -> None:
    """Report nothing to the makers of the packages that this one builds on."""
    for name, value in _NO_TELEMETRY.items():
        os.environ.setdefault(name, value)


def silence_libraries() -> None:
    """Keep the libraries of a stage from printing bars and warnings."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def end_with_parent() -> None:
    """Let the kernel kill this process with its parent, and a watchdog its group with it (Linux).

    The watchdog guards a process that leads its session.
    """
    # Whoever started us interrupts us by SIGINT, which a background process ignores by default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "linux":
        return
    import ctypes  # only a stage needs it, and it takes time

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getpgrp() == os.getpid():
        command = [sys.executable, "-I", "-S", "-c", _WATCHDOG, str(os.getpid())]
        nothing = subprocess.DEVNULL
        subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)


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
