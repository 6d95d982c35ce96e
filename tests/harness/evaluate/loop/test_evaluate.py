"""The evaluation loop: one queue, everything journalled, the same logs however it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest

from eval_suites.registry import find
from eval_suites.suite import SamplingRules
from harness.engines.options import EngineChoice
from harness.errors import EngineUnavailable, StageBusy
from harness.evaluate.client.engine_groups import group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite, first_of_each, load_suite
from harness.evaluate.client.tasks import tasks
from harness.evaluate.loop.loop import run
from harness.evaluate.loop.suite_choice import require_engine
from harness.evaluate.suites.library import SuiteLibrary
from harness.progress.events import silent
from harness.recipe.schema import DecodingChanges
from harness.storage.atomic_files import read_json, read_lines, write_json
from harness.storage.locks import locked
from harness.storage.run_folder import RunFolder


def make_job(
    tmp_path: Path, model: Path, limit: int = 12, repeats: int = 1, **options: str
) -> EvalJob:
    return EvalJob(
        models={"base": str(model), "twin": str(model)},
        fingerprints={"base": "one", "twin": "two"},
        suites={"arithmetic": limit},
        repeats=repeats,
        engine=EngineChoice(name="fake", concurrency=4, options=options),
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )


def load(name: str, limit: int, job: EvalJob) -> LoadedSuite:
    return load_suite(name, limit, job, SuiteLibrary(job.data_dir))


def logs(job: EvalJob) -> dict[str, bytes]:
    folder = RunFolder(job.run).evaluation
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.glob("*/*.json*"))}


def test_logs_hold_every_sample_once_sorted_and_without_times(
    tmp_path: Path, tiny_model: Path
) -> None:
    job = make_job(tmp_path, tiny_model, limit=5, repeats=2)

    tally = run(job, silent)

    lines = read_lines(RunFolder(job.run).sample_log("twin", "arithmetic"))
    assert [(line["sample_id"], line["repeat"]) for line in lines] == sorted(
        (line["sample_id"], line["repeat"]) for line in lines
    )
    assert len(lines) == 10
    assert set(lines[0]) == {
        "sample_id", "repeat", "prompt_hash", "turns", "extracted", "value", "metrics", "status",
        "reason", "verdicts",
    }  # fmt: skip
    summary = read_json(RunFolder(job.run).summary("twin", "arithmetic"))
    assert sum(summary["statuses"].values()) == 10
    assert tally.asked == 20


def test_repeats_differ_at_a_temperature_of_ones_own_and_are_warned_of_without(
    tmp_path: Path, tiny_model: Path
) -> None:
    greedy = make_job(tmp_path, tiny_model, limit=6, repeats=4)
    drawn = greedy.model_copy(update={"decoding": DecodingChanges(temperature=0.8)})
    notes: dict[str, list[str]] = {}
    texts: dict[str, int] = {}
    for name, job in (("greedy", greedy), ("drawn", drawn)):
        heard: list[Mapping[str, Any]] = []
        run(job, heard.append)
        notes[name] = [event["text"] for event in heard if "temperature" in event.get("text", "")]
        lines = read_lines(RunFolder(job.run).sample_log("base", "arithmetic"))
        texts[name] = len({(x["sample_id"], x["turns"][0]["answers"][0]["text"]) for x in lines})
        summary = read_json(RunFolder(job.run).summary("base", "arithmetic"))
        expected = '"temperature":0.8' if name == "drawn" else '"temperature":0.0'
        assert expected in summary["protocol"]["decoding"]

    assert (texts["greedy"], len(notes["greedy"])) == (6, 1)
    assert texts["drawn"] > 6
    assert not notes["drawn"]


def test_a_second_run_asks_nothing_and_starts_no_engine(tmp_path: Path, tiny_model: Path) -> None:
    job = make_job(tmp_path, tiny_model)
    run(job, silent)
    first = logs(job)
    heard: list[Mapping[str, Any]] = []

    tally = run(job, heard.append)

    assert (tally.asked, tally.reused) == (0, 24)
    assert not [event for event in heard if event["event"] == "note"]
    assert logs(job) == first


def test_a_longer_run_asks_only_what_is_new(tmp_path: Path, tiny_model: Path) -> None:
    run(make_job(tmp_path, tiny_model, limit=3), silent)

    tally = run(make_job(tmp_path, tiny_model, limit=5, repeats=2), silent)

    assert (tally.asked, tally.reused) == (2 * (5 * 2 - 3), 2 * 3)


def test_a_suite_that_needs_what_the_engine_lacks_is_refused() -> None:
    picky = replace(find("arithmetic"), sampling=SamplingRules(needs=frozenset({"telepathy"})))
    with pytest.raises(EngineUnavailable, match="telepathy"):
        require_engine([picky], "fake")


def test_a_limit_takes_the_first_samples_of_each_stratum() -> None:
    samples = ("a1", "a2", "b1", "a3", "c1", "b2", "b3")
    assert first_of_each(samples, 2, lambda name: name[0]) == ("a1", "a2", "b1", "c1", "b2")
    assert first_of_each(samples, 2, lambda _: "") == ("a1", "a2")


def test_a_limit_counts_the_samples_of_a_task_in_bbh(
    tmp_path: Path, tiny_model: Path, data_dir: Path
) -> None:
    job = make_job(tmp_path, tiny_model).model_copy(update={"data_dir": data_dir})
    ids = [sample.id for sample in load("bbh", 2, job).samples]
    assert len(ids) == 27 * 2
    assert set(ids[:2]) == {"boolean_expressions/0", "boolean_expressions/1"}
    assert set(ids[2:4]) == {"causal_judgement/0", "causal_judgement/1"}
    assert len(load("gsm8k", 2, job).samples) == 2


def test_long_prompts_come_first_within_what_shares_its_beginning(
    tmp_path: Path, tiny_model: Path, data_dir: Path
) -> None:
    job = make_job(tmp_path, tiny_model).model_copy(update={"data_dir": data_dir})
    loaded = load("bbh", 5, job)
    asked = [(s.id.partition("/")[0], *loaded.suite.ask(s, ())) for s in loaded.samples]
    for (task, before), (next_task, after) in pairwise(asked):
        assert task != next_task or len(before.text or "") >= len(after.text or "")
    assert len([task for task, _ in groupby(task for task, _ in asked)]) == 27


def test_the_base_is_asked_first_and_the_longest_answers_first(
    tmp_path: Path, tiny_model: Path
) -> None:
    job = make_job(tmp_path, tiny_model)
    (group,) = group_by_engine(job.models, job.fingerprints, job.engine)
    base, twin = group.models
    nca = replace(base, name="nca", served_as="nca")
    short = load("arithmetic", 2, job)
    long = replace(short, suite=replace(short.suite, name="long").with_decoding(max_tokens=512))

    todo = list(tasks((nca, base, twin), (short, long), 3))

    assert [(t.model.name, t.suite.name) for t in todo[::2]] == [
        ("base", "long"), ("twin", "long"), ("base", "arithmetic"), ("twin", "arithmetic"),
        ("nca", "long"), ("nca", "arithmetic"),
    ]  # fmt: skip
    assert {t.repeats for t in todo} == {3}


def test_answers_that_had_no_room_are_asked_for_again_where_there_is_more(
    tmp_path: Path, tiny_model: Path
) -> None:
    def within(most: int) -> EvalJob:
        engine = EngineChoice(name="fake", max_model_len=most)
        return make_job(tmp_path, tiny_model).model_copy(update={"engine": engine})

    def statuses(job: EvalJob) -> set[str]:
        lines = read_lines(RunFolder(job.run).sample_log("base", "arithmetic"))
        return {line["status"] for line in lines}

    tight = run(within(16), silent)
    none_had_room = statuses(within(16))
    wide = run(within(1000), silent)
    again, as_wide = run(within(16), silent), run(within(900), silent)

    assert none_had_room == {"overflow"}
    assert "overflow" not in statuses(within(900))
    assert (tight.asked, wide.asked, wide.reused) == (24, 24, 0)
    assert (again.reused, as_wide.reused) == (24, 24)


def test_the_speed_of_what_was_generated_is_kept_and_a_replay_is_none(
    tmp_path: Path, tiny_model: Path
) -> None:
    job = make_job(tmp_path, tiny_model)
    file = RunFolder(job.run).evaluation / "speed.jsonl"

    tally = run(job, silent)
    first = file.read_bytes()
    run(job, silent)
    more = run(job.model_copy(update={"suites": {"arithmetic": 20}}), silent)

    lines = read_lines(file)
    assert file.read_bytes().startswith(first)
    assert [line["tokens"] for line in lines] == [tally.tokens, more.tokens]
    assert all(line["seconds"] > 0 and line["engine"] == "fake" for line in lines)


def stage_command(folder: Path, job: EvalJob) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    described = {"kind": "evaluate", "key": "k", "job": job.model_dump(mode="json")}
    write_json(folder / "resolved.json", described)
    return [
        sys.executable,
        "-m",
        "harness.stage",
        "evaluate",
        str(folder / "resolved.json"),
    ]


def answers_in(journal: Path) -> int:
    import sqlite3

    if not journal.exists():
        return 0
    db = sqlite3.connect(journal)
    try:
        return int(db.execute("SELECT count(*) FROM entries").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        db.close()


@pytest.mark.parametrize("after", [3, 17])
def test_killed_and_started_again_it_asks_only_what_is_missing(
    tmp_path: Path, tiny_model: Path, after: int
) -> None:
    undisturbed = make_job(tmp_path / "undisturbed", tiny_model)
    run(undisturbed, silent)
    job = make_job(tmp_path / "killed", tiny_model, delay_s="0.2")
    command = stage_command(tmp_path / "stage", job)
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 60
    while answers_in(job.journal) < after and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = answers_in(job.journal)

    tally = run(job, silent)

    assert after <= kept < 24
    assert (tally.reused, tally.asked) == (kept, 24 - kept)
    assert logs(job) == logs(undisturbed)


TAKE_LOCK = """
import sys
from pathlib import Path
from harness.storage.locks import locked
try:
    with locked(Path(sys.argv[1])):
        pass
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_stage_belongs_to_one_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKE_LOCK, str(tmp_path)]

    with locked(tmp_path):
        held = subprocess.run(command, capture_output=True, text=True, check=True)
    free = subprocess.run(command, capture_output=True, text=True, check=True)

    assert held.stdout.startswith(StageBusy.__name__)
    assert f"process {os.getpid()}" in held.stdout
    assert free.stdout == ""


def test_a_finished_stage_is_not_run_again(tmp_path: Path, tiny_model: Path) -> None:
    job = make_job(tmp_path, tiny_model, limit=2)
    command = stage_command(tmp_path / "stage", job)
    subprocess.run(command, check=True)
    log = RunFolder(job.run).sample_log("base", "arithmetic")
    log.unlink()

    subprocess.run(command, check=True)

    assert json.loads((tmp_path / "stage" / "done.json").read_text()) == {"key": "k"}
    assert not log.exists()
