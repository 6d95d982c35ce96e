"""A judge on this machine comes when the answers are there; judging again generates nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from eval_suites import registry
from eval_suites.requests import Answer, Decoding, Message, Request
from eval_suites.scores import Score
from eval_suites.suite import JudgeRules
from eval_suites.suites.arithmetic import SUITE as ARITHMETIC
from harness.engines.base import Completion, RequestFailed
from harness.engines.fake import FakeEngine
from harness.engines.options import EngineChoice
from harness.engines.registry import ENGINES
from harness.evaluate.answer_files.rescore import rescore
from harness.evaluate.answer_files.stored import read_stored
from harness.evaluate.client.job import EvalJob
from harness.evaluate.loop.loop import run
from harness.progress.events import silent
from harness.recipe.schema import JudgeChoice
from harness.storage.atomic_files import read_json, read_lines
from harness.storage.run_folder import RunFolder

SAMPLES = 4


def rate(
    sample: Any, answers: tuple[Answer, ...], verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    if verdicts:
        return ()
    text = f"Rate {sample.id}, {len(answers)} answers, the last: {answers[-1].text} and 1"
    return (Request(messages=(Message("user", text),), decoding=Decoding(temperature=0.7)),)


def two_turns(sample: Any, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
    first = ARITHMETIC.ask(sample, ())
    if not answers:
        return first
    more = (Message("assistant", answers[0].text), Message("user", "Are you sure of 1?"))
    return tuple(replace(r, messages=r.messages + more) for r in first) if answers[1:] == () else ()


def by_number(
    _sample: Any, _answers: tuple[Answer, ...], verdicts: tuple[Answer, ...], _outcomes: Any
) -> Score:
    number = re.search(r"(-?\d+)\.$", verdicts[0].text)
    value = float(number[1]) if number else 0.0
    return Score(value, extracted=str(value), metrics={"rating": value})


JUDGED = replace(
    ARITHMETIC,
    name="judged",
    headline="rating",
    ask=two_turns,
    judging=JudgeRules(rate),
    score=by_number,
)


@dataclass
class Engines:
    """What engines did, in order: `starts NAME`, `ends NAME`, `answers NAME`."""

    did: list[str] = field(default_factory=list)

    def times(self, what: str) -> int:
        return self.did.count(what)

    def make(self, name: str) -> type[FakeEngine]:
        did = self.did

        class Watched(FakeEngine):
            async def __aenter__(self) -> Self:
                did.append(f"starts {name}")
                return await super().__aenter__()

            async def __aexit__(
                self,
                kind: type[BaseException] | None,
                error: BaseException | None,
                trace: TracebackType | None,
            ) -> None:
                did.append(f"ends {name}")
                await super().__aexit__(kind, error, trace)

            async def complete(self, request: Request) -> Completion:
                did.append(f"answers {name}")
                return await super().complete(request)

        return Watched


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Engines:
    monkeypatch.setitem(registry.SUITES, "judged", JUDGED)
    found = Engines()
    for name in ("model", "judge", "other"):
        monkeypatch.setitem(ENGINES, name, found.make(name))
    return found


def make_job(tmp_path: Path, model: Path, judge: str = "judge", **keys: Any) -> EvalJob:
    return EvalJob(
        models={"base": str(model), "nca": str(model)},
        fingerprints={"base": "one", "nca": "two"},
        suites={"judged": SAMPLES, "arithmetic": SAMPLES},
        engine=EngineChoice(name="model"),
        judge=JudgeChoice(name=judge, model=str(model), **keys),
        judge_fingerprint=f"the {judge}",
        run=tmp_path / "run",
        journal=tmp_path / "journal.sqlite",
    )


def test_the_judge_starts_when_the_engine_that_answered_has_ended(
    engines: Engines, tmp_path: Path, tiny_model: Path
) -> None:
    heard: list[Mapping[str, Any]] = []

    run(make_job(tmp_path, tiny_model), heard.append)

    in_order = [what for what in engines.did if not what.startswith("answers")]
    assert in_order == ["starts model", "ends model", "starts judge", "ends judge"]
    ended = engines.did.index("ends model")
    assert "answers judge" not in engines.did[:ended]
    assert engines.times("answers model") == 2 * 3 * SAMPLES  # two turns and one turn, twice
    judging = [e for e in heard if e["event"] == "progress" and e["phase"] == "judging"]
    assert (judging[0]["done"], judging[-1]["done"]) == (0, 2 * SAMPLES)
    assert {event["total"] for event in judging} == {2 * SAMPLES}
    (told,) = (event for event in heard if event["event"] == "evaluated")
    assert (told["asked"], told["reused"]) == (2 * 3 * SAMPLES, 0)


def test_both_kinds_of_suite_have_their_whole_log(
    engines: Engines, tmp_path: Path, tiny_model: Path
) -> None:
    run(make_job(tmp_path, tiny_model), silent)

    folder = RunFolder(tmp_path / "run")
    lines = read_lines(folder.sample_log("nca", "judged"))
    assert len(lines) == len(read_lines(folder.sample_log("nca", "arithmetic"))) == SAMPLES
    for line in lines:
        (verdict,) = line["verdicts"]
        assert len(line["turns"]) == 2
        assert verdict["text"].endswith(f" {line['value']:.0f}.")
    assert read_json(folder.summary("nca", "arithmetic"))["metrics"]["accuracy"] <= 1


def test_another_judge_reads_the_same_answers_and_starts_no_engine_but_its_own(
    engines: Engines, tmp_path: Path, tiny_model: Path
) -> None:
    job = make_job(tmp_path, tiny_model)
    run(job, silent)
    before = read_lines(RunFolder(job.run).sample_log("base", "judged"))
    engines.did.clear()

    run(make_job(tmp_path, tiny_model, judge="other"), silent)

    assert set(engines.did) == {"starts other", "ends other", "answers other"}
    after = read_lines(RunFolder(job.run).sample_log("base", "judged"))
    assert [line["turns"] for line in after] == [line["turns"] for line in before]
    engines.did.clear()
    run(job, silent)  # the first judge again: all of it is known
    assert engines.did == []


def test_another_reading_of_verdicts_asks_nobody(
    engines: Engines, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(tmp_path, tiny_model)
    run(job, silent)
    engines.did.clear()

    def strict(*_: Any) -> Score:
        return Score(None, "judge_missing", reason="no verdict in this form")

    monkeypatch.setitem(registry.SUITES, "judged", replace(JUDGED, version="2", score=strict))
    run(job, silent)

    assert engines.did == []
    summary = read_json(RunFolder(job.run).summary("base", "judged"))
    assert summary["statuses"] == {"judge_missing": SAMPLES}


def test_no_judged_suite_needs_no_judge(engines: Engines, tmp_path: Path, tiny_model: Path) -> None:
    job = make_job(tmp_path, tiny_model).model_copy(update={"suites": {"arithmetic": SAMPLES}})

    run(job, silent)

    assert not any("judge" in what for what in engines.did)


def test_a_judge_asked_several_times_tells_how_far_it_agrees_with_itself(
    engines: Engines, tmp_path: Path, tiny_model: Path
) -> None:
    run(make_job(tmp_path, tiny_model), silent)
    once = engines.times("answers judge")
    run(make_job(tmp_path, tiny_model, repeats=3), silent)

    assert engines.times("answers judge") == 3 * once  # the first of three was there
    folder = RunFolder(tmp_path / "run")
    lines = read_lines(folder.sample_log("base", "judged"))
    for line in lines:
        values = [float(re.findall(r"(-?\d+)\.$", v["text"])[0]) for v in line["verdicts"]]
        assert len(values) == 3
        assert line["value"] == pytest.approx(sum(values) / 3)
        assert line["metrics"]["judge_sd"] >= 0
    assert any(line["metrics"]["judge_sd"] > 0 for line in lines)
    assert read_json(folder.summary("base", "judged"))["protocol"]["judge_repeats"] == "3"

    again = rescore(JUDGED, JUDGED.load(None), read_stored(folder.sample_log("base", "judged")))
    logged = [(line["value"], line["extracted"], line["metrics"]) for line in lines]
    assert [(one.score.value, one.score.extracted, one.score.metrics) for one in again] == logged


def test_an_answer_that_is_lost_before_the_judging_is_asked_for_again_with_it(
    engines: Engines, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [RequestFailed("lost on the way")]

    class Hasty(FakeEngine):
        async def complete(self, request: Request) -> Completion:
            if failures:
                raise failures.pop()
            return await super().complete(request)

    monkeypatch.setitem(ENGINES, "model", Hasty)
    job = make_job(tmp_path, tiny_model)

    tally = run(job.model_copy(update={"suites": {"judged": SAMPLES}}), silent)

    assert not failures
    assert tally.lost == 0
    for name in ("base", "nca"):
        summary = read_json(RunFolder(job.run).summary(name, "judged"))
        assert summary["statuses"] == {"ok": SAMPLES}
    assert engines.times("starts judge") == 1
