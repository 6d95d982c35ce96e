"""Adapters that an engine cannot serve: merged for a while, told, and gone afterwards."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.engines.options import EngineChoice
from harness.engines.transformers import TransformersEngine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.storage.atomic_files import read_lines
from harness.storage.run_folder import RunFolder

Adapters = tuple[tuple[str, Path], ...]


def make_job(tmp_path: Path, base: Path, adapters: Adapters) -> EvalJob:
    models = {"base": str(base), **{name: str(folder) for name, folder in adapters}}
    return EvalJob(
        models=models,
        fingerprints={name: f"weights of {name}" for name in models},
        suites={"arithmetic": 4},
        engine=EngineChoice(name="transformers"),
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )


def texts(job: EvalJob, name: str) -> list[str]:
    lines = read_lines(RunFolder(job.run).sample_log(name, "arithmetic"))
    return [line["turns"][0]["answers"][0]["text"] for line in lines]


def told_of_merging(job: EvalJob) -> list[str]:
    heard: list[Mapping[str, Any]] = []
    run(job, heard.append)
    return [event["text"] for event in heard if "merging" in event.get("text", "")]


def test_an_adapter_that_is_refused_is_merged_and_answers_as_it_would_beside_its_base(
    lively_model: Path, adapters: Adapters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = make_job(tmp_path / "served", lively_model, adapters)
    assert told_of_merging(served) == []
    refused, folder = adapters[0]
    monkeypatch.setattr(
        TransformersEngine,
        "refusal",
        lambda _engine, adapter: "it is odd" if adapter == folder else "",
    )
    job = make_job(tmp_path / "merged", lively_model, adapters)
    shutil.copytree(folder, RunFolder(job.run).evaluation / ".merged-of-a-killed-run")

    told = told_of_merging(job)

    assert told == [f"engine transformers cannot serve adapter {refused} (it is odd): merging it"]
    assert list(RunFolder(job.run).evaluation.glob(".merged-*")) == []
    names = ["base", *(name for name, _ in adapters)]
    assert [texts(job, name) for name in names] == [texts(served, name) for name in names]
    assert told_of_merging(job) == []  # all is in the journal: nothing is started, nothing merged
