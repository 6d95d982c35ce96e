"""The common parts of suites whose answers are programs, and pass@k over repeats.

A chat model's answer is opened with a python block, becomes a program, and is right where all of
its checks in the sandbox pass.
"""

from collections.abc import Callable, Mapping, Sequence
from math import comb
from pathlib import Path
from typing import Any

from eval_suites import suite
from eval_suites.grading.status import runnable, status_of
from eval_suites.problems.one_turn import ask_chat
from eval_suites.requests import Answer, Decoding
from eval_suites.scores import Score, Status
from eval_suites.suite import Answers, Checks, Outcomes, S, Suite

#: One program an answer; suites that allow several answers average over repeats.
METRIC = "pass_at_1"
#: The k of pass@k, where a sample has that many answers.
_KS = (2, 5, 10, 20, 50, 100)
PREFIX = "```python\n"
#: The answer begins inside a block, so the next fence at the left edge ends it.
STOP = ("\n```",)


def program_suite(
    *,
    load: Callable[[Path | None], Sequence[S]],
    prompt: Callable[[S], str],
    max_tokens: int,
    candidate: Callable[[S, str], str],
    tests: Callable[[S, str], Checks],
    subsets: Callable[[S, Outcomes, float], Mapping[str, float]] = lambda *_: {},
    **facts: Any,
) -> Suite[S]:
    """Return a suite that asks each sample once for a program.

    Args:
        load: as in `Suite`.
        prompt: returns the message for a sample.
        max_tokens: of an answer.
        candidate: returns the program from a sample and the text of an answer.
        tests: returns the checks of a sample for its candidate.
        subsets: returns further metrics from a sample, its outcomes and the value.
        facts: the name, version, source and licence, as in `Suite`.
    """
    decoding = Decoding(max_tokens=max_tokens, stop=STOP)

    def source_of(sample: S, answer: Answer) -> str:
        return answer.text if answer.program else candidate(sample, opened(answer.text))

    def checks(sample: S, answers: Answers) -> Checks:
        answer = answers[0]
        return tests(sample, source_of(sample, answer)) if runnable(answer) else ()

    def score(sample: S, answers: Answers, _verdicts: Answers, outcomes: Outcomes) -> Score:
        answer = answers[0]
        ours = source_of(sample, answer) if outcomes else None
        right, status, reason = _result(answer, outcomes)
        metrics = {METRIC: right, **subsets(sample, outcomes, right)}
        return Score(right, status, ours, reason, metrics)

    return Suite(
        **facts,
        headline=METRIC,
        load=load,
        ask=ask_chat(prompt, decoding, PREFIX),
        score=score,
        sampling=suite.SamplingRules(decoding=decoding, needs=frozenset({"prefix"})),
        checking=suite.CheckRules(checks, programs=True),
        metrics=suite.MetricRules(over_repeats=over_repeats),
    )


def opened(text: str) -> str:
    """Return an answer with the block that it continues, unless the model opened its own."""
    return text if text.lstrip().startswith("```") else PREFIX + text


def _result(answer: Answer, outcomes: Outcomes) -> tuple[float, Status, str]:
    """Return 1 when every outcome is a pass, else 0, with the status and the reason of a failure.

    Faults of ours never reach a scorer: `suite_rules.score_sample` sets them apart before.
    """
    status = status_of(answer, answer.text)
    wrong = next((outcome for outcome in outcomes if outcome.verdict != "pass"), None)
    if wrong is None:
        return float(bool(outcomes)), status, ""
    reason = " at ".join(part for part in (wrong.reason, wrong.failing) if part)
    return 0.0, "timeout" if wrong.verdict == "timeout" else status, reason


def over_repeats(samples: Sequence[Sequence[Score]]) -> dict[str, float]:
    """Return pass@k of every metric with `pass_at_1` in its name (`easy/pass_at_1` too).

    It is the chance that k answers of a sample, drawn without replacement, hold a right one:
    unbiased (Chen et al. 2021, arXiv 2107.03374, equation 1). Each is a mean over samples; there
    is one for each k that all samples have answers for.

    Args:
        samples: the scores of each sample's repeats.
    """
    tried = min((sum(score.value is not None for score in own) for own in samples), default=0)
    names = {name for own in samples for score in own for name in score.metrics if METRIC in name}
    metrics = {}
    for name in sorted(names):
        columns = ([s.metrics[name] for s in own if name in s.metrics] for own in samples)
        counts = [(len(values), values.count(1.0)) for values in columns if values]
        for k in (k for k in _KS if k <= tried):
            chances = [1.0 - comb(n - right, k) / comb(n, k) for n, right in counts]
            metrics[name.replace(METRIC, f"pass_at_{k}")] = sum(chances) / len(chances)
    return metrics
