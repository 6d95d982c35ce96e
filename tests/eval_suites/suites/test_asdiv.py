"""ASDiv: what is asked, how golds of every kind are read and compared, and what verdicts are."""

import pytest

from eval_suites.grading.kinds import RATIO, SEVERAL, TIME, Kind, same_words
from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer
from eval_suites.suites.asdiv import KindName, Problem, gold_of

SUITE = find("asdiv")


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


@pytest.mark.parametrize(("gold", "answer", "question", "right"), SPOKEN)
def test_words_are_compared(gold: str, answer: str, question: str, right: bool) -> None:
    assert same_words(gold, answer, question) is right


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
