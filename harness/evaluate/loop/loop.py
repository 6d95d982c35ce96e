"""The evaluation loop: one queue for all suites and checkpoints of an engine.

Reading samples, asking, checking, scoring and writing are separate functions; no suite, tracker
or engine is named here. Every answer is in the journal before it is scored, so a killed run
repeats nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from typing import TypeVar

from eval_suites.sandbox.runner import Sandbox
from harness.evaluate.client.cached_client import CachedClient, Checker, Tally
from harness.evaluate.client.engine_groups import Group, base_first, groups
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import Loaded, load, suite_protocol
from harness.evaluate.client.merging import startable
from harness.evaluate.client.queue import for_each, tasks
from harness.evaluate.client.restarting import Restarting
from harness.evaluate.client.sample_log import Spool
from harness.evaluate.client.task import Task
from harness.evaluate.judge.capabilities import require_able, require_fit
from harness.evaluate.judge.estimate import tell_judging
from harness.evaluate.judge.judge import Judge, is_judged, open_judge, require_judge
from harness.evaluate.loop.evaluation_progress import (
    EvaluationProgress,
    JudgingProgress,
    Stopwatch,
    telling,
)
from harness.evaluate.loop.grading import Grader, Line, answer_task
from harness.evaluate.loop.passes import Pass, passes
from harness.evaluate.loop.reporting import Board
from harness.evaluate.loop.speed import recorded
from harness.evaluate.suites.library import SuiteLibrary
from harness.progress.events import Reporter
from harness.progress.throughput import Pair
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder

T = TypeVar("T")


def run(job: EvalJob, report: Reporter, library: SuiteLibrary | None = None) -> Tally:
    """Evaluate every model on every suite; write sample logs and summaries.

    Raises:
        UserError: a suite, its data or the engine cannot be used; nothing was started.
        EngineDied: the engine died too often; answers so far are in the journal.
        BudgetSpent: the judge may cost no more; answers and verdicts so far are in the journal.
    """
    return asyncio.run(evaluate(job, report, library))


async def evaluate(job: EvalJob, report: Reporter, library: SuiteLibrary | None = None) -> Tally:
    """As `run`, inside a running event loop."""
    library = library or SuiteLibrary(job.data_dir, job.lm_eval_tasks)
    loaded = [load(name, limit, job, library) for name, limit in job.suites.items()]
    require_judge((item.suite for item in loaded), chosen=job.judge is not None)
    require_able((item.suite for item in loaded), job.judge)
    _warn_of_greedy_repeats(loaded, job.repeats, report)
    _tell_notes(loaded, job, report)
    tell_judging(job, ((item.suite, item.samples) for item in loaded), report)
    standings = EvaluationProgress(report, pairs_of(job, loaded), Stopwatch())
    board = Board(report, standings)
    judged = sum(len(item.samples) for item in loaded if is_judged(item.suite))
    later = Board(report, JudgingProgress(report, judged * len(job.models) * job.repeats))
    with Journal(job.journal) as journal:
        async with (
            Sandbox(unsafe=job.unsafe) as box,
            _judge_of(job, journal, board.starting) as judge,
            telling(standings),
        ):
            grader = Grader(Checker(box, journal), tier=await _tier(box, loaded, report))
            found = groups(job.models, job.fingerprints, job.engine)
            for group in found:
                require_fit((item.suite for item in loaded), group.engine_name, group.capabilities)
            for part in passes(loaded, grader, judge, (board, later)):
                for group in found:
                    generated = part.board.generated
                    with recorded(RunFolder(job.run).evaluation, group.spec, generated):
                        await _evaluate_group(job, group, part)
                standings.tell()  # the end of the answers comes before the judging
    # What the first pass found is found again by the second; what only this one asked counts.
    board.tally.add(replace(later.tally, reused=0))
    _tell_the_end(board, judge, journal.damaged)
    return board.tally


def _judge_of(
    job: EvalJob, journal: Journal, starting: Callable[[str], None]
) -> AbstractAsyncContextManager[Judge | None]:
    if job.judge is None:
        return nullcontext()
    return open_judge(job.judge, job.judge_fingerprint, job.seed, journal, starting)


def _tell_the_end(board: Board, judge: Judge | None, damaged: int) -> None:
    verdicts = Tally() if judge is None else judge.client.tally
    board.tally.lost += verdicts.lost
    if board.tally.lost:
        board.note(
            f"{board.tally.lost:,} requests were lost, and their samples have no value: the same "
            "command asks for them again"
        )
    counts = {name: value for name, value in asdict(board.tally).items() if name != "served"}
    board.report(
        {
            "event": "evaluated",
            **counts,
            "verdicts_asked": verdicts.asked,
            "verdicts_reused": verdicts.reused,
            "judge": None if judge is None else judge.budget.record(),
            "damaged": damaged,
        }
    )


def pairs_of(job: EvalJob, loaded: Sequence[Loaded]) -> Iterator[Pair]:
    """Every suite with every checkpoint, in the order of suites, and what there is to answer."""
    for item in loaded:
        for name in job.models:
            yield Pair(item.suite.name, name, len(item.samples) * job.repeats)


def _warn_of_greedy_repeats(loaded: Sequence[Loaded], repeats: int, report: Reporter) -> None:
    greedy = [item.suite.name for item in loaded if item.suite.sampling.decoding.temperature == 0]
    if repeats > 1 and greedy:
        text = f"{', '.join(greedy)}: {repeats} answers at temperature 0 are one answer again"
        report({"event": "note", "text": f"{text}; set evaluate.decoding.temperature"})


def _tell_notes(loaded: Sequence[Loaded], job: EvalJob, report: Reporter) -> None:
    """Tell what the data folder keeps from a suite's metrics."""
    for item in loaded:
        if note := item.suite.metrics.note(job.data_dir):
            report({"event": "note", "text": f"{item.suite.name}: {note}"})


