"""`nca score --judge`: answers of official tools before a judge, kept verdicts, what is refused."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.engines.fake import scripted
from harness.engines.registry import ENGINES

Nca = Callable[..., int]
TEMPLATES = ("single-v1", "single-math-v1", "pair-v2", "pair-math-v1")


def write(file: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small MT-bench of our own, and a judge that rates the last answer by its first digit."""
    data = tmp_path / "data" / "mt_bench"
    prompt = "{question} <<{answer}"
    double = "{question_2} <<{answer_2}"
    rows = [
        {"name": name + turns, "system_prompt": "Rate.", "prompt_template": text}
        for name in TEMPLATES
        for turns, text in (("", prompt), ("-multi-turn", double))
    ]
    write(data / "judge_prompts.jsonl", rows)
    questions = [
        {"question_id": 81 + k, "category": "writing", "turns": [f"First {k}?", f"Second {k}?"]}
        for k in range(2)
    ]
    write(data / "question.jsonl", questions)
    write(data / "reference_answer" / "gpt-4.jsonl", [
        {"question_id": 101, "choices": [{"turns": ["a", "b"]}]}
    ])  # fmt: skip
    monkeypatch.setenv("NCA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the judge was asked, in order."""
    found: list[str] = []

    def reply(prompt: str) -> str:
        found.append(prompt)
        return f"[[{prompt.rpartition('<<')[2][0]}]]"

    judging = scripted(lambda request: reply(request.messages[-1].content))
    monkeypatch.setitem(ENGINES, "judging", judging)
    return found


def answer(question: int, model: str, *turns: str) -> dict[str, Any]:
    return {
        "question_id": question,
        "model_id": model,
        "choices": [{"index": 0, "turns": list(turns)}],
    }


def test_fastchats_answers_are_judged_and_a_second_time_from_the_journal(
    there: Path,
    tiny_model: Path,
    nca: Nca,
    asked: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write(
        there / "answers.jsonl",
        [answer(81, "mine", "4 and more", "6 or so"), answer(82, "mine", "2", "8"),
         answer(81, "other", "1", "1"), answer(82, "other", "1", "3")],
    )  # fmt: skip
    options = ("--judge", f"judging:{tiny_model}", "--json", "found.json")

    assert nca("score", "mt_bench", file, *options) == 0
    said = capsys.readouterr().out
    models = json.loads((there / "found.json").read_text())["models"]
    assert models["mine"]["metrics"]["score"] == 5.0
    assert models["mine"]["metrics"]["turn_2"] == 7.0
    assert models["other"]["metrics"]["score"] == 1.5
    assert "judge: 8 requests" in said

    count = len(asked)
    assert nca("score", "mt_bench", file, *options) == 0
    assert len(asked) == count
    assert "judge: 0 requests" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"question_id": 81, "model": "m", "turn": 1, "judgment": "[[1]]", "score": 1}, "already"),
        ({"question_id": 81, "model_id": "m", "choices": [{"turns": [1]}]}, "model_answer"),
        (answer(99, "m", "a", "b"), "no sample '99'"),
        (answer(81, "m", "a"), "asks for at least 2"),
        ({"instruction": "x", "output": "y", "generator": "m"}, "no such instruction"),
    ],
)
def test_what_holds_no_such_answers_is_refused(
    row: dict[str, Any],
    said: str,
    there: Path,
    tiny_model: Path,
    nca: Nca,
    asked: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write(there / "wrong.jsonl", [row])
    assert nca("score", "mt_bench", file, "--judge", f"judging:{tiny_model}") == 2
    assert said in capsys.readouterr().err
    assert not asked


def test_half_a_pair_of_surrogates_reaches_the_judge_as_a_text_that_can_be_kept(
    there: Path, tiny_model: Path, nca: Nca, asked: list[str]
) -> None:
    file = write(there / "answers.jsonl", [answer(81, "mine", "4 \ud800", "6")])
    assert nca("score", "mt_bench", file, "--judge", f"judging:{tiny_model}") == 0
    assert any("4 \ufffd" in prompt for prompt in asked)


def test_without_a_judge_the_remedy_is_named_and_a_plain_suite_needs_none(
    there: Path, tiny_model: Path, nca: Nca, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(there / "answers.jsonl", [answer(81, "mine", "4", "6")])
    assert nca("score", "mt_bench", file) == 2
    assert "name one with --judge" in capsys.readouterr().err
    assert nca("score", "arithmetic", file, "--judge", f"fake:{tiny_model}") == 2
    assert "leave --judge away" in capsys.readouterr().err
