"""Judges: asked through the journal, told in the protocol, and never a score when they fail."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval_suites import registry
from eval_suites.grading.suite_rules import score_sample
from eval_suites.requests import Answer, Message, Request
from eval_suites.scores import Score
from eval_suites.suite import JudgeRules
from eval_suites.suites.arithmetic import SUITE as ARITHMETIC
from harness.engines.options import EngineChoice
from harness.errors import RecipeError
from harness.evaluate.client.job import EvalJob
from harness.evaluate.judge.estimate import STAND_IN, preview
from harness.evaluate.loop.loop import run
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.job import of_evaluation
from harness.pipeline.audit.preflight import Duration, audit
from harness.pipeline.audit.show import page, plain
from harness.pipeline.lookup import resolve_judge
from harness.pipeline.places import Places
from harness.pipeline.run import check_suites
from harness.pipeline.stages import eval_job, evaluation_stages
from harness.progress.events import silent
from harness.recipe.schema import EvaluateSection, JudgeChoice
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.run_folder import RunFolder


def rate(
    _sample: Any, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    if verdicts:
        return ()
    return (Request(messages=(Message("user", f"Rate this: {answers[0].text} and 1"),)),)


def by_rating(
    _sample: Any, _answers: tuple[Answer, ...], verdicts: tuple[Answer, ...], _outcomes: Any
) -> Score:
    number = re.search(r"(\d+)\.$", verdicts[0].text)
    value = float(number[1]) if number else 0.0
    return Score(value, metrics={"rating": value})


JUDGED = replace(
    ARITHMETIC, name="judged", headline="rating", judging=JudgeRules(rate), score=by_rating
)


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SUITES, "judged", JUDGED)


def make_job(tmp_path: Path, model: Path, judge: JudgeChoice | None, limit: int = 3) -> EvalJob:
    return EvalJob(
        models={"base": str(model)},
        fingerprints={"base": "one"},
        suites={"judged": limit, "arithmetic": limit},
        engine=EngineChoice(name="fake"),
        judge=judge,
        judge_fingerprint="the judge",
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )


def test_verdicts_are_asked_once_logged_and_named_in_the_protocol(
    tmp_path: Path, tiny_model: Path
) -> None:
    judge = JudgeChoice(name="fake", model=str(tiny_model))
    heard: list[Mapping[str, Any]] = []

    run(make_job(tmp_path, tiny_model, judge), silent)
    run(make_job(tmp_path, tiny_model, judge, limit=4), heard.append)

    told = next(event for event in heard if event["event"] == "evaluated")
    assert (told["verdicts_asked"], told["verdicts_reused"]) == (1, 3)
    folder = RunFolder(tmp_path / "run")
    lines = read_lines(folder.sample_log("base", "judged"))
    for line in lines:
        (verdict,) = line["verdicts"]
        assert verdict["text"].endswith(f" {line['value']:.0f}.")
    title = f"fake 1 auto {tiny_model.name} the judge"
    assert read_json(folder.summary("base", "judged"))["protocol"]["judge"] == title
    assert "judge" not in read_json(folder.summary("base", "arithmetic"))["protocol"]
    assert all(not line["verdicts"] for line in read_lines(folder.sample_log("base", "arithmetic")))


def test_a_suite_without_its_judge_is_refused_before_anything_starts(
    tmp_path: Path, tiny_model: Path
) -> None:
    section = EvaluateSection(suites=("judged",), engine=EngineChoice(name="fake"))

    with pytest.raises(
        RecipeError, match=r"judged needs a judge: name one with --judge openai:MODEL"
    ):
        check_suites(section, SuiteLibrary())
    with pytest.raises(RecipeError, match="needs a judge"):
        run(make_job(tmp_path, tiny_model, None), silent)
    assert not (tmp_path / "journal.sqlite").exists()


def test_an_endpoint_s_judge_is_a_name_and_a_local_one_a_folder(
    tmp_path: Path, tiny_model: Path
) -> None:
    where = Places(runs=tmp_path / "runs", models=tmp_path / "models")
    remote = JudgeChoice(model="gpt-x", base_url="http://localhost:1/v1")
    local = JudgeChoice(name="fake", model=str(tiny_model))

    assert resolve_judge(EvaluateSection(), where) == (None, "")
    assert resolve_judge(EvaluateSection(suites=("judged",), judge=remote), where) == (
        remote,
        "http://localhost:1/v1 gpt-x",
    )
    judge, fingerprint = resolve_judge(EvaluateSection(suites=("judged",), judge=local), where)
    assert judge is not None
    assert judge.model == str(tiny_model.resolve())
    assert len(fingerprint) >= 16


def test_another_price_or_budget_is_no_other_evaluation(tmp_path: Path, tiny_model: Path) -> None:
    where = Places(runs=tmp_path / "runs", models=tmp_path / "models")

    def key(**changes: Any) -> str:
        judge = JudgeChoice(model="gpt-x", base_url="http://localhost:1/v1", **changes)
        section = EvaluateSection(suites=("judged",), judge=judge)
        folders, prints = {"base": str(tiny_model)}, {"base": "one"}
        job = eval_job(tmp_path, section, where, folders, prints)
        stages = evaluation_stages(job, SuiteLibrary(), "base", None, section, where)
        return next(stages).key

    assert key() == key(price=(1.0, 2.0)) == key(price=(3.0, 4.0), max_cost=5.0)
    assert key() != key(repeats=2)


def test_a_judge_that_is_not_there_is_told_before_anything_is_trained(
    tmp_path: Path, tiny_model: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n')
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: small\nbase: {tiny_model}\ntrain: {{data: {data}, max_steps: 1}}\n"
        "checkpoints: {nca: {method: nca}}\n"
        "evaluate: {suites: [judged], limit: 2, engine: {name: fake}}\n"
    )
    runs = tmp_path / "runs"

    code = nca("run", recipe, "--judge", "fake:./no-such-judge", "--runs", runs)

    assert code == 2
    assert "no-such-judge: no such checkpoint folder" in capsys.readouterr().err
    assert not list(runs.glob("*/train"))


def test_the_audit_says_what_a_judge_will_be_asked(tmp_path: Path, tiny_model: Path) -> None:
    job = make_job(tmp_path, tiny_model, JudgeChoice(name="fake", model=str(tiny_model)))

    found = audit(of_evaluation(job))

    assert "of one checkpoint's answers: 3 requests, at most about " in page(found, Duration(None))
    suites = plain(found, Duration(None))["suites"]
    assert (suites["judged"]["judging"]["requests"], suites["arithmetic"]["judging"]) == (3, None)


def test_a_filtered_verdict_is_a_missing_one() -> None:
    sample = ARITHMETIC.load(None)[0]

    score = score_sample(JUDGED, sample, (Answer("5"),), (Answer("", "filtered"),))

    assert (score.value, score.status) == (None, "judge_missing")


def test_what_a_judge_would_be_asked_can_be_seen_before() -> None:
    sample = ARITHMETIC.load(None)[0]
    (request,) = preview(JUDGED, sample)
    assert request.messages[0].content == f"Rate this: {STAND_IN} and 1"
    assert preview(ARITHMETIC, sample) == ()
