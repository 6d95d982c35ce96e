"""Recipes: every key is checked, and a mistake is named with file, key and remedy."""

from pathlib import Path

import pytest
import yaml

from harness.errors import RecipeError
from harness.recipe.reading import read_recipe
from harness.recipe.schema import limit_for

GOOD = {
    "name": "small",
    "base": "some-model",
    "train": {"data": "train.jsonl", "beta": 0.1},
    "checkpoints": {"dpo": {"method": "dpo"}, "nca": {"method": "nca", "beta": 0.2}},
    "evaluate": {"suites": ["gsm8k"], "limit": {"gsm8k": 4}},
}


def write(tmp_path: Path, recipe: object) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe if isinstance(recipe, str) else yaml.safe_dump(recipe))
    return path


def test_train_defaults_reach_every_checkpoint_and_may_be_overridden(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, GOOD))

    assert [c.beta for c in recipe.checkpoints.values()] == [0.1, 0.2]
    assert [c.method for c in recipe.checkpoints.values()] == ["dpo", "nca"]


def test_sweep_expands_into_named_checkpoints(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, GOOD | {"sweep": {"beta": [0.1, 1.0], "seed": [0, 1]}}))

    assert len(recipe.checkpoints) == 8
    assert recipe.checkpoints["nca-beta1.0-seed1"].seed == 1
    assert recipe.checkpoints["nca-beta1.0-seed1"].beta == 1.0


def test_set_overrides_nested_keys_and_creates_sections(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)

    recipe = read_recipe(path, ["train.alpha=0", "checkpoints.dpo.beta=3", "evaluate.limit=7"])

    assert recipe.checkpoints["nca"].alpha == 0
    assert recipe.checkpoints["dpo"].beta == 3
    assert limit_for(recipe.evaluate, "gsm8k") == 7


def test_engine_options_may_be_written_as_numbers(tmp_path: Path) -> None:
    engine = {"name": "transformers", "options": {"batch": 64}}

    recipe = read_recipe(write(tmp_path, GOOD | {"evaluate": {"engine": engine}}))

    assert recipe.evaluate.engine.options == {"batch": "64"}


def test_one_suite_needs_no_list(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, GOOD | {"evaluate": {"suites": "all"}}))
    assert recipe.evaluate.suites == ("all",)


def test_limit_may_differ_by_suite(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, GOOD))

    assert limit_for(recipe.evaluate, "gsm8k") == 4
    assert limit_for(recipe.evaluate, "humaneval") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evalute": {}}, "did you mean 'evaluate'"),
        ({"train": {"data": "x", "betta": 1}}, "did you mean 'beta'"),
        ({"train": {"data": "x", "lora": {"rnk": 4}}}, "did you mean 'rank'"),
        ({"evaluate": {"suite": ["gsm8k"]}}, "did you mean 'suites'"),
        ({"evaluate": {"engine": {"nam": "vllm"}}}, "did you mean 'name'"),
        ({"compare": {"base": "dpo"}}, "did you mean 'baseline'"),
        ({"train": {"beta": 1}}, "checkpoints.dpo.data: this key is required"),
        ({"train": {"data": "x", "beta": -1}}, "greater than 0"),
        ({"train": {"data": "x", "alpha": float("nan")}}, "alpha"),
        ({"sweep": {"beta": 1}}, "sweep.beta: write a list"),
        ({"compare": {"baseline": "dop"}}, "choose from base, dpo, nca"),
        ({"checkpoints": {"base": {}}}, "taken by the base model"),
        ({"checkpoints": {"dpo": "dpo"}}, "checkpoints.dpo: write keys"),
        ({"checkpoints": {"../dpo": {}}}, "checkpoints"),
        ({"name": "a/b"}, "name"),
        ({"train": [1]}, "train: write a mapping"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, change: object, said: str) -> None:
    path = write(tmp_path, GOOD | change)  # type: ignore[operator]

    with pytest.raises(RecipeError) as caught:
        read_recipe(path)

    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


@pytest.mark.parametrize("text", ["", "- 1\n", "name: [\n", "just words"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.yaml"):
        read_recipe(write(tmp_path, text))


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such recipe"):
        read_recipe(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("override", ["train.beta", "=3", "name.x=1", "train.beta=[1"])
def test_a_malformed_override_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        read_recipe(write(tmp_path, GOOD), [override])
