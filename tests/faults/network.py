"""Every address that a command talks to, from its system calls, in a network of its own.

That network has a loopback device and nothing else, so whatever would leave the machine fails,
and is counted.
"""

import ipaddress
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

#: Brings the loopback device up (SIOCSIFFLAGS, IFF_UP) and becomes the command.
_LOOPBACK_UP = (
    "import fcntl, os, socket, struct, sys;"
    "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH14x', b'lo', 1));"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
_ALONE = ("unshare", "--map-root-user", "--net")
_CALLS = "trace=connect,sendto,sendmsg,sendmmsg"
_ADDRESS = re.compile(
    r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([0-9a-fA-F.:]+)"'
)
_NAMES = 53


def unwatchable() -> str:
    """Why no command can be watched here; empty where one can."""
    if shutil.which("strace") is None:
        return "strace is not installed: apt-get install strace"
    try:
        subprocess.run([*_ALONE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespaces for this user ({error})"
    return ""


def watched(log: Path) -> tuple[str, ...]:
    """What to put before a command, so that its calls and those of its children go to a log."""
    inside = (sys.executable, "-c", _LOOPBACK_UP)
    # The filter lets all other calls through at full speed.
    trace = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", _CALLS, "-e", "signal=none")
    return (*_ALONE, *inside, *trace, "-o", str(log))


def addresses(log: Path) -> Counter[tuple[str, int]]:
    """Address and port of every call in a log that names one."""
    found = _ADDRESS.findall(log.read_text(encoding="utf-8", errors="replace"))
    return Counter((address, int(port)) for port, address in found)


def outward(asked: Counter[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Those that would leave the machine: not loopback, or a name server, wherever it is."""
    return sorted(
        (address, port)
        for address, port in asked
        if port == _NAMES or not ipaddress.ip_address(address).is_loopback
    )
