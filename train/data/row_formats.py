"""The row formats that are read, each into a prompt with scored responses.

`FORMATS` is tried in its order, and the first format whose fields a row has reads it. A field that
is null counts as absent: Parquet files write one where a row has none.

Plain reward rows are written for this purpose, so a fault in one is an error. Published data sets
hold empty, identical and unscored replies: those are left out and counted, never fatal.
Preferences become rewards 1 and 0, whatever other scores a row carries.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from train.data.turns import (
    Turns,
    is_transcript,
    read_messages,
    read_prompt,
    split_reply,
    split_transcript,
)
from train.errors import DataError

Row = Mapping[str, Any]
#: The fields of a preference and their rewards.
_PREFERENCE = (("chosen", 1.0), ("rejected", 0.0))
#: The reasons for leaving a row out, in the order in which they are tried (see `DataReport`).
Reason = Literal["different_prompts", "no_question", "empty", "too_few", "identical"]


@dataclass(frozen=True, slots=True)
class Group:
    """The unit of training data: one prompt with its scored responses."""

    messages: Turns  # the prompt's turns, (role, content)
    responses: tuple[str, ...]  # K texts, K >= 2
    rewards: tuple[float, ...]  # K finite numbers; higher is better
    source: str  # `file:row`, rows counted from 1

    def select(self, places: Sequence[int]) -> "Group":
        """Return the group with the responses at these places alone."""
        responses = tuple(self.responses[place] for place in places)
        rewards = tuple(self.rewards[place] for place in places)
        return Group(self.messages, responses, rewards, self.source)


@dataclass(frozen=True, slots=True)
class Response:
    """A response of a row: the turns before it, its text, and its reward (None: unscored)."""

    prompt: Turns
    text: str
    reward: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The group of a row, or the reason for leaving the row out."""

    group: Group | Reason
    left_out: int = 0  # responses of a kept row that are left out, empty or without a score


def read_row(row: Any, source: str) -> Reading:
    """Read the group of one row, named `source` (`file:row`), or the reason for leaving it out.

    Raises DataError, saying what is wrong, where the row is of no known format or malformed.
    """
    if not isinstance(row, Mapping):
        raise DataError("a row is an object with named fields; correct or remove it")
    fields = {field for field, value in row.items() if value is not None}
    reader = next((reader for needed, reader in FORMATS.items() if needed <= fields), None)
    if reader is None:
        raise DataError(
            f"no known row format has the fields {', '.join(sorted(map(str, fields))) or '(none)'}"
            "; give `prompt`, `responses` and `rewards`, or `prompt`, `chosen` and `rejected` "
            "(docs/reference/training-data.md lists all formats)"
        )
    scored = responses = reader(row)
    if reader is not plain_reward:
        scored = [r for r in responses if r.text.strip() and r.reward is not None]
        if reason := _fault(responses, scored):
            return Reading(reason)
    rewards = tuple(0.0 if r.reward is None else float(r.reward) for r in scored)
    group = Group(scored[0].prompt, tuple(r.text for r in scored), rewards, source)
    return Reading(group, len(responses) - len(scored))


def _fault(responses: Sequence[Response], scored: Sequence[Response]) -> Reason | None:
    written = [response for response in responses if response.text.strip()]
    prompts = {response.prompt for response in responses}
    faults: dict[Reason, bool] = {
        "different_prompts": len(prompts) > 1,
        "no_question": any(not prompt or prompt[-1][0] == "assistant" for prompt in prompts),
        "empty": len(written) < 2 <= len(responses),
        "too_few": len(scored) < 2,
        "identical": len({response.text for response in scored}) == 1,
    }
    return next((reason for reason, holds in faults.items() if holds), None)


def plain_reward(row: Row) -> Sequence[Response]:
    """Read this project's own format, any K >= 2.

    `prompt` (a text or a list of messages) or `messages`; `responses`, texts; `rewards`, numbers.
    """
    texts, rewards = row["responses"], row.get("rewards")
    if rewards is None:
        raise DataError("no `rewards`; add one number a response")
    if not isinstance(texts, list) or not isinstance(rewards, list):
        raise DataError("`responses` and `rewards` must be lists")
    if len(texts) != len(rewards):
        raise DataError(f"{len(texts)} responses but {len(rewards)} rewards; give one each")
    if len(texts) < 2:
        raise DataError("fewer than 2 responses leave nothing to compare; remove the row")
    for place, (text, reward) in enumerate(zip(texts, rewards, strict=True), start=1):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"response {place} is empty or no text; give a text or remove the row")
        if _score(reward) is None:
            raise DataError(f"reward {place} is {reward!r}; give a finite number")
    prompt = read_prompt(row.get("prompt") if row.get("messages") is None else row["messages"])
    if not prompt:
        raise DataError("the prompt is empty; give one or remove the row")
    return [Response(prompt, text, reward) for text, reward in zip(texts, rewards, strict=True)]


