"""Text that others wrote, made fit for a page: nothing in it acts, nothing in it hides."""

import base64
import json
import unicodedata
import zlib
from typing import Any

from markupsafe import Markup

#: Unicode categories of characters that act or hide: controls, formats, surrogates, line ends.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_PLAIN = "\n\t"
_CONTROL_PICTURES, _DELETE = 0x2400, 0x7F


def visible(text: str) -> str:
    """The text with every character shown that acts or hides.

    C0 controls become their pictures (a null byte is ␀), marks of direction and the like their
    code point (`⟨U+202E⟩`), lone surrogates too. Line ends and tabs stay; a carriage return
    before a line end is dropped.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text.replace("\r\n", "\n")))


def _shown(character: str) -> str:
    if character in _PLAIN or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < ord(" "):
        return chr(_CONTROL_PICTURES + code)
    return "␡" if code == _DELETE else f"⟨U+{code:04X}⟩"


def embedded(value: Any) -> Markup:
    """JSON that may stand inside a script element, whatever its texts hold.

    ASCII only: lone surrogates, U+2028 and U+2029 are escaped by JSON itself; `<`, `>` and `&`
    are too, so that no `</script>` or `<!--` ends or changes the element.

    Raises:
        ValueError: a number that JSON lacks.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above


def packed(value: Any) -> str:
    """JSON, compressed (deflate with zlib's frame) and in base64: what `unpack.js` reads.

    Raises:
        ValueError: a number that JSON lacks.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 4)).decode()
