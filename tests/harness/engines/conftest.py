"""Prompts as token ids."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_suites.requests import Decoding, Request


@pytest.fixture
def prompt(lively_model: Path) -> Callable[..., Request]:
    """A function from text and decoding to a rendered request."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(lively_model)

    def render(text: str, model: str = "", *, n: int = 1, top: int = 0, **decoding: Any) -> Request:
        ids = tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
        how = Decoding(**{"max_tokens": 12, **decoding})
        return Request(token_ids=ids, model=model, n=n, top_logprobs=top, decoding=how, seed=7)

    return render
