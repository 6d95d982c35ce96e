"""Suites that a stage of their own measures once all answers are there: `kl:` and `head_to_head:`.

`kl:SUITE` has the prompts of a suite, answered by draws from the checkpoint itself: at temperature
1 and top_p 1, without stop strings, an answer is a draw from the policy. Its log-probabilities are
computed afterwards (`harness/evaluate/measure/kl.py`), since that needs both the policy and its
reference. For a response y that the policy gave, d = log policy(y) - log reference(y) in nats. Its
mean is the KL divergence (`k1`, unbiased); exp(-d) - 1 + d has the same mean, is never negative and
varies less where the two are close (`k3`; Schulman, "Approximating KL divergence", 2020). Responses
of a prompt belong together, so standard errors are of prompts' means (clustered by prompt).

`head_to_head:SUITE` has a suite's prompts, answered as for the suite itself: answers are in the
journal where the suite was evaluated too. The pairwise stage
(`harness/evaluate/measure/pairwise.py`) judges two checkpoints' answers.

Until then a sample has no value.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from eval_suites.judging.mt_bench import Dialogue, load_prompts, question_of
from eval_suites.requests import Answer, Decoding, Request
from eval_suites.scores import Score, mean_metrics, means_of
from eval_suites.suite import JudgeRules, MetricRules, SamplingRules, Suite
from harness.errors import RecipeError

KL, PAIRWISE = "kl", "head_to_head"
_MOST_TURNS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPolicy(Suite[Any]):
    """A suite whose answers are draws from the policy: only their length can be changed."""

    def with_decoding(self, **changes: Any) -> "Suite[Any]":
        """Return the suite with another `max_tokens`; temperature and top_p stay 1."""
        length = {key: value for key, value in changes.items() if key == "max_tokens"}
        return Suite.with_decoding(self, **length)


def any_measured(prefix: str, names: Iterable[str]) -> bool:
    """Return True where one of these suites is measured by the stage of a prefix."""
    return any(name.startswith(f"{prefix}:") for name in names)


def kl_suite(prompts: Suite[Any]) -> Suite[Any]:
    """Return the suite that measures `kl` on the first prompts of another one."""
    drawn = Decoding(temperature=1.0, top_p=1.0, max_tokens=prompts.sampling.decoding.max_tokens)

    def ask(sample: Any, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
        first = () if answers else prompts.ask(sample, ())[:1]
        return tuple(
            replace(request, decoding=replace(drawn, max_tokens=request.decoding.max_tokens))
            for request in first
        )

    needs, stratum = frozenset({"tokens", "sampling"}), prompts.sampling.stratum
    return OnPolicy(
        name=f"{KL}:{prompts.name}",
        version=f"1 on {prompts.version}",
        source=prompts.source,
        licence=prompts.licence,
        headline="k1",
        load=prompts.load,
        ask=ask,
        score=partial(_pending, "not measured yet"),
        sampling=SamplingRules(decoding=drawn, needs=needs, stratum=stratum),
        # A draw's log-ratio has no end on either side, though the mean that it estimates is >= 0.
        metrics=MetricRules(
            bounds=(-math.inf, math.inf), aggregate=aggregate_ratios, measured=True
        ),
    )


def score_response(policy: float, reference: float, tokens: int, *, cut: bool) -> Score:
    """Return the score of one response, from its log-probabilities (nats, summed over its tokens).

    `tokens` counts the end token, too. `cut` is true where `max_tokens` ended it: then d is of its
    beginning alone, and the estimate is of the divergence up to that length.
    """
    d = policy - reference
    # A response that the reference likes by far better would be beyond any number.
    k3 = math.exp(min(-d, 700.0)) - 1.0 + d
    metrics = {"k1": d, "k3": k3, "tokens": float(tokens), "cut": float(cut)}
    return Score(d, "truncated" if cut else "ok", metrics=metrics)


def aggregate_ratios(prompts: Sequence[Score]) -> dict[str, float]:
    """Return estimates over prompts, each given as the mean over its responses.

    Returns:
        `k1` and `k3` (nats a response), `k1_per_token` (nats a token: all log-ratios over all
        tokens), each with `_se`, its standard error clustered by prompt (absent for one prompt);
        `tokens` (a response), `cut` (share of responses). Empty where no prompt has a value.
    """
    rows = [dict(score.metrics) for score in prompts if score.value is not None]
    if not rows:
        return {}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    metrics = {name: fmean(values) for name, values in columns.items()}
    rate = metrics["k1"] / metrics["tokens"]
    metrics["k1_per_token"] = rate
    if len(rows) > 1:
        metrics["k1_se"] = _error(columns["k1"])
        metrics["k3_se"] = _error(columns["k3"])
        # A ratio of means, linearised: the rest of d when each token has the mean's share.
        rest = [d - rate * n for d, n in zip(columns["k1"], columns["tokens"], strict=True)]
        metrics["k1_per_token_se"] = _error(rest) / metrics["tokens"]
    return dict(sorted(metrics.items()))


def _error(values: Sequence[float]) -> float:
    """Return the standard error of the mean."""
    middle = fmean(values)
    spread = math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(spread / len(values))


def pairwise_suite(prompts: Suite[Any]) -> Suite[Any]:
    """Return the suite that compares checkpoints on another suite's prompts."""

    def load(folder: Path | None) -> Sequence[Any]:
        load_prompts(folder)  # missing templates are an error now, not when all is answered
        return prompts.load(folder)

    return replace(
        prompts,
        name=f"{PAIRWISE}:{prompts.name}",
        version=f"1 on {prompts.version}",
        headline="win_rate",
        load=load,
        score=partial(_pending, "not compared yet"),
        checking=None,
        judging=JudgeRules(lambda *_: ()),
        metrics=MetricRules(aggregate=_aggregate, measured=True),
    )


#: Prefix -> a function that makes a suite of the one named after it.
MEASURED: dict[str, Callable[[Suite[Any]], Suite[Any]]] = {KL: kl_suite, PAIRWISE: pairwise_suite}


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


def _pending(reason: str, _sample: Any, answers: tuple[Answer, ...], *_judged: Any) -> Score:
    cut = any(answer.finish_reason == "length" for answer in answers)
    return Score(None, "truncated" if cut else "ok", reason=reason)


def _aggregate(scores: Sequence[Score]) -> dict[str, float]:
    """Return means; `suspicious` and the official win rate also over games without a value."""
    return mean_metrics(scores) | means_of(scores, "official_win_rate", "suspicious", "consistency")
