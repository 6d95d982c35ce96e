"""The one entry that a process, `accelerate launch` or a cluster starts a stage by.

    python -m harness.stage KIND resolved.json [--events FD]

A stage works in the folder of its resolved.json, alone there (a lock). It leaves `done.json` with
its key when it is finished, and `made.json`, which says on what machine and by what code. `nca`
writes resolved.json under a name of its own, and the stage renames it once it holds the lock: it
is what the stage at work was told. Of several processes that a launcher starts for one stage, the
first holds the lock, tells and writes; the others only say why they failed.
"""

import argparse
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, classify
from harness.pipeline import telemetry
from harness.pipeline.processes import die_with_parent, guard_group
from harness.progress.events import PipeReporter, Reporter, silent
from harness.progress.progress_file import recording
from harness.storage.atomic_files import write_json
from harness.storage.locks import locked
from harness.storage.provenance import git_state, made_here
from harness.storage.run_folder import MADE, clear_temporary, is_done, read_job

_QUIET = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one stage; the exit code is 0, 1 (the run failed), 2 (the user can mend it)."""
    parser = argparse.ArgumentParser(prog="harness.stage")
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("resolved", type=Path)
    parser.add_argument("--events", type=int, metavar="FD")
    options = parser.parse_args(arguments)
    report = silent if options.events is None else PipeReporter(kept_to_itself(options.events))
    if options.events is not None:
        die_with_parent(signal.SIGKILL)
        guard_group()
        # Whoever started us interrupts us by SIGINT, which a background process ignores by default.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    telemetry.off()
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        run_stage(options.kind, options.resolved, report, first=_is_first())
    except KeyboardInterrupt:
        return _failed(report, "interrupted: run the same command again to go on", 1)
    except Exception as error:  # the border: everything is classified here
        code = _failed(report, *_explain(error))
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            traceback.print_exc()
        return code
    return 0


def run_stage(kind: str, resolved: Path, report: Reporter, *, first: bool = True) -> None:
    """Do a stage's work unless it is done already.

    Args:
        kind: a key of `KINDS`.
        resolved: what to do; its folder is the stage's.
        report: hears the stage's events.
        first: false for the other processes of a stage that has several.

    Raises:
        StageBusy: another process works in this folder.
    """
    folder = resolved.parent
    with locked(folder) if first else contextlib.nullcontext():
        described = read_job(resolved, first=first)
        if is_done(folder, described["key"]):
            return
        if first:
            clear_temporary(folder)
        git = git_state(Path.cwd()) if first else {}
        with recording(report, folder) if first else contextlib.nullcontext(silent) as reporter:
            done = KINDS[kind](described["job"], reporter)
        if first:
            write_json(folder / MADE, made_here(git))
        if done and first:
            write_json(folder / "done.json", {"key": described["key"]})


def kept_to_itself(descriptor: int) -> int:
    """The descriptor, closed to programs that this process starts.

    One that came as standard input (`harness.pipeline.accelerate_launch`) is moved, and nothing is
    left to read.
    """
    if descriptor != 0:
        return descriptor
    moved = os.dup(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    return moved


def _is_first() -> bool:
    """Whether this is the first process of its stage; launchers number them in the environment."""
    return os.environ.get("RANK", "0") == "0"


def _explain(error: Exception) -> tuple[str, int]:
    known: HarnessError | None = classify(error)
    if known is None:
        return f"{type(error).__name__}: {error}", 1
    return str(known), known.exit_code


def _failed(report: Reporter, message: str, exit_code: int) -> int:
    report({"event": "error", "message": message, "exit_code": exit_code})
    with contextlib.suppress(OSError):
        sys.stderr.write(message + "\n")
    return exit_code


class _Forward:
    """Hands training's events on to whoever started the stage."""

    def __init__(self, report: Reporter) -> None:
        self._report = report

    def on_event(self, event: Mapping[str, Any]) -> None:
        self._report(event)


def _train(job: dict[str, Any], report: Reporter) -> bool:
    from train.config import TrainJob
    from train.trainer.distributed import leave
    from train.trainer.run import run

    run(TrainJob.model_validate(job), [_Forward(report)])
    leave()
    return True


def _sample(job: dict[str, Any], report: Reporter) -> bool:
    from harness.data.sampling.job import SampleJob
    from harness.data.sampling.sample import run

    run(SampleJob.model_validate(job), report)
    return True


def _evaluate(job: dict[str, Any], report: Reporter) -> bool:
    """Evaluate; where requests were lost, the next run asks for them again."""
    from harness.evaluate.client.job import EvalJob
    from harness.evaluate.loop.loop import run
    from harness.pipeline.audit.job import of_evaluation
    from harness.pipeline.audit.preflight import check

    evaluation = EvalJob.model_validate(job)
    if not evaluation.audited:
        check(of_evaluation(evaluation), report)
    return not run(evaluation, report).lost


def _kl(job: dict[str, Any], report: Reporter) -> bool:
    from harness.evaluate.measure.kl import run
    from harness.evaluate.measure.kl_job import KlJob

    run(KlJob.model_validate(job), report)
    return True


def _duel(job: dict[str, Any], report: Reporter) -> bool:
    from harness.evaluate.measure.pairwise import run
    from harness.evaluate.measure.pairwise_job import DuelJob

    run(DuelJob.model_validate(job), report)
    return True


def _audit(job: dict[str, Any], report: Reporter) -> bool:
    from harness.evaluate.client.loading import load
    from harness.evaluate.judge.estimate import tell_judging
    from harness.pipeline.audit.job import AuditJob
    from harness.pipeline.audit.preflight import check

    audit = AuditJob.model_validate(job)
    check(audit, report)
    evaluation = audit.evaluation
    loaded = (load(name, limit, evaluation) for name, limit in evaluation.suites.items())
    tell_judging(evaluation, ((item.suite, item.samples) for item in loaded), report)
    return True


def _track(job: dict[str, Any], report: Reporter) -> bool:
    """Copy a run to a store; a store that fails is told, and asked again by the next run."""
    from dataclasses import asdict

    from pydantic import TypeAdapter

    from harness.stats.cells import Cell
    from harness.tracking.store import sync

    cells = TypeAdapter(tuple[Cell, ...]).validate_python(job["cells"])
    done = sync(Path(job["run"]), job["uri"], cells, job["experiment"])
    report({"event": "tracked", **asdict(done)})
    return not done.failed


#: Each does a stage's work and says whether it is done (else the next run tries again).
KINDS: dict[str, Callable[[dict[str, Any], Reporter], bool]] = {
    "audit": _audit,
    "sample": _sample,
    "train": _train,
    "evaluate": _evaluate,
    "duel": _duel,
    "kl": _kl,
    "track": _track,
}

if __name__ == "__main__":
    sys.exit(main())
