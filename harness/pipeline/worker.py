"""The one entry that a process, `accelerate launch` or a cluster starts a stage by.

    python -m harness.stage KIND resolved.json [--events FD]

A stage works in the folder of its resolved.json, alone there (a lock). It leaves `done.json` with
its key when it is finished, and `made.json`, which names the machine and the code. `nca` writes
resolved.json under a temporary name, and the stage renames it once it holds the lock, so that it is
always the job of the stage at work. Of several processes that a launcher starts for one stage, the
first holds the lock, reports and writes; the others only report why they failed.
"""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.errors import classify
from harness.pipeline.processes import end_with_parent, silence_libraries, switch_off_telemetry
from harness.progress.events import PipeReporter, Reporter, silent
from harness.progress.progress_file import recording
from harness.storage.atomic_files import write_json
from harness.storage.locks import locked
from harness.storage.provenance import git_state, made_here
from harness.storage.run_folder import MADE, clear_temporary, is_done, read_job


def main(arguments: list[str] | None = None) -> int:
    """Run one stage; the exit code is 0, 1 (the run failed), 2 (the user can mend it)."""
    parser = argparse.ArgumentParser(prog="harness.stage")
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("resolved", type=Path)
    parser.add_argument("--events", type=int, metavar="FD")
    options = parser.parse_args(arguments)
    report = silent if options.events is None else PipeReporter(private_descriptor(options.events))
    if options.events is not None:
        end_with_parent()
    switch_off_telemetry()
    silence_libraries()
    try:
        # Launchers number the processes of a stage by RANK.
        first = os.environ.get("RANK", "0") == "0"
        run_stage(options.kind, options.resolved, report, first=first)
    except KeyboardInterrupt:
        return _failed(report, "interrupted: run the same command again to go on", 1)
    except Exception as error:  # the border: everything is classified here
        classified = classify(error)
        message = f"{type(error).__name__}: {error}" if classified is None else str(classified)
        code = _failed(report, message, 1 if classified is None else classified.exit_code)
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            traceback.print_exc()
        return code
    return 0


def run_stage(
    kind: str, resolved: Path, report: Reporter, *, first: bool = True, work: "Work | None" = None
) -> None:
    """Do a stage's work unless it is done already.

    `kind` is a key of `KINDS`; `resolved` is the file with key and job, in the stage's folder;
    `first` is false for the other processes of a stage that has several. `work` is done in place
    of that of `KINDS`, by a process that has loaded its inputs already.

    Raises:
        StageBusy: another process works in this folder.
    """
    folder = resolved.parent
    if not first:
        described = read_job(resolved, first=False)
        if not is_done(folder, described["key"]):
            KINDS[kind](described["job"], silent)
        return
    with locked(folder):
        described = read_job(resolved, first=True)
        if is_done(folder, described["key"]):
            return
        clear_temporary(folder)
        git = git_state(Path.cwd())
        with recording(report, folder) as reporter:
            done = (work or KINDS[kind])(described["job"], reporter)
        write_json(folder / MADE, made_here(git))
        if done:
            write_json(folder / "done.json", {"key": described["key"]})


def private_descriptor(descriptor: int) -> int:
    """Return a descriptor of the same file that programs started from here do not inherit.

    Standard input (`harness.pipeline.accelerate_launch`) is moved and replaced by an empty file.
    """
    if descriptor != 0:
        return descriptor
    moved = os.dup(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    return moved


def _failed(report: Reporter, message: str, exit_code: int) -> int:
    report({"event": "error", "message": message, "exit_code": exit_code})
    with contextlib.suppress(OSError):
        sys.stderr.write(message + "\n")
    return exit_code


def _train(job: dict[str, Any], report: Reporter) -> bool:
    from train.config import TrainJob
    from train.trainer.distributed import leave
    from train.trainer.run import run

    run(TrainJob.model_validate(job), [report])
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
    from harness.evaluate.suites.library import SuiteLibrary
    from harness.pipeline.audit.job import of_evaluation
    from harness.pipeline.audit.preflight import check

    evaluation = EvalJob.model_validate(job)
    library = SuiteLibrary(evaluation.data_dir, evaluation.lm_eval_tasks)
    if not evaluation.audited:
        check(of_evaluation(evaluation), library, report)
    return not run(evaluation, report, library).lost


def _kl(job: dict[str, Any], report: Reporter) -> bool:
    from harness.evaluate.client.job import KlJob
    from harness.evaluate.measure import kl

    kl.run(KlJob.model_validate(job), report)
    return True


def _pairwise(job: dict[str, Any], report: Reporter) -> bool:
    from harness.evaluate.client.job import PairwiseJob
    from harness.evaluate.measure import pairwise

    pairwise.run(PairwiseJob.model_validate(job), report)
    return True


def _audit(job: dict[str, Any], report: Reporter) -> bool:
    from harness.pipeline.audit.job import AuditJob
    from harness.pipeline.audit.preflight import check_before_training

    return check_before_training(AuditJob.model_validate(job), None, report)


def _track(job: dict[str, Any], report: Reporter) -> bool:
    """Copy a run to a store; a failure is reported, and the next run tries again."""
    from dataclasses import asdict

    from pydantic import TypeAdapter

    from harness.stats.cells import Cell
    from harness.tracking.store import sync

    cells = TypeAdapter(tuple[Cell, ...]).validate_python(job["cells"])
    done = sync(Path(job["run"]), job["uri"], cells, job["experiment"])
    report({"event": "tracked", **asdict(done)})
    return not done.failed


#: Does a stage's work; returns whether it is done (else the next run tries again).
Work = Callable[[dict[str, Any], Reporter], bool]
KINDS: dict[str, Work] = {
    "audit": _audit,
    "sample": _sample,
    "train": _train,
    "evaluate": _evaluate,
    "duel": _pairwise,
    "kl": _kl,
    "track": _track,
}

if __name__ == "__main__":
    sys.exit(main())
