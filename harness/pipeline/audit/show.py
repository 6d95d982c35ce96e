"""An audit as text, and as JSON-able values."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from eval_suites.requests import Decoding
from harness.evaluate.client.token_text import visible
from harness.evaluate.judge.estimate import describe
from harness.evaluate.loop.speed import Speed
from harness.pipeline.audit.duration import Duration
from harness.pipeline.audit.preflight import Audit, first_few, overlap_text
from harness.pipeline.audit.prompts import COMPARED, Rendering, SuiteAudit, SuiteRequests
from harness.pipeline.audit.training import TrainingOverlap

_Row = tuple[str, str]
_UNKNOWN = (
    "not known: no run among --runs measured such a model on this machine and engine; state a "
    "speed with --tokens-per-second"
)


def page(audit: Audit, time: Duration) -> str:
    """Return the whole audit as text."""
    parts = [_checkpoints(audit), *(_suite(audit, suite) for suite in audit.suites)]
    return "\n".join([*parts, _totals(audit, time), *_findings(audit)])


def _checkpoints(audit: Audit) -> str:
    untrained = [f"{name} (not trained yet: read as its base)" for name in audit.job.untrained]
    named = [name for name in audit.job.evaluation.models if name not in audit.job.untrained]
    return _block("checkpoints", [("", ", ".join([*named, *untrained]))])


def _suite(audit: Audit, suite: SuiteAudit) -> str:
    requests = suite.requests
    rows: list[_Row] = [
        (
            "samples",
            f"{len(requests.samples):,} of {len(requests.all_samples):,}, {_count(requests)}",
        ),
        *(("decoding", _decoding(decoding)) for decoding in requests.decodings),
    ]
    if suite.judged:
        rows.append(("judge", f"of one checkpoint's answers: {describe(suite.judging)}"))
    if not suite.renderings:
        rows.append(
            ("prompts", "rendered by the endpoint: ids, template and lengths are not known here")
        )
    for rendering in suite.renderings:
        rows += _rendering(requests, rendering)
    rows += _training(audit.training, requests)
    return _block(f"suite {requests.suite.name} {requests.suite.version}", rows)


def _count(requests: SuiteRequests) -> str:
    kinds = {bool(request.messages) for _, request in requests.first}
    form = " and ".join(name for name, chat in (("chat", True), ("text", False)) if chat in kinds)
    later = f", then {len(requests.later):,} that hold answers" if requests.later else ""
    return f"{len(requests.first):,} requests ({form}){later}"


def _decoding(decoding: Decoding) -> str:
    stop = ", ".join(map(repr, decoding.stop)) or "none"
    return (
        f"temperature {decoding.temperature:g}, at most {decoding.max_tokens} tokens, stop: {stop}"
    )


def _rendering(requests: SuiteRequests, rendering: Rendering) -> Iterator[_Row]:
    yield "read by", ", ".join(rendering.names)
    if not rendering.lengths:
        yield "", "not rendered: see the failures"
        return
    least, median, most = rendering.spread
    yield (
        "prompts",
        f"{least:,} to {most:,} tokens, median {median:,}; {sum(rendering.lengths):,} in all",
    )
    yield "begin", _tokens(rendering.first)
    yield "end", _tokens(rendering.last)
    yield "ids", _agreement(rendering)
    yield "template", _template(requests, rendering)
    yield "room", f"{rendering.longest:,} tokens for a prompt with its answer; {_room(rendering)}"


def _agreement(rendering: Rendering) -> str:
    if rendering.findings:
        return "see the warnings"
    return f"as its own tokenizer makes them ({COMPARED} prompts of each form compared)"


def _template(requests: SuiteRequests, rendering: Rendering) -> str:
    now, then = rendering.templates
    if all(request.text is not None for _, request in requests.first):
        return "none is used"
    return f"{now}, in training {'the same' if now == then else then or 'not known'}"


def _room(rendering: Rendering) -> str:
    if not rendering.cut and not rendering.overflow:
        return "every answer has its max_tokens"
    kinds = (
        (rendering.cut, "with less than max_tokens left"),
        (rendering.overflow, "with none left"),
    )
    return ", ".join(f"{len(ids):,} {what} ({first_few(ids)})" for ids, what in kinds if ids)


def _tokens(tokens: Sequence[tuple[int, str]]) -> str:
    return "  ".join(f"{token} {visible(text)!r}" for token, text in tokens)


def _training(training: Sequence[TrainingOverlap], requests: SuiteRequests) -> Iterator[_Row]:
    for source in training:
        yield "training", f"{source.data}, which trains {', '.join(source.names)}"
        if source.reason:
            yield "", f"not compared: {source.reason}"
        else:
            text = overlap_text(source.overlaps[requests.suite.name], len(requests.samples))
            yield "", f"{source.prompts:,} prompts {text}"


def _totals(audit: Audit, time: Duration) -> str:
    evaluation = audit.job.evaluation
    once = sum(len(suite.requests.all_requests) for suite in audit.suites)
    requests = once * evaluation.repeats * len(evaluation.models)
    factors = f"{once:,} × {evaluation.repeats} repeats × {len(evaluation.models)} checkpoints"
    return _block(
        "in all",
        [
            ("requests", f"{requests:,}, less what the journal holds: {factors}"),
            (
                "tokens",
                f"at most {audit.completion:,} generated, if no answer ends before max_tokens",
            ),
            ("time", _time(time)),
        ],
    )


def _time(time: Duration) -> str:
    if time.seconds is None:
        return _UNKNOWN
    most = f"at most {_rounded(time.seconds)}"
    sources = ", ".join(map(_source, time.speeds))
    return f"{most}, by the speed measured here: {sources}" if sources else most


def _source(speed: Speed) -> str:
    rate = f"{speed.rate:,.0f}" if speed.rate >= 10 else f"{speed.rate:.1f}"
    return f"{rate} tokens a second ({speed.run}, over {speed.tokens:,} tokens)"


def _rounded(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _findings(audit: Audit) -> Iterator[str]:
    if not audit.findings:
        yield "no fault was found\n"
    for finding in audit.findings:
        kind = "failure" if finding.failure else "warning"
        yield f"{kind}: {finding.where}: {finding.text}\n         {finding.remedy}"


def _block(title: str, rows: Sequence[_Row]) -> str:
    return "".join([f"{title}\n", *(f"  {name:10} {text}\n" for name, text in rows)])


def plain(audit: Audit, time: Duration) -> dict[str, Any]:
    """Return the audit as JSON-able values (docs/reference/audit.md)."""
    evaluation = audit.job.evaluation
    return {
        "checkpoints": list(evaluation.models),
        "untrained": list(audit.job.untrained),
        "suites": {suite.requests.suite.name: _plain_suite(suite) for suite in audit.suites},
        "training": [_plain_training(source) for source in audit.training],
        "repeats": evaluation.repeats,
        "most_tokens": audit.completion,
        "most_seconds": time.seconds,
        "speeds": [asdict(speed) for speed in time.speeds],
        "findings": [asdict(finding) for finding in audit.findings],
    }


def _plain_suite(suite: SuiteAudit) -> dict[str, Any]:
    requests = suite.requests
    return {
        "version": requests.suite.version,
        "samples": len(requests.samples),
        "of": len(requests.all_samples),
        "requests": len(requests.first),
        "later_requests": len(requests.later),
        "judged": suite.judged,
        "judging": asdict(suite.judging) if suite.judged else None,
        "decoding": [asdict(decoding) for decoding in requests.decodings],
        "read": [_plain_rendering(rendering) for rendering in suite.renderings],
    }


def _plain_rendering(rendering: Rendering) -> dict[str, Any]:
    least, median, most = rendering.spread if rendering.lengths else (None, None, None)
    now, then = rendering.templates
    return {
        "checkpoints": list(rendering.names),
        "prompt_tokens": {
            "min": least,
            "median": median,
            "max": most,
            "sum": sum(rendering.lengths),
        },
        "first": [list(token) for token in rendering.first],
        "last": [list(token) for token in rendering.last],
        "template": now,
        "training_template": then,
        "longest": rendering.longest,
        "cut": list(rendering.cut),
        "overflow": list(rendering.overflow),
    }


def _plain_training(source: TrainingOverlap) -> dict[str, Any]:
    overlaps = {
        suite: {name: asdict(overlap) for name, overlap in by_sample.items()}
        for suite, by_sample in source.overlaps.items()
    }
    return {
        "checkpoints": list(source.names),
        "data": source.data,
        "prompts": source.prompts,
        "not_compared": source.reason,
        "overlaps": overlaps,
    }
