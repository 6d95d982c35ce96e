"""The KL stage on a real (tiny) model: numbers against the plain oracle, kills, bad input."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from harness.engines.options import EngineChoice
from harness.evaluate.client.job import EvalJob, KlJob
from harness.evaluate.client.tasks import CheckpointAnswers
from harness.evaluate.loop.loop import run as evaluate
from harness.evaluate.measure.kl import DrawnSample, draws_of, run
from harness.pipeline.launch import Stage
from harness.progress.events import silent
from harness.recipe.schema import DecodingChanges
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.run_folder import RunFolder
from train.model.adapters import load_adapter
from train.model.loading import load_base, load_tokenizer
from train.model.logprobs import logprobs

Adapters = tuple[tuple[str, Path], ...]
SUITE = "kl:arithmetic"


@pytest.fixture
def job(tmp_path: Path, lively_model: Path, adapters: Adapters) -> KlJob:
    models = {"base": str(lively_model), **{name: str(folder) for name, folder in adapters}}
    evaluation = EvalJob(
        models=models,
        fingerprints={name: f"weights of {name}" for name in models},
        suites={SUITE: 3},
        repeats=2,
        decoding=DecodingChanges(max_tokens=12),
        engine=EngineChoice(name="transformers"),
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )
    evaluate(evaluation, silent)
    return KlJob(
        evaluation=evaluation,
        reference=lively_model,
        reference_fingerprint="weights of base",
        cache=tmp_path / "cache",
        batch=2,
    )


def lines(job: KlJob, name: str) -> list[dict[str, Any]]:
    return read_lines(RunFolder(job.evaluation.run).sample_log(name, SUITE))


def asked(job: KlJob) -> list[CheckpointAnswers[DrawnSample]]:
    return asyncio.run(draws_of(job.evaluation, silent))


def plain(model: nn.Module, column: CheckpointAnswers[DrawnSample]) -> dict[tuple[str, int], float]:
    groups = [one.group for one in column.samples if one.group]
    with torch.no_grad():
        sums, _ = logprobs(model, groups, "plain")
    return {
        (group.source, k): float(sums[row, k]) for row, group in enumerate(groups) for k in range(2)
    }


def test_values_equal_the_plain_oracle(job: KlJob, lively_model: Path, adapters: Adapters) -> None:
    run(job, silent)
    (column,) = [column for column in asked(job) if column.model == "nca"]
    base = load_base(lively_model, "float32")
    reference = plain(base, column)
    policy = plain(load_adapter(base, lively_model, adapters[0][1], trainable=False).eval(), column)
    for line in lines(job, "nca"):
        key = (line["sample_id"], line["repeat"])
        assert line["value"] == pytest.approx(policy[key] - reference[key], abs=1e-4)


def test_a_checkpoint_is_no_distance_from_itself_and_some_from_another(job: KlJob) -> None:
    assert lines(job, "nca") == []  # the evaluation leaves the log to this stage
    run(job, silent)
    assert [line["value"] for line in lines(job, "base")] == [0.0] * 6
    summary = read_json(RunFolder(job.evaluation.run).summary("nca", SUITE))
    assert summary["metrics"]["k1"] != 0.0
    assert summary["metrics"]["k1_se"] > 0.0
    assert summary["protocol"]["reference"] == "weights of base"
    cut = [line["status"] == "truncated" for line in lines(job, "nca")]
    assert summary["metrics"]["cut"] == pytest.approx(sum(cut) / len(cut))


def test_an_answer_that_ended_keeps_its_end_token(job: KlJob) -> None:
    tokenizer = load_tokenizer(job.reference)
    ended = [
        body
        for column in asked(job)
        for one in column.samples
        for body in one.bodies
        if body["finish_reason"] == "stop"
    ]
    assert ended, "no answer of this model ends: nothing is tested"
    assert all(body["token_ids"][-1] == tokenizer.eos_token_id for body in ended)


def test_measured_again_it_computes_nothing_and_writes_the_same_bytes(job: KlJob) -> None:
    heard: list[Mapping[str, Any]] = []
    run(job, heard.append)
    assert any(event["event"] == "progress" for event in heard)
    log = RunFolder(job.evaluation.run).sample_log("nca", SUITE)
    first = log.read_bytes()
    log.unlink()
    heard.clear()
    run(job, heard.append)
    assert not any(event["event"] == "progress" for event in heard)
    assert log.read_bytes() == first


def test_an_evaluation_that_is_run_again_leaves_what_was_measured(job: KlJob) -> None:
    run(job, silent)
    log = RunFolder(job.evaluation.run).sample_log("nca", SUITE)
    measured = log.read_bytes()
    evaluate(job.evaluation, silent)
    assert log.read_bytes() == measured


def test_a_prompt_without_room_for_an_answer_is_counted_and_has_no_value(job: KlJob) -> None:
    engine = job.evaluation.engine.model_copy(update={"max_model_len": 16})
    journal = job.evaluation.journal.with_name("other.sqlite")
    short = job.evaluation.model_copy(update={"engine": engine, "journal": journal})
    job = job.model_copy(update={"evaluation": short})
    run(job, silent)
    assert {line["status"] for line in lines(job, "nca")} == {"ungraded"}
    summary = read_json(RunFolder(short.run).summary("nca", SUITE))
    assert summary["metrics"] == {}


def test_resolved_json_keeps_the_key_of_the_reference(job: KlJob) -> None:
    plain_job = Stage("kl", "measure KL", job.cache, "key", job).plain_job
    assert plain_job["reference_print"] == "weights of base"
    assert KlJob.model_validate(plain_job) == job
