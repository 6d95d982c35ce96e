"""AlpacaEval's judge: its prompts, which output it sees first, and the preference that it gives.

A preference is from 1 (the baseline's output is better) to 2 (the model's is); 1.5 is a draw.
"""

import random
from pathlib import Path
from typing import Protocol

from eval_suites.errors import DataError
from eval_suites.files import AGAIN, read_text
from eval_suites.judging.prompts import Template, chat_markup, template
from eval_suites.judging.verdicts import label_preference, official_ranking, ranking
from eval_suites.requests import Answer, Decoding, Request

#: The annotators' settings; a temperature moves no log-probability of the first token.
RANKED = Request(decoding=Decoding(max_tokens=100))
WEIGHTED = Request(decoding=Decoding(temperature=1.0, max_tokens=1), top_logprobs=5)
DRAW = 1.5
AGAIN_PLEASE = (
    "Your reply is no ranking that can be read. Give only the list, with rank 1 for the better "
    "model and rank 2 for the other: [{'model': 'model_1', 'rank': ...}, "
    "{'model': 'model_2', 'rank': ...}]"
)
_FIELDS = frozenset({"instruction", "output_1", "output_2"})


class Asked(Protocol):
    """What is judged: an instruction, the baseline's output, the annotator's prompt."""

    @property
    def instruction(self) -> str:
        """What was asked of both."""

    @property
    def baseline(self) -> str:
        """The baseline's output."""

    @property
    def prompt(self) -> Template:
        """Of `load_prompt`."""


def load_prompt(folder: Path | None, name: str) -> Template:
    """An annotator's prompt.

    Raises:
        DataError: the file is missing, or holds no chat messages with all fields.
    """
    found = template(chat_markup(read_text(folder, name)), _FIELDS)
    if found.fields != _FIELDS:
        lacking = ", ".join(sorted(_FIELDS - found.fields))
        raise DataError(f"{folder}/{name}: no chat messages with {lacking} in braces; {AGAIN}")
    return found


def switched(instruction: str) -> bool:
    """Whether the judge sees the model's output before the baseline's.

    Drawn from the instruction as upstream draws it: the stored log-probabilities of four models
    give their stored preferences in this order and no other (tests/fidelity/).
    """
    return random.Random(f"is_switched_outputs{instruction}0").choices([False, True], k=1)[0]


def request(settings: Request, asked: Asked, output: str) -> Request:
    """What the judge is asked about a model's output."""
    both = (asked.baseline, output)
    first, second = reversed(both) if switched(asked.instruction) else both
    values = {"instruction": asked.instruction, "output_1": first, "output_2": second}
    return Request(
        messages=asked.prompt.filled(values),
        decoding=settings.decoding,
        top_logprobs=settings.top_logprobs,
    )


def ranked(asked: Asked, verdicts: tuple[Answer, ...]) -> float | None:
    """Our reading of a ranking, or of the second asking."""
    readings = (ranking(reply.text) for reply in verdicts)
    return _turned(asked, next((one for one in readings if one is not None), None))


def official_ranked(asked: Asked, verdicts: tuple[Answer, ...]) -> float | None:
    """Upstream's reading of the first reply."""
    return _turned(asked, official_ranking(verdicts[0].text) if verdicts else None)


def weighted(asked: Asked, verdicts: tuple[Answer, ...]) -> float | None:
    """The preference by log-probabilities; upstream's rule is ours."""
    if not verdicts or not verdicts[0].logprobs:
        return None
    return _turned(asked, label_preference(verdicts[0].logprobs[0]))


def _turned(asked: Asked, preference: float | None) -> float | None:
    """A preference between first and second output, as one between baseline and model."""
    if preference is None or not switched(asked.instruction):
        return preference
    return 3.0 - preference
