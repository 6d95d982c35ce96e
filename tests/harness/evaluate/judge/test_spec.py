"""The judge as it is typed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import RecipeError
from harness.recipe.judge_options import JudgeOptions
from harness.recipe.reading import read_recipe
from harness.recipe.schema import JudgeChoice

RECIPE = """
name: small
base: x
evaluate:
  suites: [arithmetic]
  judge: {model: old, base_url: "http://old/v1", concurrency: 3}
"""


def test_every_form_names_an_engine_and_its_model() -> None:
    endpoint = JudgeOptions("openai:gpt-x", "http://here/v1", "2.5,10", 4.0, 2).choice()
    assert endpoint == JudgeChoice(
        model="gpt-x", base_url="http://here/v1", price=(2.5, 10.0), max_cost=4.0, repeats=2
    )
    local = JudgeOptions("vllm:models/a:b").choice()
    assert local == JudgeChoice(name="vllm", model="models/a:b")
    assert JudgeOptions().choice() is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (JudgeOptions("gpt-4"), r"--judge gpt-4: write openai:MODEL .* vllm:FOLDER"),
        (JudgeOptions("llama:x"), "--judge llama:x: write openai:MODEL"),
        (JudgeOptions("vllm:"), "--judge vllm:: write openai:MODEL"),
        (JudgeOptions("vllm:x", "http://here/v1"), "--judge-url goes with an endpoint"),
        (JudgeOptions("openai:x", price="cheap"), "--judge-price cheap: write dollars"),
        (JudgeOptions("openai:x", price="1,2,3"), "--judge-price 1,2,3: write dollars"),
        (JudgeOptions("openai:x", price="-1,2"), r"the judge's price\.0: .*greater than or equal"),
        (JudgeOptions("openai:x", max_cost=5), "a budget needs a price: --judge-price IN,OUT"),
        (JudgeOptions("openai:x", price="1,2", max_cost=0), "the judge's max_cost: .*greater"),
        (JudgeOptions(max_cost=5), "no judge is named: --judge openai:MODEL"),
    ],
)
def test_what_cannot_be_is_refused_with_the_forms_that_are_known(
    options: JudgeOptions, said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        options.choice()


def test_over_a_recipe_a_judge_replaces_its_own_and_other_options_change_it(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(RECIPE)

    def judge(options: JudgeOptions) -> JudgeChoice | None:
        return read_recipe(file, options.overrides()).evaluate.judge

    assert judge(JudgeOptions("vllm:x")) == JudgeChoice(name="vllm", model="x")
    changed = judge(JudgeOptions(price="1,2", max_cost=3.5))
    assert changed == JudgeChoice(
        model="old", base_url="http://old/v1", concurrency=3, price=(1.0, 2.0), max_cost=3.5
    )
    with pytest.raises(RecipeError, match=r"evaluate\.judge: a budget needs a price"):
        judge(JudgeOptions(max_cost=3.5))


def test_a_bad_judge_ends_with_exit_code_2_before_anything_is_looked_for(
    nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("eval", "nowhere", "--suites", "arithmetic", "--judge", "gpt-4") == 2
    said = capsys.readouterr().err
    assert "--judge gpt-4: write openai:MODEL" in said
    assert "Traceback" not in said
