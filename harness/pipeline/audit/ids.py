"""Comparison of the token ids that a model would see with its tokenizer's and its training's.

One special token more or fewer at the front (a doubled or a lost BOS) costs points on every
sample and shows in no answer: that alone is a failure. What else differs is a warning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any

from eval_suites.requests import Request
from harness.evaluate.client.rendering import pieces, rendered
from train.errors import TrainError

#: A tokenizer and a request to the request with the ids that the model would see.
Render = Callable[[Any, Request], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A warning, or a `failure` that forbids the evaluation; `where` is suite and checkpoints."""

    failure: bool = False
    where: str = ""
    text: str
    remedy: str


#: Sources of ids to compare with, in words, and the remedies where ids differ.
_OWN = (
    "by its own tokenizer",
    "this is a fault in how prompts are rendered: please report it with the tokenizer's files",
)
_TRAINED = (
    "in training",
    "put the tokenizer files and the chat template that it was trained with into its folder",
)


def find_faults(
    tokenizer: Any, trained: Any, request: Request, render: Render = rendered
) -> tuple[Finding, ...]:
    """Return the faults of the ids that `render` gives a suite's request.

    `trained` is the tokenizer of the checkpoint's training: the same object where it is not known.
    """
    if request.continuation and not request.text:
        return ()  # what stands before it is no text of the suite's
    try:
        ids = ids_of(render(tokenizer, request))
        own = _own_ids(tokenizer, request)
        before = own if trained is tokenizer else _own_ids(trained, request)
    except TrainError as error:
        remedy = "choose an instruct checkpoint, or suites that ask in plain text"
        return (Finding(failure=True, text=str(error), remedy=remedy),)
    faults = (
        _compare(tokenizer, ids, own, request, *_OWN),
        None if trained is tokenizer else _compare(tokenizer, ids, before, request, *_TRAINED),
        _habit(tokenizer, own, request),
    )
    return tuple(fault for fault in faults if fault is not None)


def ids_of(request: Request) -> tuple[int, ...]:
    """Return a rendered request's ids, with those of what is scored.

    Raises:
        TrainError: it was rendered to nothing.
    """
    if not request.token_ids:
        raise TrainError("the prompt has no token at all; look at it with `nca suites show`")
    return request.token_ids + request.continuation_ids


def _own_ids(tokenizer: Any, request: Request) -> tuple[int, ...]:
    """Return the ids that the tokenizer itself gives a request, without the answer's prefix."""
    if request.text is not None:
        return tuple(tokenizer(request.text + request.continuation)["input_ids"])
    from jinja2 import TemplateError

    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    options = {"tokenize": True, "add_generation_prompt": True, "return_dict": False}
    try:
        return tuple(tokenizer.apply_chat_template(messages, **options))
    except (TemplateError, ValueError) as error:
        raise TrainError(f"its chat template cannot be used: {error}") from error


def _front(tokenizer: Any, ids: Sequence[int]) -> tuple[int, ...]:
    """Return the special tokens, which plain text is not made of, that ids begin with."""
    special = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    return tuple(takewhile(special.__contains__, ids))


def _compare(
    tokenizer: Any,
    ids: Sequence[int],
    other: Sequence[int],
    request: Request,
    name: str,
    remedy: str,
) -> Finding | None:
    """Compare ids with those of another source, which has a name and a remedy."""
    has, should = _front(tokenizer, ids), _front(tokenizer, other)
    if has != should:
        begins, other_begins = _text(tokenizer, has, ids), _text(tokenizer, should, other)
        fault = _difference(len(has) - len(should))
        text = f"prompts begin {begins}, those made {name} {other_begins}: {fault}"
        return Finding(failure=True, text=text, remedy=remedy)
    # A prefix of the answer is not in `other`, and may grow together with its last token.
    whole = not request.prefix
    kept = len(other) if whole else len(other) - 1
    if tuple(ids[:kept]) == tuple(other[:kept]) and not (whole and len(ids) != len(other)):
        return None
    place = next(p for p, (a, b) in enumerate(zip_longest(ids, other)) if a != b)
    texts = ["".join(pieces(tokenizer, some[place : place + 1])) for some in (ids, other)]
    text = f"prompts differ from those made {name}: first {texts[0]!r} for {texts[1]!r}"
    return Finding(text=text, remedy=remedy)


def _habit(tokenizer: Any, ids: Sequence[int], request: Request) -> Finding | None:
    """Return a template's doubling or omission of the token that begins a text, as a fault."""
    begin = _front(tokenizer, tokenizer("x")["input_ids"])[:1]
    has = _front(tokenizer, ids)
    if len(has) > 1 and has[0] == has[1]:
        text = f"the tokenizer's own prompts begin {_text(tokenizer, has, ids)}"
        return Finding(text=text, remedy="check that the first is intended")
    if request.text is None and begin and has[:1] != begin:
        text = (
            f"the tokenizer begins plain text with {_text(tokenizer, begin, begin)}, "
            "the chat template does not write it, so chat prompts are without it"
        )
        remedy = "see its model card whether it was trained so"
        return Finding(text=text, remedy=remedy)
    return None


def _difference(more: int) -> str:
    """Return in words that so many more special tokens are at the front, or another one."""
    if not more:
        return "another special token at the front"
    count, plural = ("one", "") if abs(more) == 1 else (abs(more), "s")
    return f"{count} special token{plural} {'more' if more > 0 else 'fewer'} at the front"


def _text(tokenizer: Any, tokens: Sequence[int], ids: Sequence[int]) -> str:
    """Return special tokens as text; where there are none, the first token of all."""
    return " ".join(pieces(tokenizer, tokens or ids[:1]))
