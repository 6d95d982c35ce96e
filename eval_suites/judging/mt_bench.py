"""MT-bench's judge: its eight official templates, and what is filled into them.

Questions about mathematics, reasoning and code have reference answers, and templates of their own
that show them. The first turn is judged alone, the second with the whole dialogue before it.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_rows
from eval_suites.judging.prompts import Template, template
from eval_suites.requests import Decoding, Message, Request

PROMPTS_FILE = "mt_bench/judge_prompts.jsonl"
DECODING = Decoding(temperature=0.0, max_tokens=2048)
AGAIN_PLEASE = (
    "Your reply gives no rating that can be read. Give only the rating, a number from 1 to 10 in "
    "double square brackets, such as [[5]]."
)
_SINGLE = ("single-v1", "single-math-v1")
_PAIR = ("pair-v2", "pair-math-v1")
_NAMES = (*_SINGLE, *_PAIR)
_FIELDS = frozenset(
    {"question", "answer", "answer_a", "answer_b", "question_1", "question_2", "answer_1"}
    | {"answer_2", "answer_a_1", "answer_a_2", "answer_b_1", "answer_b_2"}
    | {"ref_answer_1", "ref_answer_2"}
)


@runtime_checkable
class Asked(Protocol):
    """What is judged: questions of one or two turns, reference answers (or none), templates."""

    @property
    def turns(self) -> tuple[str, ...]:
        """The user's questions."""

    @property
    def references(self) -> tuple[str, ...]:
        """A reference answer a turn, or none at all."""

    @property
    def prompts(self) -> Mapping[str, Template]:
        """Of `load_prompts`."""


def load_prompts(folder: Path | None) -> dict[str, Template]:
    """The official templates by name.

    Raises:
        DataError: the file is missing or malformed, or lacks a template.
    """
    found: dict[str, Template] = {}
    needed = ("name", "system_prompt", "prompt_template")
    for _, row in read_rows(folder, PROMPTS_FILE, needed):
        said = Message("system", row["system_prompt"]), Message("user", row["prompt_template"])
        found[row["name"]] = template(said, _FIELDS)
    for name in (*_NAMES, *(f"{name}-multi-turn" for name in _NAMES)):
        if name not in found:
            raise DataError(f"{folder}/{PROMPTS_FILE}: no template is called {name!r}; {AGAIN}")
    return found


def question_of(request: Request) -> str:
    """What a judge is shown as the question: what the user says last; of plain text all of it."""
    if request.text is not None:
        return request.text
    return next(m.content for m in reversed(request.messages) if m.role == "user")


def single(asked: Asked, answers: Sequence[str]) -> tuple[Request, ...]:
    """A request a turn for the rating of one model's answers."""
    values = _values(asked) | {f"answer_{turn}": text for turn, text in _numbered(answers)}
    return _requests(asked, _SINGLE, values | {"answer": answers[0]})


def pair(asked: Asked, answers_a: Sequence[str], answers_b: Sequence[str]) -> tuple[Request, ...]:
    """A request a turn for the better one of two models' answers, in this order."""
    values = _values(asked)
    for side, answers in (("a", answers_a), ("b", answers_b)):
        values |= {f"answer_{side}_{turn}": text for turn, text in _numbered(answers)}
        values[f"answer_{side}"] = answers[0]
    return _requests(asked, _PAIR, values)


def answers_shown(asked: Asked, prompts: Sequence[str]) -> tuple[str, ...]:
    """The answers that stand in stored prompts of single judging, one a turn.

    Args:
        asked: the dialogue.
        prompts: the user messages of its turns, all of them.

    Returns:
        Nothing where a prompt is not the official one, filled with one and the same answers.
    """
    marks = tuple(f"<{'answer' * 3}{turn}>" for turn, _ in _numbered(asked.turns))
    found: tuple[str, ...] = ()
    for request, prompt in zip(single(asked, marks), prompts, strict=True):
        pattern = re.escape(request.messages[-1].content)
        for mark in marks:
            pattern = pattern.replace(re.escape(mark), "(.*)")
        fits = re.fullmatch(pattern, prompt, re.DOTALL)
        if fits is None or found != fits.groups()[: len(found)]:
            return ()
        found = fits.groups()
    return found


def _values(asked: Asked) -> dict[str, str]:
    values = {f"question_{turn}": text for turn, text in _numbered(asked.turns)}
    values |= {f"ref_answer_{turn}": text for turn, text in _numbered(asked.references)}
    return values | {"question": asked.turns[0]}


def _numbered(texts: Sequence[str]) -> enumerate[str]:
    return enumerate(texts, 1)


def _requests(
    asked: Asked, names: tuple[str, str], values: Mapping[str, str]
) -> tuple[Request, ...]:
    name = names[1] if asked.references else names[0]
    by_turn = (name, f"{name}-multi-turn")[: len(asked.turns)]
    return tuple(
        Request(messages=asked.prompts[one].filled(values), decoding=DECODING) for one in by_turn
    )
