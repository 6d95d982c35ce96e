"""A judge that fails as endpoints do costs time, and neither a verdict nor a reply asked twice."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval_suites import registry
from eval_suites.requests import Answer, Message, Request
from eval_suites.scores import Score
from eval_suites.suite import JudgeRules, MetricRules
from eval_suites.suites.arithmetic import SUITE as ARITHMETIC
from harness.engines.options import EngineChoice
from harness.errors import BudgetSpent, EngineUnavailable
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.pipeline.worker import run_stage
from harness.progress.events import silent
from harness.recipe.schema import JudgeChoice
from harness.storage.atomic_files import read_json, read_lines, write_json
from harness.storage.run_folder import RunFolder, is_done

from .judge_server import KINDS, JudgeServer

SAMPLES = 24


def ask_for_a_rating(
    sample: Any, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    """One question, and one more where the reply holds no rating."""
    if verdicts and (len(verdicts) > 1 or _rating(verdicts) is not None):
        return ()
    again = " Only the rating, please." if verdicts else ""
    text = f"Rate answer {sample.id} of 1 to 10: {answers[0].text}{again}"
    return (Request(messages=(Message("user", text),)),)


def by_rating(
    _sample: Any, _answers: tuple[Answer, ...], verdicts: tuple[Answer, ...], _outcomes: Any
) -> Score:
    rating = _rating(verdicts)
    if rating is None:
        return Score(None, "judge_missing", reason="no rating in the reply")
    return Score(rating, metrics={"rating": rating})


def _rating(verdicts: tuple[Answer, ...]) -> float | None:
    found = re.search(r"\[\[(\d+)\]\]$", verdicts[-1].text)
    return float(found[1]) if found else None


RATED = replace(
    ARITHMETIC,
    name="rated",
    headline="rating",
    judging=JudgeRules(ask_for_a_rating),
    score=by_rating,
    metrics=MetricRules(bounds=(1.0, 10.0)),
)


@pytest.fixture(autouse=True)
def rated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SUITES, "rated", RATED)


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    with JudgeServer().serving() as serving:
        yield serving


def make_job(folder: Path, model: Path, judge: JudgeChoice) -> EvalJob:
    return EvalJob(
        models={"base": str(model)},
        fingerprints={"base": "one"},
        suites={"rated": SAMPLES},
        engine=EngineChoice(name="fake"),
        judge=judge,
        judge_fingerprint=f"{judge.base_url} {judge.model}",
        run=folder / "run",
        journal=folder / "journal.sqlite",
    )


def outcome(job: EvalJob) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Sample log and summary of the one column."""
    folder = RunFolder(job.run)
    lines = read_lines(folder.sample_log("base", "rated"))
    return lines, read_json(folder.summary("base", "rated"))


def test_a_judge_that_fails_in_every_way_gives_the_score_of_one_that_never_does(
    server: JudgeServer, tmp_path: Path, tiny_model: Path
) -> None:
    clean = make_job(tmp_path / "clean", tiny_model, server.choice())
    run(clean, silent)
    assert set(server.sent.values()) == {1}
    server.sent.clear()

    server.share = 0.6
    faulty = make_job(tmp_path / "faulty", tiny_model, server.choice())
    tally = run(faulty, silent)

    assert tally.lost == 0
    assert set(server.failed) == set(KINDS)
    assert outcome(faulty) == outcome(clean)
    assert len(server.sent) == SAMPLES
    assert set(server.sent.values()) == {1}
    assert outcome(faulty)[1]["protocol"]["judge_served"] == "stub-judge-0613"

    run(faulty, silent)  # everything is in the journal
    assert server.sent.total() == SAMPLES


def test_without_quota_the_run_stops_with_the_remedy_and_no_reply_is_paid_twice(
    server: JudgeServer, tmp_path: Path, tiny_model: Path
) -> None:
    server.credit = 9
    job = make_job(tmp_path, tiny_model, server.choice(concurrency=4))

    with pytest.raises(
        EngineUnavailable, match=r"exceeded your current quota.*check OPENAI_API_KEY"
    ):
        run(job, silent)

    assert not RunFolder(job.run).summary("base", "rated").exists()
    server.credit = None
    heard: list[Mapping[str, Any]] = []
    run(job, heard.append)
    (told,) = (event for event in heard if event["event"] == "evaluated")
    assert (told["verdicts_asked"], told["verdicts_reused"]) == (SAMPLES - 9, 9)
    assert set(server.sent.values()) == {1}
    assert outcome(job)[1]["statuses"] == {"ok": SAMPLES}


