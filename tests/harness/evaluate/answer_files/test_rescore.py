"""`nca score`: stored answers of every kind are scored; what cannot be scored is named."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from eval_suites import registry
from eval_suites.registry import find
from eval_suites.requests import Answer, Message, Request
from eval_suites.scores import Score
from eval_suites.suite import JudgeRules, Suite
from harness.errors import RunError
from harness.evaluate.answer_files import crosscheck
from harness.evaluate.answer_files.rescore import lines, record, rescore
from harness.evaluate.answer_files.stored import named_files, read_stored
from harness.storage.atomic_files import read_lines

PROBLEM = {
    "task_id": "HumanEval/0",
    "prompt": 'def ratio(a, b):\n    """ Ratio of two numbers. """\n',
    "entry_point": "ratio",
    "canonical_solution": "    return a / b\n",
    "base_input": [[1, 2]],
    "plus_input": [[1, 3], [9, 3]],
    "atol": 0,
}
RIGHT = "def ratio(a, b):\n    return a / b\n"
WRONG = "def ratio(a, b):\n    return a / b if a < 9 else 0\n"


@dataclass(frozen=True)
class Pair:
    """A sample of a suite of two turns."""

    id: str


def _two_turns(_sample: Pair, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    return () if len(answers) == 2 else (Request(messages=(Message("user", "go on"),)),)


def _last_is_yes(
    _sample: Pair, answers: tuple[Answer, ...], _verdicts: object, _outcomes: object
) -> Score:
    right = float(answers[1].text == "yes")
    return Score(right, extracted=answers[1].text, metrics={"accuracy": right})


TWO_TURNS: Suite[Pair] = Suite(
    name="pairs",
    version="1",
    source="this test",
    licence="none",
    headline="accuracy",
    load=lambda _: (Pair("a"), Pair("b"), Pair("c")),
    ask=_two_turns,
    score=_last_is_yes,
)
JUDGED = replace(
    TWO_TURNS,
    name="judged",
    judging=JudgeRules(lambda sample, _, replies: _two_turns(sample, replies)),
)


@pytest.fixture(autouse=True)
def suites(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {**registry.SUITES, "pairs": TWO_TURNS, "judged": JUDGED}
    monkeypatch.setattr(registry, "SUITES", known)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "humaneval").mkdir()
    with gzip.open(tmp_path / "humaneval" / "HumanEvalPlus.jsonl.gz", "wt") as file:
        file.write(json.dumps(PROBLEM))
    return tmp_path


def written(folder: Path, *rows: Any, name: str = "answers.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return file


def said(name: str, *texts: str) -> dict[str, Any]:
    return {"sample_id": name, "completions": list(texts)}


def test_every_kind_of_line_is_read(tmp_path: Path) -> None:
    turn = {"requests": [], "answers": [{"text": "a", "finish_reason": "length", "tokens": 3}]}
    rows = (
        {"sample_id": "x", "repeat": 0, "turns": [turn]},
        {"task_id": "y", "completion": "    return 1"},
        {"task_id": "y", "solution": "def f(): pass"},
        said("z", "one", "two\u2028three"),
        {"sample_id": 7, "completions": ["by the row's number"]},
    )
    file = written(tmp_path, *rows)
    stored = read_stored(file)
    names = [(one.sample_id, one.repeat) for one in stored]
    assert names == [("x", 0), ("y", 0), ("y", 1), ("z", 0), ("7", 0)]
    assert stored[0].answers == (Answer("a", "length", 3),)
    assert stored[1].answers[0].text == "    return 1"
    assert stored[2].answers[0] == Answer("def f(): pass", program=True)
    assert [one.text for one in stored[3].answers] == ["one", "two\u2028three"]
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    assert [one.answers for one in read_stored(packed)] == [one.answers for one in stored]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("no json", "JSONDecodeError"),
        ("[1]", "TypeError"),
        ("7", "TypeError"),
        ('{"task_id": "y"}', "KeyError: 'completion'"),
        ('{"completion": "y"}', "KeyError: 'task_id'"),
        ('{"sample_id": 3.5, "completions": ["y"]}', "3.5 is no text"),
        ('{"sample_id": "3", "completions": "y"}', "must be a list of texts"),
        ('{"sample_id": "3", "completions": [1]}', "1 is no text"),
        ('{"task_id": "3", "solution": null}', "None is no text"),
        pytest.param("[" * 100_000, "RecursionError", id="deep"),
        ('{"sample_id": "3", "turns": [{"answers": [{"text": 1}]}]}', "1 is no text"),
        ('{"sample_id": "3", "turns": [{"answers": [{"text": "", "x": 1}]}]}', "TypeError"),
    ],
)
def test_a_line_that_is_of_no_kind_is_named(tmp_path: Path, line: str, reason: str) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps(said("a", "b")) + "\n\n" + line)
    with pytest.raises(RunError, match=rf"answers.jsonl, line 3: not .*{reason}"):
        read_stored(file)


def test_half_a_surrogate_pair_can_be_written_again(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"sample_id": "a", "completions": ["x\\ud83dy\\ud83d", "\\ud83d\\ude00"]}')
    (stored,) = read_stored(file)
    assert [one.text for one in stored.answers] == ["x\ufffdy\ufffd", "\U0001f600"]


def test_files_without_lines_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        read_stored(tmp_path / "none")
    (tmp_path / "empty").write_text("\n\n")
    with pytest.raises(RunError, match="empty: no line in it; each must be"):
        read_stored(tmp_path / "empty")
    (tmp_path / "torn.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    with pytest.raises(RunError, match=r"torn\.gz: cannot be read"):
        read_stored(tmp_path / "torn.gz")


def test_a_file_names_its_model(tmp_path: Path) -> None:
    odd = written(tmp_path, name="beta=0.1.jsonl")
    named = named_files([str(odd), "x=some/gsm8k.jsonl", "other/gsm8k.jsonl.gz"])
    assert list(named) == ["beta=0.1", "x", "gsm8k"]
    with pytest.raises(RunError, match=r"a/g.jsonl and b/g.jsonl are both .* NAME=FILE"):
        named_files(["a/g.jsonl", "b/g.jsonl"])


def test_answers_to_unknown_samples_are_refused(data: Path) -> None:
    suite = find("humaneval_plus")
    stored = read_stored(written(data, {"task_id": "HumanEval/7", "solution": RIGHT}))
    with pytest.raises(RunError, match=r"line 1: .*no sample 'HumanEval/7' .*like 'HumanEval/0'"):
        rescore(suite, suite.load(data), stored)


@pytest.mark.parametrize(
    ("texts", "said_of_them"),
    [((), "0, .*at least 1"), (("a",), "1, .*at least 2"), (("a",) * 3, "3, .*for 2:")],
)
def test_another_number_of_turns_is_refused(
    tmp_path: Path, texts: Sequence[str], said_of_them: str
) -> None:
    stored = read_stored(written(tmp_path, said("a", "x", "yes"), said("b", *texts)))
    with pytest.raises(RunError, match=f"answers.jsonl, line 2: texts given: {said_of_them}"):
        rescore(TWO_TURNS, TWO_TURNS.load(None), stored)


def test_what_was_lost_in_a_run_stays_without_a_value(tmp_path: Path) -> None:
    turn = {"requests": [], "answers": [{"text": "a"}]}
    log = {"sample_id": "b", "turns": [turn], "status": "infra", "reason": "engine gone"}
    stored = read_stored(written(tmp_path, said("a", "x", "yes"), log))
    found = rescore(TWO_TURNS, TWO_TURNS.load(None), stored)
    assert [one.score.value for one in found] == [1.0, None]
    missing = (
        "accuracy: missing, for 1 of 2 answers have no value (--allow-missing shows the others, "
        "and what all might be)"
    )
    shown = (
        "accuracy: 1.0000, 95 % interval 0.2065 to 1.0000 (n = 1 of 3; between 0.5000 and 1.0000 "
        "whatever the missing ones are)"
    )
    for allow, headline in ((False, missing), (True, shown)):
        assert list(lines(TWO_TURNS, "m", found, 3, allow_missing=allow)) == [
            "m on pairs: 2 of 3 samples, answers: 2",
            headline,
            "not ok: infra 1",
            "without a value, by no fault of the model's: 1 of 2 answers",
        ]
    assert record(TWO_TURNS, found)["metrics"] == {"accuracy": None}
    assert record(TWO_TURNS, found, allow_missing=True)["metrics"] == {"accuracy": 1.0}
    none = list(lines(TWO_TURNS, "m", found[1:], 3, allow_missing=True))
    assert "accuracy: no value (n = 0 of 3)" in none


def test_the_record_is_sorted_and_has_every_sample(tmp_path: Path) -> None:
    rows = (said("b", "x", "no"), said("a", "x", "yes"), said("b", "x", "yes"))
    found = rescore(TWO_TURNS, TWO_TURNS.load(None), read_stored(written(tmp_path, *rows)))
    samples = [("a", 0, "yes", 1.0), ("b", 0, "no", 0.0), ("b", 1, "yes", 1.0)]
    keys = ("sample_id", "repeat", "extracted", "value")
    assert record(TWO_TURNS, found) == {
        # Samples weigh alike, as in tables: (1 + (0 + 1) / 2) / 2.
        "metrics": {"accuracy": 3 / 4},
        "samples": [
            {
                **dict(zip(keys, sample, strict=True)),
                "status": "ok",
                "reason": "",
                "metrics": {"accuracy": sample[-1]},
            }
            for sample in samples
        ],
    }
    assert "accuracy: 0.7500" in list(lines(TWO_TURNS, "m", found, 3))[1]


def test_metrics_with_pass_at_k_and_where_evalplus_differs(data: Path) -> None:
    suite = find("humaneval_plus")
    samples = suite.load(data)
    rows = [{"task_id": "HumanEval/0", "solution": text} for text in (RIGHT, WRONG, RIGHT, WRONG)]
    found = rescore(suite, samples, read_stored(written(data, *rows)))
    assert list(lines(suite, "m", found, 164)) == [
        "m on humaneval_plus: 1 of 164 samples, answers: 4",
        "pass_at_1: 0.5000, 95 % interval cannot be estimated (n = 1 of 164)",
        "pass_at_1_base: 1.0000",
        f"pass_at_2: {1 - 1 / 6:.4f}",
        "pass_at_2_base: 1.0000",
    ]
    pytest.importorskip("evalplus")
    assert crosscheck.disagreements(samples, found) == ()
    lied = [found[0], *(one for one in found if one.score.value == 0.0)]
    swapped = [type(one)(one.stored, one.score, found[0].outcomes) for one in lied]
    differ = crosscheck.disagreements(samples, swapped)
    assert [one.theirs for one in differ] == [("pass", "fail")] * 2


def test_the_command_prints_both(data: Path) -> None:
    pytest.importorskip("evalplus")
    file = written(data, {"task_id": "HumanEval/0", "solution": RIGHT})
    command = [sys.executable, "-m", "harness.cli.main", "score", "humaneval_plus", str(file)]
    options = ["--data-dir", str(data), "--also", "evalplus"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pass_at_1: 1.0000" in done.stdout
    assert "evalplus differs on 0 of 1 programs" in done.stdout


def test_the_command_scores_several_models(
    tmp_path: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    one = written(tmp_path, said("a", "x", "yes"), name="one.jsonl")
    two = written(tmp_path, said("a", "x", "no"), said("b", "x", "yes"), name="two.jsonl")
    out = tmp_path / "out" / "scores.json"
    assert nca("score", "pairs", one, f"other={two}", "--json", out) == 0
    shown = capsys.readouterr().out
    assert "one on pairs: 1 of 3 samples, answers: 1\naccuracy: 1.0000" in shown
    assert "other on pairs: 2 of 3 samples, answers: 2\naccuracy: 0.5000" in shown
    found = json.loads(out.read_text())
    assert found["suite"] == "pairs"
    assert {name: model["metrics"] for name, model in found["models"].items()} == {
        "one": {"accuracy": 1.0},
        "other": {"accuracy": 0.5},
    }


def test_what_cannot_be_scored_ends_with_2_and_writes_nothing(
    tmp_path: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    good, out = written(tmp_path, said("a", "x", "yes")), tmp_path / "scores.json"
    bad = written(tmp_path, said("d", "x", "yes"), name="bad.jsonl")
    for suite, files, reason in (
        ("judged", [good], "scored by a judge: name one with --judge"),
        ("pairs", [good, bad], "bad.jsonl, line 1: suite pairs has no sample 'd'"),
        ("pairs", [good, good], "write NAME=FILE"),
        ("pairs", [good, "--also", "evalplus"], "humaneval_plus"),
        ("humaneval_plus", ["a=x", "b=y", "--also", "evalplus"], "takes one file"),
        ("pears", [good], "did you mean pairs"),
        ("pairs", [good, "--json", tmp_path], "is a folder; name a file"),
    ):
        assert nca("score", suite, "--json", out, *files) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert "Traceback" not in error
    assert not out.exists()


def test_other_line_ends_in_a_text_do_not_end_a_log_line(tmp_path: Path) -> None:
    assert len(read_lines(written(tmp_path, said("a", "one\u2028two\x85three"), said("b")))) == 2
