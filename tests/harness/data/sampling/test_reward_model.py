"""Reward models: the logit that transformers gives, and nothing for what they cannot read."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

from eval_suites.requests import Answer, Message, Request
from eval_suites.scores import Score
from harness.data.sampling.prompts import Prompt
from harness.data.sampling.reward_model import RewardModel, refuse_unfit
from harness.errors import ModelError
from harness.storage.journal.entries import Journal

PROMPT = Prompt("0", Request(messages=(Message("system", "Be short."), Message("user", "1 + 1?"))))
ANSWERS = (Answer("It is 2."), Answer("No idea at all, I am afraid."), Answer("3", "length"))


def save(folder: Path, tiny_model: Path, labels: int = 1, pad: int | None = 1) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=160,
        num_labels=labels,
        pad_token_id=pad,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_model).save_pretrained(folder)
    return folder


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite") as opened:
        yield opened


def alone(folder: Path, answer: Answer) -> float:
    """What transformers gives for one conversation, without any of our code."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = LlamaForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    turns = [{"role": m.role, "content": m.content} for m in PROMPT.request.messages]
    chat = [*turns, {"role": "assistant", "content": answer.text}]
    ids = tokenizer.apply_chat_template(chat, return_tensors="pt", return_dict=True)
    with torch.inference_mode():
        return float(model(**ids).logits[0, 0])


@pytest.mark.parametrize("pad", [1, None])
def test_rewards_are_those_of_transformers(
    tmp_path: Path, tiny_model: Path, journal: Journal, pad: int | None
) -> None:
    folder = save(tmp_path / "model", tiny_model, pad=pad)
    scorer = RewardModel.load(str(folder), "weights", journal)

    graded = asyncio.run(scorer.score(PROMPT, ANSWERS))

    expected = [alone(folder, answer) for answer in ANSWERS]
    assert [one.value for one in graded] == pytest.approx(expected, abs=1e-6)
    assert len({round(value, 6) for value in expected}) == 3
    assert [one.status for one in graded] == ["ok", "ok", "truncated"]


def test_a_reward_is_computed_once(tmp_path: Path, tiny_model: Path, journal: Journal) -> None:
    folder = save(tmp_path / "model", tiny_model)
    first = RewardModel.load(str(folder), "weights", journal)
    graded = asyncio.run(first.score(PROMPT, ANSWERS))
    without_model = RewardModel(None, first.tokenizer, first.identity, journal)

    again = asyncio.run(without_model.score(PROMPT, ANSWERS))

    assert again == graded
    assert journal.counts() == {"reward": 3}


def test_what_is_longer_than_it_reads_has_no_reward(
    tmp_path: Path, tiny_model: Path, journal: Journal
) -> None:
    folder = save(tmp_path / "model", tiny_model)
    scorer = RewardModel.load(str(folder), "weights", journal)

    short, long = asyncio.run(scorer.score(PROMPT, (ANSWERS[0], Answer("word " * 40))))

    assert short.value is not None
    assert long == Score(None, "ungraded", reason="longer than the reward model reads")


def test_what_is_no_reward_model_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="LlamaForCausalLM, not a sequence classifier"):
        refuse_unfit(tiny_model)
    with pytest.raises(ModelError, match="gives 3 logits"):
        refuse_unfit(save(tmp_path / "three", tiny_model, labels=3))
    with pytest.raises(ModelError, match=r"no config\.json"):
        refuse_unfit(tmp_path)
    refuse_unfit(save(tmp_path / "one", tiny_model))


def test_without_a_chat_template_it_is_refused(
    tmp_path: Path, tiny_model: Path, journal: Journal
) -> None:
    folder = save(tmp_path / "model", tiny_model)
    (folder / "chat_template.jinja").unlink()
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))

    with pytest.raises(ModelError, match="no chat template"):
        RewardModel.load(str(folder), "weights", journal)
