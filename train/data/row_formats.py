"""One row of a data file, of any known shape, as a prompt with scored responses.

`SHAPES` is tried in its order, and the first shape whose fields a row has reads it. A field that
is null counts as absent: Parquet files write one where a row has none.

Plain reward rows are written for this purpose, so a fault in one is an error. Published data sets
hold empty, identical and unscored replies: those are left out and counted, never fatal.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from train.data.group import Group, Turns
from train.data.turns import (
    is_transcript,
    read_messages,
    read_prompt,
    split_reply,
    split_transcript,
)
from train.errors import DataError

Row = Mapping[str, Any]
#: What a preference is worth: fields and rewards.
_PREFERRED = (("chosen", 1.0), ("rejected", 0.0))
#: Why a row is left out, in the order in which the reasons are tried; `DataReport` explains them.
Reason = Literal["different_prompts", "no_question", "empty", "too_few", "identical"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One response of a row: the turns before it, its text, and its reward (None: unscored)."""

    prompt: Turns
    text: str
    reward: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a row gave.

    Attributes:
        group: the group, or the reason for leaving the row out.
        left_out: responses of a kept row that were left out, empty or without a score.
    """

    group: Group | Reason
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """A known shape: its name, the fields that a row of it has, and how it is read."""

    name: str
    fields: frozenset[str]
    read: Callable[[Row], Sequence[Answer]]
    strict: bool = False


def read_row(row: Any, source: str) -> Reading:
    """The group of one row, or the reason for leaving it out.

    Args:
        row: a row as its file holds it.
        source: what the group is called, `file:row`.

    Raises:
        DataError: the row is of no known shape or malformed; the message says what is wrong.
    """
    if not isinstance(row, Mapping):
        raise DataError("a row is an object with named fields; mend or remove it")
    shape = shape_of(row)
    answers = shape.read(row)
    if shape.strict:
        return Reading(_group(answers, source))
    return _tolerant(answers, source)


def shape_of(row: Row) -> Shape:
    """The first shape whose fields the row has.

    Raises:
        DataError: there is none.
    """
    fields = {field for field, value in row.items() if value is not None}
    for shape in SHAPES:
        if shape.fields <= fields:
            return shape
    raise DataError(
        f"it has {', '.join(sorted(map(str, fields))) or 'no fields'}, which is no known shape; "
        "give `prompt`, `responses` and `rewards`, or `prompt`, `chosen` and `rejected` "
        "(docs/reference/training-data.md lists all shapes)"
    )


def _tolerant(answers: Sequence[Answer], source: str) -> Reading:
    """The group of a published row, without its empty and unscored responses."""
    written = [answer for answer in answers if answer.text.strip()]
    whole = [answer for answer in written if answer.reward is not None]
    reason = _fault(answers, written, whole)
    if reason is not None:
        return Reading(reason)
    return Reading(_group(whole, source), len(answers) - len(whole))


def _fault(
    answers: Sequence[Answer], written: Sequence[Answer], whole: Sequence[Answer]
) -> Reason | None:
    """Why a published row cannot be used; None where it can."""
    prompts = {answer.prompt for answer in answers}
    faults: dict[Reason, bool] = {
        "different_prompts": len(prompts) > 1,
        "no_question": any(not prompt or prompt[-1][0] == "assistant" for prompt in prompts),
        "empty": len(written) < 2 <= len(answers),
        "too_few": len(whole) < 2,
        "identical": len({answer.text for answer in whole}) == 1,
    }
    return next((reason for reason, holds in faults.items() if holds), None)


def _group(answers: Sequence[Answer], source: str) -> Group:
    rewards = tuple(0.0 if a.reward is None else float(a.reward) for a in answers)
    return Group(answers[0].prompt, tuple(a.text for a in answers), rewards, source)


def plain_reward(row: Row) -> Sequence[Answer]:
    """This project's own format, any K >= 2.

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
        _check(text, reward, place)
    prompt = read_prompt(row.get("prompt") if row.get("messages") is None else row["messages"])
    if not prompt:
        raise DataError("the prompt is empty; give one or remove the row")
    return [Answer(prompt, text, reward) for text, reward in zip(texts, rewards, strict=True)]


def _check(text: Any, reward: Any, place: int) -> None:
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"response {place} is empty or no text; give a text or remove the row")
    if _score(reward) is None:
        raise DataError(f"reward {place} is {reward!r}; give a finite number")


