"""Official prompts for a judge, filled in, and the question that repairs a reply.

Templates are read from the benchmarks' own files and never kept here. Filling is one pass, so a
name in braces inside of an answer stays what it is.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from eval_suites.requests import Answer, Message, Request, Role
from eval_suites.suite import Answers, Requests

_FIELD = re.compile(r"\{(\w+)\}")
_CHATML = re.compile(r"<\|im_start\|>(system|user|assistant)\n(.*?)<\|im_end\|>", re.DOTALL)

#: Reads the verdict of a reply; None where it holds none.
Reader = Callable[[str], object | None]


@dataclass(frozen=True, slots=True)
class Template:
    """An official prompt: messages, some of whose braces are `fields`; other braces are text."""

    messages: tuple[Message, ...]
    fields: frozenset[str]

    def filled(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """Return the messages with values in place of fields.

        Raises:
            KeyError: a field has no value.
        """

        def fill(field: re.Match[str]) -> str:
            return values[field[1]] if field[1] in self.fields else field[0]

        return tuple(replace(m, content=_FIELD.sub(fill, m.content)) for m in self.messages)


def template(messages: tuple[Message, ...], fields: frozenset[str]) -> Template:
    """Return the template of messages, in which those of the `fields` that occur are filled in."""
    names = {name for message in messages for name in _FIELD.findall(message.content)}
    return Template(messages, fields & names)


def chat_markup(text: str) -> tuple[Message, ...]:
    """Return the messages of a ChatML file, each stripped; none where there is no markup."""
    roles: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
    return tuple(Message(roles[role], content.strip()) for role, content in _CHATML.findall(text))


def with_repairs(requests: Requests, replies: Answers, read: Reader, question: str) -> Requests:
    """Return the next requests to a judge: all of them, then once more those that were not read.

    Args:
        requests: the judge's requests for a sample.
        replies: all replies so far, in the order of the requests; those to repairs come last.
        read: reads the verdict of a reply.
        question: asks for a verdict that can be read.
    """
    if not replies:
        return requests
    if len(replies) > len(requests):
        return ()
    pairs = zip(requests, replies, strict=True)
    return tuple(_repair(*pair, question) for pair in pairs if _needs_repair(pair[1], read))


def final_replies(replies: Answers, count: int, read: Reader) -> Iterator[Answer]:
    """Yield the reply that counts for each of `count` requests: the first, or that to its repair.

    Arguments are those of `with_repairs`.
    """
    repaired = iter(replies[count:])
    for reply in replies[:count]:
        yield next(repaired, reply) if _needs_repair(reply, read) else reply


def _needs_repair(reply: Answer, read: Reader) -> bool:
    """Return True where a reply holds no verdict, and asking once more can help.

    It cannot where the prompt did not fit or was withheld.
    """
    return read(reply.text) is None and reply.finish_reason not in ("overflow", "filtered")


def _repair(request: Request, reply: Answer, question: str) -> Request:
    """Return the request that follows a reply which holds no verdict, with the same decoding.

    A blank reply is left out, for templates that refuse empty messages.
    """
    if reply.text.strip():
        messages = (Message("assistant", reply.text), Message("user", question))
        return replace(request, messages=(*request.messages, *messages))
    *before, last = request.messages
    last = replace(last, content=f"{last.content}\n\n{question}")
    return replace(request, messages=(*before, last))
