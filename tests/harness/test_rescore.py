"""`nca score`: stored answers of either kind are scored again; what cannot be read is named."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eval_suites import find
from eval_suites.suite import Answer
from harness import crosscheck
from harness.errors import RunError
from harness.rescore import lines, read_stored, rescore

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


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "humaneval").mkdir()
    with gzip.open(tmp_path / "humaneval" / "HumanEvalPlus.jsonl.gz", "wt") as file:
        file.write(json.dumps(PROBLEM))
    return tmp_path


def written(folder: Path, *rows: Any) -> Path:
    file = folder / "answers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_three_kinds_of_lines_are_read(tmp_path: Path) -> None:
    turn = {"requests": [], "answers": [{"text": "a", "finish_reason": "length", "tokens": 3}]}
    stored = read_stored(
        written(
            tmp_path,
            {"sample_id": "x", "repeat": 0, "turns": [turn]},
            {"task_id": "y", "completion": "    return 1"},
            {"task_id": "y", "solution": "def f(): pass"},
        )
    )
    assert [(one.sample_id, one.repeat) for one in stored] == [("x", 0), ("y", 0), ("y", 1)]
    assert stored[0].answers == (Answer("a", "length", 3),)
    assert stored[1].answers[0].text == "    return 1"
    assert stored[2].answers[0].text == "```python\ndef f(): pass\n```"


def test_a_line_that_is_none_of_them_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"answers.jsonl, line 2: neither .*KeyError"):
        read_stored(written(tmp_path, {"task_id": "y", "solution": ""}, {"task_id": "y"}))
    with pytest.raises(RunError, match="cannot be read"):
        read_stored(tmp_path / "none")


def test_answers_to_unknown_samples_are_refused(data: Path) -> None:
    suite = find("humaneval_plus")
    stored = read_stored(written(data, {"task_id": "HumanEval/7", "solution": RIGHT}))
    with pytest.raises(RunError, match="no sample 'HumanEval/7'"):
        rescore(suite, suite.load(data), stored)


def test_metrics_with_pass_at_k_and_where_evalplus_differs(data: Path) -> None:
    suite = find("humaneval_plus")
    samples = suite.load(data)
    rows = [{"task_id": "HumanEval/0", "solution": text} for text in (RIGHT, WRONG, RIGHT, WRONG)]
    found = rescore(suite, samples, read_stored(written(data, *rows)))
    assert list(lines(suite, found)) == [
        "humaneval_plus: 4 answers to 1 samples",
        "base/pass_at_1: 1.0000",
        "pass_at_1: 0.5000",
        "base/pass_at_2: 1.0000",
        f"pass_at_2: {1 - 1 / 6:.4f}",
        "statuses: ok 4",
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
    command = [sys.executable, "-m", "harness.cli", "score", "humaneval_plus", str(file)]
    options = ["--data-dir", str(data), "--also", "evalplus"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pass_at_1: 1.0000" in done.stdout
    assert "evalplus differs on 0 of 1 programs" in done.stdout
