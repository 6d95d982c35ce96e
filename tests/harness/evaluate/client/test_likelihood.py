"""Scored continuations: every token once, as lm-eval parts texts; asked again after a death."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_suites.requests import Likelihood, Request
from harness.engines.base import EngineGone
from harness.engines.fake import FakeEngine
from harness.engines.options import EngineChoice, EngineSpec
from harness.evaluate.client.cached_client import likelihood, windows
from harness.evaluate.client.restarting import Restarting
from train.data import chat

TEXT = st.text(" \n.aBé1<", max_size=6)


@given(count=st.integers(0, 60), most=st.integers(2, 25))
def test_a_text_is_parted_as_lm_eval_does_and_each_token_is_scored_once(
    count: int, most: int
) -> None:
    from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

    tokens = list(range(1, count + 1))
    parts = list(windows((0,), tuple(tokens), most))

    rolling = get_rolling_token_windows(tokens, 0, max_seq_len=most - 1, context_len=1)
    theirs = [make_disjoint_window(pair) for pair in rolling]
    assert [(list(before), list(part)) for before, part in parts] == theirs
    assert [token for _, part in parts for token in part] == tokens


@pytest.fixture(scope="module")
def tokenizers(smollm2: Path, tiny_model: Path) -> list[Any]:
    from transformers import AutoTokenizer

    return [AutoTokenizer.from_pretrained(folder) for folder in (smollm2, tiny_model)]


@given(text=TEXT.filter(str.strip), continuation=TEXT.filter(bool))
def test_text_and_continuation_are_encoded_as_lm_eval_does(
    tokenizers: list[Any], text: str, continuation: str
) -> None:
    from lm_eval.api.model import TemplateLM

    for tokenizer in tokenizers:
        lm = SimpleNamespace(tok_encode=tokenizer.encode, backend="causal")
        theirs = TemplateLM._encode_pair(lm, text, continuation)
        assert chat.continuation_ids(tokenizer, text, continuation) == theirs


def test_after_nothing_a_continuation_stands_behind_the_token_that_begins_a_text(
    tokenizers: list[Any],
) -> None:
    for tokenizer in tokenizers:
        begin, plain = tokenizer.bos_token_id, tokenizer.encode("ab")
        assert chat.continuation_ids(tokenizer, "", "ab") == ([begin], plain)
        assert chat.continuation_ids(tokenizer, None, "ab") == ([begin], plain)
        begun = f"{tokenizer.bos_token}ab"
        assert chat.continuation_ids(tokenizer, "", begun) == ([begin], plain)


def test_a_death_while_scoring_is_survived() -> None:
    class Dying(FakeEngine):
        deaths = 0

        async def loglikelihood(self, *asked: Any) -> Likelihood:
            if Dying.deaths < 2:
                Dying.deaths += 1
                raise EngineGone("gone")
            return await super().loglikelihood(*asked)

    request = Request(continuation="abc", token_ids=(0,), continuation_ids=(5, 6, 7))
    engine = Restarting(lambda: Dying(EngineSpec(EngineChoice(name="fake"))))
    found = asyncio.run(likelihood(engine.loglikelihood, request, 9))

    assert Dying.deaths == 2
    assert found == asyncio.run(
        FakeEngine(EngineSpec(EngineChoice(name="fake"))).loglikelihood((0,), (5, 6, 7))
    )
