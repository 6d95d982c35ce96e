"""Which adapters vLLM may be given."""

import json
from pathlib import Path

import pytest

from harness.engines.lora import rank_for, refusal


def adapter(folder: Path, **settings: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, ""),
        ({"use_rslora": True, "bias": "none", "modules_to_save": None}, ""),
        ({"init_lora_weights": "gaussian", "rank_pattern": {"q_proj": 512}}, ""),
        ({"r": 513}, "rank 513"),
        ({"rank_pattern": {"q_proj": 600}}, "rank 600"),
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "whole modules"),
        ({"bias": "lora_only"}, "biases"),
        ({"init_lora_weights": "pissa"}, "changes its base"),
    ],
)
def test_what_vllm_does_not_know_is_named(
    settings: dict[str, object], why: str, tmp_path: Path
) -> None:
    said = refusal(adapter(tmp_path, **{"r": 8, **settings}))
    assert why in said
    assert bool(said) == bool(why)


def test_the_rank_is_the_smallest_that_holds_all(tmp_path: Path) -> None:
    small = adapter(tmp_path / "a", r=8)
    large = adapter(tmp_path / "b", r=4, rank_pattern={"q_proj": 20})
    assert (rank_for([small]), rank_for([small, large])) == (8, 32)
