"""Requests as token ids: tokenizers loaded once, prompts rendered once for all who read alike.

Token ids are texts again for those who look at prompts.
"""

from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eval_suites.requests import Request
from harness.evaluate.client.cached_client import Renderer
from harness.progress.wording import visible
from harness.storage.hashing import digest, file_digest

_FILES = ("tokenizer", "chat_template", "special_tokens", "added_tokens", "vocab", "merges")
#: Tokens of prompts that are kept for the next checkpoint, of four bytes each.
_KEPT = 16_000_000


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer with hashes of how it reads, and of its chat template ("" without one)."""

    itself: Any
    signature: str
    template: str


def loader() -> Callable[[Path], Tokenizer]:
    """Return a function that loads each tokenizer once, however many folders hold its files.

    It raises `train.TrainError` where a folder holds no tokenizer.
    """
    from train.model.loading import load_tokenizer

    loaded: dict[str, Tokenizer] = {}

    def load(home: Path) -> Tokenizer:
        files = sorted(file for file in home.glob("*") if file.name.startswith(_FILES))
        key = digest([[file.name, file_digest(file)] for file in files if file.is_file()])
        if key in loaded:
            return loaded[key]
        tokenizer = load_tokenizer(home)
        # Files that differ may mean the same: the library that saved them adds facts of its own.
        backend = getattr(tokenizer, "backend_tokenizer", None)
        rules = sorted(tokenizer.get_vocab().items()) if backend is None else backend.to_str()
        template = getattr(tokenizer, "chat_template", None)
        facts = [type(tokenizer).__name__, rules, tokenizer.special_tokens_map, template]
        loaded[key] = Tokenizer(tokenizer, digest(facts), digest(template, 16) if template else "")
        return loaded[key]

    return load


def rendered(tokenizer: Any, request: Request) -> Request:
    """Return a request with the token ids that a checkpoint of this tokenizer is shown.

    Raises:
        train.TrainError: the tokenizer has no chat template, or it refuses the messages.
    """
    from train.data import chat

    if request.continuation:
        before, after = chat.continuation_ids(tokenizer, request.text, request.continuation)
        return replace(request, token_ids=tuple(before), continuation_ids=tuple(after))
    if request.text is not None:
        return replace(request, token_ids=tuple(chat.render_text(tokenizer, request.text)))
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    ids = chat.render(tokenizer, messages, prefix=request.prefix)
    return replace(request, token_ids=tuple(ids))


def pieces(tokenizer: Any, ids: Sequence[int]) -> tuple[str, ...]:
    """Return the text of each token, safe to print; for a part of a character its own entry."""
    texts = []
    for token, entry in zip(ids, tokenizer.convert_ids_to_tokens(list(ids)), strict=True):
        text = str(tokenizer.decode([token], clean_up_tokenization_spaces=False))
        if not text or "\ufffd" in text:
            text = str(entry)
        elif entry.startswith("▁") and not text.startswith(" "):
            text = f" {text}"  # SentencePiece drops the space in front of what it decodes
        texts.append(visible(text))
    return tuple(texts)


@dataclass(slots=True, eq=False)
class Remembered:
    """A renderer that keeps the ids of a prompt until every checkpoint has had them.

    It holds at most `most` tokens; the oldest prompts go first.
    """

    render: Renderer
    readers: int
    most: int = _KEPT
    _size: int = field(default=0, init=False)
    _kept: OrderedDict[str, tuple["array[int]", int]] = field(
        default_factory=OrderedDict, init=False
    )

    def __call__(self, request: Request) -> Request:
        """Return the request with its ids; those of a scored continuation are not kept."""
        if request.continuation:
            return self.render(request)
        messages = [[message.role, message.content] for message in request.messages]
        key = digest([request.text, messages, request.prefix])
        if key not in self._kept:
            made = self.render(request)
            self._keep(key, array("I", made.token_ids or ()), self.readers - 1)
            return made
        ids, left = self._kept.pop(key)
        self._size -= len(ids)
        if left > 1:
            self._keep(key, ids, left - 1)
        return replace(request, token_ids=tuple(ids))

    def _keep(self, key: str, ids: "array[int]", left: int) -> None:
        self._kept[key] = (ids, left)
        self._size += len(ids)
        while self._size > self.most:
            _, (gone, _) = self._kept.popitem(last=False)
            self._size -= len(gone)
