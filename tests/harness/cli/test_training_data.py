"""`nca data show`: what is trained can be read off, and data cannot act on the terminal."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text
from transformers import AutoTokenizer

from harness.cli.training_data import show
from harness.evaluate.client.rendering import pieces
from harness.pipeline.places import Places
from harness.progress.wording import visible
from harness.recipe.reading import read_recipe

GOLDEN = Path(__file__).parents[1] / "golden" / "data_show.txt"
RECIPE = """
name: shown
base: {base}
train: {{data: data.jsonl, alpha: 0.5}}
checkpoints:
  nca: {{method: nca}}
  dpo: {{method: dpo, pairs: best_vs_worst}}
  all: {{method: dpo, pairs: all, responses: 3}}
"""
ROWS = [
    {
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "2 + 2?"},
        ],
        "responses": ["4", "It is 4.", "[5]", "é"],
        "rewards": [1, 0.75, 0, -1],
    },
    {"prompt": "tied", "responses": ["a", "b"], "rewards": [1, 1]},
    {"prompt": "q", "chosen": "same", "rejected": "same"},
]


@pytest.fixture
def recipe(tmp_path: Path, tiny_model: Path, write_jsonl: Any) -> Path:
    write_jsonl("data.jsonl", ROWS)
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(base=tiny_model))
    return path


def test_one_prompt_with_labels_and_tokens(
    recipe: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert nca("data", "show", recipe) == 0
    out = capsys.readouterr().out.replace(str(recipe.parent), "FOLDER")
    assert out == GOLDEN.read_text(encoding="utf-8")


def test_pairs_and_other_settings_are_those_of_the_checkpoint(
    recipe: Path, nca: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert nca("data", "show", recipe, "--checkpoint", "dpo") == 0
    out = capsys.readouterr().out
    assert "2 responses of 4" in out
    assert "pairs compared: 1 over 2" in out
    assert "soft label" not in out
    assert nca("data", "show", recipe, "--checkpoint", "all") == 0
    assert "pairs compared: 1 over 2, 1 over 3, 2 over 3" in capsys.readouterr().out
    cut = ("--set", "train.max_length=12", "--set", "train.max_prompt_length=4")
    assert nca("data", "show", recipe, *cut) == 0
    out = capsys.readouterr().out
    assert "tokens, none trained, its beginning cut off" in out
    assert "response 2: 1 tokens, all trained, its end cut off\n[I]\n" in out
    assert "<|im_start|>assistant\n" in out


#: A tie is broken for the first response: labels are shown as the loss makes them.
FAVOURED = ("--set", "train.alpha=0.0001", "--set", "train.method_settings={favour_first: 1}")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--row", "2", "--checkpoint", "dpo"), 0, "left out: all its rewards are equal, dpo has"),
        (("--row", "2"), 0, "soft label 0.5000"),
        (("--row", "2", *FAVOURED), 0, "soft label 1.0000"),
        (("--row", "3"), 0, "data.jsonl:3: left out: identical responses"),
        (("--row", "4"), 2, "has no row 4"),
        (("--row", "0"), 2, "--row"),
        (("--checkpoint", "kto"), 2, "--checkpoint kto: the recipe has nca, dpo, all"),
        (("--set", "train.data=gone.jsonl"), 2, "gone.jsonl: no such file"),
        (("--set", "train.data=hub:nobody"), 2, "write hub:OWNER/NAME"),
        (("--set", "checkpoints.nca.method=dpo"), 2, "data.jsonl:1: dpo compares pairs"),
        (("--set", "base=nowhere/at-all/x"), 2, "nowhere"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_line(
    arguments: tuple[str, ...],
    code: int,
    said: str,
    recipe: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert nca("data", "show", recipe, *arguments) == code
    out, error = capsys.readouterr()
    assert said in (error if code else out)
    assert "Traceback" not in error


HOSTILE = "[red]x[/red] [/] :smile: \x1b[2J\x1b]0;title\x07 \x9b31m \r\b \u202eabc\u2066 \u200b end"


def on_terminal(recipe: Path, tmp_path: Path, *, terminal: bool) -> str:
    console = Console(
        file=io.StringIO(),
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        width=100,
        highlight=False,
    )
    places = Places(runs=tmp_path, models=tmp_path, near=(tmp_path,))
    show(read_recipe(recipe), places, None, None, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_text_of_the_data_neither_styles_nor_steers(
    terminal: bool, recipe: Path, tmp_path: Path, write_jsonl: Any
) -> None:
    message = {"role": f"user{HOSTILE}", "content": HOSTILE}
    row = {"messages": [message], "responses": [HOSTILE, "b"], "rewards": [1, 0]}
    write_jsonl("data.jsonl", [row])

    out = on_terminal(recipe, tmp_path, terminal=terminal)

    ours = out
    for code in ("1", "2", "3", "32", "36", "0"):  # bold, dim, italic, green, cyan, none
        ours = ours.replace(f"\x1b[{code}m", "")
    hidden = [c for c in ours if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
    assert not hidden
    assert not set(ours) & {"\u202e", "\u2066", "\u200b"}
    assert "[red]x[/red] [/] :smile: \\x1b[2J\\x1b]0;title\\x07 \\x9b31m \\r\\x08" in ours


def test_a_terminal_gets_colours_and_no_brackets(recipe: Path, tmp_path: Path) -> None:
    out = on_terminal(recipe, tmp_path, terminal=True)
    assert "what is trained stands in colour" in out
    assert "\x1b[32m4\x1b[0m\x1b[36m<|im_end|>\x1b[0m" in out
    assert "\x1b[2m<|im_start|>user" in out
    assert "[4]" not in out


def test_pieces_show_every_token_even_parts_of_a_character(tiny_model: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    ids = tokenizer("a é\x1b<|im_end|>")["input_ids"]
    shown = pieces(tokenizer, ids)
    assert len(shown) == len(ids)
    assert shown[:2] == ("a", " ")
    assert shown[-2:] == ("\\x1b", "<|im_end|>")
    assert "\ufffd" not in "".join(shown)


@pytest.mark.parametrize("text", ["plain words\n\ttabs", "ünïcödé 漢字 🙂", "[bold]", "a\\x1b"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text
    assert Text(visible(text)).plain == text


def test_a_surrogate_can_be_shown() -> None:
    assert visible(json.loads('"\\ud800"')) == "\\ud800"


@pytest.mark.slow
def test_the_demo_model_reads_real_transcripts(
    smollm2: Path,
    data_dir: Path,
    tmp_path: Path,
    nca: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "preference/hh_rlhf_harmless_base_test.jsonl.gz"
    path = tmp_path / "r.yaml"
    path.write_text(f"name: hh\nbase: {smollm2}\ntrain: {{data: {name}, method: dpo}}\n")

    assert nca("data", "show", path, "--data-dir", data_dir, "--row", 2) == 0

    out = capsys.readouterr().out
    assert "hh_rlhf_harmless_base_test.jsonl.gz:2" in out
    assert "pairs compared: 1 over 2" in out
    trained = [line for line in out.splitlines() if line.endswith("][<|im_end|>]")]
    assert len(trained) == 2
    prompt = out.split("none trained\n")[1].split("-- response 1")[0]
    assert prompt.rstrip("\n").endswith("<|im_start|>assistant")
    assert "[" not in prompt.replace("[/", "")
    assert nca("data", "show", path, "--data-dir", data_dir, "--row", 87) == 0
    assert capsys.readouterr().out.endswith(":87: left out: empty responses\n")