async def _tier(box: Sandbox, loaded: Sequence[Loaded], report: Reporter) -> str:
    """How programs are contained, told before anything starts; "" where none are run."""
    if not any(item.suite.programs for item in loaded):
        return ""
    tier = await box.tier()
    report({"event": "note", "text": f"programs are contained on tier {tier}"})
    return tier


async def _evaluate_group(job: EvalJob, group: Group, part: Pass) -> None:
    grader, board = part.grader, part.board
    starting, ready = partial(board.engine_starts, group.engine_name), board.standings.watch.run
    gone = board.engine_gone
    folder = RunFolder(job.run)
    with (
        startable(group, folder.evaluation, board.note) as make,
        Spool(folder.evaluation) as spool,
    ):
        async with Restarting(make, on_start=starting, on_ready=ready, on_gone=gone) as engine:
            client = CachedClient(engine, group.identity, grader.checker.journal, job.seed)

            async def handle(task: Task) -> None:
                statuses: list[str] = []

                def tell(task: Task, line: Line) -> None:
                    if task.suite.name in part.kept:
                        spool.add(task.model.name, task.suite.name, line)
                    statuses.append(line["status"])

                board.begin(task)
                own = replace(client, tally=Tally())
                await answer_task(task, own, grader, tell)
                if task.suite.name not in part.kept:
                    own.tally.lost = 0  # the next pass asks again
                board.add(task, statuses, own.tally)

            todo = tasks(base_first(group.models), part.loaded, job.repeats)
            width = max(1, group.width // job.repeats)  # a sample asks for all its repeats
            await for_each(todo, width, handle)
        kept = [item for item in part.loaded if item.suite.name in part.kept]
        for model, item in product(group.models, kept):
            protocol = {**group.protocol(model), **suite_protocol(item, job)}
            protocol |= grader.protocol(item.suite, model.name)
            spool.write(folder, model.name, item.suite, protocol)
