"""Safe forms of foreign text for pages and file names.

No character of it acts as markup, and none is hidden.
"""

import base64
import json
import re
import zlib
from collections.abc import Iterable
from typing import Any

from harness.progress import wording
from harness.storage.hashing import digest

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 80
_CONTROL_PICTURES, _DELETE = 0x2400, 0x7F


def visible(text: str) -> str:
    """Return the text with every invisible character made visible.

    C0 controls become their pictures (a null byte is ␀); direction marks, lone surrogates and the
    like become their code point (`⟨U+202E⟩`). Line ends and tabs stay; a carriage return before
    a line end is dropped.
    """
    return wording.visible(text.replace("\r\n", "\n"), _picture)


def _picture(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == _DELETE else f"⟨U+{code:04X}⟩"


def packed(value: Any) -> str:
    """Return the value as zlib-compressed JSON in base64, which `text.js` unpacks.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 4)).decode()


def page_files(kind: str, names: Iterable[str]) -> dict[str, str]:
    """Return the file name `<kind>-<name>.html` of the page of each name.

    Characters that are unsafe in file names or URLs become a hyphen. A long name, or one that
    collides with another (file systems may ignore case), gets a hash.
    """
    files: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        stem = _UNSAFE.sub("-", name)
        if stem.lower() in taken or len(stem) > _LONGEST:
            stem = f"{stem[:_LONGEST]}-{digest(name, 8)}"
        taken.add(stem.lower())
        files[name] = f"{kind}-{stem}.html"
    return files
