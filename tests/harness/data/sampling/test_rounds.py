"""Recipes that sample, as planned: where things go, what they stand on, what is refused early."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.sampling.job import ROWS
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.places import Places
from harness.pipeline.plan import Plan, plan_recipe
from harness.pipeline.stages import sample_job, stage_of, train_job
from harness.recipe.reading import read_recipe

RECIPE = """
name: rounds
base: {base}
sample:
  first: {{prompts: "arithmetic:train", limit: 6}}
  second: {{checkpoint: one, prompts: "arithmetic:train", limit: 6}}
train: {{lora: {{rank: 2}}}}
checkpoints:
  one: {{data: "sample:first"}}
  two: {{data: "sample:second", base: one}}
evaluate: {{engine: {{name: fake}}}}
"""


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NCA_DATA_DIR", raising=False)
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(base=tiny_model))
    return path


def plan(recipe: Path, *overrides: str) -> Plan:
    places = Places(runs=recipe.parent / "runs", models=recipe.parent, near=(recipe.parent,))
    return plan_recipe(read_recipe(recipe, overrides), places)


def test_a_checkpoint_reads_what_was_sampled_and_goes_on_from_the_one_before(
    recipe: Path, tiny_model: Path
) -> None:
    found = plan(recipe)

    one, two = train_job(found, "one"), train_job(found, "two")
    assert one.config.data == str(found.folder.sample("first") / ROWS)
    assert (one.base, one.adapter) == (tiny_model, None)
    assert (two.base, two.adapter) == (tiny_model, found.folder.checkpoint("one"))
    assert sample_job(found, "second", SuiteLibrary()).model == str(found.folder.checkpoint("one"))
    assert sample_job(found, "first", SuiteLibrary()).model == str(tiny_model)


def test_what_goes_on_has_the_rank_that_it_goes_on_with(recipe: Path) -> None:
    found = plan(recipe, "train.lora=", "checkpoints.one.lora={rank: 2}", "checkpoints.two.lora={}")

    lora = found.recipe.checkpoints["two"].lora
    assert lora is not None
    assert lora.rank == 2


def test_on_all_weights_the_next_one_stands_on_a_full_checkpoint(recipe: Path) -> None:
    found = plan(recipe, "checkpoints.one.lora=null")

    assert found.starting_point("two") == (found.folder.checkpoint("one"), None)


def test_other_samples_are_another_run_and_other_measurements_are_not(recipe: Path) -> None:
    key = plan(recipe).key

    for change in (
        "sample.first.seed=1",
        "sample.second.limit=7",
        "sample.second.checkpoint=base",
        "evaluate.engine.name=transformers",
        "checkpoints.two.base=base",
    ):
        assert plan(recipe, change).key != key, change
    for change in ("evaluate.limit=3", "evaluate.engine.concurrency=2"):
        assert plan(recipe, change).key == key, change


def test_a_stages_key_hangs_on_the_rows_that_were_sampled(recipe: Path) -> None:
    found = plan(recipe)
    step = next(step for step in found.steps if step.where == "checkpoints.one")
    keys = [stage_of(found, step, SuiteLibrary()).key]

    rows = found.folder.sample("first") / ROWS
    rows.parent.mkdir(parents=True)
    for text in ("one\n", "other\n"):
        rows.write_text(text)
        keys.append(stage_of(found, step, SuiteLibrary()).key)

    assert len(set(keys)) == 3


def test_before_anything_is_sampled_that_is_said(
    recipe: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("train", recipe, "--dry-run") == 0
    outlook = capsys.readouterr().out
    assert nca("data", "show", recipe) == 2
    shown = capsys.readouterr().err
    whole = ("evaluate.suites=arithmetic:train", "evaluate.limit=3")
    assert nca("audit", recipe, *(word for one in whole for word in ("--set", one))) == 0
    audit = capsys.readouterr().out

    assert "6 prompts at most, which are still to be sampled" in outlook
    assert "base: one" in outlook
    assert "sample:first: not sampled yet (checkpoints.one.data)" in shown
    # What will be asked is known: here it is what is evaluated, too.
    assert "6 prompts hold 3 of 3 questions whole" in audit


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("sample.second.prompts=gsm8k:cot8", "gsm8k"),
        ("sample.second.reward_model=./nowhere", "./nowhere: no such checkpoint folder"),
        ("evaluate.engine={name: openai, base_url: 'http://localhost:1/v1'}", "sample.first: an "),
        ("checkpoints.two.lora={rank: 4}", "lora.rank: 4 is not what checkpoint one has"),
        ("checkpoints.two.lora=null", "checkpoint one is an adapter"),
        ("checkpoints.one.base=two", "nothing can be made first"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_starts(
    recipe: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    override: str,
    said: str,
) -> None:
    assert nca("train", recipe, "--tracking", "none", "--set", override) == 2

    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list(recipe.parent.glob("runs/rounds-*/*/*"))
