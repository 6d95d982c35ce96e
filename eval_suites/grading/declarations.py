r"""The text that a response declares as its answer: one rule for all graders.

Reasoning in `<think>` is never read. A response ends where a line opens another problem
(`Question:`, `Q:`), once something is declared before it. The strongest form of declaration counts:

1. `\boxed{}`; boxes side by side are one answer,
2. `<answer>...</answer>`,
3. `####`, unless it is a Markdown heading,
4. a phrase: "the answer is", "the answer must be", "Answer:", "Final answer:", the heading Answer,
   up to the end of its sentence.

Of several in one form the last counts that says anything of the expected kind, so that a remark
("This answer is correct.") hides nothing, while a second answer does replace the first.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
Extent = Callable[[str, re.Match[str]], str | None]

_BOX = re.compile(r"\\f?boxed\s*\{|\\fbox\s*\{")
# An escaped brace is printed: it opens and closes nothing.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# The answer stands on the line of its mark; a number may stand on the next.
_HASHES = re.compile(r"(?<!#)#{4,}+[ \t]*+(?:\n\s*+(?=[-$]?[0-9]))?(?=\S)")
# A heading is counted (`#### 1. Setup`), or titled (`#### Step 2`, `#### 1.2 Setup`) above a text.
_COUNTED = re.compile(r"[0-9]+(?:\.[0-9]+)*[.):][ \t*]+[^\W\d_]")
_TITLED = re.compile(
    r"\**(?:[0-9]+(?:\.[0-9]+)*[ \t]+)?(?!(?:True|False|Yes|No|Valid|Invalid)\b)[A-Z][a-z]+"
)
#: The boxes that are read, from the end: each unclosed one costs a walk through the text.
_MOST_BOXES = 20
#: The other marks of an answer that are read, from the end.
_MOST_MARKS = 50

_THOUGHTS = re.compile(r"^.*?</think>|<think>.*?(?:</think>|\Z)", re.DOTALL)
_NEXT_PROBLEM = re.compile(
    r"(?<=\S)\s*\n(?:[ \t#*]*(?=(?:Question|Problem|Exercise|Example|Q|Human|User|Instruction)"
    r"(?:\s+[0-9]+)?\**\s*:)|[ \t]*[#*]+[ \t]*(?=(?:Question|Problem|Exercise)\s+[0-9]+[*\s]*\n))"
)
_TAG = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.IGNORECASE)
_ABOUT = (
    r"(?:\s*\([^()\n]{1,40}\)|\s+(?:to|for|of|in|on|here|then|therefore|thus)\b[^.\n:=?!]{0,60}?)?"
)
_VERB = (
    r"(?:is|are|was|were|equals|(?:must|should|would|will|can|could)(?:\s+only)?\s+be"
    r"|comes\s+(?:out\s+)?to)\b"
)
_ANSWER = r"\b(?:answers?|(?:correct|right|best)\s+(?:option|choice))"
_BEHIND = r"[\s:=*_]*"
_OPENING = re.compile(r"(?:\\\[|\$\$)\s*")
_PHRASE = re.compile(
    rf"{_ANSWER}[*_]*{_ABOUT}\s*[*_]*(?:{_VERB}{_BEHIND}|(?P<colon>[:=]){_BEHIND})"
    r"|^[ \t#*_]*(?:final\s+|correct\s+)?answer[ \t*_]*\n\s*",
    re.IGNORECASE | re.MULTILINE,
)
#: A full stop before more text without a space, or in "p.m.", ends no sentence.
_SENTENCE_END = re.compile(r"\n|(?<!\b[ap]\.m)[.!?](?=[\"')\]}*`$]*(?:\s|$))", re.IGNORECASE)
_ITEM_NUMBER = re.compile(r"(?:^|(?<=\s))(?:\(?\d+[.)]|[-*\u2022])(?=\s)")
_ITEM = re.compile(r"\s*(?:\(?\d+[.)]|[-*\u2022])?\s*\S+\s*")
_REMARK = re.compile(
    r"\W*(?:(?:also|indeed|really|very|quite|not|in\s+fact|thus|clearly)\s+)*(?:correct|right|wrong"
    r"|incorrect|clear|reasonable|consistent|plausible|verified|confirmed|unique|sensible|sound"
    r"|justified|accurate|complete|checked|found|given|obtained|shown|as\s+follows|(?:above|below)(?=\W*$))\b",
    re.IGNORECASE,
)
#: The most words of an answer behind "Answer:" with more sentences behind it.
_SHORT = 3
_NOUN = (
    r"(?!(?:no|not|nope|wait|then|so|but|is|are|was|because|since|which|wrong|instead|hmm|actually"
    r"|if|thus|hence|than|from|first|sorry|oops)\b)[a-z]{2,12}"
)
#: Text between two boxes that are one answer.
_BETWEEN = re.compile(
    rf"(?:[ \t\n$,;&]|\\[(),;!:\[\] ]|\\q?quad|and|or|\b{_NOUN}\b(?=[ \t]*(?:,|and\b))"
    r"|\\(?:text|mbox)\s*\{\s*,?\s*(?:[a-z]{1,12}\s*,?\s*)?(?:and|or)?\s*\})*"
)
_LONGEST_BETWEEN = 60


def declared(
    text: str,
    says: Callable[[str], bool],
    read: Callable[[str], T | None],
    extent: Extent | None = None,
) -> T | None:
    """Return the reading of what a response declares; None where it declares nothing readable.

    Args:
        text: the response.
        says: True for a text that says something of the expected kind; others are remarks.
        read: the value of such a text, or None where it declares no single value.
        extent: the part of the text behind a phrase that it declares; its sentence by default.
    """
    for part in parts(text):
        content = next(filter(says, _contents(part, extent or sentence_behind)), None)
        if content is not None:
            return read(content)
    return None


def declared_text(text: str, extent: Extent | None = None) -> str | None:
    """Return the text that a response declares and that is no remark; None without one."""
    return declared(text, lambda content: not is_remark(content), str, extent)


def parts(text: str) -> tuple[str, ...]:
    """Return a response without its reasoning, cut where a line opens another problem."""
    return tuple(part for part in _NEXT_PROBLEM.split(without_thoughts(text)) if part.strip())


def without_thoughts(text: str) -> str:
    """Return a response without its `<think>` blocks, also one that was cut or opens unmarked."""
    return _THOUGHTS.sub("", text) if "think>" in text else text


def _contents(text: str, extent: Extent) -> Iterator[str]:
    """Yield the texts that a response marks as its answer, the strongest and last first."""
    if (content := boxed(text)) is not None:
        yield content
    for tag in _last(_TAG.finditer(text)):
        yield tag[1].strip()
    for start in _hashed(text):
        line = text[start:].partition("\n")[0]
        *_, place = (0, *(phrase.end() for phrase in _PHRASE.finditer(line)))
        yield (line[place:] or line).strip(" \t*_")
    for phrase in _last(_PHRASE.finditer(text)):
        if content := extent(text, phrase):
            yield content


def last_box(text: str) -> str | None:
    r"""Return the content of the last non-empty `\boxed{}`; an unclosed one ends with its line."""
    return next((content for _, content, _ in _boxes(text)), None)


def _boxes(text: str) -> Iterator[tuple[int, str, int]]:
    r"""Yield start, content and end of the non-empty `\boxed{}`s of a text, the last one first."""
    for opening in _last(_BOX.finditer(text), _MOST_BOXES):
        content = _until_closed(text, opening.end())
        if content.strip():
            yield opening.start(), content, opening.end() + len(content) + 1


def boxed(text: str) -> str | None:
    """Return the content of the last box, with that of boxes side by side before it."""
    joined: list[str] = []
    behind = 0
    for start, content, end in _boxes(text):
        if joined and not (end <= behind and _is_joint(text[end:behind])):
            break
        if content.strip() not in joined:
            joined.append(content.strip())
        behind = start
    return ", ".join(reversed(joined)) or None


def _hashed(text: str) -> Iterator[int]:
    """Yield the places behind each `####`, the last one first; Markdown headings are left out.

    A number is an answer, with a unit or a full stop or without: `#### 42`, `#### $42 a day.`; but
    not with a word in capitals behind it and text below.
    """
    last_line = text.rstrip().rfind("\n")
    for mark in _last(_HASHES.finditer(text)):
        titled = mark.end() < last_line and _TITLED.match(text, mark.end())
        if not (titled or _COUNTED.match(text, mark.end())):
            yield mark.end()


def _last(marks: Iterable[re.Match[str]], most: int = _MOST_MARKS) -> Iterator[re.Match[str]]:
    return reversed(deque(marks, most))


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text that are not blank."""
    return (part.strip() for part in _SENTENCE_END.split(text) if part.strip())


