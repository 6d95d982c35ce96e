"""Training data: prompts with K scored responses, read from reward or preference rows.

A reward row is `{"prompt" | "messages", "responses": [...], "rewards": [...]}` with any K >= 2.
A preference row is `{"prompt", "chosen", "rejected"}`, each a text or a list of messages; the
prompt may be left out where both lists begin with it. Preferences become rewards 1 and 0, whatever
other scores a row carries.

Reward rows are written for this purpose, so a fault in one is an error that names its row.
Published preference pairs hold empty and identical replies: those are dropped and counted.
"""

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from train.errors import DataError
from train.files import read_rows

Turn = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """One prompt with its scored responses.

    Attributes:
        messages: the prompt's turns, (role, content).
        responses: K texts, K >= 2.
        rewards: K finite numbers; higher is better.
        source: `file:row`, rows counted from 1.
    """

    messages: tuple[Turn, ...]
    responses: tuple[str, ...]
    rewards: tuple[float, ...]
    source: str


@dataclass(frozen=True, slots=True)
class DataReport:
    """What became of a file's rows: how many were read, kept and dropped.

    Attributes:
        rows: rows read.
        groups: rows kept.
        empty: preference rows dropped because a reply was empty.
        identical: preference rows dropped because both replies were the same.
        tied: rows kept whose rewards are all equal.
    """

    rows: int
    groups: int
    empty: int
    identical: int
    tied: int


class _Drop(Exception):  # noqa: N818 - no error: a row that is counted and left out
    """A row to leave out, with its reason (a field of `DataReport`)."""


def read_groups(
    path: Path, rows: int | None = None, responses: int | None = None, seed: int = 0
) -> tuple[tuple[Group, ...], DataReport]:
    """The groups of a data file and what was dropped on the way.

    Args:
        path: a file of reward or preference rows (`train.files`).
        rows: read only the first so many rows.
        responses: keep this many responses a prompt: the best and a seeded draw of the others.
        seed: of that draw; it depends on the row too, not on which rows are read.

    Raises:
        DataError: a row is malformed, or nothing is left. The message names file and row.
    """
    if responses == 1:
        raise DataError("responses: 1 leaves nothing to compare; set it to 2 or more")
    groups: list[Group] = []
    dropped = {"empty": 0, "identical": 0}
    number = 0
    for number, group in enumerate(_groups(path, rows), start=1):  # noqa: B007 - the count
        if isinstance(group, Group):
            groups.append(_keep(group, responses, seed))
        else:
            dropped[group] += 1
    if not groups:
        raise DataError(f"{path}: no usable row among {number}; give a file of scored responses")
    tied = sum(len(set(group.rewards)) == 1 for group in groups)
    return tuple(groups), DataReport(number, len(groups), tied=tied, **dropped)


def _groups(path: Path, rows: int | None) -> Iterator[Group | str]:
    """Each row's group, or the reason for leaving it out."""
    for number, row in itertools.islice(read_rows(path), rows):
        try:
            yield _group(row, f"{path.name}:{number}")
        except _Drop as drop:
            yield str(drop)
        except DataError as error:
            raise DataError(f"{path}, row {number}: {error}") from None


def _group(row: Any, source: str) -> Group:
    if not isinstance(row, Mapping):
        raise DataError("a row is an object with named fields; mend or remove it")
    if "chosen" in row and "rejected" in row:
        return _preference(row, source)
    if "responses" in row:
        return _scored(row, source)
    raise DataError(
        f"it has {', '.join(map(str, row)) or 'no fields'}, but neither `responses` and `rewards` "
        "nor `prompt`, `chosen` and `rejected`"
    )


def _scored(row: Mapping[str, Any], source: str) -> Group:
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
    return Group(_prompt(row), tuple(texts), tuple(map(float, rewards)), source)


def _check(text: Any, reward: Any, place: int) -> None:
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"response {place} is empty or no text; give a text or remove the row")
    if not isinstance(reward, int | float) or not math.isfinite(reward):
        raise DataError(f"reward {place} is {reward!r}; give a finite number")


def _prompt(row: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The prompt's turns from `messages` or `prompt`."""
    prompt = row["messages"] if row.get("messages") is not None else row.get("prompt")
    if isinstance(prompt, str) and prompt.strip():
        return (("user", prompt),)
    if isinstance(prompt, list) and prompt:
        return _turns(prompt)
    raise DataError("no `prompt` (a text) or `messages` (a list); add one")


def _turns(messages: Sequence[Any]) -> tuple[Turn, ...]:
    for message in messages:
        if not isinstance(message, Mapping) or not all(
            isinstance(message.get(field), str) for field in ("role", "content")
        ):
            raise DataError("a message must have a `role` and a `content`, both texts")
    return tuple((message["role"], message["content"]) for message in messages)


def _preference(row: Mapping[str, Any], source: str) -> Group:
    (before, chosen), (before_too, rejected) = _reply(row["chosen"]), _reply(row["rejected"])
    if before != before_too:
        raise DataError("`chosen` and `rejected` answer different conversations; remove the row")
    # A conversation in `chosen` holds the prompt already, whether or not `prompt` repeats it.
    messages = before or _preference_prompt(row)
    if not chosen.strip() or not rejected.strip():
        raise _Drop("empty")
    if chosen == rejected:
        raise _Drop("identical")
    return Group(messages, (chosen, rejected), (1.0, 0.0), source)


def _preference_prompt(row: Mapping[str, Any]) -> tuple[Turn, ...]:
    if row.get("prompt") is None and row.get("messages") is None:
        raise DataError(
            "no `prompt`; transcripts that hold prompt and reply in one text must be split first"
        )
    return _prompt(row)


def _reply(value: Any) -> tuple[tuple[Turn, ...], str]:
    """The turns before a reply (none for a plain text) and the reply."""
    if isinstance(value, str):
        return (), value
    if not isinstance(value, list) or not value:
        raise DataError("`chosen` and `rejected` must be texts or lists of messages")
    *before, (role, content) = _turns(value)
    if role != "assistant":
        raise DataError(f"a reply ends with a turn of the assistant, not of {role!r}")
    return tuple(before), content


def _keep(group: Group, responses: int | None, seed: int) -> Group:
    """The best response and a draw of the others, in their old order."""
    if responses is None or responses >= len(group.responses):
        return group
    order = range(len(group.responses))
    best = max(order, key=lambda index: group.rewards[index])
    row = group.source.rpartition(":")[2]
    others = random.Random(f"{seed}:{row}").sample([i for i in order if i != best], responses - 1)
    kept = sorted([best, *others])
    return Group(
        group.messages,
        tuple(group.responses[index] for index in kept),
        tuple(group.rewards[index] for index in kept),
        group.source,
    )
