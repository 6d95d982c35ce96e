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

from eval_suites.files import malformed, read_array, read_text
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
    """A problem, its closing question, its gold answer without units, and the kind of that."""

    id: str
    question: str
    closing_question: str
    gold: str
    kind: KindName


def problems(folder: Path | None) -> Iterator[Problem]:
    """Yield all problems of the XML file; raises `DataError` with the problem's ID."""
    for number, node in enumerate(_tree(read_text(folder, XML_FILE)).iter("Problem")):
        texts = [(node.findtext(tag) or "").strip() for tag in ("Body", "Question", "Answer")]
        name = node.get("ID")
        if not name or not all(texts):
            place = f"{XML_FILE}, problem {name or number}"
            raise malformed(place, "ID, Body, Question or Answer is missing")
        body, question, answer = texts
        gold, kind = gold_of(answer, ratio=node.findtext("Solution-Type") == "Ratio")
        yield Problem(name, f"{body} {question}", question, gold, kind)


def eurus_problems(folder: Path | None) -> Iterator[Problem]:
    """Yield the rows of the LILA form with split "test"; gold is the first listed answer."""
    fields = ("Input", "split")
    for number, row in read_array(folder, LILA_FILE, fields, key="Instances"):
        if row["split"] == "test":
            gold, kind = gold_of(_first(row.get("Output Answer"), number), ratio=True)
            yield Problem(str(number), row["Input"], row["Input"], gold, kind)


def gold_of(answer: str, *, ratio: bool) -> tuple[str, KindName]:
    """Return the answer without its unit, and its kind; with `ratio`, `7:50` is no time."""
    bare = re.sub(r"\s+;", ";", _UNIT.sub("", answer)).strip()
    number = re.sub(r"[()]", "", bare)
    if place := _PLACE.fullmatch(bare):
        return place[1], "number"
    if _NUMBER.fullmatch(number):
        return normalise(number), "number"
    if ";" in bare:
        return bare, "numbers"
    if _CLOCK.fullmatch(bare):
        return bare, "ratio" if ratio else "time"
    return bare, "words"


def _tree(text: str) -> ET.Element:
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text):
        raise malformed(XML_FILE, "declares entities, upstream's does not")
    try:
        return ET.fromstring(text)  # noqa: S314 - entities, the danger, are refused above
    except ET.ParseError as error:
        raise malformed(XML_FILE, f"no XML ({error})") from error


def _first(answers: Any, row: int) -> str:
    if isinstance(answers, list) and answers and isinstance(answers[0], str):
        return answers[0]
    raise malformed(f"{LILA_FILE}, row {row}", "no text in 'Output Answer'")
