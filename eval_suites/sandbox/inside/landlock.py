"""Landlock: the files of a candidate where no mount namespace holds it (tier B)."""

import errno
import os
import struct
from collections.abc import Sequence

from . import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_WANT_VERSION = 1
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
# The number of rights of files in each version of the interface (linux/landlock.h).
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_TRUNCATE_AND_MORE = 16
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11


def restrict(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Let this process read below some folders, write below others, and touch nothing else.

    From version 6 on, signals and abstract sockets do not leave it either.

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
    for folders, rights in ((readable, _READ), (writable, every)):
        for folder in folders:
            place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", rights & every, place)
            kernel.call(_ADD, rules, _PATH_BENEATH, rule, 0)
            os.close(place)
    kernel.call(_RESTRICT, rules, 0)
    os.close(rules)
