"""An audit as text for people, and as plain values for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from eval_suites.requests import Decoding
from harness.evaluate.client.token_text import visible
from harness.evaluate.judge.estimate import words
from harness.evaluate.loop.speed import Speed
from harness.pipeline.audit.duration import Duration
from harness.pipeline.audit.preflight import Audit, overlap_text, some
from harness.pipeline.audit.prompts import COMPARED, Asked, Reading, Sheet
from harness.pipeline.audit.training import Comparison

_Row = tuple[str, str]
_UNKNOWN = (
    "not known: no run among --runs measured such a model on this machine and engine; state a "
    "speed with --tokens-per-second"
)


def page(audit: Audit, time: Duration) -> str:
    """The whole audit."""
    parts = [_columns(audit), *(_sheet(audit, sheet) for sheet in audit.sheets)]
    return "\n".join([*parts, _totals(audit, time), *_findings(audit)])


def _columns(audit: Audit) -> str:
    untrained = [f"{name} (not trained yet: read as its base)" for name in audit.job.untrained]
    named = [name for name in audit.job.evaluation.models if name not in audit.job.untrained]
    return _block("checkpoints", [("", ", ".join([*named, *untrained]))])


def _sheet(audit: Audit, sheet: Sheet) -> str:
    asked = sheet.asked
    rows: list[_Row] = [
        ("samples", f"{len(asked.samples):,} of {len(asked.all):,}, {_requests(asked)}"),
        *(("decoding", _decoding(decoding)) for decoding in asked.decodings),
    ]
    if sheet.judged:
        rows.append(("judge", f"of one checkpoint's answers: {words(sheet.judging)}"))
    if not sheet.readings:
        rows.append(
            ("prompts", "rendered by the endpoint: ids, template and lengths are not known here")
        )
    for reading in sheet.readings:
        rows += _reading(asked, reading)
    rows += _training(audit.comparisons, asked)
    return _block(f"suite {asked.suite.name} {asked.suite.version}", rows)


def _requests(asked: Asked) -> str:
    kinds = {bool(request.messages) for _, request in asked.first}
    form = " and ".join(name for name, chat in (("chat", True), ("text", False)) if chat in kinds)
    later = f", then {len(asked.later):,} that hold answers" if asked.later else ""
    return f"{len(asked.first):,} requests ({form}){later}"


def _decoding(decoding: Decoding) -> str:
    stop = ", ".join(map(repr, decoding.stop)) or "none"
    return (
        f"temperature {decoding.temperature:g}, at most {decoding.max_tokens} tokens, stop: {stop}"
    )


def _reading(asked: Asked, reading: Reading) -> Iterator[_Row]:
    yield "read by", ", ".join(reading.names)
    if not reading.lengths:
        yield "", "not rendered: see the failures"
        return
    least, median, most = reading.spread
    yield (
        "prompts",
        f"{least:,} to {most:,} tokens, median {median:,}; {sum(reading.lengths):,} in all",
    )
    yield "begin", _tokens(reading.first)
    yield "end", _tokens(reading.last)
    yield "ids", _agreement(reading)
    yield "template", _template(asked, reading)
    yield "room", f"{reading.longest:,} tokens for a prompt with its answer; {_room(reading)}"


def _agreement(reading: Reading) -> str:
    if reading.findings:
        return "see the warnings"
    return f"as its own tokenizer makes them ({COMPARED} prompts of each form compared)"


def _template(asked: Asked, reading: Reading) -> str:
    now, then = reading.templates
    if all(request.text is not None for _, request in asked.first):
        return "none is used"
    return f"{now}, in training {'the same' if now == then else then or 'not known'}"


def _room(reading: Reading) -> str:
    if not reading.cut and not reading.overflow:
        return "every answer has its max_tokens"
    kinds = ((reading.cut, "with less than max_tokens left"), (reading.overflow, "with none left"))
    return ", ".join(f"{len(ids):,} {what} ({some(ids)})" for ids, what in kinds if ids)


def _tokens(tokens: Sequence[tuple[int, str]]) -> str:
    return "  ".join(f"{token} {visible(text)!r}" for token, text in tokens)


def _training(comparisons: Sequence[Comparison], asked: Asked) -> Iterator[_Row]:
    for one in comparisons:
        yield "training", f"{one.data}, which trains {', '.join(one.names)}"
        if one.reason:
            yield "", f"not compared: {one.reason}"
        else:
            overlaps = one.found[asked.suite.name]
            yield "", f"{one.prompts:,} prompts {overlap_text(overlaps, len(asked.samples))}"


def _totals(audit: Audit, time: Duration) -> str:
    evaluation = audit.job.evaluation
    once = sum(len(sheet.asked.requests) for sheet in audit.sheets)
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
        yield "nothing to mend\n"
    for finding in audit.findings:
        kind = "failure" if finding.failure else "warning"
        yield f"{kind}: {finding.where}: {finding.text}\n         {finding.remedy}"


def _block(title: str, rows: Sequence[_Row]) -> str:
    return "".join([f"{title}\n", *(f"  {name:10} {text}\n" for name, text in rows)])


def plain(audit: Audit, time: Duration) -> dict[str, Any]:
    """The audit as JSON-able values (docs/reference/audit.md)."""
    evaluation = audit.job.evaluation
    return {
        "checkpoints": list(evaluation.models),
        "untrained": list(audit.job.untrained),
        "suites": {sheet.asked.suite.name: _plain_sheet(sheet) for sheet in audit.sheets},
        "training": [_plain_comparison(one) for one in audit.comparisons],
        "repeats": evaluation.repeats,
        "most_tokens": audit.completion,
        "most_seconds": time.seconds,
        "speeds": [asdict(speed) for speed in time.speeds],
        "findings": [asdict(finding) for finding in audit.findings],
    }


def _plain_sheet(sheet: Sheet) -> dict[str, Any]:
    asked = sheet.asked
    return {
        "version": asked.suite.version,
        "samples": len(asked.samples),
        "of": len(asked.all),
        "requests": len(asked.first),
        "later_requests": len(asked.later),
        "judged": sheet.judged,
        "judging": asdict(sheet.judging) if sheet.judged else None,
        "decoding": [asdict(decoding) for decoding in asked.decodings],
        "read": [_plain_reading(reading) for reading in sheet.readings],
    }


def _plain_reading(reading: Reading) -> dict[str, Any]:
    least, median, most = reading.spread if reading.lengths else (None, None, None)
    now, then = reading.templates
    return {
        "checkpoints": list(reading.names),
        "prompt_tokens": {"min": least, "median": median, "max": most, "sum": sum(reading.lengths)},
        "first": [list(token) for token in reading.first],
        "last": [list(token) for token in reading.last],
        "template": now,
        "training_template": then,
        "longest": reading.longest,
        "cut": list(reading.cut),
        "overflow": list(reading.overflow),
    }


def _plain_comparison(one: Comparison) -> dict[str, Any]:
    found = {
        suite: {name: asdict(overlap) for name, overlap in overlaps.items()}
        for suite, overlaps in one.found.items()
    }
    return {
        "checkpoints": list(one.names),
        "data": one.data,
        "prompts": one.prompts,
        "not_compared": one.reason,
        "overlaps": found,
    }
