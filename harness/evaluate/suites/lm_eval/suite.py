"""A task of lm-evaluation-harness as a suite: its requests, its `process_results`, its metrics."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import Any

from eval_suites.errors import DataError
from eval_suites.grading.status import status_of
from eval_suites.requests import Answer, Decoding, Request
from eval_suites.sandbox.checks import Outcome
from eval_suites.scores import Score
from eval_suites.suite import MetricRules, SamplingRules, Suite
from harness.errors import UserError
from harness.evaluate.suites.lm_eval.metrics import Metrics, metrics_of, plain_name
from harness.evaluate.suites.lm_eval.tasks import load_task
from harness.storage.hashing import canonical, digest_of_list

PREFIX = "lm_eval:"
VERSION = "1"
#: The headline where every metric of a task is over all documents together: nats a byte.
_PER_BYTE = "logprob_per_byte"
#: The names of the most new tokens in lm-eval, in its order, and its default.
_MOST = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
_DEFAULT_MOST = 256
_KNOWN = {*_MOST, "until", "do_sample", "temperature", "top_p"}
#: Nothing is decoded where a continuation is scored.
_NO_DECODING = Decoding(max_tokens=0)
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Document:
    """One row: its number, lm-eval's document of it, and its Instances (never changed)."""

    id: str
    row: Any
    instances: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Adapted:
    """A task with the parts that a score is made of.

    `filters` are lm-eval's, by name; `low` is true where 0 is the worst value, which a document
    that could not be scored has.
    """

    task: Any
    metrics: Metrics
    filters: Mapping[str, Any]
    headline: str
    low: bool


def _request_of(instance: Any) -> Request:
    if instance.request_type == "generate_until":
        text, settings = instance.args
        return Request(text=text, decoding=_decoding(settings))
    text, continuation = (None, *instance.args)[-2:]
    if not continuation:
        raise DataError(f"row {instance.doc_id}: the text that is to be scored is empty")
    return Request(text=text, continuation=continuation, decoding=_NO_DECODING)


def _decoding(settings: Mapping[str, Any]) -> Decoding:
    """Return the decoding of `generation_kwargs`."""
    if unknown := sorted(settings.keys() - _KNOWN):
        raise UserError(
            f"generation_kwargs: {', '.join(unknown)}: only {', '.join(sorted(_KNOWN))} are known"
        )
    until = settings.get("until") or []
    stop = [until] if isinstance(until, str) else until
    most = next((settings[key] for key in _MOST if settings.get(key)), _DEFAULT_MOST)
    drawn = settings.get("do_sample") is not False
    return Decoding(
        temperature=float(settings.get("temperature", 0.0)) if drawn else 0.0,
        top_p=float(settings.get("top_p", 1.0)),
        max_tokens=int(most),
        stop=tuple(word for word in stop if word),
    )


def _response_of(kind: str, answer: Answer) -> Any:
    """Return an answer as lm-eval's own model classes give it for an Instance of this kind."""
    if kind == "generate_until":
        return answer.text
    if answer.likelihood is None:
        raise ValueError("the answer has no likelihood")
    if kind == "loglikelihood_rolling":
        return answer.likelihood.logprob
    return answer.likelihood.logprob, answer.likelihood.greedy