def ultrafeedback(row: Row) -> Sequence[Response]:
    """Read UltraFeedback's original completions (openbmb/UltraFeedback, MIT, arXiv 2310.01377).

    `instruction`, a text; `completions`, usually four: `response` and `overall_score`, 1 to 10
    (also `annotations`, `fine-grained_score`, `principle`, `custom_system_prompt`, which are not
    read: the system prompt differs by completion and is no part of the prompt).

    The first publication gave the score 10 to many completions that had been judged 1; the authors
    corrected it on 2023-12-29 (OpenBMB/UltraFeedback, issue 8). An older copy still has the fault.
    """
    prompt, completions = read_prompt(row["instruction"]), row["completions"]
    if not isinstance(completions, list):
        raise DataError("`completions` must be a list")
    if not all(isinstance(c, Mapping) and "overall_score" in c for c in completions):
        raise DataError("a completion must have a `response` and an `overall_score`")
    texts = (completion.get("response") for completion in completions)
    scores = (_score(completion["overall_score"]) for completion in completions)
    return [
        Response(prompt, text if isinstance(text, str) else "", score)
        for text, score in zip(texts, scores, strict=True)
    ]


def reference_columns(row: Row) -> Sequence[Response]:
    """Read the NCA reference repository's columns (ChenDRAG/ultrafeedback_reward).

    `A0` to `A3`, best first, each a conversation that ends with the response; `score_A0` to
    `score_A3`. The layout is what thu-ml/Noise-Contrastive-Alignment reads at cbb9248; a text with
    a `prompt` beside it is read too, and any number of columns. Derived from UltraFeedback (MIT);
    the derived set's own licence was not found.
    """
    names = [f"A{index}" for index in range(len(row)) if row.get(f"A{index}") is not None]
    return [_read_response(row, row[name], _score(row.get(f"score_{name}"))) for name in names]


def ultrainteract(row: Row) -> Sequence[Response]:
    """Read UltraInteract pairs (openbmb/UltraInteract_pair, MIT, arXiv 2404.02078).

    `trajectory`, the conversation so far as a list of `from` and `value`; `chosen` and `rejected`,
    texts (also `task`, `dataset`, `id`, `parent_id`, which are not read).
    """
    trajectory = row["trajectory"]
    if not isinstance(trajectory, list):
        raise DataError("`trajectory` must be a list of turns")
    prompt = read_messages(trajectory, "from", "value")
    return [Response(prompt, split_reply(row[name])[1], reward) for name, reward in _PREFERENCE]


def preference(row: Row) -> Sequence[Response]:
    """Read pairs with a prompt: TRL's formats, and UltraFeedback binarized.

    `prompt`, a text or a list of messages (or `messages`); `chosen` and `rejected`, texts or lists
    of messages. Lists that begin with the prompt already, as in UltraFeedback binarized
    (HuggingFaceH4/ultrafeedback_binarized, MIT), are taken whole. Its `score_chosen` and
    `score_rejected` are not read: preferences are 1 and 0 whatever scores a row carries.
    """
    return [_read_response(row, row[name], reward) for name, reward in _PREFERENCE]


def conversations(row: Row) -> Sequence[Response]:
    """Read pairs without a prompt of its own: TRL's implicit prompt, and HH transcripts.

    `chosen` and `rejected`: lists of messages that hold the prompt, or texts of `Human:` and
    `Assistant:` turns as in HH-RLHF (anthropics/hh-rlhf, MIT, arXiv 2204.05862), whose last reply
    is the response.
    """
    both = [row[name] for name, _ in _PREFERENCE]
    split = split_transcript if all(map(is_transcript, both)) else split_reply
    if split is split_reply and any(isinstance(value, str) for value in both):
        raise DataError(
            "no `prompt`, and `chosen` and `rejected` are neither lists of messages nor "
            "transcripts that begin with `Human:`; add the prompt"
        )
    return [Response(*split(row[name]), reward) for name, reward in _PREFERENCE]


def _read_response(row: Row, value: Any, reward: float | None) -> Response:
    """Read a text or conversation; a conversation that starts with a question holds the prompt."""
    before, text = split_reply(value)
    if before and before[0][0] != "assistant":
        return Response(before, text, reward)
    prompt = row.get("messages") if row.get("prompt") is None else row["prompt"]
    return Response((*read_prompt(prompt), *before), text, reward)


def _score(value: Any) -> float | None:
    """Return a finite number, else None."""
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON knows integers of any length
        return None
    return number if math.isfinite(number) else None


#: The known formats, in the order in which they are tried: the fields of a row, and its reader.
FORMATS: dict[frozenset[str], Callable[[Row], Sequence[Response]]] = {
    frozenset({"responses"}): plain_reward,
    frozenset({"instruction", "completions"}): ultrafeedback,
    frozenset({"A0", "A1", "score_A0"}): reference_columns,
    frozenset({"trajectory", "chosen", "rejected"}): ultrainteract,
    frozenset({"prompt", "chosen", "rejected"}): preference,
    frozenset({"messages", "chosen", "rejected"}): preference,
    frozenset({"chosen", "rejected"}): conversations,
}
