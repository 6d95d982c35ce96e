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
from harness.engines.options import EngineSpec, longest
from harness.evaluate.client.loading import first_of_each
from harness.evaluate.client.rendering import loader, pieces, rendered
from harness.evaluate.client.tasks import MAX_TURNS
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.ids import Finding, find_faults, ids_of
from harness.pipeline.audit.job import AuditJob

_ENDS = 8
COMPARED = 3  # prompts of each form that are compared with the tokenizer's own: forms decide


@dataclass(frozen=True, slots=True)
class Reader:
    """Checkpoints with one tokenizer, chat template and longest context.

    Attributes:
        trained: the tokenizer of their training; the same object where it is equal, or where
            nothing is known of the training.
        templates: hashes of the chat template now, and in training where that is known; else "".
        longest: tokens of a prompt with its answer.
    """

    names: tuple[str, ...]
    tokenizer: Any
    trained: Any
    templates: tuple[str, str]
    longest: int


@dataclass(frozen=True, slots=True)
class Rendering:
    """A suite's first prompts as some checkpoints read them.

    Attributes:
        lengths: tokens of each prompt that was rendered.
        complete: True where all first prompts were rendered, False for the longest texts only.
        first: ids and text of the tokens that the first prompt begins with.
        last: of those that it ends with.
        cut: ids of samples whose answer has less room than `max_tokens`.
        overflow: ids of samples whose prompt leaves no room at all.
    """

    reader: Reader
    lengths: tuple[int, ...]
    complete: bool
    first: tuple[tuple[int, str], ...]
    last: tuple[tuple[int, str], ...]
    cut: tuple[str, ...]
    overflow: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def spread(self) -> tuple[int, int, int]:
        """The shortest prompt, the median, and the longest, in tokens."""
        return min(self.lengths), round(statistics.median(self.lengths)), max(self.lengths)


@dataclass(frozen=True, slots=True)
class SuiteAudit:
    """A suite with its requests before any answer, as the checkpoints would read them.

    Attributes:
        suite: with the decoding of this evaluation.
        all_samples: of the suite, for what its prompts share.
        samples: those that are evaluated.
        first: sample id and request of the first turn.
        later: requests of later turns, were every answer empty.
        renderings: of the first requests; none where an endpoint renders.
    """

    suite: Suite[Any]
    all_samples: Sequence[Any]
    samples: tuple[Any, ...]
    first: tuple[tuple[str, Request], ...]
    later: tuple[Request, ...]
    renderings: tuple[Rendering, ...]

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests to one checkpoint, in one repeat."""
        return (*(request for _, request in self.first), *self.later)

    @property
    def decodings(self) -> tuple[Decoding, ...]:
        """The different ways in which the requests are decoded."""
        return tuple(dict.fromkeys(request.decoding for request in self.requests))

    @property
    def completion(self) -> int:
        """The most tokens that one checkpoint can generate, in one repeat."""
        return sum(request.n * request.decoding.max_tokens for request in self.requests)


def readers(job: AuditJob) -> list[Reader]:
    """Return the checkpoints by how they read, in the order of the evaluation.

    There are none behind an endpoint, which renders by itself.

    Raises:
        train.TrainError: a checkpoint has no tokenizer.
    """
    from train.model.adapters import tokenizer_folder

    if job.evaluation.engine.remote:
        return []
    load = loader()
    alike: dict[tuple[str, str, int], Reader] = {}
    for name in job.evaluation.models:
        base, folder = job.home(name)
        then = now = load(tokenizer_folder(base, folder))
        template, training = "", job.training.get(name)
        if training is not None and training.base.is_dir():
            then = load(tokenizer_folder(training.base, training.adapter))
            template = then.template
        context = longest(EngineSpec(job.evaluation.engine, base))
        key = (now.signature, then.signature, context)
        trained = now.itself if then.signature == now.signature else then.itself
        same = alike.get(key, Reader((), now.itself, trained, (now.template, ""), context))
        # The training of either is known of both.
        templates = (same.templates[0], same.templates[1] or template)
        alike[key] = replace(same, names=(*same.names, name), templates=templates)
    return list(alike.values())


def audit_suite(
    name: str, job: AuditJob, library: SuiteLibrary, alike: Sequence[Reader], most: int | None
) -> SuiteAudit:
    """Return a suite with its first requests, as each of the readers would read them.

    `most` limits the prompts that are rendered to the longest texts.

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
    renderings = tuple(_render(suite.name, first, reader, most) for reader in alike)
    return SuiteAudit(suite, samples, chosen, first, later, renderings)


def _later_turns(suite: Suite[Any], sample: Any) -> Iterable[Request]:
    """Yield the requests after the first turn if every answer were empty: their number counts."""
    answers = (Answer("", "stop"),) * len(suite.ask(sample, ()))
    for _ in range(MAX_TURNS):
        requests = suite.ask(sample, answers)
        if not requests:
            return
        yield from requests
        answers += (Answer("", "stop"),) * len(requests)


def _render(
    suite: str, first: Sequence[tuple[str, Request]], reader: Reader, most: int | None
) -> Rendering:
    findings = _findings(suite, first, reader)
    chosen = first
    if most is not None:
        chosen = sorted(first, key=lambda item: -len(text_of(item[1])))[:most]
    if any(finding.failure for finding in findings):
        chosen = ()  # they cannot be rendered, or not as they should be
    ids = [ids_of(rendered(reader.tokenizer, request)) for _, request in chosen]
    room: dict[str, int] = {}
    for (sample, request), tokens in zip(chosen, ids, strict=True):
        if request.continuation and request.text is None:
            continue  # a whole text, which is scored in parts
        left = reader.longest - len(tokens)
        if left < request.decoding.max_tokens:
            room[sample] = min(left, room.get(sample, left))
    shown = ids[0] if ids else ()
    begin, end = (
        tuple(zip(some, pieces(reader.tokenizer, some), strict=True))
        for some in (shown[:_ENDS], shown[-_ENDS:])
    )
    return Rendering(
        reader,
        lengths=tuple(map(len, ids)),
        complete=len(ids) == len(first),
        first=begin,
        last=end,
        cut=tuple(sample for sample, left in room.items() if left > 0),
        overflow=tuple(sample for sample, left in room.items() if left < 1),
        findings=findings,
    )


def _findings(
    suite: str, first: Sequence[tuple[str, Request]], reader: Reader
) -> tuple[Finding, ...]:
    forms: dict[tuple[object, ...], list[Request]] = {}
    for _, request in first:
        form = (request.text is None, bool(request.prefix), *(m.role for m in request.messages))
        forms.setdefault(form, []).append(request)
    findings = dict.fromkeys(
        replace(finding, where=f"{suite}, {', '.join(reader.names)}")
        for same_form in forms.values()
        for request in same_form[:COMPARED]
        for finding in find_faults(reader.tokenizer, reader.trained, request)
    )
    return tuple(findings)


def text_of(request: Request) -> str:
    """Return all text of a request."""
    prompt = request.text or "\n".join(message.content for message in request.messages)
    return prompt + request.continuation
