"""ASDiv: what is asked, how golds of every kind are read and compared, and what verdicts are."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.kinds import RATIO, SEVERAL, TIME, Kind, same_words
from eval_suites.grading.suite_rules import score_sample
from eval_suites.problems.asdiv import KindName, Problem, gold_of
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, FinishReason, Message
from eval_suites.scores import Score

SUITE = find("asdiv")
ASKED = "How long are the pieces?"
PROBLEM = Problem("a-1", f"A 30 ft wire is cut in two. {ASKED}", ASKED, "14; 16", "numbers")
NUMBER = Problem("a-2", "How many pens?", "How many pens?", "1200", "number")
CHAT = (
    "A 30 ft wire is cut in two. How long are the pieces?\n\n"
    "Work through the problem step by step. Then give the final answer alone inside \\boxed{}; "
    "if it is several numbers, write all of them there, separated by commas."
)


def score(text: str, finish: FinishReason = "stop", problem: Problem = PROBLEM) -> Score:
    return score_sample(SUITE, problem, (Answer(text, finish),))


def test_golden_chat_prompt() -> None:
    (request,) = SUITE.ask(PROBLEM, ())
    assert request.messages == (Message("user", CHAT),)
    assert request.decoding == Decoding(max_tokens=512)


# text, how it ended, extracted, accuracy, accuracy_flexible, status
VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"So \boxed{14, 16}.", "stop", "14, 16", 1, 1, "ok"),
    (
        r"\boxed{16 \text{ ft and } 14 \text{ ft}}",
        "stop",
        r"16 \text{ ft and } 14 \text{ ft}",
        1,
        1,
        "ok",
    ),
    (r"\boxed{x = 14, y = 16}", "stop", "x = 14, y = 16", 1, 1, "ok"),
    (r"\boxed{x_1 = 14, x_2 = 16}", "stop", "x_1 = 14, x_2 = 16", 1, 1, "ok"),
    (r"\boxed{14}", "stop", "14", 0, 0, "ok"),
    (r"\boxed{14, 16, 30}", "stop", "14, 16, 30", 0, 0, "ok"),
    (r"\boxed{14, 14}", "stop", "14, 14", 0, 0, "ok"),
    (r"\boxed{-14, 16}", "stop", "-14, 16", 0, 0, "ok"),
    (r"\boxed{14, 16} since 14 + 16 = 30", "stop", "14, 16", 1, 0, "ok"),
    (r"\boxed{1} or \boxed{14,16}", "stop", "14,16", 1, 1, "ok"),
    ("They are 14 and 16\n#### 14; 16", "stop", "14; 16", 1, 1, "ok"),
    ("The answers are 14 ft and 16 ft. I checked.", "stop", "14 ft and 16 ft", 1, 1, "ok"),
    ("One is 14 and one 16.", "stop", None, 0, 1, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("One is 14 and the", "length", None, 0, 0, "truncated"),
    ("```\n3\n```\n```\n14, 16\n```", "stop", None, 0, 1, "unparsed"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize(("text", "finish", "extracted", "strict", "flexible", "status"), VERDICTS)
def test_verdicts(
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    flexible: float,
    status: str,
) -> None:
    given = score(text, finish)
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    assert given.metrics == {
        "accuracy": strict,
        "accuracy_flexible": flexible,
        "numbers/accuracy": strict,
    }


def test_a_single_number_is_read_as_in_gsm8k() -> None:
    assert score(r"\boxed{1,200 \text{ pens}}", problem=NUMBER).metrics == {
        "accuracy": 1.0,
        "accuracy_flexible": 1.0,
        "number/accuracy": 1.0,
    }
    assert score("It is 1,200.", problem=NUMBER).metrics["accuracy_flexible"] == 1.0
    assert score(r"\boxed{1200, 1200}", problem=NUMBER).value == 0.0


# kind, gold, text, whether the text is right
COMPARED: list[tuple[Kind, str, str, bool]] = [
    (SEVERAL, "500; 700", "500,700", True),
    (SEVERAL, "1000; 4000", "1,000 and 4,000", True),
    (SEVERAL, "1000; 4000", r"1{,}000, 4{,}000", True),
    (SEVERAL, "1000; 4000", r"\$1000, \$4000", True),
    (SEVERAL, "8; 128", r"8 \text{ ft}, 128 \text{ ft}^2", True),
    (SEVERAL, "64; 64; 52", r"64^\circ, 64^\circ, 52^\circ", True),
    (SEVERAL, "64; 64; 52", "64, 52, 52", False),
    (SEVERAL, "3.5; 1.8", "3.50; 1.80", True),
    (RATIO, "3:2", "3:2", True),
    (RATIO, "3:2", r"3 : 2", True),
    (RATIO, "3:2", r"3\text{ to }2", True),
    (RATIO, "3:2", r"\frac{3}{2}", True),
    (RATIO, "3:2", "6/4", True),
    (RATIO, "3:2", r"3\!:\!2", True),
    (RATIO, "3:2", "2:3", False),
    (RATIO, "3:2", "1.5", False),
    (RATIO, "3:2", "3", False),
    (TIME, "3:30 p.m.", "3:30 PM", True),
    (TIME, "3:30 p.m.", r"3:30\text{ p.m.}", True),
    (TIME, "3:30 p.m.", "15:30", True),
    (TIME, "3:30 p.m.", "3:30", True),
    (TIME, "3:30 p.m.", "3:30 a.m.", False),
    (TIME, "14:10", "2:10 p.m.", True),
    (TIME, "14:10", "2:10", True),
    (TIME, "14:10", "2:10 am", False),
    (TIME, "12:10", "12:10 pm", True),
    (TIME, "12:10", "0:10", True),
    (TIME, "6:01:00 p.m.", "6:01 p.m.", True),
    (TIME, "9:03:36 a.m.", "9:03 a.m.", False),
    (TIME, "9:24", "9:42", False),
    (TIME, "9:24", "924", False),
]


@pytest.mark.parametrize(("kind", "gold", "text", "right"), COMPARED)
def test_items_are_compared_by_their_kind(kind: Kind, gold: str, text: str, right: bool) -> None:
    assert kind.agrees(gold, text) is right


# gold, found, the question, whether it is right
SPOKEN = [
    ("Sara", "sara", "Who has the taller dog?", True),
    ("Sara", r"\text{Sara.}", "Who has the taller dog?", True),
    ("Sara", "Sara's dog", "Who has the taller dog?", True),
    ("Sara", "Tommy", "Who has the taller dog?", False),
    ("Sara", "Sara and Tommy", "Who has the taller dog?", False),
    ("Kim's toothbrush", "Kim’s", "Whose toothbrush is longer?", True),
    ("Kim's toothbrush", "the toothbrush", "Whose toothbrush is longer?", False),
    ("Vendor 2", "2", "Which vendor is dearer?", True),
    ("Vendor 2", "vendor", "Which vendor is dearer?", False),
    ("The red location", "Red", "Which location has fewer cats?", True),
    ("Red", "red or blue", "Is it red or blue?", False),
    ("Red", "red", "Is it red or blue?", True),
    ("They are equal", "The ratios are the same.", "Which has a higher ratio?", True),
    ("They are equal", "equal", "Which has a higher ratio?", True),
    ("Yes", "Yes, she has enough money", "Does she have enough money?", False),
    ("Yes", "Yes", "Does she have enough money?", True),
    ("Yes", "No", "Does she have enough money?", False),
    ("February 3rd", "3 February", "When is it?", True),
    ("11:55 p.m. on 24 May 2014.", "May 24, 2014, 11:55 PM", "What day and time was it?", True),
    ("Yes", "", "Does she?", False),
]


@pytest.mark.parametrize(("gold", "found", "asked", "right"), SPOKEN)
def test_words_are_compared(gold: str, found: str, asked: str, right: bool) -> None:
    assert same_words(gold, found, asked) is right


@pytest.mark.parametrize(
    ("answer", "ratio", "gold", "kind"),
    [
        ("9 (apples)", False, "9", "number"),
        ("0.25 (sq. ft)", False, "0.25", "number"),
        ("-(1/3)", False, "-1/3", "number"),
        ("The 60th caller.", False, "60", "number"),
        ("1st", False, "1", "number"),
        ("8 (ft); 128 (sq. ft)", False, "8; 128", "numbers"),
        ("7:50", True, "7:50", "ratio"),
        ("7:50", False, "7:50", "time"),
        ("6:01:00 p.m.", False, "6:01:00 p.m.", "time"),
        ("11:55 p.m. on 24 May", False, "11:55 p.m. on 24 May", "words"),
        ("Rug B", False, "Rug B", "words"),
    ],
)
def test_gold_answers_lose_their_unit(answer: str, ratio: bool, gold: str, kind: KindName) -> None:
    assert gold_of(answer, ratio=ratio) == (gold, kind)


@pytest.mark.parametrize("text", ["1," * 30_000, "3:" * 30_000, "a'" * 30_000, r"\text{" * 20_000])
def test_pathological_text_neither_crashes_nor_hangs(text: str) -> None:
    for kind in ("numbers", "ratio", "time", "words"):
        problem = Problem("a", "q", "q", "3:20; 4", kind)
        assert score_sample(SUITE, problem, (Answer(rf"\boxed{{{text}}}"),)).value == 0.0


def test_metrics_are_means_over_all_samples_and_over_each_kind() -> None:
    scores = [score(r"\boxed{14, 16}"), score("14, 16"), score("#### 1200", problem=NUMBER)]
    assert SUITE.metrics.aggregate(scores) == {
        "accuracy": 2 / 3,
        "accuracy_flexible": 1.0,
        "number/accuracy": 1.0,
        "numbers/accuracy": 1 / 2,
    }


GOOD = (
    '<Problem ID="a-1"><Body>It is so,</Body><Question>how many?</Question>'
    "<Solution-Type>Sum</Solution-Type><Answer>9 (pens)</Answer></Problem>"
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / "asdiv" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))
    return folder


def test_problems_are_read_from_xml(tmp_path: Path) -> None:
    (one,) = SUITE.load(write(tmp_path, "ASDiv.xml.gz", f"<Set>{GOOD}</Set>"))
    assert one == Problem("a-1", "It is so, how many?", "how many?", "9", "number")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<Set>", ": no XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><Set>&a;</Set>', ": declares entities"),
        (f"<Set>{GOOD}<Problem/></Set>", ", problem 1: ID, Body"),
        (f"<Set>{GOOD.replace('9 (pens)', '')}</Set>", ", problem a-1: ID, Body"),
    ],
)
def test_malformed_xml_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"ASDiv\.xml\.gz{message}"):
        SUITE.load(write(tmp_path, "ASDiv.xml.gz", text))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], ": no array under 'Instances'"),
        ({"Instances": [{"Input": "q"}]}, ", row 0: 'split' is missing"),
        ({"Instances": [{"Input": "q", "split": "test", "Output Answer": []}]}, ", row 0: no text"),
    ],
)
def test_a_malformed_lila_file_is_named(data: object, message: str, tmp_path: Path) -> None:
    folder = write(tmp_path, "lila_asdiv.json.gz", json.dumps(data))
    with pytest.raises(DataError, match=rf"lila_asdiv\.json\.gz{message}"):
        find("asdiv:eurus").load(folder)


@pytest.mark.parametrize("name", ["asdiv", "asdiv:eurus"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"asdiv/.* is missing: .*--data-dir"):
        find(name).load(tmp_path)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("asdiv", {"number": 2096, "numbers": 90, "words": 59, "ratio": 43, "time": 17}),
        ("asdiv:eurus", {"number": 614, "ratio": 4}),
    ],
)
def test_the_kinds_of_the_real_files(name: str, counts: dict[str, int], data_dir: Path) -> None:
    assert Counter(one.kind for one in find(name).load(data_dir)) == counts
