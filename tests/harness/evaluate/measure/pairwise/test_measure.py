"""The duel stage with a judge of the test's own: both orders, repairs, files, nothing twice."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_suites.requests import Request
from harness.engines.base import Completion
from harness.engines.fake import FakeEngine, scripted
from harness.engines.options import EngineChoice
from harness.engines.registry import ENGINES
from harness.errors import RecipeError
from harness.evaluate.client.job import EvalJob, PairwiseJob
from harness.evaluate.loop.loop import run as evaluate
from harness.evaluate.measure.pairwise import run
from harness.progress.events import silent
from harness.recipe.schema import JudgeChoice
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.run_folder import RunFolder

SUITE = "head_to_head:arithmetic"
ANSWERS = re.compile(r"<<(.*?)>><<(.*?)>>$", re.DOTALL)
SAMPLES = 3


def longer(prompt: str) -> str:
    one, other = (len(answer) for answer in ANSWERS.findall(prompt)[0])
    return "[[C]]" if one == other else "[[A]]" if one > other else "[[B]]"


def first_shown(_prompt: str) -> str:
    return "The first is [[A]]"


def mute(_prompt: str) -> str:
    return "Both are fine."


def only_when_asked_again(prompt: str) -> str:
    return "[[B]]" if "can be read" in prompt else "Well."


class Judge:
    """What the judge was asked, and how it replies to the last message."""

    def __init__(self) -> None:
        self.reply: Callable[[str], str] = longer
        self.asked: Counter[str] = Counter()

    def engine(self) -> type[FakeEngine]:
        judge = self

        class Judging(FakeEngine):
            async def complete(self, request: Request) -> Completion:
                judge.asked[repr(request.messages)] += 1
                return await super().complete(request)

        return scripted(lambda request: judge.reply(request.messages[-1].content), Judging)


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Judge:
    found = Judge()
    monkeypatch.setitem(ENGINES, "judging", found.engine())
    return found


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with templates of our own."""
    (tmp_path / "data" / "mt_bench").mkdir(parents=True)
    names = [
        f"{kind}{turns}"
        for kind in ("single-v1", "single-math-v1", "pair-v2", "pair-math-v1")
        for turns in ("", "-multi-turn")
    ]
    rows = [
        {
            "name": name,
            "system_prompt": "Compare.",
            "prompt_template": "{question} <<{answer_a}>><<{answer_b}>>",
        }
        for name in names
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "data" / "mt_bench" / "judge_prompts.jsonl").write_text(text)
    return tmp_path / "data"


@pytest.fixture
def job(
    tmp_path: Path, lively_model: Path, adapters: tuple[tuple[str, Path], ...], data: Path
) -> PairwiseJob:
    models = {"base": str(lively_model), **{name: str(folder) for name, folder in adapters}}
    evaluation = EvalJob(
        models=models,
        fingerprints={name: f"weights of {name}" for name in models},
        suites={SUITE: SAMPLES},
        engine=EngineChoice(name="fake"),
        judge=JudgeChoice(name="judging", model=str(lively_model)),
        judge_fingerprint="a judge",
        data_dir=data,
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )
    return PairwiseJob(evaluation=evaluation, baseline="base", everyone=True)


def lines(job: PairwiseJob, name: str) -> list[dict[str, Any]]:
    return read_lines(RunFolder(job.evaluation.run).sample_log(name, SUITE))


def texts(job: PairwiseJob, name: str) -> dict[str, str]:
    return {line["sample_id"]: line["turns"][0]["answers"][0]["text"] for line in lines(job, name)}


def told(job: PairwiseJob) -> dict[str, Any]:
    found: dict[str, Any] = read_json(
        RunFolder(job.evaluation.run).pairwise / "head_to_head-arithmetic.json"
    )
    return found


