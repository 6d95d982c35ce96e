"""`head_to_head:SUITE`: a suite's prompts, answered as for the suite itself, compared afterwards.

Answers are in the journal where the suite was evaluated too. The pairwise stage
(`harness/evaluate/measure/pairwise.py`) judges two checkpoints' answers; until then a sample has no
value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval_suites.judging.mt_bench import Dialogue, load_prompts, question_of
from eval_suites.requests import Answer
from eval_suites.scores import Score, mean_metrics, means_of
from eval_suites.suite import JudgeRules, MetricRules, Suite
from harness.errors import RecipeError

PREFIX = "head_to_head"
_MOST_TURNS = 2


def any_pairwise(names: Iterable[str]) -> bool:
    """Return True where one of these suites is measured by the pairwise stage."""
    return any(name.startswith(f"{PREFIX}:") for name in names)


def pairwise_suite(prompts: Suite[Any]) -> Suite[Any]:
    """Return the suite that compares checkpoints on another suite's prompts."""

    def load(folder: Path | None) -> Sequence[Any]:
        load_prompts(folder)  # missing templates are an error now, not when all is answered
        return prompts.load(folder)

    return replace(
        prompts,
        name=f"{PREFIX}:{prompts.name}",
        version=f"1 on {prompts.version}",
        headline="win_rate",
        load=load,
        score=_pending,
        checking=None,
        judging=JudgeRules(lambda *_: ()),
        metrics=MetricRules(aggregate=_aggregate, measured=True),
    )


def dialogue(suite: Suite[Any], sample: Any, answers: Sequence[Answer], templates: Any) -> Dialogue:
    """Return the questions of a sample for a judge; those of MT-bench have references too.

    Raises:
        RecipeError: the sample is not of one or two turns with a question each.
    """
    if isinstance(sample, Dialogue):
        return sample
    questions: list[str] = []
    while len(questions) <= len(answers):
        requests = suite.ask(sample, tuple(answers[: len(questions)]))
        if not requests:
            break
        if len(requests) > 1 or len(questions) == _MOST_TURNS:
            raise RecipeError(
                f"suite {suite.name}: sample {sample.id} is not one or two questions, which is "
                "what two checkpoints can be compared on: choose another suite"
            )
        questions.append(question_of(requests[0]))
    return Dialogue(tuple(questions), templates)


def _pending(_sample: Any, answers: tuple[Answer, ...], _verdicts: Any, _outcomes: Any) -> Score:
    cut = any(answer.finish_reason == "length" for answer in answers)
    return Score(None, "truncated" if cut else "ok", reason="not compared yet")


def _aggregate(scores: Sequence[Score]) -> dict[str, float]:
    """Return means; `suspicious` and the official win rate also over games without a value."""
    return mean_metrics(scores) | means_of(scores, "official_win_rate", "suspicious", "consistency")
