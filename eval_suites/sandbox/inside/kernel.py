"""System calls that Python has no name for."""

import ctypes
import os
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
_CAPABILITIES_3 = 0x20080522


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def prctl(option: int, value: int, more: int = 0) -> None:
    """Set one attribute of this process."""
    _checked(_LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(more), 0, 0), "prctl")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones (the pid namespace: for children)."""
    _checked(_LIBC.unshare(flags), "unshare")


def enter(namespace: int, kind: int) -> None:
    """Move into an open namespace (a pid namespace: the children to come)."""
    _checked(_LIBC.setns(namespace, kind), "setns")


# The next two do as pathlib would in a tenth of the time: a forked process pays for each page that
# it touches.
def write(path: str, line: str) -> None:
    """Write a line to a file of the kernel's."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def read(path: str) -> bytes:
    """Return the content of a file of the kernel's."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 1 << 20)
    finally:
        os.close(descriptor)


def mount_tmpfs(place: str, flags: int, options: str) -> None:
    """Mount an empty file system in memory over a folder."""
    done = _LIBC.mount(b"tmpfs", place.encode(), b"tmpfs", ctypes.c_ulong(flags), options.encode())
    _checked(done, f"mount {place}")


def drop_capabilities() -> None:
    """Give up every capability of this process."""
    header = struct.pack("=Ii", _CAPABILITIES_3, 0)
    _checked(_LIBC.capset(header, bytes(24)), "capset")


def filter_calls(program: bytes) -> None:
    """Let a BPF program decide over every system call of this process from now on."""
    given = _Program(len(program) // 8, program)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(given))


def call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call by its number and return its result."""
    long = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return _checked(_LIBC.syscall(ctypes.c_long(number), *long), f"system call {number}")


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