def test_the_better_one_wins_whoever_is_shown_first(job: PairwiseJob, judge: Judge) -> None:
    evaluate(job.evaluation, silent)
    assert lines(job, "nca") == []  # the evaluation leaves the log to this stage
    run(job, silent)
    text = {
        name: {
            line["sample_id"]: line["turns"][0]["answers"][0]["text"] for line in lines(job, name)
        }
        for name in job.evaluation.models
    }
    for line in lines(job, "nca"):
        mine, other = (len(text[name][line["sample_id"]].strip()) for name in ("nca", "base"))
        assert line["value"] == (0.5 if mine == other else float(mine > other))
        assert line["metrics"]["consistency"] == 1.0
        assert len(line["verdicts"]) == 2
    assert [line["value"] for line in lines(job, "base")] == [0.5] * SAMPLES
    pairs = {(one["first"], one["second"]): one for one in told(job)["records"]}
    assert set(pairs) == {("nca", "base"), ("dpo-b0.1", "base"), ("nca", "dpo-b0.1")}
    values = [line["value"] for line in lines(job, "nca")]
    assert pairs["nca", "base"]["win_rate"] == pytest.approx(sum(values) / SAMPLES)
    summary = read_json(RunFolder(job.evaluation.run).summary("nca", SUITE))
    assert summary["protocol"]["against"] == "base"
    assert "a judge" in summary["protocol"]["judge"]


def test_a_judge_that_takes_the_first_shown_makes_ties_that_are_called_inconsistent(
    job: PairwiseJob, judge: Judge
) -> None:
    judge.reply = first_shown
    run(job, silent)
    for line in lines(job, "nca"):
        assert line["value"] == 0.5
        assert line["metrics"]["consistency"] == 0.0


def test_without_a_verdict_a_game_is_missing_and_asked_once_more_before(
    job: PairwiseJob, judge: Judge
) -> None:
    judge.reply = mute
    run(job, silent)
    for line in lines(job, "nca"):
        assert (line["value"], line["status"]) == (None, "judge_missing")
        assert len(line["verdicts"]) == 4  # two orders, each asked again
    assert told(job)["strengths"] is None
    assert all(one["missing"] == SAMPLES for one in told(job)["records"])


def test_a_reply_to_the_second_asking_counts(job: PairwiseJob, judge: Judge) -> None:
    judge.reply = only_when_asked_again
    run(job, silent)
    assert {line["value"] for line in lines(job, "nca")} == {0.5}  # B in either order


def test_again_nothing_is_asked_and_the_files_have_the_same_bytes(
    job: PairwiseJob, judge: Judge
) -> None:
    run(job, silent)
    folder = RunFolder(job.evaluation.run)
    files = [folder.sample_log("nca", SUITE), folder.pairwise / "head_to_head-arithmetic.json"]
    before = [file.read_bytes() for file in files]
    asked = judge.asked.total()
    assert asked == 3 * SAMPLES * 2  # pairs, prompts, orders
    run(job, silent)
    assert judge.asked.total() == asked
    assert [file.read_bytes() for file in files] == before


def test_what_it_takes_is_told_before_and_what_it_took_after(
    job: PairwiseJob, judge: Judge
) -> None:
    heard: list[str] = []
    run(job, lambda event: heard.append(str(event.get("text", ""))))
    games = 3 * SAMPLES
    assert (
        f"{SUITE}: {games} games, each judged in both orders: at least {2 * games} requests"
        in (heard[0].split(", those")[0])
    )
    assert heard[-1].startswith(f"judge: {2 * games} requests, ")


def test_against_the_baseline_alone_the_others_do_not_meet(job: PairwiseJob, judge: Judge) -> None:
    run(job.model_copy(update={"everyone": False}), silent)
    assert judge.asked.total() == 2 * SAMPLES * 2
    assert {one["second"] for one in told(job)["records"]} == {"base"}


def test_prompts_of_many_turns_are_refused(
    job: PairwiseJob, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from eval_suites import registry

    plain = registry.find("arithmetic")
    chatty = replace(plain, ask=lambda s, a: () if len(a) > 2 else plain.ask(s, ()))
    monkeypatch.setitem(registry.SUITES, "arithmetic", chatty)
    with pytest.raises(RecipeError, match="one or two questions"):
        run(job, silent)