def is_remark(text: str) -> bool:
    """Return True for words about an answer that name none: "correct", "found by adding"."""
    return _REMARK.match(text) is not None


def items_behind(text: str, phrase: re.Match[str]) -> str | None:
    """Return what stands behind a phrase up to a blank line or the end of its last sentence.

    Lines below the first belong to it while each is an item: one word, numbered or not.
    """
    first, *lines = text[phrase.end() :].split("\n")
    items = [_ITEM_NUMBER.sub(" ", first)]
    for line in lines:
        if not _ITEM.fullmatch(line):
            break
        items.append(_ITEM_NUMBER.sub(" ", line))
    return _SENTENCE_END.sub("\0", " ".join(items)).partition("\0")[0].strip() or None


def sentence_behind(text: str, phrase: re.Match[str]) -> str | None:
    """Return the sentence behind a phrase; None where "Answer:" only opens a solution."""
    opening = _OPENING.match(text, phrase.end())
    line = text[(opening or phrase).end() :].partition("\n")[0]
    first, *rest = _SENTENCE_END.split(line, maxsplit=1)
    opens = phrase["colon"] and rest and rest[0].strip(" *_`$\"')") and len(first.split()) > _SHORT
    return None if opens else first.strip(" \t*_") or None


def _is_joint(between: str) -> bool:
    is_short = len(between) <= _LONGEST_BETWEEN and "\n\n" not in between
    return is_short and _BETWEEN.fullmatch(between) is not None


def _until_closed(text: str, start: int) -> str:
    depth = 1
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return text[start : brace.start()]
    return text[start:].split("\n", 1)[0]
