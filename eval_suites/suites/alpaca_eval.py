"""AlpacaEval: 805 instructions, each answer judged against a fixed baseline's.

`alpaca_eval` is 2.0 (Dubois et al. 2024, arXiv 2404.04475; baseline gpt4_1106_preview, preference
from the log-probabilities of two labels), `alpaca_eval_1` is 1.0 (Dubois et al. 2023, arXiv
2305.14387; baseline text_davinci_003, the judge ranks). Data CC BY-NC 4.0, prompts Apache-2.0; all
are read from the data folder.

One question an instruction, without a swapped second one, as upstream has it; an output that equals
the baseline's is a draw and not asked about. Upstream leaves the decoding of answers to each entry
of its board: ours is greedy, 2,048 tokens. `win_rate` is the mean preference (0 to 1), `official`
drops what upstream cannot read, `length_controlled_win_rate` needs a file of upstream's data set.
Published numbers are of GPT-4 and differ with the judge. A preference is from 1 (the baseline's
output is better) to 2 (the model's is); 1.5 is a draw.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from pathlib import Path
from statistics import stdev

from eval_suites import suite
from eval_suites.files import malformed, read_array, read_text
from eval_suites.grading.status import worst_status
from eval_suites.judging import length_control, prompts
from eval_suites.judging.injections import suspicious
from eval_suites.judging.verdicts import label_preference, official_ranking, ranking
from eval_suites.problems.one_turn import ask_chat
from eval_suites.requests import Answer, Decoding, Request
from eval_suites.scores import Score, mean_metrics, means_of
from eval_suites.suite import Answers, Outcomes, Requests, Suite

#: The texts in the official annotations; the board's entry of the same model is another sampling.
BASELINE_1 = "alpaca_eval/alpaca_eval_1_reference_outputs.json.gz"
BASELINE_2 = "alpaca_eval/gpt4_turbo_outputs.json.gz"
PROMPT_1 = "alpaca_eval/annotators/alpaca_eval_gpt4/alpaca_eval.txt"
PROMPT_2 = "alpaca_eval/annotators/alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt"
DECODING = Decoding(max_tokens=2048)
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

    `id` is the row of the baseline's file, `generator` the baseline's name, `prompt` the
    annotator's. `controls` serve the length-controlled win rate; None without upstream's file.
    """

    id: str
    instruction: str
    baseline: str
    generator: str
    prompt: prompts.Template
    controls: length_control.Controls | None = None


def _load(
    folder: Path | None, baseline: str, prompt_file: str, *, controlled: bool
) -> Sequence[Sample]:
    prompt = prompts.template(prompts.chat_markup(read_text(folder, prompt_file)), _FIELDS)
    if missing := ", ".join(sorted(_FIELDS - prompt.fields)):
        raise malformed(f"{folder}/{prompt_file}", f"no chat messages with {missing} in braces")
    rows = list(read_array(folder, baseline, ("instruction", "output", "generator")))
    controls: Sequence[length_control.Controls | None] = [None] * len(rows)
    if controlled:
        controls = length_control.load_controls(folder, len(rows)) or controls
    return tuple(
        Sample(str(number), row["instruction"], row["output"], row["generator"], prompt, control)
        for (number, row), control in zip(rows, controls, strict=True)
    )


def switched(instruction: str) -> bool:
    """Return True where the judge sees the model's output before the baseline's.

    Drawn from the instruction as upstream draws it: the stored log-probabilities of four models
    give their stored preferences in this order and no other (tests/fidelity/).
    """
    return random.Random(f"is_switched_outputs{instruction}0").choices([False, True], k=1)[0]


def _requests(settings: Request, sample: Sample, answers: Answers) -> Requests:
    """Return the question for a preference, none where the output is the baseline's."""
    outputs = (sample.baseline, answers[0].text)
    if outputs[0] == outputs[1]:
        return ()
    first, second = reversed(outputs) if switched(sample.instruction) else outputs
    values = {"instruction": sample.instruction, "output_1": first, "output_2": second}
    return (replace(settings, messages=sample.prompt.filled(values)),)


def _judge_ranked(sample: Sample, answers: Answers, verdicts: Answers) -> Requests:
    """Return the request for a ranking; one that cannot be read is asked for once more."""
    requests = _requests(RANKED, sample, answers)
    return prompts.with_repairs(requests, verdicts, ranking, AGAIN_PLEASE)


