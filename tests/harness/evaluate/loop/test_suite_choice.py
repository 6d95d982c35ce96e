"""`all` is every suite that can run here; each other one is named with its reason."""

from pathlib import Path

import pytest

from eval_suites.errors import SandboxError
from eval_suites.registry import SUITES, find
from harness.engines.fake import FakeEngine
from harness.engines.options import EngineChoice
from harness.engines.registry import ENGINES
from harness.errors import EngineUnavailable
from harness.evaluate.loop.suite_choice import expand_all, require_judge
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.run import check_suites
from harness.recipe.schema import EvaluateSection, JudgeChoice

JUDGED = {"alpaca_eval", "alpaca_eval_1", "mt_bench"}


def section(*suites: str, engine: str = "fake") -> EvaluateSection:
    return EvaluateSection(suites=suites, engine=EngineChoice(name=engine, base_url="http://x/v1"))


def test_without_all_nothing_changes(tmp_path: Path) -> None:
    asked = section("gsm8k", "arithmetic")
    assert expand_all(asked, SuiteLibrary(tmp_path)) == (asked, {})


def test_without_files_the_suite_that_needs_none_is_left(tmp_path: Path) -> None:
    chosen, left_out = expand_all(section("all"), SuiteLibrary(tmp_path))
    assert chosen.suites == ("arithmetic",)
    assert set(left_out) == set(SUITES) - {"arithmetic"}
    assert "gsm8k/test.jsonl.gz is missing" in left_out["gsm8k"]
    assert "nca data fetch" in left_out["gsm8k"]


def test_with_all_files_every_suite_is_there_once(data_dir: Path) -> None:
    chosen, left_out = expand_all(section("humaneval", "all"), SuiteLibrary(data_dir))
    assert chosen.suites[0] == "humaneval"
    assert sorted((*chosen.suites, *left_out)) == sorted(SUITES)
    for name in ("arithmetic:train", "gsm8k:train"):
        assert left_out.pop(name) == "its samples are for training"
    # The full GSM-Plus is in no data folder of ours.
    assert set(left_out) <= {"gsm_plus", "gsm_plus:eurus", *JUDGED}


def test_judged_suites_are_left_out_where_no_judge_is_chosen(data_dir: Path) -> None:
    chosen, left_out = expand_all(section("all"), SuiteLibrary(data_dir))
    assert {name: left_out[name] for name in JUDGED} == dict.fromkeys(JUDGED, "no judge is chosen")
    judge = JudgeChoice(name="fake", model="x")
    chosen, left_out = expand_all(
        section("all").model_copy(update={"judge": judge}), SuiteLibrary(data_dir)
    )
    assert set(chosen.suites) >= JUDGED
    assert not JUDGED & set(left_out)


def test_suites_whose_judge_cannot_do_what_they_need_are_left_out(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wordless(FakeEngine):
        capabilities = FakeEngine.capabilities - {"logprobs"}

    monkeypatch.setitem(ENGINES, "wordless", Wordless)
    judge = JudgeChoice(name="wordless", model="x")
    judged = section("all").model_copy(update={"judge": judge})
    chosen, left_out = expand_all(judged, SuiteLibrary(data_dir))
    assert left_out["alpaca_eval"] == "judge wordless lacks logprobs"
    assert {"alpaca_eval_1", "mt_bench"} <= set(chosen.suites)
    for suites in ((), ("mt_bench", "alpaca_eval_1")):
        require_judge(map(find, suites), judge)
    with pytest.raises(EngineUnavailable, match=r"alpaca_eval needs logprobs of its judge, .*word"):
        check_suites(judged.model_copy(update={"suites": ("alpaca_eval",)}), SuiteLibrary(data_dir))


def test_what_the_engine_cannot_do_is_left_out(data_dir: Path) -> None:
    chosen, left_out = expand_all(section("all", engine="openai"), SuiteLibrary(data_dir))
    assert "gsm8k" in chosen.suites
    assert left_out["gsm8k:cot8"] == "engine openai lacks tokens"
    assert left_out["humaneval"] == "engine openai lacks prefix"


def test_programs_that_cannot_be_contained_are_left_out(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nowhere(_: object) -> str:
        raise SandboxError("not here; --unsafe")

    monkeypatch.setattr("eval_suites.sandbox.runner.Sandbox.tier", nowhere)
    chosen, left_out = expand_all(section("all"), SuiteLibrary(data_dir))
    assert "not here; --unsafe" in left_out["leetcode"]
    assert not [name for name in chosen.suites if find(name).programs]


def test_a_suite_that_is_named_stays_to_tell_its_own_error(tmp_path: Path) -> None:
    chosen, left_out = expand_all(section("gsm8k", "all"), SuiteLibrary(tmp_path))
    assert chosen.suites == ("gsm8k", "arithmetic")
    assert "gsm8k" not in left_out
