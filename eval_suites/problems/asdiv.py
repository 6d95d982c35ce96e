"""The problems of ASDiv: read from the XML file or the LILA form, each gold answer with its kind.

Gold is what stands before the unit in brackets in `Answer`. Its kinds: a number (a fraction and a
place such as `6th` too), several numbers, a ratio, a time of day, words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree as ET

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_array, read_text
from eval_suites.grading.answers import normalise

XML_FILE = "asdiv/ASDiv.xml.gz"
LILA_FILE = "asdiv/lila_asdiv.json.gz"
KindName = Literal["number", "numbers", "ratio", "time", "words"]
# A unit is in brackets; -(1/3) is a number.
_UNIT = re.compile(r"\((?![\d/ ]+\))[^()]*\)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:/\d+)?")
_PLACE = re.compile(r"(?:the )?(\d+)(?:st|nd|rd|th)(?: caller)?\.?", re.IGNORECASE)
_CLOCK = re.compile(r"\d+:\d+(?::\d+)?(?: [ap]\.m\.)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem, the question that it ends with, its gold answer without units, and its kind."""

    id: str
    question: str
    asked: str
    gold: str
    kind: KindName


def problems(folder: Path | None) -> Iterator[Problem]:
    """All problems of the XML file; raises `DataError` with the problem's ID."""
    for number, one in enumerate(_tree(read_text(folder, XML_FILE)).iter("Problem")):
        texts = [(one.findtext(tag) or "").strip() for tag in ("Body", "Question", "Answer")]
        name = one.get("ID")
        if not name or not all(texts):
            where = f"{XML_FILE}, problem {name or number}"
            raise DataError(f"{where}: ID, Body, Question or Answer is missing; {AGAIN}")
        body, asked, answer = texts
        gold, kind = gold_of(answer, ratio=one.findtext("Solution-Type") == "Ratio")
        yield Problem(name, f"{body} {asked}", asked, gold, kind)


def eurus_problems(folder: Path | None) -> Iterator[Problem]:
    """The rows of the LILA form with split "test"; gold is the first listed answer."""
    fields = ("Input", "split")
    for number, row in read_array(folder, LILA_FILE, fields, key="Instances"):
        if row["split"] == "test":
            gold, kind = gold_of(_first(row.get("Output Answer"), number), ratio=True)
            yield Problem(str(number), row["Input"], row["Input"], gold, kind)


def gold_of(answer: str, *, ratio: bool) -> tuple[str, KindName]:
    """The answer without its unit, and its kind; `ratio` says that `7:50` is no time."""
    bare = re.sub(r"\s+;", ";", _UNIT.sub("", answer)).strip()
    number = re.sub(r"[()]", "", bare)
    if found := _PLACE.fullmatch(bare):
        return found[1], "number"
    if _NUMBER.fullmatch(number):
        return normalise(number), "number"
    if ";" in bare:
        return bare, "numbers"
    if _CLOCK.fullmatch(bare):
        return bare, "ratio" if ratio else "time"
    return bare, "words"


def _tree(text: str) -> ET.Element:
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text):
        raise DataError(f"{XML_FILE}: declares entities, upstream's does not; {AGAIN}")
    try:
        return ET.fromstring(text)  # noqa: S314 - entities, the danger, are refused above
    except ET.ParseError as error:
        raise DataError(f"{XML_FILE}: no XML ({error}); {AGAIN}") from error


def _first(answers: Any, row: int) -> str:
    if isinstance(answers, list) and answers and isinstance(answers[0], str):
        return answers[0]
    raise DataError(f"{LILA_FILE}, row {row}: no text in 'Output Answer'; {AGAIN}")
