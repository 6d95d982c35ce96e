"""The suite seam: a benchmark as one frozen value that names pure functions.

A suite never generates, never writes files and knows no engine and no tracker. The evaluation loop
sends its requests, runs its checks and hands all that comes back to its scorer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from eval_suites.requests import Answer, Decoding, Request
from eval_suites.sandbox.checks import Check, Outcome
from eval_suites.scores import Score, mean_metrics


class Sample(Protocol):
    """Anything frozen with a string id that is stable across versions of the file."""

    @property
    def id(self) -> str:
        """The sample's id (docs/reference/suites says where it comes from)."""


S = TypeVar("S", bound=Sample)


def no_requests(
    _sample: Any, _answers: tuple[Answer, ...], _verdicts: tuple[Answer, ...]
) -> tuple[Request, ...]:
    """Ask nothing: the default judge of a suite without one."""
    return ()


def no_checks(_sample: Any, _answers: tuple[Answer, ...]) -> tuple[Check, ...]:
    """Run nothing: the default of a suite whose scorer needs no sandbox."""
    return ()


def no_metrics(_samples: Sequence[Sequence[Score]]) -> dict[str, float]:
    """Nothing more: the default of a suite whose repeats are only averaged."""
    return {}


def no_note(_folder: Path | None) -> str:
    """Nothing to say: the default of a suite whose metrics do not depend on optional files."""
    return ""


def one_stratum(_sample: Any) -> str:
    """No parts: the default of a suite whose limit counts all samples alike."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite(Generic[S]):
    """A benchmark: pure functions and the facts that a table must state about it.

    Attributes:
        name: what the user types; a variant is `name:variant`.
        version: of our protocol; a change that moves numbers changes it.
        source: upstream repository and commit (or "this project").
        licence: of the data.
        headline: the metric that tables show; each score's `value` is this metric.
        load: samples from the data folder, in file order; raises `DataError`.
        ask: the requests of the next turn given the answers so far; empty means done.
        score: the verdict, a function of its arguments only.
        judge: the next requests for a judge, given all answers and its replies so far, in the
            order of what was asked; empty means done.
        checks: programs or calls for the sandbox, given all answers.
        aggregate: suite metrics from the scores, one a sample (`scoring.metrics_of` averages
            repeats before).
        over_repeats: more metrics, from the scores of each sample's repeats (pass@k).
        stratum: which part of the suite a sample belongs to (its task in BBH); a limit takes the
            first samples of each part.
        decoding: what `ask` puts into its requests unless a sample says otherwise.
        bounds: the least and the most that a value can be; what missing ones might have been.
        needs: engine capabilities that the suite cannot do without.
        judge_needs: those that the engine of the judge must have.
        programs: whether its checks run model-written code, which must be contained.
        note: what this data folder keeps from the suite's metrics, in words; "" for nothing.
        measured: whether a stage of its own gives the values, once all answers are there.
        training: whether its samples are there to sample training data from; `all` has none.
    """

    name: str
    version: str
    source: str
    licence: str
    headline: str
    load: Callable[[Path | None], Sequence[S]]
    ask: Callable[[S, tuple[Answer, ...]], tuple[Request, ...]]
    score: Callable[[S, tuple[Answer, ...], tuple[Answer, ...], tuple[Outcome, ...]], Score]
    judge: Callable[[S, tuple[Answer, ...], tuple[Answer, ...]], tuple[Request, ...]] = no_requests
    checks: Callable[[S, tuple[Answer, ...]], tuple[Check, ...]] = no_checks
    aggregate: Callable[[Sequence[Score]], Mapping[str, float]] = mean_metrics
    over_repeats: Callable[[Sequence[Sequence[Score]]], Mapping[str, float]] = no_metrics
    stratum: Callable[[S], str] = one_stratum
    decoding: Decoding = field(default_factory=Decoding)
    bounds: tuple[float, float] = (0.0, 1.0)
    needs: frozenset[str] = frozenset()
    judge_needs: frozenset[str] = frozenset()
    programs: bool = False
    note: Callable[[Path | None], str] = no_note
    measured: bool = False
    training: bool = False

    def decoded(self, **changes: Any) -> "Suite[S]":
        """The same suite with other decoding in every request, such as `temperature=0.8`.

        Requests with a continuation stay as they are: nothing is decoded there.
        """

        def changed(request: Request) -> Request:
            if request.continuation:
                return request
            return replace(request, decoding=replace(request.decoding, **changes))

        def ask(sample: S, answers: tuple[Answer, ...]) -> tuple[Request, ...]:
            return tuple(map(changed, self.ask(sample, answers)))

        return replace(self, ask=ask, decoding=replace(self.decoding, **changes))
