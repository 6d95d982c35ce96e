"""The evaluation loop: one queue for all suites and checkpoints of an engine.

Reading samples, asking, checking, scoring and writing are separate functions; no suite, tracker
or engine is named here. Every answer is in the journal before it is scored, so a killed run
repeats nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any, TypeVar

from eval_suites.sandbox import Sandbox
from eval_suites.suite import Request, Suite
from harness.errors import EngineUnavailable
from harness.evaluate.answering import Desk, Line, answer_task
from harness.evaluate.asking import Asker, Checker, Model, Tally
from harness.evaluate.columns import Group, base_first, groups
from harness.evaluate.job import EvalJob
from harness.evaluate.merging import startable
from harness.evaluate.passes import Pass, passes
from harness.evaluate.restarting import Restarting
from harness.evaluate.sample_log import Spool
from harness.evaluate.speed import recorded
from harness.evaluate.task import Task
from harness.events import Reporter
from harness.journal.entries import Journal, payload
from harness.judge.estimate import tell_judging
from harness.judge.needs import require_able
from harness.judge.referee import Referee, is_judged, referee, require_judge
from harness.progress.pace import Pair
from harness.progress.standing import Judging, Standings, Watch, telling
from harness.runs import RunFolder, canonical, digest_of_list
from harness.suites import find

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A suite with the samples of this evaluation, in the order that they are asked.

    `prompts` is a hash of all that is asked first.
    """

    suite: Suite[Any]
    samples: Sequence[Any]
    prompts: str


@dataclass(slots=True)
class Board:
    """How far an evaluation is, and who must hear of it."""

    report: Reporter
    standings: Standings | Judging
    tally: Tally = field(default_factory=Tally)

    def starting(self, what: str) -> None:
        """Tell that an engine starts, which takes a while."""
        self.note(f"starting {what}")

    def engine_starts(self, name: str) -> None:
        """The engine that answers starts: nothing is generated until it is ready."""
        self.standings.watch.stop()
        self.starting(name)

    def engine_gone(self, reason: str) -> None:
        """The engine that answers is gone, and will be started again."""
        self.note(f"the engine is gone: {reason}; what was in flight is asked again")

    def note(self, text: str) -> None:
        """Tell something that people should know."""
        self.report({"event": "note", "text": text})

    def generated(self) -> tuple[int, float]:
        """Tokens so far, and the seconds with an engine ready."""
        return self.tally.tokens, self.standings.watch.seconds

    def begin(self, task: Task) -> None:
        """Note that a sample is taken up."""
        self.standings.begin((task.suite.name, task.model.name))

    def add(self, task: Task, statuses: Sequence[str], asked: Tally) -> None:
        """Note a finished sample: its repeats' statuses, and what was asked for them."""
        self.tally.add(asked)
        self.standings.add((task.suite.name, task.model.name), statuses, asked)


def run(job: EvalJob, report: Reporter) -> Tally:
    """Evaluate every model on every suite; write sample logs and summaries.

    Raises:
        UserError: a suite, its data or the engine cannot be used; nothing was started.
        EngineDied: the engine died too often; answers so far are in the journal.
        BudgetSpent: the judge may cost no more; answers and verdicts so far are in the journal.
    """
    return asyncio.run(evaluate(job, report))


