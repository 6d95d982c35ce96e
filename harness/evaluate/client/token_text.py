"""Tokens as text that is safe to print: nothing in data acts on the terminal or its markup."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from rich.text import Text

#: Control characters, invisible format characters (bidirectional overrides among them),
#: surrogates, line and paragraph separators.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_TRAINED = ("green", "cyan")


def visible(text: str) -> str:
    """Return the text with every character that is not plainly printable as its escape."""
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def pieces(tokenizer: Any, ids: Sequence[int]) -> tuple[str, ...]:
    """Return the text of each token; for a part of a character, its vocabulary entry."""
    return tuple(_piece(tokenizer, token) for token in ids)


def _piece(tokenizer: Any, token: int) -> str:
    entry = str(tokenizer.convert_ids_to_tokens([token])[0])
    text = str(tokenizer.decode([token], clean_up_tokenization_spaces=False))
    if not text or "\ufffd" in text:
        return visible(entry)
    # SentencePiece drops the space in front of what it decodes.
    space = " " if entry.startswith("▁") and not text.startswith(" ") else ""
    return visible(space + text)


def prompt_text(parts: Sequence[str]) -> Text:
    """Return tokens that are read and not trained, dim."""
    return Text("".join(parts), style="dim")


def response_text(parts: Sequence[str], *, plain: bool) -> Text:
    """Return tokens that are trained, in alternating colours; where plain, each in brackets."""
    if plain:
        return Text("".join(f"[{part}]" for part in parts))
    text = Text()
    for place, part in enumerate(parts):
        text.append(part, style=_TRAINED[place % 2])
    return text
