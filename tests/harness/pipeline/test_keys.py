"""Keys of stages: contents and never a path; old run folders and moved ones are done."""

import contextlib
import gzip
import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval_suites import registry
from eval_suites.suite import Suite
from harness.data.sampling.job import SampleJob
from harness.engines.options import EngineChoice
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline import worker
from harness.pipeline.finish import Finished
from harness.pipeline.keys import hashed_config, tracking_key
from harness.pipeline.launch import Stage
from harness.pipeline.places import Places
from harness.pipeline.stages import eval_job, evaluation_stages, track_stage
from harness.recipe.schema import DecodingChanges, EvaluateSection, JudgeChoice, SampleSection
from harness.report.compare import comparison
from harness.storage.atomic_files import write_json
from harness.storage.hashing import digest
from harness.storage.result import CheckpointResult, Result
from harness.storage.run_folder import RunFolder
from train.config import TrainConfig

#: Keys by the code before keys without paths (commit 35b23c1), of the settings below.
OLD = {
    "evaluate": "5cfd048c607fcaa371a0e07811cb8eb0fa6eb4dcf84742cfaf475466a37af896",
    "kl": "02b7a9f26686e2047d1b6feabcb2b42b9148b59335cff86d5c043919bf0ca56c",
    "duel": "51df45eededadf504f4d5dab0b5d6a6c83198c73f50a1607ea86497d5d06b0c1",
    "sample": "1e2ecd0169734fbfa5888c525e06a40f7cf4176cbd30b515ab7944a20dd22a40",
    "track": "ee5a79b3bd9da04efaffaaa39f336fa2323706301eda47453e88ea42c88c87fd",
    "train": "91aef2962c27c190723ce2df2ad3cf7f1278d2fb2e8fc98e81c0e7181dffdeed",
}
SECTION = EvaluateSection(
    suites=("arithmetic", "gsm8k", "kl:gsm8k", "head_to_head:gsm8k"),
    limit={"gsm8k": 3},
    repeats=2,
    decoding=DecodingChanges(temperature=0.5),
    seed=1,
    all_pairs=True,
    engine=EngineChoice(name="fake", dtype="auto", options={"batch": "8"}),
    judge=JudgeChoice(
        name="openai",
        model="gpt-x",
        base_url="http://127.0.0.1:1/v1",
        price=(1.0, 2.0),
        max_cost=3.0,
        repeats=2,
    ),
)
PLACES = Places(
    runs=Path("/old/runs"),
    models=Path("/old/models"),
    data_dir=Path("/old/data"),
    tracking_uri="sqlite:////old/runs/mlflow.db",
)
RESULT = Result(
    recipe="eval",
    key="1",
    base="/old/m",
    baseline="m",
    checkpoints=(CheckpointResult(name="m", fingerprint="aa", train=None),),
    versions={},
)


#: The versions of the suites at that commit: another version is another key.
VERSIONS = {
    "arithmetic": "1",
    "gsm8k": "2",
    "kl:gsm8k": "1 on 2",
    "head_to_head:gsm8k": "1 on 2",
}


class NoFiles(SuiteLibrary):
    """Suites as they were, whose data folder is not there."""

    def suite(self, name: str) -> Suite[Any]:
        return replace(super().suite(name), version=VERSIONS[name])

    def files(self, name: str) -> Mapping[str, str]:
        return {}


def evaluation(places: Places = PLACES, library: SuiteLibrary | None = None) -> list[Stage]:
    job = eval_job(places.runs / "eval-1", SECTION, places, {"m": "/old/m"}, {"m": "aa"})
    reference = (Path("/old/base"), "bb")
    return list(evaluation_stages(job, library or NoFiles(), "m", reference, SECTION, places))


def sampling(data_dir: str, files: dict[str, str]) -> SampleJob:
    return SampleJob(
        section=SampleSection(prompts="gsm8k", verifier="gsm8k", k=3, limit=5),
        model="/old/m",
        fingerprint="aa",
        prompts="suite gsm8k 1",
        scorer="suite gsm8k 1",
        engine=EngineChoice(name="fake"),
        data_dir=Path(data_dir),
        files=files,
        out=Path("/old/out"),
        journal=Path("/old/j"),
    )


def test_golden_what_earlier_code_finished_is_done(tmp_path: Path) -> None:
    config = TrainConfig(data="/old/data/train.jsonl", probe="/p")
    hashed = hashed_config(config, {"/old/data/train.jsonl": "d1", "/p": "d2"})
    tracked = track_stage(Finished(RunFolder(PLACES.runs / "eval-1"), RESULT, None), PLACES)

    assert {stage.kind: stage.old_key for stage in evaluation()} == {
        kind: OLD[kind] for kind in ("evaluate", "kl", "duel")
    }
    assert sampling("/old/data", {}).old_key == OLD["sample"]
    assert tracked.old_key == OLD["track"]
    assert digest({"base": "aa", "config": hashed}) == OLD["train"]
    write_json(tmp_path / "done.json", {"key": OLD["evaluate"]})
    assert replace(evaluation()[0], folder=tmp_path).done


