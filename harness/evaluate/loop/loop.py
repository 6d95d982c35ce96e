"""The evaluation loop: one queue for all suites and checkpoints of an engine.

Reading samples, asking, checking, scoring and writing are separate functions; no suite, tracker
or engine is named here. Every answer is in the journal before it is scored, so a killed run
repeats nothing.

A judge that somebody else serves reads answers as they come. One that needs this machine comes
second: all answers first, the engine that gave them ended and its memory free; then the judge,
with every answer read back from the journal.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from eval_suites.sandbox.runner import Sandbox
from eval_suites.scores import Score
from harness.evaluate.client.answers import Line, Spool
from harness.evaluate.client.cached_client import CachedClient, Checker, Tally
from harness.evaluate.client.engine_groups import EngineGroup, group_by_engine
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import LoadedSuite, load_suites, suite_protocol
from harness.evaluate.client.restarting import open_engine
from harness.evaluate.client.tasks import Task, for_each, tasks
from harness.evaluate.judge.estimate import report_estimate
from harness.evaluate.judge.judge import Judge, open_judge
from harness.evaluate.loop.evaluation_progress import (
    EvaluationProgress,
    JudgingProgress,
    PassProgress,
    report_regularly,
)
from harness.evaluate.loop.grading import Grader, answer_task
from harness.evaluate.loop.speed import recorded
from harness.evaluate.loop.suite_choice import require_engine, require_judge
from harness.evaluate.suites.library import SuiteLibrary
from harness.progress.events import Reporter, note_to
from harness.progress.throughput import Pair
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
    return asyncio.run(_evaluate(job, report, library))


async def _evaluate(job: EvalJob, report: Reporter, library: SuiteLibrary | None) -> Tally:
    loaded = load_suites(job, library)
    suites = [item.suite for item in loaded]
    require_judge(suites, job.judge)
    require_engine(suites, job.engine.name)
    _report_notes(job, loaded, report)
    report_estimate(job, ((item.suite, item.samples) for item in loaded), report)
    sizes = {item.suite.name: len(item.samples) * job.repeats for item in loaded}
    pairs = (Pair(name, model, size) for name, size in sizes.items() for model in job.models)
    answering = EvaluationProgress(report, pairs)
    judged = sum(sizes[suite.name] for suite in suites if suite.judging is not None)
    judging = JudgingProgress(report, judged * len(job.models))
    with Journal(job.journal) as journal:
        async with (
            Sandbox(unsafe=job.unsafe) as box,
            _open_judge(job, journal, report) as judge,
            report_regularly(answering),
        ):
            tier = ""
            if any(suite.programs for suite in suites):
                tier = await box.tier()
                answering.note(f"programs are contained on tier {tier}")
            grader = Grader(Checker(box, journal), tier=tier)
            groups = group_by_engine(job.models, job.fingerprints, job.engine)
            for part in _passes(loaded, grader, judge, answering, judging):
                for group in groups:
                    await _evaluate_group(job, group, part)
                answering.tell()  # the end of the answers comes before the judging
    # The second pass reuses the answers of the first; only what it asked for itself counts.
    answering.tally.add(replace(judging.tally, reused=0))
    answering.finish(judge, journal.damaged)
    return answering.tally


def _report_notes(job: EvalJob, loaded: Sequence[LoadedSuite], report: Reporter) -> None:
    """Report repeats without effect, and metrics that the data folder cannot give."""
    greedy = [item.suite.name for item in loaded if item.suite.sampling.decoding.temperature == 0]
    note = note_to(report)
    if job.repeats > 1 and greedy:
        note(
            f"{', '.join(greedy)}: {job.repeats} answers at temperature 0 are all the same; set "
            "evaluate.decoding.temperature"
        )
    for item in loaded:
        if text := item.suite.metrics.note(job.data_dir):
            note(f"{item.suite.name}: {text}")


def _open_judge(
    job: EvalJob, journal: Journal, report: Reporter
) -> AbstractAsyncContextManager[Judge | None]:
    if job.judge is None:
        return nullcontext()
    return open_judge(job.judge, job.judge_fingerprint, job.seed, journal, note_to(report))


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through some suites, with its grader and its progress.

    `logged` names the suites whose logs are written; the others are only answered.
    """

    loaded: Sequence[LoadedSuite]
    grader: Grader
    progress: PassProgress
    logged: frozenset[str]


def _passes(
    loaded: Sequence[LoadedSuite],
    grader: Grader,
    judge: Judge | None,
    answering: PassProgress,
    judging: PassProgress,
) -> Iterator[Pass]:
    """Yield the passes of an evaluation, each to be done before the next is taken.

    `answering` counts the answers, `judging` a judging that comes after all of them.
    """
    # A measured suite has its log from its own stage, and a second run must not lose that.
    scored = [item for item in loaded if not item.suite.metrics.measured]
    judged = [item for item in scored if item.suite.judging is not None]
    logged, later = (frozenset(i.suite.name for i in part) for part in (scored, judged))
    if judge is None or judge.remote or not judged:
        yield Pass(loaded, replace(grader, judge=judge), answering, logged)
        return
    first = [_answered_only(item) if item.suite.name in later else item for item in loaded]
    yield Pass(first, grader, answering, logged - later)
    yield Pass(judged, replace(grader, judge=judge), judging, later)


def _answered_only(item: LoadedSuite) -> LoadedSuite:
    """Return a suite without checks and judge; its score means nothing and is not kept."""
    suite = replace(item.suite, judging=None, checking=None, score=lambda *_: Score(0.0))
    return replace(item, suite=suite)


async def _evaluate_group(job: EvalJob, group: EngineGroup, part: Pass) -> None:
    folder, progress = RunFolder(job.run), part.progress
    with (
        recorded(folder.evaluation, group.spec, progress.generated),
        Spool(folder.evaluation) as spool,
    ):
        async with open_engine(
            group,
            folder.evaluation,
            progress.note,
            on_start=partial(progress.engine_starts, job.engine.name),
            on_ready=progress.stopwatch.run,
            on_gone=progress.engine_gone,
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

        part.progress.begin(task.key)
        own = replace(client, tally=Tally())
        await answer_task(task, own, part.grader, finish)
        if not logged:
            own.tally.lost = 0  # the next pass asks again
        part.progress.add(task.key, statuses, own.tally)

    todo = tasks(group.models, part.loaded, job.repeats)
    width = max(1, job.engine.in_flight // job.repeats)  # a sample asks for all its repeats
    await for_each(todo, width, answer)
