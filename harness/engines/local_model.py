"""A causal language model in this process: batched decoding and scoring with PyTorch.

For decoder-only models whose cache can drop rows (all with ordinary attention). Rows of a batch
may differ in everything but the adapter. What they share at the front is computed once, and a
row that is finished leaves the batch at once, so that it costs nothing more.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eval_suites.requests import Decoding, FinishReason, Likelihood
from harness.engines.base import EngineGone, Generated, Tops, cut_at_stop

#: Shared tokens at the front of a batch from which computing them apart pays.
_WORTH_SHARING = 16
#: Most logits held at once when scoring (numbers, 1 GB in float32).
_MOST_LOGITS = 2**28


@dataclass(frozen=True, slots=True)
class Row:
    """One text to generate: token ids before it, how to decode, and the seed if sampled."""

    prompt: tuple[int, ...]
    decoding: Decoding
    top_logprobs: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A continuation to score after a prefix of at least one token."""

    prompt: tuple[int, ...]
    continuation: tuple[int, ...]


@dataclass(slots=True)
class _Running:
    """The state of a batch: logits of the next token [B, V], mask [B, T] and the cache."""

    logits: Tensor
    mask: Tensor
    cache: Any


@dataclass(slots=True)
class _Draft:
    """A row being written; `uniforms` [max_tokens] are its draws, all made from its own seed."""

    row: Row
    uniforms: Tensor | None = None
    ids: list[int] = field(default_factory=list)
    tops: list[Tops] = field(default_factory=list)
    ended: FinishReason | None = None

    def __post_init__(self) -> None:
        if self.row.decoding.temperature > 0:
            generator = torch.Generator().manual_seed(self.row.seed)
            count = self.row.decoding.max_tokens
            self.uniforms = torch.rand(count, generator=generator, dtype=torch.float64)


def shared_prefix(sequences: Sequence[tuple[int, ...]]) -> int:
    """Count the tokens that all sequences have in common at the front."""
    low, high = min(sequences), max(sequences)
    same = (k for k, (a, b) in enumerate(zip(low, high, strict=False)) if a != b)
    return next(same, min(len(low), len(high)))


def sample(logits: Tensor, decoding: Decoding, uniform: Tensor) -> int:
    """Draw a token from logits [V] by the inverse of its distribution function.

    One number in [0, 1) decides, so that a row's draws do not depend on who shares its batch.
    Tokens are ordered by probability when `top_p` cuts the tail, else by id.
    """
    probabilities = torch.softmax(logits.double() / decoding.temperature, dim=-1)
    order = None
    if decoding.top_p < 1.0:
        probabilities, order = probabilities.sort(descending=True, stable=True)
        before = probabilities.cumsum(-1) - probabilities
        probabilities = probabilities.masked_fill(before >= decoding.top_p, 0.0)
    sums = probabilities.cumsum(-1)
    rank = torch.searchsorted(sums, uniform.to(sums) * sums[-1], right=True)
    rank = rank.clamp(max=int((probabilities > 0).nonzero().max()))
    return int(rank if order is None else order[rank])


