"""What is made from what: an order in which it can be made, or the ring that forbids it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import RecipeError
from harness.recipe.dependencies import order_steps
from harness.recipe.reading import read_recipe
from harness.recipe.schema import Recipe

TWO_ROUNDS: dict[str, Any] = {
    "name": "rounds",
    "base": "some-model",
    "sample": {
        "second": {"checkpoint": "one", "prompts": "arithmetic:train"},
        "first": {"prompts": "arithmetic:train", "k": 3},
    },
    "checkpoints": {
        "two": {"data": "sample:second", "base": "one"},
        "one": {"data": "sample:first"},
        "plain": {"data": "train.jsonl"},
    },
}


def read(tmp_path: Path, recipe: object, *overrides: str) -> Recipe:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False))
    return read_recipe(path, overrides)


def order(recipe: Recipe) -> list[str]:
    return [step.where for step in order_steps(recipe)]


def test_everything_stands_after_what_it_needs(tmp_path: Path) -> None:
    found = order(read(tmp_path, TWO_ROUNDS))

    chain = ["sample.first", "checkpoints.one", "sample.second", "checkpoints.two"]
    assert [where for where in found if where in chain] == chain
    assert sorted(found) == sorted([*chain, "checkpoints.plain"])


def test_without_samples_checkpoints_stay_in_their_order(tmp_path: Path) -> None:
    names = ["c", "a", "b"]
    plain = {"name": "x", "base": "y", "checkpoints": {n: {"data": "d"} for n in names}}

    assert order(read(tmp_path, plain)) == [f"checkpoints.{name}" for name in names]


def test_a_checkpoint_says_what_it_is_trained_on(tmp_path: Path) -> None:
    recipe = read(tmp_path, TWO_ROUNDS, "checkpoints.plain.base=base")

    assert recipe.starts == {"two": "one"}


def test_a_sweep_keeps_its_points_apart_and_shares_what_is_sampled_from_the_base(
    tmp_path: Path,
) -> None:
    recipe = read(tmp_path, TWO_ROUNDS, "sweep.seed=[0, 1]")

    assert recipe.starts == {"two-seed0": "one-seed0", "two-seed1": "one-seed1"}
    assert recipe.checkpoints["two-seed1"].data == "sample:second-seed1"
    assert recipe.checkpoints["one-seed1"].data == "sample:first"
    assert {name: one.checkpoint for name, one in recipe.sample.items()} == {
        "first": "base",
        "second-seed0": "one-seed0",
        "second-seed1": "one-seed1",
    }


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("checkpoints.one.base=two", "checkpoints.one needs"),
        ("sample.first.checkpoint=two", "sample.first needs"),
        ("checkpoints.one.base=one", "checkpoints.one needs checkpoints.one"),
        ("checkpoints.one.base=none", "checkpoints.one.base: no checkpoint is called 'none'"),
        ("checkpoints.one.data=sample:third", "checkpoints.one.data: no sample is called 'third'"),
        ("sample.first.checkpoint=x", "sample.first.checkpoint: no checkpoint is called 'x'"),
        ("sample.first.prompt=x", "did you mean 'prompts'"),
        ("sample.first.k=1", "sample.first.k: Input should be greater than or equal to 2"),
        ("sample.first={prompts: a, verifier: b, reward_model: c}", "name one scorer"),
        ("checkpoints.one.bas=x", "did you mean 'base'"),
        ("starts.one=two", "starts: no such key"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, TWO_ROUNDS, override)

    assert str(caught.value).startswith(str(tmp_path / "recipe.yaml"))
    assert said in str(caught.value)


def test_a_ring_is_told_whole(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, TWO_ROUNDS, "sample.first.checkpoint=two", "checkpoints.two.base=base")

    ring = ["sample.first", "checkpoints.two", "sample.second", "checkpoints.one"]
    told = str(caught.value).partition(": nothing can be made first")[0].rpartition(": ")[2]
    first, *rest = told.split(" needs ")
    assert rest[-1] == first
    start = ring.index(first)
    assert [first, *rest[:-1]] == [*ring[start:], *ring[:start]]
