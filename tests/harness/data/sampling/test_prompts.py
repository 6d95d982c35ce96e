"""Prompts: of suites that ask one chat turn, or of files whose rows say who scores them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eval_suites import registry
from eval_suites.suite import JudgeRules
from eval_suites.suites.arithmetic import SUITE, TRAIN
from harness.data.sampling.prompts import prompts_of, verifier
from harness.data.sampling.resolve import benchmark_files, check, resolved
from harness.errors import UserError
from harness.evaluate.suites.library import SuiteLibrary
from harness.recipe.schema import SampleSection

Write = Callable[[str, list[object]], Path]


def test_training_problems_are_no_test_problems() -> None:
    test = {one.question for one in SUITE.load(None)}
    train = {one.question for one in TRAIN.load(None)}

    assert len(train) == 400
    assert not train & test


def test_a_suites_prompts_are_its_own_with_the_decoding_that_was_asked_for() -> None:
    section = SampleSection(prompts="arithmetic:train", limit=3, temperature=0.7, top_p=0.9)

    prompts = prompts_of(section, SuiteLibrary())

    assert [one.id for one in prompts] == ["0", "1", "2"]
    (own,) = TRAIN.ask(TRAIN.load(None)[0], ())
    assert prompts[0].request.messages == own.messages
    decoding = prompts[0].request.decoding
    assert (decoding.temperature, decoding.top_p) == (0.7, 0.9)
    assert decoding.max_tokens == TRAIN.sampling.decoding.max_tokens


def test_a_verifier_of_other_problems_is_refused_though_their_ids_agree() -> None:
    with pytest.raises(UserError, match="verifier arithmetic: does not know sample 0 of arith"):
        prompts_of(SampleSection(prompts="arithmetic:train", verifier="arithmetic"), SuiteLibrary())


def test_a_verifier_of_the_same_problems_may_be_another(data_dir: Path) -> None:
    section = SampleSection(prompts="math500", verifier="math500", limit=2)
    other = section.model_copy(update={"prompts": "svamp", "verifier": "svamp:eurus"})

    assert len(prompts_of(section, SuiteLibrary(data_dir))) == 2
    assert len(prompts_of(other, SuiteLibrary(data_dir))) == 2


def test_rows_of_a_file_are_scored_by_the_sample_that_they_name(write_jsonl: Write) -> None:
    rows: list[object] = [
        {"prompt": "In short?", "sample_id": 5, "id": "a"},
        {"messages": [{"role": "user", "content": "Well?"}], "sample_id": "0"},
    ]
    file = write_jsonl("prompts.jsonl", rows)

    first, second = prompts_of(
        SampleSection(prompts=str(file), verifier="arithmetic"), SuiteLibrary()
    )

    assert (first.id, second.id) == ("a", "2")
    assert first.sample == SUITE.load(None)[5]
    assert second.request.messages[0].content == "Well?"
    assert first.request.decoding.max_tokens == 512


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "x"}, r"prompts.jsonl, row 1: no `prompt`"),
        ([1], r"prompts.jsonl, row 1: "),
        ({"prompt": " "}, r"row 1: the prompt is empty"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "ends with the assistant"),
        ({"prompt": [{"role": "tool", "content": "x"}]}, "no role is called 'tool'"),
        ({"prompt": "x"}, "the verifier has no sample None"),
        ({"prompt": "x", "sample_id": "900"}, "the verifier has no sample '900'"),
    ],
)
def test_a_bad_row_is_named(write_jsonl: Write, row: object, said: str) -> None:
    file = write_jsonl("prompts.jsonl", [row])

    with pytest.raises(UserError, match=said):
        prompts_of(SampleSection(prompts=str(file), verifier="arithmetic"), SuiteLibrary())


def test_a_suite_is_loaded_once_to_be_checked_and_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    loads: list[str] = []

    def load(folder: Path | None) -> object:
        loads.append("counted")
        return SUITE.load(folder)

    counted = replace(SUITE, name="counted", load=load)
    monkeypatch.setitem(registry.SUITES, "counted", counted)
    library = SuiteLibrary()
    section = SampleSection(prompts="counted", verifier="counted")

    check(section, library)
    benchmark_files(section, library)

    assert loads == ["counted"]


def test_a_suite_that_training_data_cannot_hold_is_refused(data_dir: Path) -> None:
    with pytest.raises(UserError, match="asks plain text"):
        prompts_of(SampleSection(prompts="gsm8k:cot8"), SuiteLibrary(data_dir))


def test_a_suite_of_several_turns_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    twice = replace(SUITE, name="twice", ask=lambda sample, _: SUITE.ask(sample, ()))
    monkeypatch.setitem(registry.SUITES, "twice", twice)

    with pytest.raises(UserError, match="twice asks more than once"):
        prompts_of(SampleSection(prompts="twice"), SuiteLibrary())


def test_a_judged_suite_is_no_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    judged = replace(SUITE, name="judged", judging=JudgeRules(lambda *_: ()))
    monkeypatch.setitem(registry.SUITES, "judged", judged)

    with pytest.raises(UserError, match="judged asks a judge"):
        verifier("judged")


def test_the_suite_of_the_prompts_scores_unless_somebody_else_is_named(tmp_path: Path) -> None:
    section = resolved(SampleSection(prompts="arithmetic:train"), [tmp_path], tmp_path, [])

    assert section.verifier == "arithmetic:train"


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        ("arithmetik", "did you mean arithmetic"),
        ("nowhere.jsonl", "neither a suite .* nor a file of prompts in "),
        ("here.jsonl", "does not say who scores"),
    ],
)
def test_prompts_that_cannot_be_used_are_refused(tmp_path: Path, prompts: str, said: str) -> None:
    (tmp_path / "here.jsonl").write_text('{"prompt": "x"}\n')

    with pytest.raises(ValueError if "mean" in said else UserError, match=said):
        resolved(SampleSection(prompts=prompts), [tmp_path], tmp_path, [])
