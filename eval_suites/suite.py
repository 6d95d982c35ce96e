"""The suite seam: a benchmark as one frozen value that names pure functions.

A suite never generates, never writes files and knows no engine and no tracker. The evaluation loop
sends its requests, runs its checks and hands all that comes back to its scorer.

Read `Suite` first, at the end: the rules above it have defaults that many suites keep.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from eval_suites.requests import Answer, Decoding, Request
from eval_suites.sandbox.checks import Check, Outcome
from eval_suites.scores import Score, mean_metrics

Answers = tuple[Answer, ...]
Requests = tuple[Request, ...]
Checks = tuple[Check, ...]
Outcomes = tuple[Outcome, ...]


class Sample(Protocol):
    """Anything frozen with a string id that is stable across versions of the file."""

    @property
    def id(self) -> str:
        """The sample's id (docs/reference/suites says where it comes from)."""


S = TypeVar("S", bound=Sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRules(Generic[S]):
    """The rules by which samples are chosen and asked.

    Attributes:
        decoding: the settings of requests, unless a sample has its own.
        needs: engine capabilities that the suite cannot do without.
        stratum: names the part of the suite that a sample belongs to (its task in BBH); a limit
            takes the first samples of each part.
        training: the samples are there to sample training data from, and `all` leaves them out.
    """

    decoding: Decoding = field(default_factory=Decoding)
    needs: frozenset[str] = frozenset()
    stratum: Callable[[S], str] = lambda _: ""
    training: bool = False


@dataclass(frozen=True, slots=True)
class CheckRules(Generic[S]):
    """The checks that are run in the sandbox before a sample is scored.

    Attributes:
        checks: returns programs or calls for the sandbox, given all answers.
        programs: the checks run model-written code, which must be contained.
    """

    checks: Callable[[S, Answers], Checks]
    programs: bool = False


@dataclass(frozen=True, slots=True)
class JudgeRules(Generic[S]):
    """The questions to the judge of a suite that needs one.

    Attributes:
        requests: returns the next requests, given all answers and the judge's replies so far in
            the order of the requests; empty means done.
        needs: capabilities that the judge's engine must have.
    """

    requests: Callable[[S, Answers, Answers], Requests]
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRules:
    """The rules by which the scores of samples become the metrics of a suite.

    Attributes:
        bounds: the least and the greatest value that a sample can have.
        aggregate: returns the suite's metrics from one score a sample, its mean over repeats.
        over_repeats: returns more metrics from the scores of each sample's repeats (pass@k).
        note: names metrics that cannot be computed without an optional file of the data folder;
            "" for none.
        measured: a stage of its own computes the values, once all answers are there.
    """

    bounds: tuple[float, float] = (0.0, 1.0)
    aggregate: Callable[[Sequence[Score]], Mapping[str, float]] = mean_metrics
    over_repeats: Callable[[Sequence[Sequence[Score]]], Mapping[str, float]] = lambda _: {}
    note: Callable[[Path | None], str] = lambda _: ""
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite(Generic[S]):
    """A benchmark: pure functions, and the facts that a table must state about it.

    Attributes:
        name: the name that users type; a variant is `name:variant`.
        version: of our protocol; a change that moves numbers changes it.
        source: upstream repository and commit (or "this project").
        licence: of the data.
        headline: the metric that tables show; each score's `value` is this metric.
        load: returns the samples in the order of the file; raises `DataError`.
        ask: returns the requests of the next turn, given the answers so far; empty means done.
        score: returns the score of a sample from its answers, the judge's replies and the
            outcomes of its checks.
        sampling, checking, judging, metrics: rules that many suites leave at their defaults.
    """

    name: str
    version: str
    source: str
    licence: str
    headline: str
    load: Callable[[Path | None], Sequence[S]]
    ask: Callable[[S, Answers], Requests]
    score: Callable[[S, Answers, Answers, Outcomes], Score]
    sampling: SamplingRules[S] = field(default_factory=SamplingRules)
    checking: CheckRules[S] | None = None
    judging: JudgeRules[S] | None = None
    metrics: MetricRules = field(default_factory=MetricRules)

    @property
    def programs(self) -> bool:
        """True where checks run model-written code."""
        return self.checking is not None and self.checking.programs

    def checks(self, sample: S, answers: Answers) -> Checks:
        """Return the programs or calls for the sandbox, given all answers."""
        return () if self.checking is None else self.checking.checks(sample, answers)

    def judge(self, sample: S, answers: Answers, verdicts: Answers) -> Requests:
        """Return the next requests for the judge, given its replies so far; empty means done."""
        return () if self.judging is None else self.judging.requests(sample, answers, verdicts)

    def with_decoding(self, **changes: Any) -> "Suite[S]":
        """Return the suite with other decoding in every request, such as `temperature=0.8`.

        Requests with a continuation stay as they are: nothing is decoded there.
        """

        def changed(request: Request) -> Request:
            decoding = replace(request.decoding, **changes)
            return request if request.continuation else replace(request, decoding=decoding)

        def ask(sample: S, answers: Answers) -> Requests:
            return tuple(map(changed, self.ask(sample, answers)))

        decoding = replace(self.sampling.decoding, **changes)
        return replace(self, ask=ask, sampling=replace(self.sampling, decoding=decoding))
