"""Groups as token ids, cut to length by one rule for all responses of a prompt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from train.data.chat import header_length, render, response_ids
from train.data.row_formats import Group
from train.errors import DataError


@dataclass(frozen=True, slots=True)
class TokenGroup:
    """One prompt and its responses as token ids."""

    prompt: tuple[int, ...]  # ids of the prompt, with the assistant's header at its end
    # K tuples of ids, none empty; each ends with the end token unless it was cut
    responses: tuple[tuple[int, ...], ...]
    rewards: tuple[float, ...]  # K numbers
    source: str  # `file:row`

    @property
    def size(self) -> int:
        """Tokens of the prompt and of all responses."""
        return len(self.prompt) + sum(map(len, self.responses))


@dataclass(frozen=True, slots=True)
class TokenReport:
    """The prompts and responses that were tokenised, cut and dropped."""

    prompts: int  # prompts kept
    tokens: int  # tokens kept, each prompt counted once
    cut_prompts: int  # prompts that lost tokens on the left
    cut_responses: int  # responses that lost their end
    too_long: int = 0  # prompts dropped because they would have been cut


def tokenise(
    tokenizer: Any,
    groups: Sequence[Group],
    max_length: int,
    max_prompt_length: int,
    too_long: Literal["cut", "drop"] = "cut",
) -> tuple[tuple[TokenGroup, ...], TokenReport]:
    """Encode all groups and cut them to length.

    `max_length` is the tokens of a prompt and one response, `max_prompt_length` (below it) those
    that a prompt keeps where it does not fit. A prompt that does not fit with its longest response
    is cut or dropped, as `too_long` says. Raises DataError where all are dropped.
    """
    kept: list[TokenGroup] = []
    cut_prompts, cut_responses, dropped = 0, 0, 0
    for group in groups:
        prompt = render(tokenizer, group.messages)
        responses = (response_ids(tokenizer, group.messages, text) for text in group.responses)
        whole = TokenGroup(tuple(prompt), tuple(map(tuple, responses)), group.rewards, group.source)
        header = header_length(tokenizer, group.messages)
        cut = _cut(whole, header, max_length, max_prompt_length)
        if cut is not whole and too_long == "drop":
            dropped += 1
            continue
        cut_prompts += len(cut.prompt) < len(whole.prompt)
        cut_responses += sum(
            len(a) < len(b) for a, b in zip(cut.responses, whole.responses, strict=True)
        )
        kept.append(cut)
    if not kept:
        source = groups[0].source.rpartition(":")[0]
        raise DataError(f"{source}: no prompt fits: raise max_length, or set too_long: cut")
    tokens = sum(group.size for group in kept)
    return tuple(kept), TokenReport(len(kept), tokens, cut_prompts, cut_responses, dropped)


def _cut(group: TokenGroup, header: int, max_length: int, max_prompt_length: int) -> TokenGroup:
    """Return the group within its limits, itself where it fits.

    Where prompt and longest response do not fit, the prompt loses tokens on the left, down to
    `max_prompt_length` (and never its header); where that is not enough, every response is cut to
    the room that is left, at least one token.
    """
    longest = max(map(len, group.responses))
    if len(group.prompt) + longest <= max_length:
        return group
    room = max(max_length - longest, max_prompt_length, header)
    prompt = group.prompt[-room:]
    left = max(max_length - len(prompt), 1)
    responses = tuple(response[:left] for response in group.responses)
    return TokenGroup(prompt, responses, group.rewards, group.source)
