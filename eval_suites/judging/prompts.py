"""What a judge is asked: official templates filled in, and the one question that repairs a reply.

Templates are read from the benchmarks' own files and never kept here. Filling is one pass, so a
name in braces inside of an answer stays what it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from eval_suites.requests import Answer, Message, Request, Role

_FIELD = re.compile(r"\{(\w+)\}")
_CHATML = re.compile(r"<\|im_start\|>(system|user|assistant)\n(.*?)<\|im_end\|>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Template:
    """An official prompt: messages whose fields stand in braces.

    Attributes:
        messages: in the order that the judge reads them.
        fields: names of what must be filled in; other braces are text.
    """

    messages: tuple[Message, ...]
    fields: frozenset[str]

    def filled(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """The messages with values in place of fields.

        Raises:
            KeyError: a field has no value.
        """
        return tuple(replace(m, content=self._filled(m.content, values)) for m in self.messages)

    def _filled(self, text: str, values: Mapping[str, str]) -> str:
        return _FIELD.sub(lambda m: values[m[1]] if m[1] in self.fields else m[0], text)


def template(messages: tuple[Message, ...], known: frozenset[str]) -> Template:
    """The template of messages, in which those of the `known` fields that occur are filled in."""
    found = {name for message in messages for name in _FIELD.findall(message.content)}
    return Template(messages, frozenset(found & known))


def chat_markup(text: str) -> tuple[Message, ...]:
    """Messages of a ChatML file, each without space around it; none where there is no markup."""
    roles: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
    return tuple(Message(roles[role], said.strip()) for role, said in _CHATML.findall(text))


def repair(asked: Request, reply: Answer, question: str) -> Request:
    """The question that follows a reply which holds no verdict, with the same decoding.

    Args:
        asked: what the judge was asked.
        reply: what it said; a blank one is left out, for templates that refuse empty messages.
        question: what is wanted, in our words.
    """
    if reply.text.strip():
        said = (Message("assistant", reply.text), Message("user", question))
        return replace(asked, messages=(*asked.messages, *said))
    *before, last = asked.messages
    last = replace(last, content=f"{last.content}\n\n{question}")
    return replace(asked, messages=(*before, last))


def may_repair(reply: Answer) -> bool:
    """Whether asking once more can help: not where the prompt did not fit or was withheld."""
    return reply.finish_reason not in ("overflow", "filtered")
