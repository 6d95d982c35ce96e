"""Comparison of the token ids that a model would see with its tokenizer's and its training's.

One special token more or fewer at the front (a doubled or a lost BOS) costs points on every
sample and shows in no answer: that alone is a failure. What else differs is a warning.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from eval_suites.requests import Request
from harness.evaluate.client.rendering import rendered
from harness.evaluate.client.token_text import pieces
from train.errors import TrainError

#: A tokenizer and a request to the request with the ids that the model would see.
Render = Callable[[Any, Request], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A warning, or a `failure` that forbids the evaluation; `where` is suite and checkpoints."""

    failure: bool
    where: str = ""
    text: str
    remedy: str


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
        own = own_ids(tokenizer, request)
        before = own if trained is tokenizer else own_ids(trained, request)
    except TrainError as error:
        return (Finding(failure=True, text=str(error), remedy=_ANOTHER),)
    faults = (
        _compare(tokenizer, ids, own, request, _OWN),
        None if trained is tokenizer else _compare(tokenizer, ids, before, request, _TRAINED),
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


def own_ids(tokenizer: Any, request: Request) -> tuple[int, ...]:
    """Return the ids that the tokenizer itself gives a request, without the prefix of the answer.

    Raises:
        TrainError: it has no chat template, or the template refuses the messages.
    """
    if request.text is not None:
        return tuple(tokenizer(request.text + request.continuation)["input_ids"])
    from jinja2 import TemplateError

    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    try:
        return tuple(
            tokenizer.apply_chat_template(
                messages, tokenize=True, add_generation_prompt=True, return_dict=False
            )
        )
    except (TemplateError, ValueError) as error:
        raise TrainError(f"its chat template cannot be used: {error}") from error


def front(tokenizer: Any, ids: Sequence[int]) -> tuple[int, ...]:
    """Return the special tokens that ids begin with."""
    special = specials(tokenizer)
    count = next((place for place, token in enumerate(ids) if token not in special), len(ids))
    return tuple(ids[:count])


def specials(tokenizer: Any) -> frozenset[int]:
    """Return all tokens that plain text is not made of."""
    return frozenset(tokenizer.all_special_ids) | frozenset(tokenizer.get_added_vocab().values())


@dataclass(frozen=True, slots=True)
class _Standard:
    """A source of ids to compare with, in words, and the remedy where ids differ."""

    name: str
    remedy: str


_ANOTHER = "choose an instruct checkpoint, or suites that ask in plain text"
_OWN = _Standard(
    "by its own tokenizer",
    "this is a fault in how prompts are rendered: please report it with the tokenizer's files",
)
_TRAINED = _Standard(
    "in training",
    "put the tokenizer files and the chat template that it was trained with into its folder",
)


def _compare(
    tokenizer: Any, ids: Sequence[int], other: Sequence[int], request: Request, standard: _Standard
) -> Finding | None:
    has, should = front(tokenizer, ids), front(tokenizer, other)
    if has != should:
        more = len(has) - len(should)
        count = f"{_many(more)} at the front" if more else "another special token at the front"
        begins, other_begins = _text(tokenizer, has, ids), _text(tokenizer, should, other)
        text = f"prompts begin {begins}, those made {standard.name} {other_begins}: {count}"
        return Finding(failure=True, text=text, remedy=standard.remedy)
    # A prefix of the answer is not in `other`, and may grow together with its last token.
    whole = not request.prefix
    kept = len(other) if whole else len(other) - 1
    if tuple(ids[:kept]) == tuple(other[:kept]) and not (whole and len(ids) != len(other)):
        return None
    place = next(p for p, (a, b) in enumerate(zip_longest(ids, other)) if a != b)
    has_text, other_text = (
        "".join(pieces(tokenizer, some[place : place + 1])) for some in (ids, other)
    )
    text = f"prompts differ from those made {standard.name}: first {has_text!r} for {other_text!r}"
    return Finding(failure=False, text=text, remedy=standard.remedy)


def _habit(tokenizer: Any, ids: Sequence[int], request: Request) -> Finding | None:
    """Return a template's doubling or omission of the token that begins a text, as a fault."""
    begin = front(tokenizer, tokenizer("x")["input_ids"])[:1]
    has = front(tokenizer, ids)
    if len(has) > 1 and has[0] == has[1]:
        text = f"the tokenizer's own prompts begin {_text(tokenizer, has, ids)}"
        return Finding(failure=False, text=text, remedy="check that the first is intended")
    if request.text is None and begin and has[:1] != begin:
        text = (
            f"the tokenizer begins plain text with {_text(tokenizer, begin, begin)}, "
            "the chat template does not write it, so chat prompts are without it"
        )
        return Finding(
            failure=False, text=text, remedy="see its model card whether it was trained so"
        )
    return None


def _many(more: int) -> str:
    count = "one" if abs(more) == 1 else str(abs(more))
    return f"{count} special token{'s' if abs(more) > 1 else ''} {'more' if more > 0 else 'fewer'}"


def _text(tokenizer: Any, tokens: Sequence[int], ids: Sequence[int]) -> str:
    """Return special tokens as text; where there are none, the first token of all."""
    return " ".join(pieces(tokenizer, tokens or ids[:1]))
