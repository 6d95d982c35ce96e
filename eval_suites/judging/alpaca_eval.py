"""AlpacaEval's judge: its prompts, the order of the outputs, and the preference that it gives.

A preference is from 1 (the baseline's output is better) to 2 (the model's is); 1.5 is a draw.
"""

import random
from dataclasses import dataclass, replace
from pathlib import Path

from eval_suites.files import malformed, read_text
from eval_suites.judging.length_control import Controls
from eval_suites.judging.prompts import Template, chat_markup, template
from eval_suites.judging.verdicts import label_preference, official_ranking, ranking
from eval_suites.requests import Decoding, Request
from eval_suites.suite import Answers

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


@dataclass(frozen=True, slots=True)
class Sample:
    """An instruction with the output that a model's is compared with.

    Attributes:
        id: the row of the baseline's file.
        instruction: the prompt of both.
        baseline: the baseline's output.
        generator: the baseline's name.
        prompt: the annotator's, of `load_prompt`.
        controls: the facts for the length-controlled win rate; None without upstream's file.
    """

    id: str
    instruction: str
    baseline: str
    generator: str
    prompt: Template
    controls: Controls | None = None


def load_prompt(folder: Path | None, name: str) -> Template:
    """Return an annotator's prompt.

    Raises:
        DataError: the file is missing, or holds no chat messages with all fields.
    """
    prompt = template(chat_markup(read_text(folder, name)), _FIELDS)
    if missing := ", ".join(sorted(_FIELDS - prompt.fields)):
        raise malformed(f"{folder}/{name}", f"no chat messages with {missing} in braces")
    return prompt


def switched(instruction: str) -> bool:
    """Return True where the judge sees the model's output before the baseline's.

    Drawn from the instruction as upstream draws it: the stored log-probabilities of four models
    give their stored preferences in this order and no other (tests/fidelity/).
    """
    return random.Random(f"is_switched_outputs{instruction}0").choices([False, True], k=1)[0]


def request(settings: Request, sample: Sample, output: str) -> Request:
    """Return the request for a preference between the baseline's output and a model's."""
    outputs = (sample.baseline, output)
    first, second = reversed(outputs) if switched(sample.instruction) else outputs
    values = {"instruction": sample.instruction, "output_1": first, "output_2": second}
    return replace(settings, messages=sample.prompt.filled(values))


def ranked(sample: Sample, verdicts: Answers) -> float | None:
    """Return our reading of a ranking, or of the reply to its repair."""
    readings = (ranking(reply.text) for reply in verdicts)
    return _for_model(sample, next((rank for rank in readings if rank is not None), None))


def official_ranked(sample: Sample, verdicts: Answers) -> float | None:
    """Return upstream's reading of the first reply."""
    return _for_model(sample, official_ranking(verdicts[0].text) if verdicts else None)


def weighted(sample: Sample, verdicts: Answers) -> float | None:
    """Return the preference by log-probabilities; upstream's rule is ours."""
    if not verdicts or not verdicts[0].logprobs:
        return None
    return _for_model(sample, label_preference(verdicts[0].logprobs[0]))


def _for_model(sample: Sample, preference: float | None) -> float | None:
    """Return a preference between first and second output as one between baseline and model."""
    if preference is None or not switched(sample.instruction):
        return preference
    return 3.0 - preference