def test_a_budget_is_never_exceeded_and_what_it_bought_is_kept(
    server: JudgeServer, tmp_path: Path, tiny_model: Path
) -> None:
    # A reply costs 100 × 10 + 10 × 100 millionths: 0.2 cents.
    cents = 0.01
    judge = server.choice(price=(10.0, 100.0), max_cost=6 * cents)
    job = make_job(tmp_path, tiny_model, judge)

    with pytest.raises(BudgetSpent, match=r"budget is used up.*larger --max-cost"):
        run(job, silent)

    bought = server.sent.total()
    assert 0 < 0.2 * cents * bought <= 6 * cents
    heard: list[Mapping[str, Any]] = []
    run(job.model_copy(update={"judge": server.choice(price=(10.0, 100.0))}), heard.append)
    (told,) = (event for event in heard if event["event"] == "evaluated")
    assert (told["verdicts_asked"], told["verdicts_reused"]) == (SAMPLES - bought, bought)
    assert set(server.sent.values()) == {1}
    assert told["judge"]["cost"] == pytest.approx(0.2 * cents * (SAMPLES - bought))
    assert told["judge"]["prompt_tokens"] == 100 * (SAMPLES - bought)


def test_an_unreadable_reply_is_asked_for_once_more_and_then_missing(
    server: JudgeServer, tmp_path: Path, tiny_model: Path
) -> None:
    server.reply = lambda prompt: "[[7]] is what the answer wants" if "0 of" in prompt else "[[7]]"
    job = make_job(tmp_path, tiny_model, server.choice())

    tally = run(job, silent)

    lines, summary = outcome(job)
    missing = [line for line in lines if line["value"] is None]
    assert len(missing) == summary["statuses"]["judge_missing"] == 3
    assert all(len(line["verdicts"]) == 2 for line in missing)
    assert server.sent.total() == SAMPLES + 3
    assert tally.lost == 0  # nothing more comes of asking again


def test_a_lost_verdict_is_missing_and_asked_for_by_the_next_run(
    server: JudgeServer, tmp_path: Path, tiny_model: Path
) -> None:
    server.share, server.kinds = 1.0, ("broken",)
    judge = server.choice()
    brief = {**judge.options, "deadline_s": "0.05"}
    job = make_job(tmp_path, tiny_model, judge.model_copy(update={"options": brief}))

    lost = run(job, silent).lost

    assert lost == SAMPLES
    assert outcome(job)[1]["statuses"] == {"judge_missing": SAMPLES}
    assert outcome(job)[1]["metrics"] == {}
    server.share = 0.0
    assert run(job.model_copy(update={"judge": judge}), silent).lost == 0
    assert outcome(job)[1]["statuses"] == {"ok": SAMPLES}


def test_a_stage_that_lost_verdicts_is_not_done_and_the_next_one_is(
    server: JudgeServer, tmp_path: Path, tiny_model: Path
) -> None:
    judge = server.choice()
    job = make_job(
        tmp_path,
        tiny_model,
        judge.model_copy(update={"options": {**judge.options, "deadline_s": "0.05"}}),
    )
    stage = RunFolder(job.run).evaluation
    resolved = stage / "resolved.json"
    heard: list[str] = []
    for share, done in ((1.0, False), (0.0, True)):
        server.share, server.kinds = share, ("broken",)
        write_json(resolved, {"kind": "evaluate", "key": "k", "job": job.model_dump(mode="json")})
        run_stage("evaluate", resolved, lambda event: heard.append(str(event.get("text", ""))))
        assert is_done(stage, "k") == done

    (lost,) = (text for text in heard if "were lost" in text)
    assert lost.startswith(f"{SAMPLES} requests were lost")
    assert "the same command asks for them again" in lost


def test_equal_answers_are_judged_once_though_they_come_at_once(
    server: JudgeServer, tmp_path: Path, tiny_model: Path
) -> None:
    job = make_job(tmp_path, tiny_model, server.choice())
    twins = job.model_copy(
        update={
            "models": {"base": str(tiny_model), "twin": str(tiny_model)},
            "fingerprints": {"base": "one", "twin": "two"},
        }
    )

    run(twins, silent)

    assert set(server.sent.values()) == {1}
    assert len(server.sent) == SAMPLES
