"""An evaluation looked at before it is paid for: every prompt rendered, nothing generated.

The records here are a suite's part of an audit (`harness.pipeline.audit.preflight` has the whole,
`harness.pipeline.audit.show` the text). Checkpoints that read alike are looked at once.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.requests import Answer, Decoding, Request
from eval_suites.suite import Suite
from harness.evaluate.client.loading import first_of_each
from harness.evaluate.client.rendering import rendered
from harness.evaluate.client.task import MAX_TURNS
from harness.evaluate.client.token_text import pieces
from harness.evaluate.judge.estimate import Estimate, estimate
from harness.evaluate.judge.judge import is_judged
from harness.evaluate.suites.registry import find
from harness.pipeline.audit.ids import Render, faults, ids_of
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.readers import Reader, readers

_ENDS = 8
COMPARED = 3  # prompts of each form that are held against the tokenizer's own: forms decide


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be told: `failure` where the evaluation must not start."""

    failure: bool
    where: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A suite with what it asks first, before any answer.

    Attributes:
        suite: with the decoding of this evaluation.
        all: every sample of it, for what its prompts share.
        first: sample id and request, of the samples that are evaluated.
        samples: how many these are.
        later: requests of later turns, were every answer empty.
    """

    suite: Suite[Any]
    all: Sequence[Any]
    first: tuple[tuple[str, Request], ...]
    samples: tuple[Any, ...]
    later: tuple[Request, ...]

    @property
    def decodings(self) -> tuple[Decoding, ...]:
        """How its requests are decoded, each way once."""
        return tuple(dict.fromkeys(r.decoding for r in self.requests))

    @property
    def requests(self) -> tuple[Request, ...]:
        """All that is asked of one checkpoint, once."""
        return (*(request for _, request in self.first), *self.later)

    @property
    def completion(self) -> int:
        """The most tokens that one checkpoint can generate, in one repeat."""
        return sum(r.n * r.decoding.max_tokens for r in self.requests)


@dataclass(frozen=True, slots=True)
class Reading:
    """A suite's first prompts as some checkpoints read them.

    Attributes:
        names: of the checkpoints.
        lengths: tokens of each prompt that was rendered.
        rendered: of all first prompts, whether each was rendered, or only the longest texts.
        first: ids and text of the tokens that the first prompt begins with.
        last: of those that it ends with.
        templates: as `Reader.templates`.
        longest: as `Reader.longest`.
        cut: ids of samples whose answer has less room than `max_tokens`.
        overflow: ids of samples whose prompt leaves no room at all.
        findings: what must be told of the ids.
    """

    names: tuple[str, ...]
    lengths: tuple[int, ...]
    rendered: bool
    first: tuple[tuple[int, str], ...]
    last: tuple[tuple[int, str], ...]
    templates: tuple[str, str]
    longest: int
    cut: tuple[str, ...]
    overflow: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def spread(self) -> tuple[int, int, int]:
        """The shortest prompt, the median, and the longest, in tokens."""
        return min(self.lengths), round(statistics.median(self.lengths)), max(self.lengths)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the audit says of one suite; no readings where an endpoint renders."""

    asked: Asked
    readings: tuple[Reading, ...]

    @property
    def judged(self) -> bool:
        """Whether a judge will be asked too."""
        return is_judged(self.asked.suite)

    @property
    def judging(self) -> Estimate:
        """What it will be asked at most of one checkpoint, in one repeat."""
        return estimate(self.asked.suite, self.asked.samples)


def sheets(
    job: AuditJob,
    asked: Sequence[Asked],
    most: int | None = None,
    render: Render = rendered,
) -> list[Sheet]:
    """Each suite as each checkpoint would read it.

    Args:
        job: the evaluation.
        asked: its suites.
        most: render only so many prompts of a suite, the longest texts; all without it.
        render: what renders for the engine.

    Raises:
        train.TrainError: a checkpoint has no tokenizer.
    """
    found = readers(job)
    return [Sheet(one, tuple(_reading(one, r, most, render) for r in found)) for one in asked]


def ask(name: str, job: AuditJob) -> Asked:
    """A suite with its first requests, without any model.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
    """
    evaluation = job.evaluation
    suite = find(name, evaluation.lm_eval_tasks)
    suite = suite.with_decoding(**evaluation.decoding.model_dump(exclude_none=True))
    every = suite.load(evaluation.data_dir)
    limit = evaluation.suites[name]
    samples = tuple(every) if limit is None else first_of_each(every, limit, suite.sampling.stratum)
    first = tuple((sample.id, request) for sample in samples for request in suite.ask(sample, ()))
    later = tuple(request for sample in samples for request in _later(suite, sample))
    return Asked(suite, every, first, samples, later)


def _later(suite: Suite[Any], sample: Any) -> Iterable[Request]:
    """What follows the first turn where every answer is empty: how much, not what, is asked."""
    answers = (Answer("", "stop"),) * len(suite.ask(sample, ()))
    for _ in range(MAX_TURNS):
        requests = suite.ask(sample, answers)
        if not requests:
            return
        yield from requests
        answers += (Answer("", "stop"),) * len(requests)


def _reading(asked: Asked, reader: Reader, most: int | None, render: Render) -> Reading:
    found = _faults(asked, reader, render)
    chosen = asked.first if most is None else _longest_texts(asked.first, most)
    if any(fault.failure for fault in found):
        chosen = ()  # they cannot be rendered, or not as they should be
    ids = [ids_of(render(reader.tokenizer, request)) for _, request in chosen]
    left: dict[str, int] = {}
    for (sample, request), tokens in zip(chosen, ids, strict=True):
        if request.continuation and request.text is None:
            continue  # a whole text, which is scored in parts
        spare = reader.longest - len(tokens)
        if spare < request.decoding.max_tokens:
            left[sample] = min(spare, left.get(sample, spare))
    shown = ids[0] if ids else ()
    return Reading(
        names=reader.names,
        lengths=tuple(map(len, ids)),
        rendered=len(ids) == len(asked.first),
        first=_tokens(reader.tokenizer, shown[:_ENDS]),
        last=_tokens(reader.tokenizer, shown[-_ENDS:]),
        templates=reader.templates,
        longest=reader.longest,
        cut=tuple(sample for sample, spare in left.items() if spare > 0),
        overflow=tuple(sample for sample, spare in left.items() if spare < 1),
        findings=found,
    )


def _faults(asked: Asked, reader: Reader, render: Render) -> tuple[Finding, ...]:
    where = f"{asked.suite.name}, {', '.join(reader.names)}"
    forms: dict[tuple[object, ...], list[Request]] = {}
    for _, request in asked.first:
        form = (request.text is None, bool(request.prefix), *(m.role for m in request.messages))
        forms.setdefault(form, []).append(request)
    found = dict.fromkeys(
        Finding(fault.failure, where, fault.text, fault.remedy)
        for requests in forms.values()
        for request in requests[:COMPARED]
        for fault in faults(reader.tokenizer, reader.trained, request, render)
    )
    return tuple(found)


def _longest_texts(
    first: Sequence[tuple[str, Request]], most: int
) -> tuple[tuple[str, Request], ...]:
    return tuple(sorted(first, key=lambda one: -len(text_of(one[1])))[:most])


def text_of(request: Request) -> str:
    """All that a request says."""
    asked = request.text or "\n".join(message.content for message in request.messages)
    return asked + request.continuation


def _tokens(tokenizer: Any, ids: Sequence[int]) -> tuple[tuple[int, str], ...]:
    return tuple(zip(ids, pieces(tokenizer, ids), strict=True))
