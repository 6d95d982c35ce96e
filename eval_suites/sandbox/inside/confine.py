"""The confinement of a case, in the order in which each step is still allowed."""

import errno
import math
import os
import resource
import signal
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from . import kernel, seccomp

OPEN_FILES = 64
#: A candidate's own processes and threads; a fresh user namespace counts none but them.
PROCESSES = 48
#: Without one (tier B) the user's other processes count too.
PROCESSES_SHARED = 4096
_SCRATCH_FILES = 1024
_ASIDE = 100  # above all descriptors that a zygote has
#: Of a worker, whose cases run one after the other. Nothing can stay in an empty network that only
#: its owner may change, and a fresh one for each case costs more than all its other namespaces.
_WORKERS = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS
#: Of a case, beside its processes (`own_namespaces`).
_CASES = kernel.CLONE_NEWUSER | kernel.CLONE_NEWIPC | kernel.CLONE_NEWNS

# Landlock: the files of a candidate where no mount namespace holds it (tier B).
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_WANT_VERSION = 1
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
# The number of rights of files in each version of the interface (linux/landlock.h).
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_TRUNCATE_AND_MORE = 16
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11


class Place(NamedTuple):
    """The place of a case. No dataclass: `dataclasses` loads 20 modules, and every fork would pay.

    Attributes:
        tier: its containment: "A" fresh namespaces in bubblewrap, "B" Landlock, "unsafe" nothing.
        scratch: the folder that it may write to.
        user: the user to become; None for the one that started it.
        packages: the folder of packages that it may import, "" for none.
        readable: folders that it may read in tier B.
    """

    tier: str
    scratch: str
    user: int | None = None
    packages: str = ""
    readable: Sequence[str] = ()


def own_namespaces() -> Callable[[], int]:
    """Continue as the first process of a pid namespace of one's own, with rights over it.

    Network and host name are new too, and stay for all cases. The process that calls this waits for
    the one that goes on, and ends as it does.

    Returns:
        A function that forks as `os.fork`; the child is the first of a new pid namespace, whose end
        ends all in it.
    """
    _leave(_WORKERS)
    if (first := os.fork()) != 0:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)

    def fork() -> int:
        # Both calls are about the children to come, not about this process. Only in a pid namespace
        # of its own may a process make others for its children and come back.
        kernel.libc("unshare", kernel.CLONE_NEWPID)
        if (child := os.fork()) != 0:
            kernel.libc("setns", own, kernel.CLONE_NEWPID)
        return child

    return fork


def _leave(namespaces: int) -> None:
    """Enter fresh namespaces, in which this process's user is itself and nobody else exists."""
    user, group = os.getuid(), os.getgid()
    kernel.libc("unshare", namespaces)
    # The kernel lets a process without privileges map groups only when it gave up setgroups.
    kernel.write("/proc/self/setgroups", "deny")
    kernel.write("/proc/self/uid_map", f"{user} {user} 1")
    kernel.write("/proc/self/gid_map", f"{group} {group} 1")


def quiet(keep: tuple[int, ...]) -> tuple[int, ...]:
    """Drop terminal, environment and all descriptors but `keep`; return the new places of these."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    aside = [os.dup2(end, _ASIDE + number) for number, end in enumerate(keep)]
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.closerange(3, _ASIDE)
    kept = tuple(os.dup2(end, 3 + number) for number, end in enumerate(aside))
    os.closerange(_ASIDE, _ASIDE + _ASIDE)
    os.environ.clear()
    return kept


def bound(job: dict[str, Any], processes: int | None) -> None:
    """Set the limits of resources of this process and its children.

    The watch ends a case that is out of CPU time; the limit a second above is for when it cannot.
    It has no soft half: a signal that could be ignored would come first.
    """
    cpu = math.ceil(job["cpu_s"]) + 1
    bounds = {
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_AS: job["memory_bytes"],
        resource.RLIMIT_FSIZE: job["output_bytes"],
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
    }
    if processes is not None:
        bounds[resource.RLIMIT_NPROC] = processes
        bounds[resource.RLIMIT_MEMLOCK] = 0
        bounds[resource.RLIMIT_MSGQUEUE] = 0
    for name, limit in bounds.items():
        ceiling = resource.getrlimit(name)[1]
        value = limit if ceiling == resource.RLIM_INFINITY else min(limit, ceiling)
        resource.setrlimit(name, (value, value))


def confine(job: dict[str, Any], place: Place) -> None:
    """Take the last steps before untrusted code: files, limits, no privileges, fewer calls."""
    if place.tier == "A":
        _leave(_CASES)
        # An empty folder to work in, and an empty /proc, which hides all processes.
        flags = kernel.MS_NOSUID | kernel.MS_NODEV
        options = f"size={job['output_bytes']},nr_inodes={_SCRATCH_FILES},mode=700"
        _mount(place.scratch, flags, options)
        _mount("/proc", flags | kernel.MS_RDONLY | kernel.MS_NOEXEC, "size=4k,mode=555")
    os.chdir(place.scratch)
    bound(job, PROCESSES if place.tier == "A" else PROCESSES_SHARED)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if place.tier == "A":
        kernel.libc("capset", struct.pack("=Ii", kernel.CAPABILITIES_3, 0), bytes(24))
        kernel.filter_calls(seccomp.program())
    elif place.tier == "B":
        _restrict(place)
        kernel.filter_calls(seccomp.program(own=os.getpid()))


def _mount(folder: str, flags: int, options: str) -> None:
    """Mount an empty file system in memory over a folder, for this process alone."""
    arguments = (b"tmpfs", folder.encode(), b"tmpfs", flags, options.encode())
    kernel.libc("mount", *arguments, label=f"mount {folder}")


def _restrict(place: Place) -> None:
    """Let this process read below some folders, write to its scratch folder, touch nothing else.

    From version 6 of Landlock on, signals and abstract sockets do not leave it either.

    Raises:
        OSError: the kernel has no Landlock.
    """
    try:
        version = kernel.call(_CREATE, None, 0, _WANT_VERSION)
    except OSError:
        raise OSError(errno.ENOSYS, "the kernel has no Landlock") from None
    every = (1 << _RIGHTS.get(version, _TRUNCATE_AND_MORE)) - 1
    network = 0b11 if version >= 4 else 0
    scoped = _SIGNALS_AND_ABSTRACT_SOCKETS if version >= 6 else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = struct.pack("=QQQ", every, network, scoped)[:size]
    rules = kernel.call(_CREATE, attributes, size, 0)
    for folders, rights in ((place.readable, _READ), ([place.scratch], every)):
        for folder in folders:
            below = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", rights & every, below)
            kernel.call(_ADD, rules, _PATH_BENEATH, rule, 0)
            os.close(below)
    kernel.call(_RESTRICT, rules, 0)
    os.close(rules)