async def evaluate(job: EvalJob, report: Reporter) -> Tally:
    """As `run`, inside a running event loop."""
    loaded = [load(name, limit, job) for name, limit in job.suites.items()]
    require_judge((item.suite for item in loaded), chosen=job.judge is not None)
    require_able((item.suite for item in loaded), job.judge)
    _warn_of_greedy_repeats(loaded, job.repeats, report)
    _tell_notes(loaded, job, report)
    tell_judging(job, ((item.suite, item.samples) for item in loaded), report)
    standings = Standings(report, pairs_of(job, loaded), Watch())
    board = Board(report, standings)
    judged = sum(len(item.samples) for item in loaded if is_judged(item.suite))
    later = Board(report, Judging(report, judged * len(job.models) * job.repeats))
    with Journal(job.journal) as journal:
        async with (
            Sandbox(unsafe=job.unsafe) as box,
            referee(job, journal, board.starting) as judge,
            telling(standings),
        ):
            desk = Desk(Checker(box, journal), tier=await _tier(box, loaded, report))
            found = groups(job.models, job.fingerprints, job.engine)
            for group in found:
                refuse_unfit(loaded, group)
            for part in passes(loaded, desk, judge, (board, later)):
                for group in found:
                    generated = part.board.generated
                    with recorded(RunFolder(job.run).evaluation, group.spec, generated):
                        await _evaluate_group(job, group, part)
                standings.tell()  # the end of the answers comes before the judging
    # What the first pass found is found again by the second; what only this one asked counts.
    board.tally.add(replace(later.tally, reused=0))
    _tell_the_end(board, judge, journal.damaged)
    return board.tally


def _tell_the_end(board: Board, judge: Referee | None, damaged: int) -> None:
    verdicts = Tally() if judge is None else judge.asker.tally
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
            "judge": None if judge is None else judge.purse.record(),
            "damaged": damaged,
        }
    )


def pairs_of(job: EvalJob, loaded: Sequence[Loaded]) -> Iterator[Pair]:
    """Every suite with every checkpoint, in the order of suites, and what there is to answer."""
    for item in loaded:
        for name in job.models:
            yield Pair(item.suite.name, name, len(item.samples) * job.repeats)


def _warn_of_greedy_repeats(loaded: Sequence[Loaded], repeats: int, report: Reporter) -> None:
    greedy = [item.suite.name for item in loaded if item.suite.decoding.temperature == 0]
    if repeats > 1 and greedy:
        text = f"{', '.join(greedy)}: {repeats} answers at temperature 0 are one answer again"
        report({"event": "note", "text": f"{text}; set evaluate.decoding.temperature"})


def _tell_notes(loaded: Sequence[Loaded], job: EvalJob, report: Reporter) -> None:
    """Tell what the data folder keeps from a suite's metrics."""
    for item in loaded:
        if note := item.suite.note(job.data_dir):
            report({"event": "note", "text": f"{item.suite.name}: {note}"})


async def _tier(box: Sandbox, loaded: Sequence[Loaded], report: Reporter) -> str:
    """How programs are contained, told before anything starts; "" where none are run."""
    if not any(item.suite.programs for item in loaded):
        return ""
    tier = await box.tier()
    report({"event": "note", "text": f"programs are contained on tier {tier}"})
    return tier