def suite_of(name: str, folder: Path | None) -> Suite[Document]:
    """Return the suite `lm_eval:NAME`, of a folder of task files or among lm-eval's own tasks.

    Raises:
        UserError, eval_suites.UnknownSuiteError, eval_suites.DataError: as `load_task`; or no
            document of the task would have a value of its own.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise UserError(
            f"lm_eval:{name}: a task's name has letters, digits and -._ here: rename it"
        )
    task = load_task(name, folder)
    try:
        return _suite(f"{PREFIX}{name}", task, _documents(task))
    except (UserError, DataError) as error:
        raise type(error)(f"{PREFIX}{name}: {error}") from None


def _suite(name: str, task: Any, documents: tuple[Document, ...]) -> Suite[Document]:
    requests = [_request_of(i) for document in documents for i in document.instances]
    scored = any(request.continuation for request in requests)
    adapted = _adapted(task, scored=scored)
    return Suite(
        name=name,
        version=f"{VERSION}, {task.VERSION} {_essence(task, documents)}",
        source=f"lm-evaluation-harness {metadata.version('lm-eval')}",
        licence="its data's",
        headline=adapted.headline,
        load=lambda _folder: documents,
        ask=lambda document, answers: (
            () if answers else tuple(map(_request_of, document.instances))
        ),
        score=partial(_score, adapted),
        sampling=SamplingRules(
            decoding=next((r.decoding for r in requests if not r.continuation), _NO_DECODING),
            needs=frozenset({"tokens", "loglikelihood"} if scored else {"tokens"}),
        ),
        metrics=MetricRules(aggregate=adapted.metrics.together),
    )


def _documents(task: Any) -> tuple[Document, ...]:
    rows: dict[int, list[Any]] = {}
    for instance in task.instances:
        rows.setdefault(instance.doc_id, []).append(instance)
    return tuple(
        Document(str(number), own[0].doc, tuple(sorted(own, key=lambda instance: instance.idx)))
        for number, own in rows.items()
    )


def _adapted(task: Any, *, scored: bool) -> Adapted:
    metrics = metrics_of(task)
    filters = {own.name: own for own in task._filters}  # noqa: SLF001 - it has no other name
    means = [name for name in task.aggregation() if plain_name(name) not in metrics.aggregations]
    if means:
        low = bool(task.higher_is_better().get(means[0], True))
        return Adapted(task, metrics, filters, _named(means[0], next(iter(filters)), filters), low)
    if scored:
        return Adapted(task, metrics, filters, _PER_BYTE, low=False)
    raise UserError(
        f"no answer has a value of its own: its metrics ({', '.join(task.aggregation())}) are "
        "over all answers together"
    )


def _named(metric: str, kind: str, filters: Mapping[str, Any]) -> str:
    return ":".join(map(plain_name, (metric, kind) if len(filters) > 1 else (metric,)))


def _essence(task: Any, documents: Sequence[Document]) -> str:
    """Return a hash of a task's requests and rules, whatever folder its files lie in."""
    left_out = ("metadata", "dataset_kwargs")
    config = {key: value for key, value in task.dump_config().items() if key not in left_out}
    rules = _ADDRESS.sub("", canonical(config))  # of functions whose source is not to be had
    rows = ([document.row, document.instances[0].args] for document in documents)
    return digest_of_list(chain([rules], rows), 12)


def _score(
    adapted: Adapted,
    document: Document,
    answers: tuple[Answer, ...],
    _verdicts: tuple[Answer, ...],
    _outcomes: tuple[Outcome, ...],
) -> Score:
    scored = any(request.request_type != "generate_until" for request in document.instances)
    if scored and any(answer.finish_reason == "overflow" for answer in answers):
        if adapted.low:
            return Score(0.0, "overflow", metrics={adapted.headline: 0.0})
        return Score(None, "ungraded", reason="too long to be scored; raise engine.max_model_len")
    try:
        instances, metrics = _graded(adapted, document, answers)
    except Exception as error:  # the task's own code: one row it cannot judge ends no run
        reason = f"lm-eval's process_results: {type(error).__name__}: {error}"
        return Score(None, "ungraded", reason=reason)
    if scored and adapted.headline == _PER_BYTE:
        logprobs = [answer.likelihood.logprob for answer in answers if answer.likelihood]
        size = sum(len(instance.args[-1].encode()) for instance in document.instances)
        metrics[_PER_BYTE] = sum(logprobs) / size
    if adapted.headline not in metrics:
        return Score(None, "ungraded", reason=f"process_results gives no {adapted.headline}")
    value = metrics[adapted.headline]
    if scored:
        return Score(value, metrics=metrics)
    extracted = str(instances[0].filtered_resps[next(iter(adapted.filters))])
    return Score(value, status_of(answers[0], extracted), extracted, metrics=metrics)


def _graded(
    adapted: Adapted, document: Document, answers: Sequence[Answer]
) -> tuple[list[Any], dict[str, float]]:
    """Return copies of a document's Instances with their answers, and its metrics by filter."""
    instances = [
        replace(i, resps=[_response_of(i.request_type, answer)], filtered_resps={})
        for i, answer in zip(document.instances, answers, strict=True)
    ]
    metrics: dict[str, float] = {}
    for kind, ensemble in adapted.filters.items():
        ensemble.apply(instances)
        results = [instance.filtered_resps[kind] for instance in instances]
        for metric, value in adapted.task.process_results(document.row, results).items():
            metrics |= adapted.metrics.of(_named(metric, kind, adapted.filters), value)
    return instances, metrics
