"""Requests as token ids: tokenizers loaded once, prompts rendered once for all who read alike."""

from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from eval_suites.requests import Request
from harness.evaluate.client.cached_client import Renderer
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
        if key not in loaded:
            loaded[key] = _described(load_tokenizer(home))
        return loaded[key]

    return load


def _described(tokenizer: Any) -> Tokenizer:
    # Files that differ may mean the same: the library that saved them adds facts of its own.
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = sorted(tokenizer.get_vocab().items()) if backend is None else backend.to_str()
    template = getattr(tokenizer, "chat_template", None)
    signature = digest([type(tokenizer).__name__, rules, tokenizer.special_tokens_map, template])
    return Tokenizer(tokenizer, signature, digest(template, 16) if template else "")


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
    return replace(
        request, token_ids=tuple(chat.render(tokenizer, messages, prefix=request.prefix))
    )


def renderer(tokenizer: Any, readers: int) -> Renderer:
    """Return a renderer for `readers` checkpoints that read alike: each prompt is rendered once."""
    render = partial(rendered, tokenizer)
    return render if readers == 1 else Remembered(render, readers)


class Remembered:
    """A renderer that keeps the ids of a prompt until every checkpoint has had them.

    It holds at most `most` tokens; the oldest prompts go first.
    """

    def __init__(self, render: Renderer, readers: int, most: int = _KEPT) -> None:
        self._render = render
        self._readers = readers
        self._most = most
        self._size = 0
        self._kept: OrderedDict[str, tuple[array[int], int]] = OrderedDict()

    def __call__(self, request: Request) -> Request:
        """Return the request with its ids; those of a scored continuation are not kept."""
        if request.continuation:
            return self._render(request)
        messages = [[message.role, message.content] for message in request.messages]
        key = digest([request.text, messages, request.prefix])
        if key not in self._kept:
            made = self._render(request)
            self._keep(key, array("I", made.token_ids or ()), self._readers - 1)
            return made
        ids, left = self._kept.pop(key)
        self._size -= len(ids)
        if left > 1:
            self._keep(key, ids, left - 1)
        return replace(request, token_ids=tuple(ids))

    def _keep(self, key: str, ids: "array[int]", left: int) -> None:
        self._kept[key] = (ids, left)
        self._size += len(ids)
        while self._size > self._most:
            _, (gone, _) = self._kept.popitem(last=False)
            self._size -= len(gone)
