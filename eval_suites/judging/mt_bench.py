"""MT-bench's judge: its eight official templates, filled in.

Questions about mathematics, reasoning and code have reference answers, and templates of their own
that show them. The first turn is judged alone, the second with the whole dialogue before it.

`RATED` rates one answer to one question of any kind by the template for single answers; a reply
without a rating is asked for once more. It rewards sampled responses where nothing can be verified.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_suites.files import malformed, read_rows
from eval_suites.judging.injections import suspicious
from eval_suites.judging.prompts import Template, final_replies, template, with_repairs
from eval_suites.judging.verdicts import rating
from eval_suites.requests import Decoding, Message, Request
from eval_suites.scores import Score
from eval_suites.suite import Answers, JudgeRules, MetricRules, Outcomes, Requests, Suite

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


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The user's questions, one or two, that a judge is shown with the templates of `load_prompts`.

    There is a reference answer a turn, or none at all.
    """

    turns: tuple[str, ...]
    prompts: Mapping[str, Template]
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DialogueSample:
    """A dialogue to judge outside MT-bench."""

    id: str
    dialogue: Dialogue


def load_prompts(folder: Path | None) -> dict[str, Template]:
    """Return the official templates by name.

    Raises:
        DataError: the file is missing or malformed, or lacks a template.
    """
    prompts: dict[str, Template] = {}
    fields = ("name", "system_prompt", "prompt_template")
    for _, row in read_rows(folder, PROMPTS_FILE, fields):
        messages = Message("system", row["system_prompt"]), Message("user", row["prompt_template"])
        prompts[row["name"]] = template(messages, _FIELDS)
    for name in (*_NAMES, *(f"{name}-multi-turn" for name in _NAMES)):
        if name not in prompts:
            raise malformed(f"{folder}/{PROMPTS_FILE}", f"no template is called {name!r}")
    return prompts


def question_of(request: Request) -> str:
    """Return the last message of the user, or all of a plain text: the question for a judge."""
    if request.text is not None:
        return request.text
    return next(m.content for m in reversed(request.messages) if m.role == "user")


def single(dialogue: Dialogue, answers: Sequence[str]) -> Requests:
    """Return a request a turn for the rating of one model's answers."""
    values = _values(dialogue) | {f"answer_{turn}": text for turn, text in enumerate(answers, 1)}
    return _requests(dialogue, _SINGLE, values | {"answer": answers[0]})


def pair(dialogue: Dialogue, answers_a: Sequence[str], answers_b: Sequence[str]) -> Requests:
    """Return a request a turn for the better one of two models' answers, in this order."""
    values = _values(dialogue)
    for side, answers in (("a", answers_a), ("b", answers_b)):
        values |= {f"answer_{side}_{turn}": text for turn, text in enumerate(answers, 1)}
        values[f"answer_{side}"] = answers[0]
    return _requests(dialogue, _PAIR, values)


def answers_shown(dialogue: Dialogue, prompts: Sequence[str]) -> tuple[str, ...]:
    """Return the answers, one a turn, in the user messages of stored prompts of single judging.

    Nothing where a prompt is not the official one, filled with the same answers in all turns.
    """
    marks = tuple(f"<{'answer' * 3}{turn}>" for turn in range(1, len(dialogue.turns) + 1))
    answers: tuple[str, ...] = ()
    for request, prompt in zip(single(dialogue, marks), prompts, strict=True):
        pattern = re.escape(request.messages[-1].content)
        for mark in marks:
            pattern = pattern.replace(re.escape(mark), "(.*)")
        match = re.fullmatch(pattern, prompt, re.DOTALL)
        if match is None or answers != match.groups()[: len(answers)]:
            return ()
        answers = match.groups()
    return answers


def _values(dialogue: Dialogue) -> dict[str, str]:
    values = {f"question_{turn}": text for turn, text in enumerate(dialogue.turns, 1)}
    values |= {f"ref_answer_{turn}": text for turn, text in enumerate(dialogue.references, 1)}
    return values | {"question": dialogue.turns[0]}


def _requests(dialogue: Dialogue, names: tuple[str, str], values: Mapping[str, str]) -> Requests:
    name = names[1] if dialogue.references else names[0]
    by_turn = (name, f"{name}-multi-turn")[: len(dialogue.turns)]
    messages = (dialogue.prompts[prompt].filled(values) for prompt in by_turn)
    return tuple(Request(messages=filled, decoding=DECODING) for filled in messages)


def _score_rated(
    _sample: DialogueSample, answers: Answers, verdicts: Answers, _outcomes: Outcomes
) -> Score:
    metrics = {"suspicious": suspicious(answer.text for answer in answers)}
    value = next((rating(reply.text) for reply in final_replies(verdicts, 1, rating)), None)
    if value is None:
        reason = "no rating from 1 to 10 in the judge's reply"
        return Score(None, "judge_missing", reason=reason, metrics=metrics)
    return Score(value, extracted=f"{value:g}", metrics={"rating": value, **metrics})


RATED: Suite[DialogueSample] = Suite(
    name="rated",
    version="1",
    source="MT-bench's template for single answers: lm-sys/FastChat, see mt_bench",
    licence="Apache-2.0",
    headline="rating",
    load=lambda _: (),
    ask=lambda _sample, _answers: (),
    score=_score_rated,
    judging=JudgeRules(
        lambda sample, answers, verdicts: with_repairs(
            single(sample.dialogue, [answers[0].text.strip()]), verdicts, rating, AGAIN_PLEASE
        )
    ),
    metrics=MetricRules(bounds=(1.0, 10.0)),
)
