"""The stage: rows in the prompts' order with their provenance, nothing asked twice."""

import asyncio
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from eval_suites import registry
from eval_suites.grading.quantities import last_quantity
from eval_suites.requests import Answer, Request
from eval_suites.sandbox.checks import Call, Check, Outcome
from eval_suites.scores import Score
from eval_suites.suite import CheckRules
from eval_suites.suites.arithmetic import TRAIN
from harness.data.sampling.job import PROVENANCE, ROWS, SampleJob
from harness.data.sampling.prompts import Prompt
from harness.data.sampling.sample import InOrder, run
from harness.data.sampling.scorers import Verifier
from harness.engines.base import Completion, RequestFailed
from harness.engines.fake import FakeEngine
from harness.engines.options import EngineChoice
from harness.errors import EngineDied, UserError
from harness.evaluate.client.cached_client import Checker
from harness.progress.events import silent
from harness.recipe.schema import SampleSection
from harness.storage.atomic_files import read_lines
from harness.storage.hashing import file_digest
from harness.storage.journal.entries import Journal
from train.data.groups import read_groups


def make_job(folder: Path, model: Path, dies_after: int = 0, **section: Any) -> SampleJob:
    given = {"prompts": "arithmetic:train", "verifier": "arithmetic:train", "limit": 12} | section
    out = folder / "stage"
    out.mkdir(parents=True, exist_ok=True)
    return SampleJob(
        section=SampleSection.model_validate(given),
        model=str(model),
        fingerprint="weights",
        prompts="suite arithmetic:train 1",
        scorer="suite arithmetic:train 1",
        engine=EngineChoice(name="fake", concurrency=8, options={"dies_after": str(dies_after)}),
        out=out,
        journal=folder / "journal.sqlite",
    )


def files(job: SampleJob) -> tuple[bytes, bytes]:
    return (job.out / ROWS).read_bytes(), (job.out / PROVENANCE).read_bytes()


def told_by(job: SampleJob) -> Mapping[str, Any]:
    heard: list[Mapping[str, Any]] = []
    run(job, heard.append)
    return next(event for event in heard if event["event"] == "sampled")


def test_every_response_is_rewarded_as_the_suite_scores_it(
    tmp_path: Path, tiny_model: Path
) -> None:
    job = make_job(tmp_path, tiny_model)

    run(job, silent)

    problems = TRAIN.load(None)
    rows = read_lines(job.out / ROWS)
    assert [row["id"] for row in rows] == [str(number) for number in range(12)]
    for row, problem in zip(rows, problems, strict=False):
        scores = [TRAIN.score(problem, (Answer(text),), (), ()) for text in row["responses"]]
        assert row["rewards"] == [score.value for score in scores]
    assert {reward for row in rows for reward in row["rewards"]} == {0.0, 1.0}
    groups, report = read_groups(job.out / ROWS)
    assert (len(groups), report.groups) == (12, 12)


def test_provenance_says_where_the_rows_come_from(tmp_path: Path, tiny_model: Path) -> None:
    job = make_job(tmp_path, tiny_model, temperature=0.7, seed=3)

    counts = run(job, silent)

    told = yaml.safe_load((job.out / PROVENANCE).read_text())
    assert told["checkpoint"] == {"name": "base", "fingerprint": "weights"}
    assert (told["decoding"]["temperature"], told["decoding"]["seed"]) == (0.7, 3)
    assert told["engine"]["name"] == "fake"
    assert told["scorer"] == "suite arithmetic:train 1"
    assert told["counts"] == counts.plain()
    assert told["sha256"] == file_digest(job.out / ROWS)


def test_again_nothing_is_asked_and_a_larger_limit_asks_only_for_the_rest(
    tmp_path: Path, tiny_model: Path
) -> None:
    job = make_job(tmp_path, tiny_model)

    first = told_by(job)
    before = files(job)
    again = told_by(job)
    after = files(job)
    more = told_by(make_job(tmp_path, tiny_model, limit=15))

    assert (first["asked"], first["reused"]) == (48, 0)
    assert (again["asked"], again["reused"]) == (0, 48)
    assert before == after
    assert (more["asked"], more["reused"]) == (12, 48)


