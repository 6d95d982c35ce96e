"""The suite seam: what a benchmark is, on one page.

A suite is a frozen value that names pure functions. It never generates, never writes files and
knows no engine and no tracker: the evaluation loop asks its requests, runs its checks, and hands
what came back to its scorer. Judge and sandbox are answerers like the engine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from eval_suites.sandbox import Check, Outcome

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "overflow", "filtered"]

#: Caused by the model: the sample stays in n and its value is what the scorer says.
ModelStatus = Literal["ok", "truncated", "unparsed", "empty", "overflow", "timeout"]
#: Caused by us or a third party: the value is None and the headline is withheld.
HarnessStatus = Literal["ungraded", "judge_missing", "filtered", "infra"]
Status = ModelStatus | HarnessStatus
MODEL_STATUSES: tuple[str, ...] = ("ok", "truncated", "unparsed", "empty", "overflow", "timeout")
HARNESS_STATUSES: tuple[str, ...] = ("ungraded", "judge_missing", "filtered", "infra")


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to decode: `temperature` 0 is greedy, `max_tokens` counts new tokens, `stop` strings."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask an engine: chat `messages` or plain `text`, and how to decode.

    `prefix` opens the assistant's answer (the completion goes on from it). With a `continuation`
    nothing is generated: the engine says how likely it is after `text` (with `text` None, as a
    whole text from its first token on, however long). The last four fields are filled by the
    evaluation loop: which model (adapter) answers, the rendered prompt and continuation for
    engines that take token ids, and the seed of a sampled answer.
    """

    messages: tuple[Message, ...] = ()
    text: str | None = None
    prefix: str = ""
    continuation: str = ""
    decoding: Decoding = field(default_factory=Decoding)
    n: int = 1
    top_logprobs: int = 0
    model: str = ""
    token_ids: tuple[int, ...] | None = None
    continuation_ids: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a continuation is.

    `logprob` is the sum over its tokens, in nats; `greedy` says whether each of them is the most
    likely one where it stands.
    """

    logprob: float
    greedy: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One generated text as a suite sees it; `tokens` counts what was generated.

    `logprobs` holds, for each generated token, the most likely ones with their natural-log
    probabilities, where the request asked for them (`top_logprobs`). Where the request had a
    `continuation` there is no text, but its `likelihood` (none with finish reason "overflow").
    """

    text: str
    finish_reason: FinishReason = "stop"
    tokens: int = 0
    logprobs: tuple[tuple[tuple[str, float], ...], ...] = ()
    likelihood: Likelihood | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on one sample.

    `value` is the headline metric of this sample (fraction 0 to 1, or a rating), None when the
    status says that we, not the model, failed. `metrics` holds it again by name, beside others;
    a metric of a subset carries it in its name (`level_3/accuracy`) and is absent elsewhere.
    """

    value: float | None
    status: Status = "ok"
    extracted: str | None = None
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


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


def mean_metrics(scores: Sequence[Score]) -> dict[str, float]:
    """Mean of each metric over the scores that carry it and have a value."""
    columns: dict[str, list[float]] = {}
    for score in scores:
        if score.value is None:
            continue
        for name, value in score.metrics.items():
            columns.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in sorted(columns.items())}


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
