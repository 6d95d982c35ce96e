"""A reward model: a transformers sequence classifier with one label, whose logit is the reward."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from eval_suites.requests import Answer, Message
from eval_suites.scores import Score
from harness.data.sampling.prompts import Prompt
from harness.errors import ModelError
from harness.storage.hashing import digest
from harness.storage.journal.entries import Journal


def refuse_unfit(folder: Path) -> None:
    """Refuse a folder that is no reward model, before anything is loaded.

    Raises:
        ModelError: it is no sequence classifier with a single label and a chat template.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelError(
            f"{folder}: no config.json that can be read; name a model folder"
        ) from None
    config = config if isinstance(config, dict) else {}
    kinds = [str(kind) for kind in config.get("architectures") or ()]
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        named = ", ".join(kinds) or "none"
        raise ModelError(
            f"{folder}: no reward model: its architecture is {named}, not a sequence classifier"
        )
    labels = config.get("num_labels", len(config.get("id2label") or (0, 1)))
    if labels != 1:
        raise ModelError(f"{folder}: gives {labels} logits; a reward model gives a single one")


@dataclass(frozen=True, slots=True)
class RewardModel:
    """A loaded reward model, in fp32. Its rewards are journalled by the tokens that it reads."""

    model: Any
    tokenizer: Any
    identity: Mapping[str, str]
    journal: Journal

    @classmethod
    def load(cls, folder: str, fingerprint: str, journal: Journal) -> Self:
        """Load from a folder that `refuse_unfit` lets pass; the fingerprint is of its weights.

        Raises:
            ModelError: its tokenizer has no chat template.
        """
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        if not getattr(tokenizer, "chat_template", None):
            raise ModelError(f"{folder}: no chat template, so it cannot be shown a conversation")
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        identity = {
            "reward_model": fingerprint,
            "dtype": "float32",
            "version": f"{metadata.version('transformers')}/torch-{metadata.version('torch')}",
        }
        return cls(model.eval().to(device), tokenizer, identity, journal)

    async def score(self, prompt: Prompt, answers: tuple[Answer, ...]) -> tuple[Score, ...]:
        """Return the logit of each conversation; none for one longer than the model reads."""
        chats = [self._ids(prompt, answer) for answer in answers]
        keys = [digest({**self.identity, "ids": ids}) for ids in chats]
        bodies = [self.journal.get(key) for key in keys]
        fitting = [k for k, body in enumerate(bodies) if body is None and self._fits(chats[k])]
        origin = f"{self.identity['version']}, reward model {self.identity['reward_model'][:12]}"
        for k, reward in zip(fitting, self._rewards([chats[k] for k in fitting]), strict=True):
            bodies[k] = {"reward": reward}
            self.journal.put(keys[k], "reward", {"reward": reward}, origin)
        return tuple(map(_graded, bodies, answers))

    def _ids(self, prompt: Prompt, answer: Answer) -> list[int]:
        """Return the conversation by the model's own template, which brings its special tokens."""
        response = Message("assistant", prompt.request.prefix + answer.text)
        turns = [
            {"role": m.role, "content": m.content} for m in (*prompt.request.messages, response)
        ]
        text = self.tokenizer.apply_chat_template(turns, tokenize=False)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _fits(self, ids: Sequence[int]) -> bool:
        longest = getattr(self.model.config, "max_position_embeddings", None)
        return longest is None or len(ids) <= longest

    def _rewards(self, chats: Sequence[Sequence[int]]) -> list[float]:
        """Return logits of one batch; one by one where the model knows no padding token."""
        import torch

        if not chats:
            return []
        pad, device = self.model.config.pad_token_id, self.model.device
        rewards: list[float] = []
        for batch in [chats] if pad is not None else [[ids] for ids in chats]:
            longest = max(map(len, batch))
            rows = [[*ids, *[pad or 0] * (longest - len(ids))] for ids in batch]
            seen = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in batch]
            tensors = [torch.tensor(values, device=device) for values in (rows, seen)]
            with torch.inference_mode():
                logits = self.model(input_ids=tensors[0], attention_mask=tensors[1]).logits
            rewards += logits[:, 0].tolist()
        return rewards


def _graded(body: Mapping[str, Any] | None, answer: Answer) -> Score:
    if body is None:
        return Score(None, "ungraded", reason="longer than the reward model reads")
    return Score(body["reward"], "truncated" if answer.finish_reason == "length" else "ok")
