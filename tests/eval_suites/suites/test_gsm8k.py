"""GSM8K: what is asked, and what verdict an answer gets."""

import gzip
import json
from pathlib import Path

import pytest

from eval_suites.errors import DataError
from eval_suites.grading.suite_rules import score_sample
from eval_suites.registry import find
from eval_suites.requests import Answer, Decoding, FinishReason, Message
from eval_suites.scores import Score
from eval_suites.suites.gsm8k import EXAMPLES_FILE, TEST_FILE, Sample

SAMPLE = Sample(
    "0", "Kim has 9 pens and buys 9 more. How many pens are there?", "18", "Q: x\nA: y\n\n"
)
CHAT = (
    "Kim has 9 pens and buys 9 more. How many pens are there?\n\n"
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
TEXT = "Q: x\nA: y\n\nQ: Kim has 9 pens and buys 9 more. How many pens are there?\nA:"


def score(text: str, finish: FinishReason = "stop", name: str = "gsm8k") -> Score:
    return score_sample(find(name), SAMPLE, (Answer(text, finish),))


def test_golden_chat_prompt() -> None:
    (request,) = find("gsm8k").ask(SAMPLE, ())
    assert request.messages == (Message("user", CHAT),)
    assert (request.text, request.prefix, request.decoding) == (None, "", Decoding(max_tokens=512))


def test_golden_text_prompt() -> None:
    (request,) = find("gsm8k:cot8").ask(SAMPLE, ())
    assert (request.messages, request.text) == ((), TEXT)
    assert request.decoding == Decoding(max_tokens=512, stop=("Q:",))


# text, how it ended, extracted, accuracy, accuracy_flexible, status
VERDICTS: list[tuple[str, FinishReason, str | None, float, float, str]] = [
    (r"9 + 9 = 18. \boxed{18}", "stop", "18", 1, 1, "ok"),
    (r"\boxed{18.00}", "stop", "18.00", 1, 1, "ok"),
    (r"\boxed{\$18}", "stop", "18", 1, 1, "ok"),
    (r"\boxed{19}, though 18 is near", "stop", "19", 0, 1, "ok"),
    (r"\boxed{9} then \boxed{18}", "stop", "18", 1, 1, "ok"),
    (r"\boxed{18} then \boxed{9}", "stop", "9", 0, 0, "ok"),
    (r"\boxed{18} pens, with 9 bought", "stop", "18", 1, 0, "ok"),
    ("9 + 9 = 18\n#### 18", "stop", "18", 1, 1, "ok"),
    ("The answer is 18.", "stop", "18", 1, 1, "ok"),
    ("The answer is -18.", "stop", "-18", 0, 0, "ok"),
    ("The answer is 1,800%.", "stop", "1800", 0, 0, "ok"),
    (r"\boxed{18{,}000}", "stop", "18000", 0, 0, "ok"),
    (r"9 + 9 = \boxed{18\text{ pens}}", "stop", "18", 1, 1, "ok"),
    (r"\boxed{\dfrac{36}{2}}", "stop", "36/2", 1, 1, "ok"),
    (r"\boxed{9 \text{ or } 18}", "stop", None, 0, 1, "unparsed"),
    (r"so \boxed{18", "length", "18", 1, 1, "truncated"),
    ("#### 1. Add\n9 + 9 = 18\nThe answer is 18.", "stop", "18", 1, 1, "ok"),
    ("#### $18", "stop", "18", 1, 1, "ok"),
    ("The answer is not 18.", "stop", None, 0, 1, "unparsed"),
    ("There are 18 pens.", "stop", None, 0, 1, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("9 + 9 = 18, so the", "length", None, 0, 1, "truncated"),
    (r"so \boxed{18} and, by the way,", "length", "18", 1, 1, "truncated"),
    ("```\n18\n```\n```\nThe answer is 18\n```", "stop", "18", 1, 1, "ok"),
    ("", "stop", None, 0, 0, "empty"),
]


@pytest.mark.parametrize("name", ["gsm8k", "gsm8k:cot8"])
@pytest.mark.parametrize(("text", "finish", "extracted", "strict", "flexible", "status"), VERDICTS)
def test_verdicts(
    name: str,
    text: str,
    finish: FinishReason,
    extracted: str | None,
    strict: float,
    flexible: float,
    status: str,
) -> None:
    given = score(text, finish, name)
    assert (given.extracted, given.value, given.status) == (extracted, strict, status)
    assert given.metrics == {"accuracy": strict, "accuracy_flexible": flexible}


def test_what_a_text_model_makes_up_after_its_answer_does_not_count() -> None:
    text = " 9 + 9 = 18. The answer is 18.\n\nQ: Sam has 2 cats.\nA: The answer is 2."
    assert score(text, name="gsm8k:cot8").metrics == {"accuracy": 1.0, "accuracy_flexible": 1.0}


@pytest.mark.parametrize(
    ("gold", "text", "right"),
    [
        ("2125", r"\boxed{2,125}", 1),
        ("2125", r"\boxed{\$2{,}125.00}", 1),
        ("2125", "#### 2,125", 1),
        ("2125", "The answer is $2 125.", 0),
        ("2125", "The answer is 2,12,5.", 0),
        ("-3", r"\boxed{-3}", 1),
        ("-3", "The answer is \u22123.", 1),
        ("-3", "#### 3", 0),
    ],
)
def test_thousands_separators_and_signs_of_the_gold(gold: str, text: str, right: float) -> None:
    given = score_sample(find("gsm8k"), Sample("0", "q", gold), (Answer(text),))
    assert (given.value, given.status) == (right, "ok")


@pytest.mark.parametrize("name", ["gsm8k", "gsm8k:cot8"])
def test_metrics_are_means_over_samples(name: str) -> None:
    scores = [score(r"\boxed{18}"), score("18"), score("no"), score("18", "filtered")]
    suite = find(name)
    assert suite.metrics.aggregate(scores) == {"accuracy": 1 / 3, "accuracy_flexible": 2 / 3}


def test_the_eight_examples_come_before_the_question(data_dir: Path) -> None:
    suite = find("gsm8k:cot8")
    sample = suite.load(data_dir)[0]
    (request,) = suite.ask(sample, ())
    assert request.text is not None
    blocks = request.text.split("\n\n")
    assert len(blocks) == 9
    assert all(block.startswith("Q: ") and "\nA: " in block for block in blocks[:8])
    assert all("The answer is" in block for block in blocks[:8])
    assert blocks[8] == f"Q: {sample.question}\nA:"


ROW = {"question": "q", "answer": "9 + 9 = <<9+9=18>>18\n#### 1,018"}


def fill(folder: Path, rows: list[object], examples: str = "") -> Path:
    (folder / "gsm8k").mkdir(exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / TEST_FILE).write_bytes(gzip.compress(text.encode()))
    if examples:
        (folder / EXAMPLES_FILE).write_text(examples)
    return folder


def test_rows_and_examples_are_read(tmp_path: Path) -> None:
    examples = "fewshot_config: {samples: [{question: a, target: b}, {question: c, target: d}]}"
    folder = fill(tmp_path, [ROW, ROW], examples)
    assert find("gsm8k").load(folder) == (Sample("0", "q", "1018"), Sample("1", "q", "1018"))
    (one, _) = find("gsm8k:cot8").load(folder)
    assert one == Sample("0", "q", "1018", "Q: a\nA: b\n\nQ: c\nA: d\n\n")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "q"}, "row 1: 'answer' is missing or no text"),
        (ROW | {"answer": "18"}, "row 1: no number after '####'"),
        (ROW | {"answer": "18 ####"}, "row 1: no number after '####'"),
        ([], "row 1: no JSON object"),
    ],
)
def test_a_malformed_row_is_named(row: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"gsm8k/test\.jsonl\.gz, {message}.*nca data fetch"):
        find("gsm8k").load(fill(tmp_path, [ROW, row]))


def test_missing_and_malformed_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"test\.jsonl\.gz is missing: .*--data-dir"):
        find("gsm8k").load(tmp_path)
    with pytest.raises(DataError, match=r"fewshot_cot_8shot\.yaml is missing: .*--data-dir"):
        find("gsm8k:cot8").load(fill(tmp_path, [ROW]))
    for examples in ("samples: []", "fewshot_config: {samples: [{question: a}]}", "a: [", "3"):
        with pytest.raises(DataError, match=r"fewshot_cot_8shot\.yaml: no fewshot_config\.samples"):
            find("gsm8k:cot8").load(fill(tmp_path, [ROW], examples))


def test_the_real_file_has_all_problems(data_dir: Path) -> None:
    samples = find("gsm8k").load(data_dir)
    assert [one.id for one in samples] == [str(row) for row in range(1319)]
    assert (samples[0].gold, samples[2].gold) == ("18", "70000")
