"""The longest duration of an evaluation, by a stated speed or by one that runs measured."""

from dataclasses import dataclass

from harness.engines.options import EngineSpec
from harness.evaluate.loop.speed import Speed, measured, setting_of
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.preflight import Audit


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds for all tokens that an evaluation can generate; None where no speed is known.

    `speeds` are the measurements behind them: none where the speed was stated.
    """

    seconds: float | None
    speeds: tuple[Speed, ...] = ()


def estimate_duration(audit: Audit, stated: float | None) -> Duration:
    """Return the longest duration of an evaluation, without judges and engine starts.

    `stated` is tokens a second; by default each checkpoint has the speed that an earlier run
    measured on this machine, with this engine, for a model of its shape.
    """
    if stated is not None:
        return Duration(audit.completion / stated)
    names = list(audit.job.evaluation.models)
    measured_speeds = [_measured_speed(audit.job, name) for name in names]
    speeds = [speed for speed in measured_speeds if speed is not None]
    if not speeds or len(speeds) < len(names):
        return Duration(None)
    each = audit.completion / len(names)
    return Duration(sum(each / speed.rate for speed in speeds), tuple(dict.fromkeys(speeds)))


def _measured_speed(job: AuditJob, name: str) -> Speed | None:
    evaluation = job.evaluation
    if evaluation.engine.remote:
        spec = EngineSpec(evaluation.engine, served=tuple(evaluation.models.items()))
    else:
        spec = EngineSpec(evaluation.engine, base=job.home(name)[0])
    return measured(evaluation.journal.parent, setting_of(spec))  # runs lie beside the journal
