"""ASDiv: diverse word problems of grades 1 to 6 (Miao et al. 2020, arXiv 2106.15772; CC BY-NC 4.0).

`asdiv` is all 2,305 problems of the XML file, `asdiv:eurus` the 618 rows of the LILA form with
split "test", on which Eurus is evaluated, under its protocol (`eval_suites.problems.eurus`). Chat
without examples; the question is `Body` and `Question`. No problem is left out, where most
harnesses drop the 90 with several numbers or keep single numbers only; `number/accuracy` (2,096
problems) and its like tell them apart. The other kinds (`grading/kinds.py`): several numbers (90),
all of them and no other, in any order, for the file does not keep the order of the question (a
horse and a saddle: the saddle first); words (59); ratios (43), equal in value; times of day (17).
`accuracy` reads what the answer declares, `accuracy_flexible` the last numbers, ratio or time of
the text (of words, the same as `accuracy`). Gold is upstream's, its faults included (nluds-1411
asks for one age and lists two wrong ones).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

from eval_suites.files import malformed, read_array, read_text
from eval_suites.grading.declarations import declared_text
from eval_suites.grading.kinds import RATIO, SEVERAL, TIME, Kind, same_words
from eval_suites.grading.numbers import normalise
from eval_suites.problems import eurus, one_turn
from eval_suites.problems.one_turn import CHAT_DECODING, in_subset
from eval_suites.requests import Answer
from eval_suites.scores import Score
from eval_suites.suite import SamplingRules, Suite

XML_FILE = "asdiv/ASDiv.xml.gz"
LILA_FILE = "asdiv/lila_asdiv.json.gz"
KindName = Literal["number", "numbers", "ratio", "time", "words"]
# A unit is in brackets; -(1/3) is a number.
_UNIT = re.compile(r"\((?![\d/ ]+\))[^()]*\)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:/\d+)?")
_PLACE = re.compile(r"(?:the )?(\d+)(?:st|nd|rd|th)(?: caller)?\.?", re.IGNORECASE)
_CLOCK = re.compile(r"\d+:\d+(?::\d+)?(?: [ap]\.m\.)?")
INSTRUCTION = (
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}; "
    "if it is several numbers, write all of them there, separated by commas."
)
_KINDS: Mapping[str, Kind] = {"numbers": SEVERAL, "ratio": RATIO, "time": TIME}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and its closing question, with the gold answer before its unit and its kind."""

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
            fault = "ID, Body, Question or Answer is missing"
            raise malformed(f"{XML_FILE}, problem {name or number}", fault)
        body, question, answer = texts
        gold, kind = gold_of(answer, ratio=node.findtext("Solution-Type") == "Ratio")
        yield Problem(name, f"{body} {question}", question, gold, kind)


def eurus_problems(folder: Path | None) -> Iterator[Problem]:
    """Yield the rows of the LILA form with split "test"; gold is the first listed answer."""
    fields = ("Input", "split")
    for number, row in read_array(folder, LILA_FILE, fields, key="Instances"):
        if row["split"] != "test":
            continue
        answers = row.get("Output Answer")
        if not (isinstance(answers, list) and answers and isinstance(answers[0], str)):
            raise malformed(f"{LILA_FILE}, row {number}", "no text in 'Output Answer'")
        gold, kind = gold_of(answers[0], ratio=True)
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


def _score(problem: Problem, answer: Answer) -> Score:
    if problem.kind == "number":
        return in_subset(one_turn.number_score(answer, problem.gold), problem.kind)
    declaration = declared_text(answer.text)
    if kind := _KINDS.get(problem.kind):
        right = kind.agrees(problem.gold, declaration or "")
        flexible = kind.agrees(problem.gold, answer.text, last=True)
    else:
        right = same_words(problem.gold, declaration or "", problem.closing_question)
        flexible = right
    return in_subset(one_turn.words_score(answer, declaration, right, flexible), problem.kind)


FULL: Suite[Problem] = Suite(
    name="asdiv",
    version="3",
    source="chaochun/nlu-asdiv-dataset @ 883f90a9a65bf00304ba8f37423910fe743abc47",
    licence="CC BY-NC 4.0",
    headline=one_turn.HEADLINE,
    load=lambda folder: tuple(problems(folder)),
    ask=one_turn.ask_question(INSTRUCTION, CHAT_DECODING),
    score=one_turn.score_answer(_score),
    sampling=SamplingRules(decoding=CHAT_DECODING),
)
EURUS: Suite[Problem] = replace(
    eurus.variant(FULL, "asdiv:eurus", version="4"),
    source="OpenBMB/Eurus @ fd72db1861ef009fede0dbe5bcc9893c9012dacf",
    load=lambda folder: tuple(eurus_problems(folder)),
)