async def _evaluate_group(job: EvalJob, group: Group, part: Pass) -> None:
    desk, board = part.desk, part.board
    starting, ready = partial(board.engine_starts, group.engine_name), board.standings.watch.run
    gone = board.engine_gone
    folder = RunFolder(job.run)
    with (
        startable(group, folder.evaluation, board.note) as make,
        Spool(folder.evaluation) as spool,
    ):
        async with Restarting(make, on_start=starting, on_ready=ready, on_gone=gone) as engine:
            asker = Asker(engine, group.identity, desk.checker.journal, job.seed)

            async def handle(task: Task) -> None:
                statuses: list[str] = []

                def tell(task: Task, line: Line) -> None:
                    if task.suite.name in part.kept:
                        spool.add(task.model.name, task.suite.name, line)
                    statuses.append(line["status"])

                board.begin(task)
                own = replace(asker, tally=Tally())
                await answer_task(task, own, desk, tell)
                if task.suite.name not in part.kept:
                    own.tally.lost = 0  # the next pass asks again
                board.add(task, statuses, own.tally)

            todo = tasks(base_first(group.models), part.loaded, job.repeats)
            width = max(1, group.width // job.repeats)  # a sample asks for all its repeats
            await for_each(todo, width, handle)
        kept = [item for item in part.loaded if item.suite.name in part.kept]
        for model, item in product(group.models, kept):
            protocol = {**group.protocol(model), **suite_protocol(item, job)}
            protocol |= desk.protocol(item.suite, model.name)
            spool.write(folder, model.name, item.suite, protocol)


def load(name: str, limit: int | None, job: EvalJob) -> Loaded:
    """A suite's first `limit` samples (of each stratum), and a hash of what they ask.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
    """
    suite = find(name, job.lm_eval_tasks).decoded(**job.decoding.model_dump(exclude_none=True))
    samples = suite.load(job.data_dir)
    samples = samples if limit is None else first_of_each(samples, limit, suite.stratum)
    asked = ([sample.id, [payload(r) for r in suite.ask(sample, ())]] for sample in samples)
    return Loaded(suite, longest_first(suite, samples), digest_of_list(asked, 16))


def longest_first(suite: Suite[Any], samples: Sequence[T]) -> tuple[T, ...]:
    """Samples by stratum, so that few-shot examples are found in the cache; long prompts first.

    The last ones to be answered are then short, and no long one keeps an engine waiting.
    """
    strata = {part: place for place, part in enumerate(dict.fromkeys(map(suite.stratum, samples)))}

    def place(sample: T) -> tuple[int, int]:
        return strata[suite.stratum(sample)], -sum(map(_size, suite.ask(sample, ())))

    return tuple(sorted(samples, key=place))


def _size(request: Request) -> int:
    """Characters of a prompt and of what is scored after it."""
    asked = len(request.text or "") + len(request.continuation)
    return asked + sum(len(m.content) for m in request.messages)


def first_of_each(samples: Sequence[T], limit: int, stratum: Callable[[T], str]) -> tuple[T, ...]:
    """The first `limit` samples of each stratum, in the order of all."""
    seen: Counter[str] = Counter()
    kept: list[T] = []
    for sample in samples:
        part = stratum(sample)
        seen[part] += 1
        if seen[part] <= limit:
            kept.append(sample)
    return tuple(kept)


def refuse_unfit(loaded: Sequence[Loaded], group: Group) -> None:
    """Refuse a suite that needs what the engine lacks, before anything starts."""
    for item in loaded:
        lacking = item.suite.needs - group.capabilities
        if lacking:
            raise EngineUnavailable(
                f"suite {item.suite.name} needs {', '.join(sorted(lacking))}, which engine "
                f"{group.engine_name} lacks: choose another with --engine"
            )


def tasks(
    parts: Sequence[Sequence[Model]], loaded: Sequence[Loaded], repeats: int
) -> Iterator[Task]:
    """Everything that an engine is to answer, made as it is taken.

    Suites with the longest answers come first, so that they do not end alone; one model after the
    other, so that engines which batch by adapter have full batches.
    """
    by_length = sorted(loaded, key=lambda item: -item.suite.decoding.max_tokens)
    for models in parts:
        for item, model in product(by_length, models):
            for sample in item.samples:
                yield Task(model, item.suite, sample, repeats)


async def for_each(items: Iterator[T], width: int, work: Callable[[T], Awaitable[None]]) -> None:
    """Run `work` on every item, `width` at a time; the first failure ends the rest."""

    async def worker() -> None:
        for item in items:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(worker())
    except BaseExceptionGroup as failures:
        raise first_cause(failures) from None


def first_cause(error: BaseException) -> BaseException:
    """The first leaf of an exception group: the others are its consequences."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def suite_protocol(item: Loaded, job: EvalJob) -> dict[str, str]:
    """What must agree between two columns of this suite before they are compared."""
    return {
        "suite": f"{item.suite.name} {item.suite.version}",
        "prompts": item.prompts,
        "decoding": canonical(asdict(item.suite.decoding)),
        "seed": str(job.seed),
        "repeats": str(job.repeats),
    }
