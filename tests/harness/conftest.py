"""The command line, called in this process; a tiny model with adapters; a real browser."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def nca(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """A function from arguments to the exit code of `nca`."""

    def call(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["nca", *map(str, arguments)])
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    return call


def _random_adapter(base: Path, folder: Path, seed: int) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(r=8, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False),
    )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def lively_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like the tiny model, but with larger weights, so that it says something else after each
    prompt, and with heads of 32, the smallest that vLLM serves.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("lively_model")
    config = AutoConfig.from_pretrained(tiny_model)
    config.num_attention_heads, config.num_key_value_heads, config.head_dim = 2, 1, 32
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in model.model.layers.parameters():
            weight.mul_(8.0 if weight.dim() == 2 else 1.0)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapters(
    lively_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[str, Path], ...]:
    """Two random LoRA adapters; one name has a dot, as names of sweeps have."""
    folder = tmp_path_factory.mktemp("adapters")
    return (
        ("nca", _random_adapter(lively_model, folder / "nca", 1)),
        ("dpo-b0.1", _random_adapter(lively_model, folder / "dpo", 2)),
    )


@pytest.fixture(scope="module")  # Playwright's event loop must be gone before others' tests
def chromium() -> Iterator["Browser"]:
    """The system's Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