def test_no_key_changes_with_a_path_and_each_changes_with_a_file() -> None:
    moved = replace(
        PLACES, runs=Path("/new"), data_dir=Path("/d"), tracking_uri="sqlite:////new/mlflow.db"
    )

    assert [s.key for s in evaluation()] == [s.key for s in evaluation(moved)]
    assert tracking_key(RESULT, "eval-1", PLACES) == tracking_key(RESULT, "eval-1", moved)
    first, second = sampling("/a", {"x": "1"}), sampling("/b", {"x": "1"})
    assert first.key == second.key != sampling("/a", {"x": "2"}).key


def write_gsm8k(folder: Path, answer: int = 4) -> Path:
    (folder / "gsm8k").mkdir(parents=True, exist_ok=True)
    rows = [{"question": f"{n} + 2?", "answer": f"#### {n + answer}"} for n in range(3)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "gsm8k" / "test.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return folder


def test_the_files_that_a_suite_reads_are_its_content(tmp_path: Path) -> None:
    first = SuiteLibrary(write_gsm8k(tmp_path / "a")).files("gsm8k")
    moved = SuiteLibrary(write_gsm8k(tmp_path / "b")).files("gsm8k")
    other = SuiteLibrary(write_gsm8k(tmp_path / "c", answer=5)).files("gsm8k")

    assert list(first) == ["gsm8k/test.jsonl.gz"]
    assert first == moved != other
    assert SuiteLibrary().files("arithmetic") == {}


RECIPE = """
name: small
base: {base}
train: {{data: train.jsonl, max_steps: 1, prompts_per_step: 2, form: padded}}
checkpoints: {{nca: {{method: nca}}}}
evaluate: {{suites: [gsm8k], engine: {{name: fake}}}}
"""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stages are run in this process; the list has their kinds."""
    kinds: list[str] = []

    def launch(stage: Stage, report: Any) -> None:
        kinds.append(stage.kind)
        resolved = stage.folder / "resolved.json"
        described = {"kind": stage.kind, "key": stage.key, "job": dict(stage.plain_job)}
        write_json(resolved, described)
        worker.run_stage(stage.kind, resolved, report)

    monkeypatch.setattr("harness.pipeline.launch.launch", launch)
    return kinds


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"prompt": f"{n}?", "chosen": "yes", "rejected": "no"} for n in range(4)]
    data = write_gsm8k(tmp_path / "data")
    (data / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "r.yaml").write_text(RECIPE.format(base=tiny_model))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "r.yaml"


def test_a_run_is_compared_once_its_suites_are_loaded_twice_and_moved_it_is_done(
    recipe: Path,
    here: list[str],
    tmp_path: Path,
    nca: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loads: list[str] = []
    comparisons: list[object] = []
    gsm8k, scores = registry.find("gsm8k"), comparison.scores

    def load(folder: Path | None) -> Any:
        loads.append("gsm8k")
        return gsm8k.load(folder)

    def compare(*arguments: Any, **options: Any) -> Any:
        comparisons.append(arguments)
        return scores(*arguments, **options)

    monkeypatch.setitem(registry.SUITES, "gsm8k", replace(gsm8k, load=load))
    monkeypatch.setattr(comparison, "scores", compare)

    assert nca("run", recipe, "--data-dir", "data", "--tracking", "none") == 0
    assert here == ["train", "evaluate"]
    assert len(loads) == 2
    assert len(comparisons) == 1

    shutil.move("runs", "elsewhere")
    shutil.move("data", "files")
    here.clear()
    again = ("--runs", "elsewhere", "--data-dir", "files", "--tracking", "none")
    assert nca("run", recipe, *again) == 0
    assert here == []
    write_gsm8k(tmp_path / "files", answer=5)
    assert nca("run", recipe, *again) == 0
    assert here == ["evaluate"]


def test_a_store_without_the_run_is_sent_it_again(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path, tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    finished = Finished(RunFolder(tmp_path / "eval-1"), RESULT, None)
    stage = track_stage(finished, places)
    write_json(stage.folder / "done.json", {"key": stage.key})

    absent = stage.done
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as store, store:
        store.execute("create table tags (key text, value text)")
    empty = track_stage(finished, places).done
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as store, store:
        store.execute("insert into tags values ('nca.run_key', 'eval-1')")

    assert (absent, empty, track_stage(finished, places).done) == (False, False, True)