def _judge_weighted(sample: Sample, answers: Answers, verdicts: Answers) -> Requests:
    """Return the request for one token's log-probabilities, which cannot be repaired."""
    return () if verdicts else _requests(WEIGHTED, sample, answers)


def ranked(sample: Sample, verdicts: Answers) -> float | None:
    """Return our reading of a ranking, or of the reply to its repair."""
    readings = (ranking(reply.text) for reply in verdicts)
    return _for_model(sample, next((rank for rank in readings if rank is not None), None))


def weighted(sample: Sample, verdicts: Answers) -> float | None:
    """Return the preference by log-probabilities; upstream's rule is ours."""
    top = verdicts[0].logprobs if verdicts else ()
    return _for_model(sample, label_preference(top[0])) if top else None


def _for_model(sample: Sample, preference: float | None) -> float | None:
    """Return a preference between first and second output as one between baseline and model."""
    if preference is None or not switched(sample.instruction):
        return preference
    return 3.0 - preference


def _score_ranked(sample: Sample, answers: Answers, verdicts: Answers, _: Outcomes) -> Score:
    first = official_ranking(verdicts[0].text) if verdicts else None
    return score_of(sample, answers[0], ranked(sample, verdicts), _for_model(sample, first))


def _score_weighted(sample: Sample, answers: Answers, verdicts: Answers, _: Outcomes) -> Score:
    preference = weighted(sample, verdicts)
    return score_of(sample, answers[0], preference, preference)


def score_of(
    sample: Sample, answer: Answer, preference: float | None, official: float | None
) -> Score:
    """Return the score of one output.

    Args:
        sample: the instruction.
        answer: the model's output.
        preference: our reading, 1 for the baseline's output to 2 for the model's.
        official: upstream's, None where upstream has none.
    """
    if answer.text == sample.baseline:
        preference = official = DRAW
    metrics = {"length": float(len(answer.text)), "suspicious": suspicious([answer.text])}
    if official is not None:
        metrics["official"] = official - 1
    if sample.controls is not None:
        metrics |= sample.controls.metrics(len(sample.baseline) - len(answer.text))
    if preference is None:
        reason = "no preference can be read from the judge's reply"
        return Score(None, "judge_missing", reason=reason, metrics=metrics)
    won = 0.5 if preference == DRAW else float(preference > DRAW)
    metrics |= {"win_rate": preference - 1, "discrete_win_rate": won}
    extracted = f"{preference:.6g}"
    return Score(preference - 1, worst_status([answer]), extracted, metrics=metrics)


def _aggregate(scores: Sequence[Score]) -> dict[str, float]:
    """Return the means with upstream's standard error, s (by n - 1) over sqrt(n), and by length."""
    means = mean_metrics(scores) | means_of(scores, "official", "length", "suspicious")
    values = [score.value for score in scores if score.value is not None]
    if len(values) > 1:
        means["win_rate_se"] = stdev(values) / sqrt(len(values))
    return length_control.length_controlled(scores, means)


def _note(folder: Path | None) -> str:
    name, file = length_control.NAME, length_control.DIFFICULTY_FILE
    if folder is not None and (folder / file).is_file():
        return ""
    remedy = "`nca data fetch alpaca_eval` downloads it"
    return f"{name} is missing: {file} is not in the data folder ({remedy})"


FIRST: Suite[Sample] = Suite(
    name="alpaca_eval_1",
    version="2",
    source="tatsu-lab/alpaca_eval @ cd543a149df89434d8a54582c0151c0b945c3d20",
    licence="CC BY-NC 4.0",
    headline="win_rate",
    load=partial(_load, baseline=BASELINE_1, prompt_file=PROMPT_1, controlled=False),
    ask=ask_chat(lambda sample: sample.instruction, DECODING),
    score=_score_ranked,
    sampling=suite.SamplingRules(decoding=DECODING),
    judging=suite.JudgeRules(_judge_ranked),
    metrics=suite.MetricRules(aggregate=_aggregate),
)
SECOND: Suite[Sample] = replace(
    FIRST,
    name="alpaca_eval",
    version="1",
    load=partial(_load, baseline=BASELINE_2, prompt_file=PROMPT_2, controlled=True),
    score=_score_weighted,
    judging=suite.JudgeRules(_judge_weighted, needs=frozenset({"logprobs"})),
    metrics=replace(FIRST.metrics, note=_note),
)