class LocalModel:
    """A checkpoint with its LoRA adapters, loaded; `dtype` is torch's, or "auto" for its own."""

    def __init__(self, base: Path, adapters: Sequence[tuple[str, Path]], dtype: str) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # ours are the bars that people see
        self.stop = threading.Event()
        self._tokenizer = AutoTokenizer.from_pretrained(base)
        kind = dtype if dtype == "auto" else getattr(torch, dtype)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=kind)
        ends = model.generation_config.eos_token_id
        self._ends = {self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        # PEFT takes no dots in names, so adapters go by number.
        self._adapters = {name: f"a{index}" for index, (name, _) in enumerate(adapters)}
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = self._with_adapters(model, adapters).to(self._device).eval()

    def _with_adapters(self, model: Any, adapters: Sequence[tuple[str, Path]]) -> Any:
        if not adapters:
            return model
        from peft import PeftModel

        (first, folder), *others = adapters
        model = PeftModel.from_pretrained(model, folder, adapter_name=self._adapters[first])
        for name, path in others:
            model.load_adapter(path, adapter_name=self._adapters[name])
        return model

    @contextmanager
    def _serving(self, adapter: str | None) -> Iterator[None]:
        plain = adapter is None and self._adapters
        with torch.inference_mode(), self._model.disable_adapter() if plain else nullcontext():
            if adapter is not None:
                self._model.set_adapter(self._adapters[adapter])
            yield

    def generate(self, adapter: str | None, rows: Sequence[Row]) -> list[Generated]:
        """Generate one text for each row, all with one adapter (None: the base).

        Raises EngineGone where `stop` was set.
        """
        drafts = list(map(_Draft, rows))
        with self._serving(adapter):
            self._write(drafts)
        return [self._finished(draft) for draft in drafts]

    def _write(self, drafts: list[_Draft]) -> None:
        """Extend the drafts token by token until each has ended."""
        state = self._prefill([draft.row.prompt for draft in drafts])
        while True:
            self._choose(drafts, state.logits)
            keep = [k for k, draft in enumerate(drafts) if draft.ended is None]
            if not keep:
                return
            if len(keep) < len(drafts):
                drafts = [drafts[k] for k in keep]
                state.mask = state.mask[keep]
                state.cache.batch_select_indices(torch.tensor(keep, device=self._device))
            last = torch.tensor([[draft.ids[-1]] for draft in drafts], device=self._device)
            state = self._forward(last, state.mask, state.cache)

    def _prefill(self, prompts: Sequence[tuple[int, ...]]) -> _Running:
        """Read the prompts: what all share once, the rest padded on the left."""
        common = min(shared_prefix(prompts), min(map(len, prompts)) - 1)
        if len(prompts) == 1 or common < _WORTH_SHARING:
            common = 0
        cache, mask = None, torch.ones(len(prompts), common, dtype=torch.long, device=self._device)
        if common:
            head = torch.tensor([prompts[0][:common]], device=self._device)
            cache = self._forward(head, mask[:1, :0], None).cache
            cache.batch_repeat_interleave(len(prompts))
        ids, padding = self._padded([prompt[common:] for prompt in prompts])
        return self._forward(ids, mask, cache, padding)

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Return token ids and mask [B, T], padded on the left with token 0, which is masked."""
        width = max(map(len, rows))
        ids = [[0] * (width - len(row)) + list(row) for row in rows]
        mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
        return torch.tensor(ids, device=self._device), torch.tensor(mask, device=self._device)

    def _forward(
        self, ids: Tensor, before: Tensor, cache: Any, mask: Tensor | None = None, keep: int = 1
    ) -> _Running:
        """Read ids [B, T] after what the cache holds; logits of the last `keep` places.

        `before` [B, T0] masks what is in the cache, `mask` [B, T] the new ids (None: all count).
        """
        if self.stop.is_set():
            raise EngineGone("the engine is being stopped")
        whole = torch.cat([before, torch.ones_like(ids) if mask is None else mask], dim=1)
        positions = (whole.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        out = self._model(
            input_ids=ids,
            attention_mask=whole,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        logits = out.logits[:, -1] if keep == 1 else out.logits
        return _Running(logits.float(), whole, out.past_key_values)

    def _choose(self, drafts: list[_Draft], logits: Tensor) -> None:
        """Add a token to each draft from its logits [B, V], and end those that are complete."""
        greedy = logits.argmax(dim=-1).tolist()
        for k, draft in enumerate(drafts):
            token = greedy[k]
            if draft.uniforms is not None:
                draw = draft.uniforms[len(draft.ids)]
                token = sample(logits[k], draft.row.decoding, draw)
            draft.ids.append(token)
            if draft.row.top_logprobs:
                best = torch.log_softmax(logits[k], dim=-1).topk(draft.row.top_logprobs)
                words = [self._text([likely]) for likely in best.indices.tolist()]
                draft.tops.append(tuple(zip(words, best.values.tolist(), strict=True)))
            if token in self._ends or self._stopped(draft.ids, draft.row.decoding.stop):
                draft.ended = "stop"
            elif len(draft.ids) >= draft.row.decoding.max_tokens:
                draft.ended = "length"

    def _stopped(self, ids: list[int], stop: tuple[str, ...]) -> bool:
        """Tell if a stop string is complete; the whole text is read only when its tail has one."""
        if not stop:
            return False
        tail = ids[-(max(len(word.encode()) for word in stop) + 4) :]
        texts = (self._text(part) for part in (tail, ids))
        return all(cut_at_stop(text, stop) != text for text in texts)

    def _text(self, ids: Sequence[int]) -> str:
        plain = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
        return str(self._tokenizer.decode(list(ids), **plain))

    def _finished(self, draft: _Draft) -> Generated:
        ids = draft.ids[:-1] if draft.ids[-1] in self._ends else draft.ids
        return Generated(
            text=cut_at_stop(self._text(ids), draft.row.decoding.stop),
            reason=draft.ended or "length",
            token_ids=tuple(draft.ids),
            logprobs=tuple(draft.tops),
        )

    def score(self, adapter: str | None, pairs: Sequence[Pair]) -> list[Likelihood]:
        """Score continuations, all with one adapter; raise EngineGone where `stop` was set."""
        keep = max(len(pair.continuation) for pair in pairs) + 1
        size = max(1, _MOST_LOGITS // (keep * self._model.config.get_text_config().vocab_size))
        with self._serving(adapter):
            parts = [pairs[start : start + size] for start in range(0, len(pairs), size)]
            return [value for part in parts for value in self._scores(part, keep)]

    def _scores(self, pairs: Sequence[Pair], keep: int) -> list[Likelihood]:
        ids, mask = self._padded([pair.prompt + pair.continuation for pair in pairs])
        keep = min(keep, ids.shape[1])
        logits = self._forward(ids, mask[:, :0], None, mask, keep).logits
        logps, targets = torch.log_softmax(logits[:, :-1], dim=-1), ids[:, 1 - keep :]
        picked = logps.gather(-1, targets[..., None]).squeeze(-1)
        best = logps.argmax(dim=-1) == targets
        starts = [keep - 1 - len(pair.continuation) for pair in pairs]
        return [
            Likelihood(float(row[start:].double().sum()), bool(hits[start:].all()))
            for row, hits, start in zip(picked, best, starts, strict=True)
        ]