def ultrafeedback(row: Row) -> Sequence[Answer]:
    """UltraFeedback, original completions (openbmb/UltraFeedback, MIT, arXiv 2310.01377).

    `instruction`, a text; `completions`, usually four: `response` and `overall_score`, 1 to 10
    (also `annotations`, `fine-grained_score`, `principle`, `custom_system_prompt`, which are not
    read: the system prompt differs by completion and is no part of the prompt).

    The first publication gave the score 10 to many completions that had been judged 1; the authors
    corrected it on 2023-12-29 (OpenBMB/UltraFeedback, issue 8). An older copy still has the fault.
    """
    prompt, completions = read_prompt(row["instruction"]), row["completions"]
    if not isinstance(completions, list):
        raise DataError("`completions` must be a list")
    return [_completion(prompt, completion) for completion in completions]


def _completion(prompt: Turns, completion: Any) -> Answer:
    if not isinstance(completion, Mapping) or "overall_score" not in completion:
        raise DataError("a completion must have a `response` and an `overall_score`")
    text = completion.get("response")
    score = _score(completion["overall_score"])
    return Answer(prompt, text if isinstance(text, str) else "", score)


def reference_columns(row: Row) -> Sequence[Answer]:
    """The NCA reference repository's columns (ChenDRAG/ultrafeedback_reward).

    `A0` to `A3`, best first, each a conversation that ends with the response; `score_A0` to
    `score_A3`. The layout is what thu-ml/Noise-Contrastive-Alignment reads at cbb9248; a text with
    a `prompt` beside it is read too, and any number of columns. Derived from UltraFeedback (MIT);
    the derived set's own licence was not found.
    """
    names = [f"A{index}" for index in range(len(row)) if row.get(f"A{index}") is not None]
    return [_reply(row, row[name], _score(row.get(f"score_{name}"))) for name in names]


def ultrainteract(row: Row) -> Sequence[Answer]:
    """UltraInteract pairs (openbmb/UltraInteract_pair, MIT, arXiv 2404.02078).

    `trajectory`, the conversation so far as a list of `from` and `value`; `chosen` and `rejected`,
    texts (also `task`, `dataset`, `id`, `parent_id`, which are not read).
    """
    trajectory = row["trajectory"]
    if not isinstance(trajectory, list):
        raise DataError("`trajectory` must be a list of turns")
    prompt = read_messages(trajectory, "from", "value")
    return [Answer(prompt, split_reply(row[name])[1], reward) for name, reward in _PREFERRED]


def preference(row: Row) -> Sequence[Answer]:
    """Pairs with a prompt: TRL's formats, and UltraFeedback binarized.

    `prompt`, a text or a list of messages (or `messages`); `chosen` and `rejected`, texts or lists
    of messages. Lists that begin with the prompt already, as in UltraFeedback binarized
    (HuggingFaceH4/ultrafeedback_binarized, MIT), are taken whole. Its `score_chosen` and
    `score_rejected` are not read: preferences are 1 and 0 whatever scores a row carries.
    """
    return [_reply(row, row[name], reward) for name, reward in _PREFERRED]


def conversations(row: Row) -> Sequence[Answer]:
    """Pairs without a prompt of its own: TRL's implicit prompt, and HH transcripts.

    `chosen` and `rejected`: lists of messages that hold the prompt, or texts of `Human:` and
    `Assistant:` turns as in HH-RLHF (anthropics/hh-rlhf, MIT, arXiv 2204.05862), whose last reply
    is the response.
    """
    both = [row[name] for name, _ in _PREFERRED]
    split = split_transcript if all(map(is_transcript, both)) else split_reply
    if split is split_reply and any(isinstance(value, str) for value in both):
        raise DataError(
            "no `prompt`, and `chosen` and `rejected` are neither lists of messages nor "
            "transcripts that begin with `Human:`; add the prompt"
        )
    return [Answer(*split(row[name]), reward) for name, reward in _PREFERRED]


def _reply(row: Row, value: Any, reward: float | None) -> Answer:
    """A response as text or conversation; a conversation that starts with a question is whole."""
    before, text = split_reply(value)
    if before and before[0][0] != "assistant":
        return Answer(before, text, reward)
    prompt = row.get("messages") if row.get("prompt") is None else row["prompt"]
    return Answer((*read_prompt(prompt), *before), text, reward)


def _score(value: Any) -> float | None:
    """A finite number, else None."""
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON knows integers of any length
        return None
    return number if math.isfinite(number) else None


#: The known shapes, in the order in which they are tried.
SHAPES: tuple[Shape, ...] = (
    Shape("plain reward", frozenset({"responses"}), plain_reward, strict=True),
    Shape("UltraFeedback", frozenset({"instruction", "completions"}), ultrafeedback),
    Shape("NCA reference columns", frozenset({"A0", "A1", "score_A0"}), reference_columns),
    Shape("UltraInteract", frozenset({"trajectory", "chosen", "rejected"}), ultrainteract),
    Shape("preference", frozenset({"prompt", "chosen", "rejected"}), preference),
    Shape("preference, messages", frozenset({"messages", "chosen", "rejected"}), preference),
    Shape("conversations", frozenset({"chosen", "rejected"}), conversations),
)
