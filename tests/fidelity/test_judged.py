"""Judged suites on real files: stored verdicts give their stored scores, real prompts are ours."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from eval_suites.judging.length_control import DIFFICULTY_FILE
from eval_suites.judging.mt_bench import AGAIN_PLEASE
from eval_suites.registry import find
from eval_suites.requests import Answer, Request
from eval_suites.suites.alpaca_eval import BASELINE_1, switched
from harness.data.fetch.manifest import chosen
from harness.engines.fake import scripted
from harness.engines.options import EngineChoice
from harness.engines.registry import ENGINES
from harness.evaluate.answer_files.judged import read_judged
from harness.evaluate.answer_files.judgements import Judged
from harness.evaluate.answer_files.rescore import record
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.recipe.schema import JudgeChoice
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.hashing import digest
from harness.storage.run_folder import RunFolder

SAMPLE = "mt_bench/sample/gpt-4_single.jsonl.gz"
ANSWERS = "mt_bench/sample/model_answer/claude-3-opus-20240229.jsonl.gz"
RATED = {"claude-3-5-sonnet-20240620": 9.20625, "claude-3-opus-20240229": 8.675}
#: Model -> mean of preference - 1, judgements with a reply.
WEIGHED = {
    "claude-2.1": (0.157335, 803),
    "vicuna-7b-v1.5": (0.047975, 802),
    "OpenHermes-2.5-Mistral-7B": (0.103404, 802),
    "alpaca-7b": (0.025915, 802),
    "FuseChat-Llama-3.2-3B-Instruct": (0.512967, 0),
}


def unpacked(file: Path) -> str:
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    return gzip.decompress(file.read_bytes()).decode()


def scores(suite: str, file: Path, folder: Path) -> tuple[Judged, ...]:
    return read_judged(
        find(suite),
        find(suite).load(folder),
        file.name.removesuffix(".gz").rpartition(".")[0],
        file,
    )


def test_stored_ratings_give_their_stored_scores(data_dir: Path) -> None:
    rows = [json.loads(line) for line in unpacked(data_dir / SAMPLE).splitlines()]
    judged = {item.model: item for item in scores("mt_bench", data_dir / SAMPLE, data_dir)}
    assert set(judged) == set(RATED)
    for model, mean in RATED.items():
        own = [row["score"] for row in rows if row["model"] == model]
        metrics = record(find("mt_bench"), judged[model].answers)["metrics"]
        assert metrics["official"] == metrics["score"] == sum(own) / len(own) == mean
        assert (judged[model].judgements, judged[model].differ, judged[model].odd) == (160, (), 0)
        assert sum(judged[model].stored) == sum(own)


def test_the_judge_is_asked_what_was_asked_there(data_dir: Path) -> None:
    rows = [json.loads(line) for line in unpacked(data_dir / SAMPLE).splitlines()]
    answers = {
        str(row["question_id"]): row["choices"][0]["turns"]
        for row in map(json.loads, unpacked(data_dir / ANSWERS).splitlines())
    }
    suite = find("mt_bench")
    ours = {
        (sample.id, turn): request.messages
        for sample in suite.load(data_dir)
        for turn, request in enumerate(
            suite.judge(sample, tuple(map(Answer, answers[sample.id])), ()), 1
        )
    }
    theirs = {
        (str(row["question_id"]), row["turn"]): row["user_prompt"]
        for row in rows
        if row["model"] == "claude-3-opus-20240229"
    }
    assert {key: messages[1].content for key, messages in ours.items()} == theirs
    assert {messages[0].role for messages in ours.values()} == {"system"}


@pytest.mark.parametrize("model", WEIGHED)
def test_stored_preferences_give_their_stored_scores(model: str, data_dir: Path) -> None:
    file = data_dir / "reward" / "alpaca_eval_k5" / f"{model}.json.gz"
    rows = json.loads(unpacked(file))
    (judged,) = scores("alpaca_eval", file, data_dir)
    mean, replies = WEIGHED[model]
    stored = [row["preference"] - 1 for row in rows]
    metrics = record(find("alpaca_eval"), judged.answers)["metrics"]
    assert [item.score.metrics["official"] for item in judged.answers] == stored == [*judged.stored]
    assert metrics["official"] == pytest.approx(sum(stored) / len(stored), rel=1e-14)
    assert metrics["official"] == pytest.approx(mean, abs=5e-7)
    # Read from the log-probabilities; stored preferences are rounded to ten digits.
    assert metrics["win_rate"] == pytest.approx(metrics["official"], abs=1e-10)
    assert (judged.model, judged.differ) == (model, ())
    assert (judged.judgements, judged.judgements - judged.unread) == (805, replies)


def test_the_order_is_upstream_s(data_dir: Path) -> None:
    """Stored preferences follow from the log-probabilities in both orders that we draw.

    In the other order each of these would be as far on the other side of a draw.
    """
    file = data_dir / "reward" / "alpaca_eval_k5" / "claude-2.1.json.gz"
    sure = [
        switched(row["instruction"])
        for row in json.loads(unpacked(file))
        if row["raw_completion"] and abs(row["preference"] - 1.5) > 0.1
    ]
    (judged,) = scores("alpaca_eval", file, data_dir)
    assert min(sure.count(True), sure.count(False)) > 300
    assert judged.differ == ()


def test_golden_judge_prompts_of_real_files(data_dir: Path) -> None:
    """A hash of what a judge is asked about one answer: the texts are upstream's."""
    answer = (Answer("Tom Hanks."),)
    requests = {}
    for name in ("alpaca_eval", "alpaca_eval_1"):
        suite = find(name)
        sample = suite.load(data_dir)[0]
        (request,) = suite.judge(sample, answer, ())
        text = "\n".join(message.content for message in request.messages)
        assert text.count(sample.instruction) == text.count('Tom Hanks."""') == 1
        assert text.count(sample.baseline) == 1
        requests[name] = digest([[m.role, m.content] for m in request.messages], 16)
    assert requests == {"alpaca_eval": "b25e4a59bd496932", "alpaca_eval_1": "1512d0c2b234cbc9"}


