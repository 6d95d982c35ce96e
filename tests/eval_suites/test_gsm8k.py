"""GSM8K: what is asked, and what verdict an answer gets."""

from pathlib import Path

import pytest

from eval_suites import find
from eval_suites.gsm8k import Sample
from eval_suites.scoring import settle
from eval_suites.suite import Answer, Decoding, FinishReason, Message, Score

SAMPLE = Sample(
    "0", "Kim has 9 pens and buys 9 more. How many pens are there?", "18", "Q: x\nA: y\n\n"
)
CHAT = (
    "Kim has 9 pens and buys 9 more. How many pens are there?\n\n"
    "Work through the problem step by step. Then give the final number alone inside \\boxed{}."
)
TEXT = "Q: x\nA: y\n\nQ: Kim has 9 pens and buys 9 more. How many pens are there?\nA:"


def score(text: str, finish: FinishReason = "stop", name: str = "gsm8k") -> Score:
    return settle(find(name), SAMPLE, (Answer(text, finish),))


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
    ("There are 18 pens.", "stop", None, 0, 1, "unparsed"),
    ("I cannot help with that.", "stop", None, 0, 0, "unparsed"),
    ("9 + 9 = 18, so the", "length", None, 0, 1, "truncated"),
    (r"so \boxed{18} and, by the way,", "length", "18", 1, 1, "truncated"),
    ("```\n18\n```\n```\nThe answer is 18\n```", "stop", "18", 1, 1, "ok"),
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
    assert given.metrics == {"accuracy": strict, "accuracy_flexible": flexible}


def test_what_a_text_model_makes_up_after_its_answer_does_not_count() -> None:
    text = " 9 + 9 = 18. The answer is 18.\n\nQ: Sam has 2 cats.\nA: The answer is 2."
    assert score(text, name="gsm8k:cot8").metrics == {"accuracy": 1.0, "accuracy_flexible": 1.0}


def test_metrics_are_means_over_samples() -> None:
    scores = [score(r"\boxed{18}"), score("18"), score("no"), score("18", "filtered")]
    suite = find("gsm8k")
    assert suite.aggregate(scores) == {"accuracy": 1 / 3, "accuracy_flexible": 2 / 3}


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
