"""The prompts of an evaluation, rendered as its checkpoints would read them; nothing is generated.

The records here are a suite's part of an audit (`harness.pipeline.audit.preflight` has the whole,
`harness.pipeline.audit.show` the text). Checkpoints that read alike are looked at once.
"""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval_suites.requests import Answer, Decoding, Request
from eval_suites.suite import Suite
from harness.evaluate.client.loading import first_of_each
from harness.evaluate.client.rendering import rendered
from harness.evaluate.client.task import MAX_TURNS
from harness.evaluate.client.token_text import pieces
from harness.evaluate.judge.estimate import Estimate, estimate
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.ids import Finding, Render, find_faults, ids_of
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.readers import Reader, readers

_ENDS = 8
COMPARED = 3  # prompts of each form that are compared with the tokenizer's own: forms decide


@dataclass(frozen=True, slots=True)
class SuiteRequests:
    """A suite with its requests before any answer.

    Attributes:
        suite: with the decoding of this evaluation.
        all_samples: of the suite, for what its prompts share.
        samples: those that are evaluated.
        first: sample id and request of the first turn.
        later: requests of later turns, were every answer empty.
    """

    suite: Suite[Any]
    all_samples: Sequence[Any]
    samples: tuple[Any, ...]
    first: tuple[tuple[str, Request], ...]
    later: tuple[Request, ...]

    @property
    def all_requests(self) -> tuple[Request, ...]:
        """The requests to one checkpoint, in one repeat."""
        return (*(request for _, request in self.first), *self.later)

    @property
    def decodings(self) -> tuple[Decoding, ...]:
        """The different ways in which the requests are decoded."""
        return tuple(dict.fromkeys(request.decoding for request in self.all_requests))

    @property
    def completion(self) -> int:
        """The most tokens that one checkpoint can generate, in one repeat."""
        return sum(request.n * request.decoding.max_tokens for request in self.all_requests)


@dataclass(frozen=True, slots=True)
class Rendering:
    """A suite's first prompts as some checkpoints read them.

    Attributes:
        names: of the checkpoints.
        lengths: tokens of each prompt that was rendered.
        complete: True where all first prompts were rendered, False for the longest texts only.
        first: ids and text of the tokens that the first prompt begins with.
        last: of those that it ends with.
        templates: as `Reader.templates`.
        longest: as `Reader.longest`.
        cut: ids of samples whose answer has less room than `max_tokens`.
        overflow: ids of samples whose prompt leaves no room at all.
        findings: about the ids.
    """

    names: tuple[str, ...]
    lengths: tuple[int, ...]
    complete: bool
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
class SuiteAudit:
    """The audit of one suite; it has no renderings where an endpoint renders."""

    requests: SuiteRequests
    renderings: tuple[Rendering, ...]

    @property
    def judged(self) -> bool:
        """True where a judge will be asked, too."""
        return self.requests.suite.judging is not None

    @property
    def judging(self) -> Estimate:
        """The requests to a judge about one checkpoint, in one repeat, at most."""
        return estimate(self.requests.suite, self.requests.samples)


def audit_suites(
    job: AuditJob,
    suites: Sequence[SuiteRequests],
    most: int | None = None,
    render: Render = rendered,
) -> list[SuiteAudit]:
    """Return each suite as each checkpoint would read it.

    `most` limits the prompts that are rendered of a suite to the longest texts.

    Raises:
        train.TrainError: a checkpoint has no tokenizer.
    """
    alike = readers(job)
    return [
        SuiteAudit(requests, tuple(_render(requests, r, most, render) for r in alike))
        for requests in suites
    ]


def suite_requests(name: str, job: AuditJob, library: SuiteLibrary) -> SuiteRequests:
    """Return a suite with its first requests, without any model.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
    """
    evaluation = job.evaluation
    suite = library.suite(name)
    suite = suite.with_decoding(**evaluation.decoding.model_dump(exclude_none=True))
    samples, limit = tuple(library.samples(name)), evaluation.suites[name]
    chosen = samples if limit is None else first_of_each(samples, limit, suite.sampling.stratum)
    first = tuple((sample.id, request) for sample in chosen for request in suite.ask(sample, ()))
    later = tuple(request for sample in chosen for request in _later_turns(suite, sample))
    return SuiteRequests(suite, samples, chosen, first, later)


def _later_turns(suite: Suite[Any], sample: Any) -> Iterable[Request]:
    """Yield the requests after the first turn if every answer were empty: their number counts."""
    answers = (Answer("", "stop"),) * len(suite.ask(sample, ()))
    for _ in range(MAX_TURNS):
        requests = suite.ask(sample, answers)
        if not requests:
            return
        yield from requests
        answers += (Answer("", "stop"),) * len(requests)


def _render(requests: SuiteRequests, reader: Reader, most: int | None, render: Render) -> Rendering:
    findings = _findings(requests, reader, render)
    chosen = requests.first if most is None else _longest_texts(requests.first, most)
    if any(finding.failure for finding in findings):
        chosen = ()  # they cannot be rendered, or not as they should be
    ids = [ids_of(render(reader.tokenizer, request)) for _, request in chosen]
    room: dict[str, int] = {}
    for (sample, request), tokens in zip(chosen, ids, strict=True):
        if request.continuation and request.text is None:
            continue  # a whole text, which is scored in parts
        left = reader.longest - len(tokens)
        if left < request.decoding.max_tokens:
            room[sample] = min(left, room.get(sample, left))
    shown = ids[0] if ids else ()
    return Rendering(
        names=reader.names,
        lengths=tuple(map(len, ids)),
        complete=len(ids) == len(requests.first),
        first=_tokens(reader.tokenizer, shown[:_ENDS]),
        last=_tokens(reader.tokenizer, shown[-_ENDS:]),
        templates=reader.templates,
        longest=reader.longest,
        cut=tuple(sample for sample, left in room.items() if left > 0),
        overflow=tuple(sample for sample, left in room.items() if left < 1),
        findings=findings,
    )


def _findings(requests: SuiteRequests, reader: Reader, render: Render) -> tuple[Finding, ...]:
    where = f"{requests.suite.name}, {', '.join(reader.names)}"
    forms: dict[tuple[object, ...], list[Request]] = {}
    for _, request in requests.first:
        form = (request.text is None, bool(request.prefix), *(m.role for m in request.messages))
        forms.setdefault(form, []).append(request)
    findings = dict.fromkeys(
        replace(finding, where=where)
        for same_form in forms.values()
        for request in same_form[:COMPARED]
        for finding in find_faults(reader.tokenizer, reader.trained, request, render)
    )
    return tuple(findings)


def _longest_texts(
    first: Sequence[tuple[str, Request]], most: int
) -> tuple[tuple[str, Request], ...]:
    return tuple(sorted(first, key=lambda item: -len(text_of(item[1])))[:most])


def text_of(request: Request) -> str:
    """Return all text of a request."""
    prompt = request.text or "\n".join(message.content for message in request.messages)
    return prompt + request.continuation


def _tokens(tokenizer: Any, ids: Sequence[int]) -> tuple[tuple[int, str], ...]:
    return tuple(zip(ids, pieces(tokenizer, ids), strict=True))
