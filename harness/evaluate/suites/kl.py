"""`kl:SUITE`: the prompts of a suite, answered by draws from the checkpoint itself.

At temperature 1 and top_p 1, without stop strings, an answer is a draw from the policy. Its
log-probabilities are computed afterwards (`harness/evaluate/measure/kl.py`), since that needs both
the policy and its reference. Until then a sample has no value.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from eval_suites.requests import Answer, Decoding, Request
from eval_suites.scores import Score
from eval_suites.suite import MetricRules, SamplingRules, Suite
from harness.evaluate.suites.kl_ratios import aggregate_ratios

PREFIX = "kl"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPolicy(Suite[Any]):
    """A suite whose answers are draws from the policy: only their length can be changed."""

    def with_decoding(self, **changes: Any) -> "Suite[Any]":
        """Return the suite with another `max_tokens`; temperature and top_p stay 1."""
        length = {key: value for key, value in changes.items() if key == "max_tokens"}
        return Suite.with_decoding(self, **length)


def any_kl(names: Iterable[str]) -> bool:
    """Return True where one of these suites is measured by the stage `kl`."""
    return any(name.startswith(f"{PREFIX}:") for name in names)


def kl_suite(prompts: Suite[Any]) -> Suite[Any]:
    """Return the suite that measures `kl` on the first prompts of another one."""
    drawn = Decoding(temperature=1.0, top_p=1.0, max_tokens=prompts.sampling.decoding.max_tokens)

    def ask(sample: Any, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
        first = () if answers else prompts.ask(sample, ())[:1]
        return tuple(
            replace(request, decoding=replace(drawn, max_tokens=request.decoding.max_tokens))
            for request in first
        )

    return OnPolicy(
        name=f"{PREFIX}:{prompts.name}",
        version=f"1 on {prompts.version}",
        source=prompts.source,
        licence=prompts.licence,
        headline="k1",
        load=prompts.load,
        ask=ask,
        score=_pending,
        sampling=SamplingRules(
            decoding=drawn,
            needs=frozenset({"tokens", "sampling"}),
            stratum=prompts.sampling.stratum,
        ),
        # A draw's log-ratio has no end on either side, though the mean that it estimates is >= 0.
        metrics=MetricRules(bounds=(-inf, inf), aggregate=aggregate_ratios, measured=True),
    )


def _pending(_sample: Any, answers: tuple[Answer, ...], _verdicts: Any, _outcomes: Any) -> Score:
    cut = any(answer.finish_reason == "length" for answer in answers)
    return Score(None, "truncated" if cut else "ok", reason="not measured yet")
