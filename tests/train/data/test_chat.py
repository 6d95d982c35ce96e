"""The boundary between prompt and response."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from train.data.chat import end_token, header_length, render, render_text, response_ids
from train.errors import TrainError

ASK = [{"role": "user", "content": "2+2?"}]


@pytest.fixture
def tokenizer(tiny_model: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_model)


def text(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids))


def test_a_prompt_ends_with_the_assistant_header(tokenizer: Any) -> None:
    ids = render(tokenizer, ASK)
    assert text(tokenizer, ids) == "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n"
    assert render(tokenizer, ASK, prefix="It is") == [*ids, *render_text(tokenizer, "It is")]
    assert render(tokenizer, [("user", "2+2?")]) == ids
    assert text(tokenizer, ids[-header_length(tokenizer, ASK) :]) == "<|im_start|>assistant\n"


def test_a_response_ends_with_one_end_token_and_nothing_behind_it(tokenizer: Any) -> None:
    ids = response_ids(tokenizer, ASK, "4")
    assert text(tokenizer, ids) == "4<|im_end|>"
    assert end_token(tokenizer, ASK) == tokenizer.eos_token_id


def test_a_response_that_holds_the_end_token_ends_there(tokenizer: Any) -> None:
    assert text(tokenizer, response_ids(tokenizer, ASK, "4<|im_end|>5")) == "4<|im_end|>"


def test_the_end_is_the_templates_even_where_eos_is_another(tokenizer: Any) -> None:
    tokenizer.eos_token = "<|im_start|>"
    assert text(tokenizer, response_ids(tokenizer, ASK, "4")) == "4<|im_end|>"


def test_a_template_that_ends_no_turn_gets_the_eos(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.role }}:{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}"
    )
    assert text(tokenizer, response_ids(tokenizer, ASK, "4")) == "4\n<|im_end|>"


def test_a_template_that_writes_the_bos_gives_one(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    ids = render(tokenizer, ASK)
    assert ids[:2] == [tokenizer.bos_token_id] * 2  # the template's BOS, then the turn's own start
    assert ids[2] != tokenizer.bos_token_id


def test_a_template_that_rewrites_the_prompt_is_refused_by_name(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ messages | length }}" + tokenizer.chat_template
    with pytest.raises(TrainError, match="does not begin a conversation with its prompt"):
        response_ids(tokenizer, ASK, "4")


def test_no_template_is_an_error_with_a_remedy(tokenizer: Any) -> None:
    tokenizer.chat_template = None
    with pytest.raises(TrainError, match="no chat template; use an instruct checkpoint"):
        render(tokenizer, ASK)


def test_a_template_that_refuses_a_role_says_so(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ raise_exception('no system turn') }}"
    with pytest.raises(TrainError, match="refuses messages of roles user: no system turn"):
        render(tokenizer, ASK)


@pytest.mark.slow
def test_a_newline_that_would_join_the_header_stays_with_the_response(smollm2: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    prompt, response = render(tokenizer, ASK), response_ids(tokenizer, ASK, "\nfour")
    assert tokenizer.decode(prompt + response).endswith("assistant\n\nfour<|im_end|>")
    assert response.count(tokenizer.eos_token_id) == 1
