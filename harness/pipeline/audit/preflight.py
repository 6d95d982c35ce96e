"""The audit as a whole: its findings, its duration, and the quick check before an evaluation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.engines.options import EngineSpec
from harness.errors import UserError
from harness.evaluate.judge.estimate import report_estimate
from harness.evaluate.loop.speed import Speed, measured, setting_of
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.ids import Finding
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.overlap import RUN, Overlap
from harness.pipeline.audit.prompts import Rendering, SuiteAudit, audit_suite, readers
from harness.pipeline.audit.training import TrainingOverlap, compare_training
from harness.progress.events import Reporter

#: Prompts of a suite that are rendered before every evaluation: the longest texts.
_QUICK_PROMPTS = 128
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Audit:
    """The outcome of an audit, an entry a suite and a source of training prompts.

    Of its `findings` the failures come first.
    """

    job: AuditJob
    suites: tuple[SuiteAudit, ...]
    training: tuple[TrainingOverlap, ...]
    findings: tuple[Finding, ...]

    @property
    def completion(self) -> int:
        """The most tokens that the evaluation can generate, judges apart."""
        evaluation = self.job.evaluation
        once = sum(suite.completion for suite in self.suites)
        return once * evaluation.repeats * len(evaluation.models)


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds for all tokens that an evaluation can generate; None where no speed is known.

    `speeds` are the measurements behind them: none where the speed was stated.
    """

    seconds: float | None
    speeds: tuple[Speed, ...] = ()


def audit(job: AuditJob, library: SuiteLibrary | None = None, *, quick: bool = False) -> Audit:
    """Render every prompt of an evaluation and look for what would waste it.

    If `quick`, only the longest texts of each suite are rendered, and training data that is on the
    hub or large is left out.

    Raises:
        UserError, eval_suites.DataError, train.TrainError: a suite, its data or a tokenizer cannot
            be had.
    """
    evaluation = job.evaluation
    library = library or SuiteLibrary(evaluation.data_dir, evaluation.lm_eval_tasks)
    alike, most = readers(job), _QUICK_PROMPTS if quick else None
    suites = tuple(audit_suite(name, job, library, alike, most) for name in evaluation.suites)
    training = tuple(compare_training(job, suites, library, quick=quick))
    findings = [
        finding
        for suite in suites
        for rendering in suite.renderings
        for finding in (*rendering.findings, *_of_lengths(suite, rendering))
    ]
    findings += _of_training(training, suites)
    failures_first = sorted(findings, key=lambda finding: not finding.failure)
    return Audit(job, suites, training, tuple(failures_first))


def check(job: AuditJob, library: SuiteLibrary | None, report: Reporter) -> Audit:
    """Audit quickly: report warnings as notes, and refuse an evaluation that would be wasted.

    Raises:
        UserError: a failure was found, or as `audit`.
    """
    outcome = audit(job, library, quick=True)
    for finding in outcome.findings:
        if not finding.failure:
            text = f"{finding.where}: {finding.text}; {finding.remedy}"
            report({"event": "note", "text": text})
    raise_on_failure(outcome)
    return outcome


def check_before_training(job: AuditJob, library: SuiteLibrary | None, report: Reporter) -> bool:
    """Check quickly, and report the most that a judge will be asked; True when nothing failed.

    Raises:
        UserError: as `check`.
    """
    suites = check(job, library, report).suites
    report_estimate(job.evaluation, ((item.suite, item.samples) for item in suites), report)
    return True


def raise_on_failure(outcome: Audit) -> None:
    """Raise the first failure of an audit, where there is one.

    Raises:
        UserError: it, and how many more there are.
    """
    failures = [finding for finding in outcome.findings if finding.failure]
    if failures:
        more = f" (and {len(failures) - 1} more: `nca audit`)" if len(failures) > 1 else ""
        first = failures[0]
        raise UserError(f"{first.where}: {first.text}{more}\n{first.remedy}")


def estimate_duration(audit: Audit, stated: float | None) -> Duration:
    """Return the longest duration of an evaluation, without judges and engine starts.

    `stated` is tokens a second; by default each checkpoint has the speed that an earlier run
    measured on this machine, with this engine, for a model of its shape.
    """
    if stated is not None:
        return Duration(audit.completion / stated)
    evaluation, speeds = audit.job.evaluation, list[Speed]()
    for name in evaluation.models:
        spec = EngineSpec(evaluation.engine, served=tuple(evaluation.models.items()))
        if not evaluation.engine.remote:
            spec = EngineSpec(evaluation.engine, base=audit.job.home(name)[0])
        speed = measured(evaluation.journal.parent, setting_of(spec))  # runs lie beside the journal
        if speed is None:
            return Duration(None)
        speeds.append(speed)
    each = audit.completion / len(speeds)
    return Duration(sum(each / speed.rate for speed in speeds), tuple(dict.fromkeys(speeds)))


def _of_lengths(suite: SuiteAudit, rendering: Rendering) -> Iterator[Finding]:
    where = f"{suite.suite.name}, {', '.join(rendering.reader.names)}"
    least = "" if rendering.complete else "at least "
    longest = f"{rendering.reader.longest:,} tokens"
    remedy = (
        "raise evaluate.engine.max_model_len (nca eval: --max-model-len) where the model allows it"
    )
    for samples, text, rest in (
        (rendering.overflow, f"fill all {longest} and will not be answered", ""),
        (
            rendering.cut,
            f"leave answers less room than max_tokens within {longest}",
            ", or lower max_tokens",
        ),
    ):
        if samples:
            count = f"the prompts of {least}{len(samples):,} of {len(suite.samples):,} samples"
            yield Finding(
                where=where, text=f"{count} {text}: {first_few(samples)}", remedy=f"{remedy}{rest}"
            )


def _of_training(
    training: Sequence[TrainingOverlap], suites: Sequence[SuiteAudit]
) -> Iterator[Finding]:
    counts = {suite.suite.name: len(suite.samples) for suite in suites}
    for source in training:
        names = ", ".join(source.names)
        if source.postponed:
            text = f"{Path(source.data).name} was not compared with the questions: {source.reason}"
            yield Finding(where=names, text=text, remedy="`nca audit RECIPE` does it")
        for suite, overlaps in source.overlaps.items():
            if any(overlap.known for overlap in overlaps.values()):
                text = f"training prompts {overlap_text(overlaps, counts[suite])}"
                remedy = "scores on these prove nothing: train without those rows"
                yield Finding(where=f"{suite}, {names}", text=text, remedy=remedy)


def overlap_text(overlaps: Mapping[str, Overlap], count: int) -> str:
    """Return how many of a suite's questions prompts contain, and where the first ones are."""
    contained = [overlap for overlap in overlaps.values() if overlap.known]
    whole = sum(overlap.whole for overlap in contained)
    names = [f"{overlap.name} ({overlap.source})" for overlap in contained]
    places = f": {first_few(names)}" if names else ""
    return (
        f"hold {whole:,} of {count:,} questions whole, {len(contained) - whole:,} at least half, "
        f"{len(overlaps) - len(contained):,} in part (by runs of {RUN} words){places}"
    )


def first_few(names: Sequence[str]) -> str:
    """Return the first few names, and dots where there are more."""
    more = ", ..." if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
