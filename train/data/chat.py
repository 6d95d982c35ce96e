"""The chat renderer: messages to token ids, and the boundary between prompt and response.

It is the only place where messages become token ids.

The text is the chat template's; it already holds the BOS and the end of a turn where the model
wants them, so no special token is added to it. A response ends with exactly one end token, the
one that the template writes after a turn. A template may write more behind it (SmolLM2: a newline);
that is no part of the response, because generation stops at the end token.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from train.errors import TrainError

Message = Mapping[str, str] | tuple[str, str]


def render(tokenizer: Any, messages: Sequence[Message], prefix: str = "") -> list[int]:
    """Encode a prompt: the messages, the assistant's header, and the beginning of its answer.

    `messages` are mappings with `role` and `content`, or (role, content) pairs. Raises TrainError
    where the tokenizer has no chat template, or the template refuses the messages.
    """
    return _encode(tokenizer, _text(tokenizer, messages, header=True) + prefix)


def render_text(tokenizer: Any, text: str) -> list[int]:
    """Encode plain text, with the BOS where the tokenizer wants one."""
    return list(tokenizer(text)["input_ids"])


def continuation_ids(
    tokenizer: Any, text: str | None, continuation: str
) -> tuple[list[int], list[int]]:
    """Encode a plain text and the continuation that is to be scored after it, by lm-eval's rule.

    Spaces at the end of the text go to the continuation. Both are encoded together, and the
    continuation has the tokens beyond as many as the text alone has (none, where it merges into the
    text's last token). An empty text is replaced by the token that begins a text (BOS, else EOS).
    Where `text` is None, the continuation is a whole text, with the tokenizer's BOS before it.
    Raises TrainError where the text is empty, and the tokenizer has neither BOS nor EOS.
    """
    if not text:
        first = (tokenizer.bos_token_id, tokenizer.eos_token_id)
        begin = next((int(token) for token in first if token is not None), None)
        if begin is None:
            raise TrainError(f"{_name(tokenizer)}: no BOS or EOS to put before an empty text")
        if text is None:
            return [begin], _encode_text(tokenizer, continuation)
        ids = _encode(tokenizer, continuation)
        return ([begin], ids) if ids[:1] != [begin] else (ids[:1], ids[1:])
    # A text of nothing but spaces keeps them: there is nothing to move them away from.
    before = _encode_text(tokenizer, text.rstrip() or text)
    return before, _encode_text(tokenizer, text + continuation)[len(before) :]


def _encode_text(tokenizer: Any, text: str) -> list[int]:
    """Encode as `render_text` does, without a second BOS where the text begins with one."""
    begins = bool(tokenizer.bos_token) and text.startswith(tokenizer.bos_token)
    return _encode(tokenizer, text) if begins else render_text(tokenizer, text)


def response_ids(tokenizer: Any, messages: Sequence[Message], response: str) -> list[int]:
    """Encode a response to `messages`, ending with exactly one end token.

    The model sees `render(tokenizer, messages) + response_ids(tokenizer, messages, response)`. The
    response ends at its first end token, should its text hold one. Raises TrainError where the
    template does not write the prompt in front of the whole conversation.
    """
    tail = _encode_after_prompt(tokenizer, messages, response)
    end = end_token(tokenizer, messages)
    return [*tail[: tail.index(end)], end] if end in tail else [*tail, end]


def end_token(tokenizer: Any, messages: Sequence[Message]) -> int:
    """Return the token that ends a turn: the template's, else EOS; raise TrainError without one."""
    special = set(tokenizer.all_special_ids) | set(tokenizer.get_added_vocab().values())
    tail = _encode_after_prompt(tokenizer, messages, "x")  # any response shows what ends it
    if ends := [token for token in tail if token in special]:
        return int(ends[-1])
    if tokenizer.eos_token_id is None:
        raise TrainError(f"{_name(tokenizer)}: neither template nor tokenizer has an end token")
    return int(tokenizer.eos_token_id)


def header_length(tokenizer: Any, messages: Sequence[Message]) -> int:
    """Count the tokens of the assistant's header, which truncation of a prompt must keep."""
    whole = _text(tokenizer, messages, header=True)
    return len(_encode(tokenizer, whole[len(_text(tokenizer, messages, header=False)) :]))


def _encode_after_prompt(tokenizer: Any, messages: Sequence[Message], response: str) -> list[int]:
    prompt = _text(tokenizer, messages, header=True)
    whole = _text(tokenizer, [*messages, ("assistant", response)], header=False)
    if not whole.startswith(prompt):
        raise TrainError(
            f"{_name(tokenizer)}: its chat template does not begin a conversation with its prompt, "
            "so responses have no boundary; use a template that only appends"
        )
    ids, head = _encode(tokenizer, whole), _encode(tokenizer, prompt)
    if ids[: len(head)] == head:
        return ids[len(head) :]
    # A token grew across the boundary (a response that begins with a newline). The model is given
    # the prompt's own tokens, so the response gets its own too.
    tail = whole[len(prompt) :]
    ids = _encode(tokenizer, tail)
    if tokenizer.decode(head + ids, clean_up_tokenization_spaces=False) != whole:
        raise TrainError(
            f"{_name(tokenizer)}: its chat template and a response that begins {tail[:20]!r} "
            "share a token, so the response has no boundary; strip the response"
        )
    return ids


def _text(tokenizer: Any, messages: Sequence[Message], *, header: bool) -> str:
    from jinja2 import TemplateError

    if not getattr(tokenizer, "chat_template", None):
        raise TrainError(
            f"{_name(tokenizer)}: no chat template; use an instruct checkpoint, or put a "
            "chat_template.jinja into its folder"
        )
    pairs = (m if isinstance(m, tuple) else (m["role"], m["content"]) for m in messages)
    plain = [{"role": role, "content": content} for role, content in pairs]
    settings = {"tokenize": False, "add_generation_prompt": header}
    try:
        return str(tokenizer.apply_chat_template(plain, **settings))
    except TemplateError as error:
        roles = ", ".join(message["role"] for message in plain)
        raise TrainError(
            f"{_name(tokenizer)}: its chat template refuses messages of roles {roles}: {error}"
        ) from error


def _encode(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _name(tokenizer: Any) -> str:
    return str(getattr(tokenizer, "name_or_path", "") or "the tokenizer")
