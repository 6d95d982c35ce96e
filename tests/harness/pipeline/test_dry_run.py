"""`nca train --dry-run`: counted where data is here, assumed where not, and nothing touched."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
RECIPE = """
name: small
base: {base}
train: {{data: train.jsonl, prompts_per_step: 2, lora: {{rank: 4}}}}
checkpoints: {{nca: {{method: nca}}, dpo: {{method: dpo, pairs: best_vs_worst}}}}
"""
VALUES = """
architecture: {model_type: llama, hidden_size: 32, num_hidden_layers: 2, intermediate_size: 48,
  num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 100}
"""


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, offline and without a data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("NCA_DATA_DIR", raising=False)
    return tmp_path


def write_data(folder: Path, rows: int) -> None:
    row = {"prompt": "1 + 1?", "responses": ["It is 2.", "3", "No."], "rewards": [1, 0.5, 0]}
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for _ in range(rows)))


def test_what_is_here_is_counted_and_nothing_is_written(
    there: Path,
    tiny_model: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_data(there, 7)
    (there / "recipe.yaml").write_text(RECIPE.format(base=tiny_model))
    code = nca("train", "recipe.yaml", "--dry-run")
    first, second = capsys.readouterr().out.split("checkpoint dpo")
    assert code == 0
    assert "7 prompts, counted" in first
    assert "4 of 2 prompts" in first
    assert "rank: 4" in first
    assert f"llama, from {tiny_model}" in second
    assert sorted(p.name for p in there.iterdir()) == ["recipe.yaml", "train.jsonl"]


def test_rows_read_fewer_of_the_data_that_is_here(
    there: Path,
    tiny_model: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_data(there, 7)
    (there / "recipe.yaml").write_text(RECIPE.format(base=tiny_model))
    assert nca("train", "recipe.yaml", "--dry-run", "--rows", "4") == 0
    assert "4 prompts, counted" in capsys.readouterr().out


def test_without_data_rows_are_assumed_at_the_longest_allowed(
    there: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (there / "recipe.yaml").write_text(RECIPE.format(base="somebody/something") + VALUES)
    assert nca("train", "recipe.yaml", "--dry-run", "--rows", "10") == 0
    first, second = capsys.readouterr().out.split("checkpoint dpo")
    longest = "512 prompt and 512 response tokens"
    assert f"10 prompts assumed (--rows): each 4 responses, {longest}" in first
    assert f"10 prompts assumed (--rows): each 2 responses, {longest}" in second
    assert f"{10 * (512 + 2 * 511):,} trained on" in second


def test_data_without_a_tokenizer_gives_the_number_of_prompts(
    there: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(there, 7)
    (there / "recipe.yaml").write_text(RECIPE.format(base="somebody/something") + VALUES)
    assert nca("train", "recipe.yaml", "--dry-run") == 0
    assert "7 prompts in the data; lengths assumed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (RECIPE + VALUES.replace("{", "{{").replace("}", "}}"), ("--dry-run",), "--rows N"),
        (RECIPE, ("--dry-run", "--rows", "3"), "architecture"),
        (RECIPE + "architecture: {{model_type: llamma}}", ("--dry-run", "--rows", "3"), "llamma"),
        (RECIPE, ("--rows", "3"), "--dry-run"),
        (RECIPE, ("--dry-run", "--rows", "0"), "rows"),
    ],
)
def test_what_is_lacking_is_named(
    there: Path,
    text: str,
    arguments: tuple[str, ...],
    said: str,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (there / "recipe.yaml").write_text(text.format(base="somebody/something"))
    assert nca("train", "recipe.yaml", *arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "parameters", "trained", "batch"),
    [
        ("ultrafeedback-mistral-7b", 7_283_675_136, 41_943_040, 512 + 4 * 511),
        ("ultrainteract-mistral-7b", 7_241_732_096, 7_241_732_096, 1024 + 2 * 1023),
        ("ultrainteract-mixtral-8x7b", 46_702_792_704, 46_702_792_704, 1024 + 2 * 1023),
    ],
)
def test_the_papers_recipes_can_be_looked_at_anywhere(
    there: Path,
    name: str,
    parameters: int,
    trained: int,
    batch: int,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = str(RECIPES / f"{name}.yaml")
    assert nca("train", recipe, "--dry-run", "--rows", "64") == 0
    first = capsys.readouterr().out.split("checkpoint dpo")[0]
    assert f"{parameters:,}, of them trained {trained:,}" in first
    assert f"micro-batch of {batch:,} positions" in first
    assert "2 of 32 prompts" in first
    assert not list(there.iterdir())


def test_an_adapter_as_base_is_counted_as_it_is(
    there: Path,
    tiny_model: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    settings = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    get_peft_model(model, settings).save_pretrained(there / "sft")
    write_data(there, 4)
    (there / "recipe.yaml").write_text(RECIPE.format(base="sft").replace("rank: 4", "rank: 2"))
    assert nca("train", "recipe.yaml", "--dry-run") == 0
    assert f"of them trained {2 * 2 * (64 + 64):,}" in capsys.readouterr().out
