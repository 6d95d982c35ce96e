"""A judge that rewards sampled responses: from 1 to 10, and no reward without a rating."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval_suites.requests import Request
from harness.data.sampling.resolve import identities
from harness.engines.fake import scripted
from harness.engines.registry import ENGINES
from harness.pipeline.launch import Stage
from harness.progress.events import Reporter
from harness.recipe.schema import SampleSection
from train.model.files import fingerprint

Nca = Callable[..., int]
ASKED = ("--prompts", "arithmetic:train", "--limit", "3", "-k", "2", "--engine", "fake")


def by_length(prompt: str) -> str:
    answer = prompt.rpartition("<<")[2]
    return f"It is [[{1 + len(answer) % 10}]]"


def mute_at_first(prompt: str) -> str:
    return "[[7]]" if "can be read" in prompt else "Fine."


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with templates of our own in its data folder."""
    names = [
        f"{kind}{turns}"
        for kind in ("single-v1", "single-math-v1", "pair-v2", "pair-math-v1")
        for turns in ("", "-multi-turn")
    ]
    said = {"system_prompt": "Rate.", "prompt_template": "{question} <<{answer}"}
    (tmp_path / "data" / "mt_bench").mkdir(parents=True)
    (tmp_path / "data" / "mt_bench" / "judge_prompts.jsonl").write_text(
        "".join(json.dumps({"name": name, **said}) + "\n" for name in names)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NCA_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def judging(monkeypatch: pytest.MonkeyPatch, reply: Callable[[str], str]) -> None:
    """The stage is a process of its own: it is run in this one, with a judge of ours."""
    from harness.pipeline import worker

    def script(request: Request) -> str:
        return reply(request.messages[-1].content)

    def launch(stage: Stage, report: Reporter) -> None:
        stage.folder.mkdir(parents=True, exist_ok=True)
        resolved = stage.folder / "resolved.json"
        described = {"kind": stage.kind, "key": stage.key, "job": stage.plain_job}
        resolved.write_text(json.dumps(described))
        worker.run_stage(stage.kind, resolved, report)

    monkeypatch.setitem(ENGINES, "judging", scripted(script))
    monkeypatch.setattr("harness.pipeline.launch.launch", launch)


def rows(file: Path) -> list[dict[str, list[float]]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_rating_is_the_reward_and_who_judged_is_told(
    there: Path, tiny_model: Path, nca: Nca, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging(monkeypatch, by_length)
    asked = ("--judge", f"judging:{tiny_model}", "-o", "own.jsonl")
    assert nca("data", "sample", tiny_model, *ASKED, *asked) == 0
    found = rows(there / "own.jsonl")
    assert len(found) == 3
    for row in found:
        assert row["rewards"] == [1 + len(str(text).strip()) % 10 for text in row["responses"]]
    assert "scorer: judge" in (there / "own.provenance.yaml").read_text()


def test_a_reply_to_the_second_asking_counts(
    there: Path, tiny_model: Path, nca: Nca, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging(monkeypatch, mute_at_first)
    asked = ("--judge", f"judging:{tiny_model}", "-o", "own.jsonl")
    assert nca("data", "sample", tiny_model, *ASKED, *asked) == 0
    assert {reward for row in rows(there / "own.jsonl") for reward in row["rewards"]} == {7.0}


def test_without_any_rating_nothing_is_left_to_train_on(
    there: Path,
    tiny_model: Path,
    nca: Nca,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    judging(monkeypatch, lambda _: "Fine.")
    asked = ("--judge", f"judging:{tiny_model}", "-o", "own.jsonl")
    assert nca("data", "sample", tiny_model, *ASKED, *asked) == 2
    assert "6 no_reward" in capsys.readouterr().err
    assert not (there / "own.jsonl").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--judge", "quick"), "--judge quick: write openai:MODEL"),
        (("--judge", "fake:nowhere"), "nowhere"),
        (("--judge", "fake:.", "--verifier", "arithmetic:train"), "name one scorer"),
    ],
)
def test_a_judge_that_cannot_be_is_refused(
    given: tuple[str, ...],
    said: str,
    there: Path,
    tiny_model: Path,
    nca: Nca,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert nca("data", "sample", tiny_model, *ASKED, *given, "-o", "own.jsonl") == 2
    assert said in capsys.readouterr().err


def test_a_judge_that_is_an_adapter_is_identified_with_its_base(
    lively_model: Path, adapters: tuple[tuple[str, Path], ...], tmp_path: Path
) -> None:
    _, adapter = adapters[0]
    section = SampleSection(prompts="arithmetic:train", judge=f"transformers:{adapter}")
    _, judge = identities(section, tmp_path, tmp_path / "memo.json")
    assert judge == f"judge {fingerprint(adapter)} on {fingerprint(lively_model)}"
