"""The system calls of a candidate: a BPF filter, assembled here.

Denied are calls that change namespaces or mounts, look into other processes, load code into the
kernel or reach its rarely trodden parts. The numbers are from the kernel's tables
(arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
"""

import errno
import functools
import os
import struct

from . import kernel

# name: (x86_64, aarch64)
_OTHER_PROCESSES = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
} | {"process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438)}
_NAMESPACES_AND_MOUNTS = (
    {"unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39)}
    | {"pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428)}
    | {"move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431)}
    | {"fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442)}
    | {"open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264)}
)
_CODE = {"init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106)} | {
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
}
_RARELY_TRODDEN = (
    {"perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425)}
    | {"io_uring_enter": (426, 426), "io_uring_register": (427, 427), "add_key": (248, 217)}
    | {"request_key": (249, 218), "keyctl": (250, 219)}
)
_MACHINE_WIDE = (
    {"reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "syslog": (103, 116)}
    | {"acct": (163, 89), "quotactl": (179, 60), "settimeofday": (164, 170)}
    | {"clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171)}
    | {"sethostname": (170, 161), "setdomainname": (171, 162), "personality": (135, 92)}
)
_DENIED = _OTHER_PROCESSES | _NAMESPACES_AND_MOUNTS | _CODE | _RARELY_TRODDEN | _MACHINE_WIDE
_CLONE = (56, 220)
_CLONE3 = (435, 435)
# Where no namespace holds a candidate (tier B), these would reach beyond it.
_ALONE = (
    {"socket": (41, 198), "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131)}
    | {"rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434)}
    | {"pidfd_send_signal": (424, 424), "prlimit64": (302, 261)}
    | {"sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119)}
    | {"sched_setparam": (142, 118), "setpriority": (141, 140), "ioprio_set": (251, 30)}
    | {"shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180)}
)
_TO_ITSELF = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "prlimit64")
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _MACHINE, _FIRST = 0, 4, 16  # offsets in struct seccomp_data


@functools.cache
def program(own: int | None = None) -> bytes:
    """Return the filter for this machine.

    Args:
        own: where no namespaces hold the candidate, its process id: signals to others, sockets and
            shared memory are denied too.

    Raises:
        OSError: the machine is neither x86_64 nor aarch64.
    """
    if (name := os.uname().machine) not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no list of system calls for {name}")
    column, machine = _MACHINES[name]
    lines = [_line(_LOAD, _MACHINE), _line(_EQUAL, machine, 1, 0), _line(_RETURN, _KILL)]
    lines.append(_line(_LOAD, _NUMBER))
    if column == 0:
        lines += [_line(_AT_LEAST, _X32, 0, 1), _line(_RETURN, _KILL)]
    denied = _DENIED if own is None else _DENIED | _ALONE
    lines += [
        _refused(denied[name][column], errno.EPERM) for name in denied if name not in _TO_ITSELF
    ]
    # The C library takes clone where clone3 does not exist; its flags can be read here.
    lines.append(_refused(_CLONE3[column], errno.ENOSYS))
    lines.append(_first_argument(_CLONE[column], _ANY_BIT, kernel.CLONE_NEW, refuse=True))
    for name in _TO_ITSELF if own is not None else ():
        # The C library sets limits of this process by the number 0.
        itself = 0 if name == "prlimit64" else own or 0
        lines.append(_first_argument(_ALONE[name][column], _EQUAL, itself, refuse=False))
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value & 0xFFFFFFFF)


def _refused(number: int, error: int) -> bytes:
    return _line(_EQUAL, number, 0, 1) + _line(_RETURN, _ERROR | error)


def _first_argument(number: int, test: int, value: int, *, refuse: bool) -> bytes:
    """Return the lines that refuse a call where the test of its first argument holds (or not)."""
    error, fine = _line(_RETURN, _ERROR | errno.EPERM), _line(_RETURN, _ALLOW)
    tested = _line(_EQUAL, number, 0, 4) + _line(_LOAD, _FIRST) + _line(test, value, 0, 1)
    return tested + (error + fine if refuse else fine + error)
