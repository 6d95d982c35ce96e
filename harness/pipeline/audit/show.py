"""An audit as text, and as JSON-able values."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from harness.evaluate.judge.estimate import describe, estimate
from harness.pipeline.audit.preflight import Audit, Duration, first_few, overlap_text
from harness.pipeline.audit.prompts import COMPARED, Rendering, SuiteAudit
from harness.pipeline.audit.training import TrainingOverlap
from harness.progress.wording import per_second, visible

_Row = tuple[str, str]


def page(audit: Audit, time: Duration) -> str:
    """Return the whole audit as text."""
    untrained = audit.job.untrained
    names = [name for name in audit.job.evaluation.models if name not in untrained]
    names += [f"{name} (not trained yet: read as its base)" for name in untrained]
    blocks: dict[str, Iterator[_Row]] = {"checkpoints": iter([("", ", ".join(names))])}
    for suite in audit.suites:
        blocks[f"suite {suite.suite.name} {suite.suite.version}"] = _suite(suite, audit.training)
    blocks["in all"] = _totals(audit, time)
    parts = [
        "".join([f"{title}\n", *(f"  {name:10} {text}\n" for name, text in rows)])
        for title, rows in blocks.items()
    ]
    for finding in audit.findings:
        kind = "failure" if finding.failure else "warning"
        parts.append(f"{kind}: {finding.where}: {finding.text}\n         {finding.remedy}")
    return "\n".join(parts if audit.findings else [*parts, "no fault was found\n"])


def _suite(suite: SuiteAudit, training: Sequence[TrainingOverlap]) -> Iterator[_Row]:
    chats = {bool(request.messages) for _, request in suite.first}
    form = " and ".join(name for name, chat in (("chat", True), ("text", False)) if chat in chats)
    later = f", then {len(suite.later):,} that hold answers" if suite.later else ""
    count = f"{len(suite.first):,} requests ({form}){later}"
    yield "samples", f"{len(suite.samples):,} of {len(suite.all_samples):,}, {count}"
    for decoding in suite.decodings:
        stop = ", ".join(map(repr, decoding.stop)) or "none"
        most = f"at most {decoding.max_tokens} tokens"
        yield "decoding", f"temperature {decoding.temperature:g}, {most}, stop: {stop}"
    if suite.suite.judging is not None:
        asked_for = describe(estimate(suite.suite, suite.samples))
        yield "judge", f"of one checkpoint's answers: {asked_for}"
    if not suite.renderings:
        yield "prompts", "rendered by the endpoint: ids, template and lengths are not known here"
    for rendering in suite.renderings:
        yield from _rendering(suite, rendering)
    for source in training:
        yield "training", f"{source.data}, which trains {', '.join(source.names)}"
        if source.reason:
            yield "", f"not compared: {source.reason}"
        else:
            text = overlap_text(source.overlaps[suite.suite.name], len(suite.samples))
            yield "", f"{source.prompts:,} prompts {text}"


def _rendering(suite: SuiteAudit, rendering: Rendering) -> Iterator[_Row]:
    reader = rendering.reader
    yield "read by", ", ".join(reader.names)
    if not rendering.lengths:
        yield "", "not rendered: see the failures"
        return
    least, median, most = rendering.spread
    spread = f"{least:,} to {most:,} tokens, median {median:,}"
    yield "prompts", f"{spread}; {sum(rendering.lengths):,} in all"
    for name, tokens in (("begin", rendering.first), ("end", rendering.last)):
        yield name, "  ".join(f"{token} {visible(text)!r}" for token, text in tokens)
    same = f"as its own tokenizer makes them ({COMPARED} prompts of each form compared)"
    yield "ids", "see the warnings" if rendering.findings else same
    now, then = reader.templates
    trained = "the same" if now == then else then or "not known"
    plain_text = all(request.text is not None for _, request in suite.first)
    yield "template", "none is used" if plain_text else f"{now}, in training {trained}"
    short = ((rendering.cut, "less than max_tokens"), (rendering.overflow, "none"))
    room = [f"{len(ids):,} with {size} left ({first_few(ids)})" for ids, size in short if ids]
    rooms = ", ".join(room) or "every answer has its max_tokens"
    yield "room", f"{reader.longest:,} tokens for a prompt with its answer; {rooms}"


def _totals(audit: Audit, time: Duration) -> Iterator[_Row]:
    evaluation = audit.job.evaluation
    once = sum(len(suite.requests) for suite in audit.suites)
    requests = once * evaluation.repeats * len(evaluation.models)
    factors = f"{once:,} × {evaluation.repeats} repeats × {len(evaluation.models)} checkpoints"
    yield "requests", f"{requests:,}, less what the journal holds: {factors}"
    most = f"at most {audit.completion:,} generated"
    yield "tokens", f"{most}, if no answer ends before max_tokens"
    yield "time", _time(time)


def _time(time: Duration) -> str:
    seconds = time.seconds
    if seconds is None:
        return (
            "not known: no run among --runs measured such a model on this machine and engine; "
            "state a speed with --tokens-per-second"
        )
    most = f"at most {seconds:.0f} s"
    if seconds >= 120:
        most = f"at most {seconds / 60:.0f} min"
    if seconds >= 7200:
        most = f"at most {seconds / 3600:.1f} h"
    sources = ", ".join(
        f"{per_second(speed.rate)} tokens a second ({speed.run}, over {speed.tokens:,} tokens)"
        for speed in time.speeds
    )
    return f"{most}, by the speed measured here: {sources}" if sources else most


def plain(audit: Audit, time: Duration) -> dict[str, Any]:
    """Return the audit as JSON-able values (docs/reference/audit.md)."""
    evaluation = audit.job.evaluation
    training = [
        {
            "checkpoints": list(source.names),
            "data": source.data,
            "prompts": source.prompts,
            "not_compared": source.reason,
            "overlaps": asdict(source)["overlaps"],
        }
        for source in audit.training
    ]
    return {
        "checkpoints": list(evaluation.models),
        "untrained": list(audit.job.untrained),
        "suites": {suite.suite.name: _plain_suite(suite) for suite in audit.suites},
        "training": training,
        "repeats": evaluation.repeats,
        "most_tokens": audit.completion,
        "most_seconds": time.seconds,
        "speeds": [asdict(speed) for speed in time.speeds],
        "findings": [asdict(finding) for finding in audit.findings],
    }


def _plain_suite(suite: SuiteAudit) -> dict[str, Any]:
    judged = suite.suite.judging is not None
    return {
        "version": suite.suite.version,
        "samples": len(suite.samples),
        "of": len(suite.all_samples),
        "requests": len(suite.first),
        "later_requests": len(suite.later),
        "judged": judged,
        "judging": asdict(estimate(suite.suite, suite.samples)) if judged else None,
        "decoding": [asdict(decoding) for decoding in suite.decodings],
        "read": [_plain_rendering(rendering) for rendering in suite.renderings],
    }


def _plain_rendering(rendering: Rendering) -> dict[str, Any]:
    lengths, reader = rendering.lengths, rendering.reader
    spread = rendering.spread if lengths else (None, None, None)
    now, then = reader.templates
    return {
        "checkpoints": list(reader.names),
        "prompt_tokens": {
            **dict(zip(("min", "median", "max"), spread, strict=True)),
            "sum": sum(lengths),
        },
        "first": [list(token) for token in rendering.first],
        "last": [list(token) for token in rendering.last],
        "template": now,
        "training_template": then,
        "longest": reader.longest,
        "cut": list(rendering.cut),
        "overflow": list(rendering.overflow),
    }
