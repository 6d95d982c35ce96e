"""The audit as a whole: what it found, and what must be told before an evaluation starts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.errors import UserError
from harness.evaluate.client.rendering import rendered
from harness.pipeline.audit.ids import Render
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.overlap import RUN, Overlap
from harness.pipeline.audit.prompts import Asked, Finding, Reading, Sheet, ask, sheets
from harness.pipeline.audit.training import Comparison, comparisons
from harness.progress.events import Reporter

#: Prompts of a suite that are rendered before every evaluation: the longest texts.
_QUICK_PROMPTS = 128
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        job: what was looked at.
        sheets: one a suite.
        comparisons: one a source of training prompts.
        findings: what must be told, failures first.
    """

    job: AuditJob
    sheets: tuple[Sheet, ...]
    comparisons: tuple[Comparison, ...]
    findings: tuple[Finding, ...]

    @property
    def completion(self) -> int:
        """The most tokens that the evaluation can generate, judges apart."""
        evaluation = self.job.evaluation
        once = sum(sheet.asked.completion for sheet in self.sheets)
        return once * evaluation.repeats * len(evaluation.models)


def audit(job: AuditJob, *, quick: bool = False, render: Render = rendered) -> Audit:
    """Render every prompt of an evaluation and look for what would waste it.

    Args:
        job: what to look at.
        quick: render the longest texts of each suite alone, and leave out training data that is
            on the hub or large.
        render: what renders for the engine.

    Raises:
        UserError, eval_suites.DataError, train.TrainError: a suite, its data or a tokenizer is
            not to be had.
    """
    asked = [ask(name, job) for name in job.evaluation.suites]
    found = sheets(job, asked, _QUICK_PROMPTS if quick else None, render)
    compared = comparisons(job, asked, quick=quick)
    told = (*_of_sheets(found), *_of_comparisons(compared, asked))
    return Audit(
        job, tuple(found), tuple(compared), tuple(sorted(told, key=lambda one: not one.failure))
    )


def check(job: AuditJob, report: Reporter) -> None:
    """Audit quickly: tell warnings as notes, and refuse an evaluation that would be wasted.

    Raises:
        UserError: a failure was found, or as `audit`.
    """
    found = audit(job, quick=True)
    for finding in found.findings:
        if not finding.failure:
            report({"event": "note", "text": told(finding)})
    refuse(found)


def refuse(found: Audit) -> None:
    """Raise the first failure of an audit, where there is one.

    Raises:
        UserError: it, and how many more there are.
    """
    failures = [finding for finding in found.findings if finding.failure]
    if failures:
        more = f" (and {len(failures) - 1} more: `nca audit`)" if len(failures) > 1 else ""
        first = failures[0]
        raise UserError(f"{first.where}: {first.text}{more}\n{first.remedy}")


def told(finding: Finding) -> str:
    """A finding as one line."""
    return f"{finding.where}: {finding.text}; {finding.remedy}"


def _of_sheets(found: Sequence[Sheet]) -> Iterator[Finding]:
    for sheet in found:
        for reading in sheet.readings:
            yield from reading.findings
            yield from _of_lengths(sheet.asked, reading)


def _of_lengths(asked: Asked, reading: Reading) -> Iterator[Finding]:
    where = f"{asked.suite.name}, {', '.join(reading.names)}"
    least = "" if reading.rendered else "at least "
    remedy = (
        "raise evaluate.engine.max_model_len (nca eval: --max-model-len) where the model allows it"
    )
    of = f"of {len(asked.samples):,} samples"
    if reading.overflow:
        text = (
            f"the prompts of {least}{len(reading.overflow):,} {of} fill all {reading.longest:,} "
            f"tokens and will not be answered: {some(reading.overflow)}"
        )
        yield Finding(failure=False, where=where, text=text, remedy=remedy)
    if reading.cut:
        text = (
            f"the prompts of {least}{len(reading.cut):,} {of} leave answers less room than "
            f"max_tokens within {reading.longest:,} tokens: {some(reading.cut)}"
        )
        yield Finding(
            failure=False, where=where, text=text, remedy=f"{remedy}, or lower max_tokens"
        )


def _of_comparisons(found: Sequence[Comparison], asked: Sequence[Asked]) -> Iterator[Finding]:
    counts = {one.suite.name: len(one.samples) for one in asked}
    for one in found:
        if one.postponed:
            yield Finding(
                failure=False,
                where=", ".join(one.names),
                text=f"{Path(one.data).name} was not compared with the questions: {one.reason}",
                remedy="`nca audit RECIPE` does it",
            )
        for suite, overlaps in one.found.items():
            if any(overlap.known for overlap in overlaps.values()):
                yield Finding(
                    failure=False,
                    where=f"{suite}, {', '.join(one.names)}",
                    text=f"training prompts {overlap_text(overlaps, counts[suite])}",
                    remedy="scores on these prove nothing: train without those rows",
                )


def overlap_text(overlaps: Mapping[str, Overlap], count: int) -> str:
    """How many of a suite's questions they hold, and where the first known ones stand."""
    known = [overlap for overlap in overlaps.values() if overlap.known]
    whole = sum(overlap.whole for overlap in known)
    places = f": {some([f'{one.name} ({one.source})' for one in known])}" if known else ""
    return (
        f"hold {whole:,} of {count:,} questions whole, {len(known) - whole:,} at least half, "
        f"{len(overlaps) - len(known):,} in part (by runs of {RUN} words){places}"
    )


def some(names: Sequence[str]) -> str:
    """The first few names, and whether there are more."""
    more = ", ..." if len(names) > _NAMED else ""
    return ", ".join(islice(names, _NAMED)) + more