def test_another_seed_or_fingerprint_is_another_sample(tmp_path: Path, tiny_model: Path) -> None:
    job = make_job(tmp_path, tiny_model)
    run(job, silent)
    rows = files(job)[0]

    run(make_job(tmp_path, tiny_model, seed=1), silent)

    assert files(job)[0] != rows
    assert job.key != make_job(tmp_path, tiny_model, seed=1).key
    assert job.key != job.model_copy(update={"fingerprint": "others"}).key
    assert job.key == job.model_copy(update={"out": tmp_path, "model": "elsewhere"}).key


def test_an_engine_that_died_leaves_no_rows_and_the_next_run_gives_those_of_an_undisturbed_one(
    tmp_path: Path, tiny_model: Path
) -> None:
    whole = make_job(tmp_path / "whole", tiny_model)
    run(whole, silent)
    dying = make_job(tmp_path / "dying", tiny_model, dies_after=2)

    with pytest.raises(EngineDied):
        run(dying, silent)
    left = sorted(path.name for path in dying.out.iterdir())
    told = told_by(make_job(tmp_path / "dying", tiny_model))

    assert left == []
    assert told["reused"] == 3 * 2 * 4  # three engines, two requests each, four responses
    assert files(dying) == files(whole)


def test_a_lost_request_is_counted_and_never_rewarded(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, second = FakeEngine.complete, TRAIN.load(None)[1].question

    async def one_lost(engine: FakeEngine, request: Request) -> Completion:
        if request.messages[-1].content.startswith(second):
            raise RequestFailed("lost")
        return await whole(engine, request)

    monkeypatch.setattr(FakeEngine, "complete", one_lost)
    job = make_job(tmp_path, tiny_model, limit=3)

    counts = run(job, silent).plain()

    assert [row["id"] for row in read_lines(job.out / ROWS)] == ["0", "2"]
    assert counts["statuses"] == {"infra": 4, "ok": 8}
    assert counts["left_out"] == {"no_reward": 4}


def reading(_sample: Any, answers: tuple[Answer, ...]) -> tuple[Call, ...]:
    return (Call("eval_suites.grading.quantities:last_quantity", {"text": answers[0].text}),)


def by_parity(_sample: Any, _answers: Any, _verdicts: Any, outcomes: tuple[Outcome, ...]) -> Score:
    return Score(float(int(outcomes[0].value) % 2))


CHECKED = replace(TRAIN, name="checked", checking=CheckRules(reading), score=by_parity)


def test_checks_are_done_in_the_sandbox_and_journalled(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.SUITES, "checked", CHECKED)
    job = make_job(tmp_path, tiny_model, prompts="checked", verifier="checked", limit=2, k=2)

    run(job, silent)

    with Journal(job.journal) as journal:
        assert journal.counts() == {"answer": 4, "check": 4}
    for row in read_lines(job.out / ROWS):
        for text, reward in zip(row["responses"], row["rewards"], strict=True):
            assert reward == int(str(last_quantity(text))) % 2


def test_what_the_sandbox_failed_to_do_gives_no_reward() -> None:
    class Failing(Checker):
        async def run(self, check: Check) -> Outcome:
            return Outcome("infra", "no room")

    scorer = Verifier(CHECKED, Failing(None, None))  # type: ignore[arg-type]
    prompt = Prompt("0", Request(), TRAIN.load(None)[0])

    (graded,) = asyncio.run(scorer.score(prompt, (Answer("It is 3."),)))

    assert (graded.value, graded.status, graded.reason) == (None, "infra", "no room")


def test_where_nothing_is_left_there_is_no_file(tmp_path: Path, tiny_model: Path) -> None:
    job = make_job(tmp_path, tiny_model, limit=1, max_tokens=1, drop_cut=True)

    with pytest.raises(UserError, match=r"nothing is left to train on .*4 cut"):
        run(job, silent)
    assert not (job.out / PROVENANCE).exists()


def test_lines_come_in_the_order_of_their_places() -> None:
    file = io.StringIO()
    lines = InOrder(file)

    for place in (2, 0, 3, 1):
        lines.put(place, None if place == 3 else json.dumps(place))

    assert file.getvalue() == "0\n1\n2\n"
    assert lines.waiting == {}