@pytest.fixture
def job(tmp_path: Path, tiny_model: Path, data_dir: Path) -> Callable[..., EvalJob]:
    def make(suite: str, folder: Path = data_dir) -> EvalJob:
        return EvalJob(
            models={"base": str(tiny_model)},
            fingerprints={"base": "one"},
            suites={suite: 3},
            engine=EngineChoice(name="fake", max_model_len=65536),
            judge=JudgeChoice(name="fake", model=str(tiny_model), max_model_len=65536),
            judge_fingerprint="the judge",
            data_dir=folder,
            run=tmp_path / "run",
            journal=tmp_path / "journal.sqlite",
        )

    return make


@pytest.fixture
def without_controls(tmp_path: Path, data_dir: Path) -> Path:
    """AlpacaEval's files in a data folder that lacks those of the length-controlled rate."""
    folder = tmp_path / "data"
    for entry in chosen(["alpaca_eval"]):
        if entry.path != DIFFICULTY_FILE and (data_dir / entry.path).is_file():
            (folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / entry.path).symlink_to(data_dir / entry.path)
    return folder


def evaluated(
    job: EvalJob, script: Callable[[Request], str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[dict[str, Any]], dict[str, Any], list[Mapping[str, Any]]]:
    """Lines of the log, the summary, and what was told."""
    events: list[Mapping[str, Any]] = []
    monkeypatch.setitem(ENGINES, "fake", scripted(script))
    run(job, events.append)
    (suite,) = job.suites
    folder = RunFolder(job.run)
    lines = read_lines(folder.sample_log("base", suite))
    return lines, read_json(folder.summary("base", suite)), events


def test_dialogues_from_the_question_to_the_summary(
    job: Callable[..., EvalJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[Request] = []

    def script(request: Request) -> str:
        requests.append(request)
        text = request.messages[-1].content
        if request.messages[0].role == "user":
            return f"Answer {len(request.messages)}."
        if text == AGAIN_PLEASE:
            return "[[3]]" if "supervisor" in request.messages[1].content else "No."
        return "Very well." if "Answer 3." in text else "Rating: [[7]]"

    lines, summary, _ = evaluated(job("mt_bench"), script, monkeypatch)
    assert len(requests) == 3 * 2 + 3 * 2 + 3
    assert [line["sample_id"] for line in lines] == ["81", "82", "83"]
    assert [len(line["verdicts"]) for line in lines] == [3, 3, 3]
    values = {line["sample_id"]: (line["value"], line["status"]) for line in lines}
    supervisor = [line["sample_id"] for line in lines if "supervisor" in json.dumps(line["turns"])]
    assert supervisor == ["82"]
    assert values == {
        "81": (None, "judge_missing"), "82": (5.0, "ok"), "83": (None, "judge_missing"),
    }  # fmt: skip
    assert summary["metrics"]["score"] == 5
    assert summary["metrics"]["official"] == 7
    assert summary["statuses"] == {"judge_missing": 2, "ok": 1}
    assert summary["protocol"]["judge"].startswith("fake ")
    assert summary["protocol"]["judge"].endswith(" the judge")


def test_annotations_of_alpaca_eval_1_are_read(data_dir: Path, tmp_path: Path) -> None:
    """The model here is the board's own entry of the baseline: 20 of its texts are the same."""
    baseline = json.loads(unpacked(data_dir / BASELINE_1))
    model = json.loads(unpacked(data_dir / "alpaca_eval/text_davinci_003_outputs.json.gz"))
    rows = [
        {
            "instruction": one["instruction"],
            "generator_1": one["generator"],
            "output_1": one["output"],
            "generator_2": "davinci",
            "output_2": other["output"],
            "preference": 1.0 + number % 2,
        }
        for number, (one, other) in enumerate(zip(baseline, model, strict=True))
    ]
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps(rows))
    (judged,) = scores("alpaca_eval_1", file, data_dir)
    assert (judged.judgements, judged.other_baseline, len(judged.answers)) == (805, 0, 805)
    same = sum(one["output"] == other["output"] for one, other in zip(baseline, model, strict=True))
    assert same == 20
    draws = sum(answer.score.value == 0.5 for answer in judged.answers)
    assert draws == same


@pytest.mark.parametrize("name", ["alpaca_eval", "alpaca_eval_1"])
def test_outputs_from_the_question_to_the_summary(
    name: str, job: Callable[..., EvalJob], monkeypatch: pytest.MonkeyPatch, without_controls: Path
) -> None:
    suite = find(name)
    samples = {sample.instruction: sample for sample in suite.load(without_controls)[:3]}
    same = next(iter(samples.values()))

    def script(request: Request) -> str:
        if request.messages[0].role == "user":
            text = request.messages[-1].content
            return same.baseline.rstrip() if text == same.instruction else "Mine."
        first = request.messages[-1].content.index("Mine.") < request.messages[-1].content.index(
            next(s.baseline for s in samples.values() if s.baseline in request.messages[-1].content)
        )
        if name == "alpaca_eval":
            return "m" if first else "M"
        ranks = (1, 2) if first else (2, 1)
        return json.dumps([{"model": f"model_{n}", "rank": r} for n, r in enumerate(ranks, 1)])

    lines, summary, events = evaluated(job(name, without_controls), script, monkeypatch)
    assert [line["value"] for line in lines] == [0.5, 1.0, 1.0]
    assert [len(line["verdicts"]) for line in lines] == [0, 1, 1]
    assert summary["metrics"]["win_rate"] == pytest.approx(2.5 / 3)
    assert summary["statuses"] == {"ok": 3}
    notes = [event["text"] for event in events if event["event"] == "note"]
    assert any("length_controlled_win_rate is missing" in n for n in notes) == (
        name == "alpaca_eval"
    )
