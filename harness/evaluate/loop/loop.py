"""The evaluation loop: one queue for all suites and checkpoints of an engine.

Reading samples, asking, checking, scoring and writing are separate functions; no suite, tracker
or engine is named here. Every answer is in the journal before it is scored, so a killed run
repeats nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from itertools import product

from eval_suites.sandbox.runner import Sandbox
from harness.evaluate.client.answers import Line
from harness.evaluate.client.cached_client import CachedClient, Checker, Tally
from harness.evaluate.client.engine_groups import EngineGroup, base_first, group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite, load_suites, suite_protocol
from harness.evaluate.client.merging import engine_factory
from harness.evaluate.client.queue import for_each, tasks
from harness.evaluate.client.restarting import Restarting
from harness.evaluate.client.sample_log import Spool
from harness.evaluate.client.task import Task
from harness.evaluate.judge.capabilities import require_engine, require_judge
from harness.evaluate.judge.estimate import report_estimate
from harness.evaluate.judge.judge import Judge, open_judge
from harness.evaluate.loop.evaluation_progress import (
    EvaluationProgress,
    JudgingProgress,
    Stopwatch,
    report_regularly,
)
from harness.evaluate.loop.grading import Grader, answer_task
from harness.evaluate.loop.passes import Pass, passes
from harness.evaluate.loop.reporting import ProgressReporter, pairs_of, report_notes
from harness.evaluate.loop.speed import recorded
from harness.evaluate.suites.library import SuiteLibrary
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder


def run(job: EvalJob, report: Reporter, library: SuiteLibrary | None = None) -> Tally:
    """Evaluate every model on every suite; write sample logs and summaries.

    `library` has the suites that are loaded already.

    Raises:
        UserError: a suite, its data or the engine cannot be used; nothing was started.
        EngineDied: the engine died too often; answers so far are in the journal.
        BudgetSpent: the judge may cost no more; answers and verdicts so far are in the journal.
    """
    return asyncio.run(evaluate(job, report, library))


async def evaluate(job: EvalJob, report: Reporter, library: SuiteLibrary | None = None) -> Tally:
    """Evaluate as `run` does, inside a running event loop."""
    loaded = load_suites(job, library)
    suites = [item.suite for item in loaded]
    require_judge(suites, job.judge)
    require_engine(suites, job.engine.name)
    report_notes(job, loaded, report)
    report_estimate(job, ((item.suite, item.samples) for item in loaded), report)
    progress = EvaluationProgress(report, pairs_of(job, loaded), Stopwatch())
    answering = ProgressReporter(report, progress)
    judging = ProgressReporter(report, JudgingProgress(report, _judged_answers(job, loaded)))
    with Journal(job.journal) as journal:
        async with (
            Sandbox(unsafe=job.unsafe) as box,
            _open_judge(job, journal, answering.starting) as judge,
            report_regularly(progress),
        ):
            grader = Grader(Checker(box, journal), tier=await _tier(box, loaded, answering))
            groups = group_by_engine(job.models, job.fingerprints, job.engine)
            for part in passes(loaded, grader, judge, answering, judging):
                for group in groups:
                    await _evaluate_group(job, group, part)
                progress.tell()  # the end of the answers comes before the judging
    # The second pass reuses the answers of the first; only what it asked for itself counts.
    answering.tally.add(replace(judging.tally, reused=0))
    answering.finish(judge, journal.damaged)
    return answering.tally


def _judged_answers(job: EvalJob, loaded: Sequence[LoadedSuite]) -> int:
    samples = sum(len(item.samples) for item in loaded if item.suite.judging is not None)
    return samples * len(job.models) * job.repeats


def _open_judge(
    job: EvalJob, journal: Journal, starting: Callable[[str], None]
) -> AbstractAsyncContextManager[Judge | None]:
    if job.judge is None:
        return nullcontext()
    return open_judge(job.judge, job.judge_fingerprint, job.seed, journal, starting)


async def _tier(box: Sandbox, loaded: Sequence[LoadedSuite], reporter: ProgressReporter) -> str:
    """Report and return the tier that contains programs; "" where none are run."""
    if not any(item.suite.programs for item in loaded):
        return ""
    tier = await box.tier()
    reporter.note(f"programs are contained on tier {tier}")
    return tier


async def _evaluate_group(job: EvalJob, group: EngineGroup, part: Pass) -> None:
    folder, reporter = RunFolder(job.run), part.reporter
    with (
        recorded(folder.evaluation, group.spec, reporter.generated),
        engine_factory(group, folder.evaluation, reporter.note) as make,
        Spool(folder.evaluation) as spool,
    ):
        async with Restarting(
            make,
            on_start=lambda: reporter.engine_starts(job.engine.name),
            on_ready=reporter.progress.stopwatch.run,
            on_gone=reporter.engine_gone,
        ) as engine:
            client = CachedClient(engine, group.identity, part.grader.checker.journal, job.seed)
            await _answer_all(job, group, part, client, spool)
        logged = [item for item in part.loaded if item.suite.name in part.logged]
        for model, item in product(group.models, logged):
            protocol = group.protocol(model) | suite_protocol(item, job)
            protocol |= part.grader.protocol(item.suite, model.name)
            spool.write(folder, model.name, item.suite, protocol)


async def _answer_all(
    job: EvalJob, group: EngineGroup, part: Pass, client: CachedClient, spool: Spool
) -> None:
    """Answer everything that a pass asks of a group, and put the lines of its logs aside."""

    async def answer(task: Task) -> None:
        statuses: list[str] = []
        logged = task.suite.name in part.logged

        def finish(line: Line) -> None:
            if logged:
                spool.add(task.model.name, task.suite.name, line)
            statuses.append(line["status"])

        part.reporter.begin(task)
        own = replace(client, tally=Tally())
        await answer_task(task, own, part.grader, finish)
        if not logged:
            own.tally.lost = 0  # the next pass asks again
        part.reporter.add(task, statuses, own.tally)

    todo = tasks(base_first(group.models), part.loaded, job.repeats)
    width = max(1, job.engine.in_flight // job.repeats)  # a sample asks for all its repeats
    await for_each(todo, width, answer)
