"""The evaluation loop: one queue for all suites and checkpoints of an engine.

Reading samples, asking, checking, scoring and writing are separate functions; no suite, tracker
or engine is named here. Every answer is in the journal before it is scored, so a killed run
repeats nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import eval_suites
from eval_suites.sandbox import VERSION, Sandbox
from eval_suites.scoring import metrics_of, settle
from eval_suites.suite import Answer, Request, Score, Suite, no_checks
from harness.asking import Asker, Checker, Model, Restarting, Tally
from harness.columns import Group, groups, phases
from harness.engines import RequestFailed
from harness.errors import EngineUnavailable
from harness.evaluate_job import EvalJob
from harness.events import Reporter
from harness.journal import Journal, payload
from harness.judging import Referee, is_judged, referee, require_judge
from harness.pace import Pair
from harness.runs import RunFolder, canonical, digest, replacing, write_json
from harness.standing import Standings, Watch, telling

_MAX_TURNS = 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A suite with the samples of this evaluation."""

    suite: Suite[Any]
    samples: Sequence[Any]
    prompts: str


@dataclass(frozen=True, slots=True)
class Task:
    """One repeat of one sample for one model."""

    model: Model
    loaded: Loaded
    sample: Any
    repeat: int


@dataclass(slots=True)
class Board:
    """Lines of the sample logs that are not complete yet, and who must hear of progress."""

    report: Reporter
    standings: Standings
    tally: Tally = field(default_factory=Tally)
    lines: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def starting(self, what: str) -> None:
        """Tell that an engine starts, which takes a while."""
        self.report({"event": "note", "text": f"starting {what}"})

    def engine_starts(self, name: str) -> None:
        """The engine that answers starts: nothing is generated until it is ready."""
        self.standings.watch.stop()
        self.starting(name)

    def begin(self, task: Task) -> None:
        """Note that a sample is taken up."""
        self.standings.begin((task.loaded.suite.name, task.model.name))

    def add(self, task: Task, line: dict[str, Any], asked: Tally) -> None:
        """Note a finished sample, and what was asked for it."""
        name = task.loaded.suite.name
        self.lines.setdefault((task.model.name, name), []).append(line)
        self.tally.add(asked)
        self.standings.add((name, task.model.name), line["status"], asked)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who looks at answers: the sandbox, and the judge where a job has one."""

    checker: Checker
    judge: Referee | None = None
    tier: str = ""

    async def verdicts(self, task: Task, answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
        """What the judge says of a sample's answers; nothing where nobody judges."""
        if self.judge is None:
            return ()
        return await self.judge.verdicts(task.loaded.suite, task.sample, answers, task.repeat)

    def protocol(self, suite: Suite[Any]) -> dict[str, str]:
        """Their part of what must agree between two columns of a suite."""
        found = {"sandbox": VERSION} if suite.checks is not no_checks else {}
        if suite.programs:
            found["tier"] = self.tier
        if self.judge is not None and is_judged(suite):
            found["judge"] = self.judge.title
        return found


def run(job: EvalJob, report: Reporter) -> Tally:
    """Evaluate every model on every suite; write sample logs and summaries.

    Raises:
        UserError: a suite, its data or the engine cannot be used; nothing was started.
        EngineDied: the engine died too often; answers so far are in the journal.
    """
    return asyncio.run(evaluate(job, report))


async def evaluate(job: EvalJob, report: Reporter) -> Tally:
    """As `run`, inside a running event loop."""
    loaded = [load(name, limit, job) for name, limit in job.suites.items()]
    require_judge((item.suite for item in loaded), chosen=job.judge is not None)
    _warn_of_greedy_repeats(loaded, job.repeats, report)
    judged = Tally()
    board = Board(report, Standings(report, pairs_of(job, loaded), Watch()))
    with Journal(job.journal) as journal:
        async with (
            Sandbox(unsafe=job.unsafe) as box,
            referee(job, journal, judged, board.starting) as judge,
            telling(board.standings),
        ):
            desk = Desk(Checker(box, journal), judge, await _tier(box, loaded, report))
            for group in groups(job.models, job.fingerprints, job.engine):
                refuse_unfit(loaded, group)
                await _evaluate_group(job, group, loaded, desk, board)
    counts = {
        **asdict(board.tally),
        "verdicts_asked": judged.asked,
        "verdicts_reused": judged.reused,
    }
    report({"event": "evaluated", **counts, "damaged": journal.damaged})
    return board.tally


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


async def _tier(box: Sandbox, loaded: Sequence[Loaded], report: Reporter) -> str:
    """How programs are contained, told before anything starts; "" where none are run."""
    if not any(item.suite.programs for item in loaded):
        return ""
    tier = await box.tier()
    report({"event": "note", "text": f"programs are contained on tier {tier}"})
    return tier


async def _evaluate_group(
    job: EvalJob, group: Group, loaded: Sequence[Loaded], desk: Desk, board: Board
) -> None:
    starting, ready = partial(board.engine_starts, group.engine_name), board.standings.watch.run
    async with Restarting(group.make, on_start=starting, on_ready=ready) as engine:
        asker = Asker(engine, group.identity, desk.checker.journal, job.seed)

        async def handle(task: Task) -> None:
            board.begin(task)
            own = replace(asker, tally=Tally())
            board.add(task, await answer_sample(task, own, desk), own.tally)

        for models in phases(group):
            await for_each(tasks(models, loaded, job.repeats), group.width, handle)
        for model in group.models:
            for item in loaded:
                lines = board.lines.pop((model.name, item.suite.name), [])
                protocol = {**group.protocol(model), **suite_protocol(item, job)}
                protocol |= desk.protocol(item.suite)
                write_logs(RunFolder(job.run), model, item, lines, protocol)


def load(name: str, limit: int | None, job: EvalJob) -> Loaded:
    """A suite's first `limit` samples (of each stratum) and the hash of what they ask.

    Raises:
        eval_suites.UnknownSuiteError, eval_suites.DataError: no such suite, or no data for it.
    """
    suite = eval_suites.find(name).decoded(**job.decoding.model_dump(exclude_none=True))
    samples = suite.load(job.data_dir)
    samples = samples if limit is None else first_of_each(samples, limit, suite.stratum)
    asked = [[sample.id, [payload(r) for r in suite.ask(sample, ())]] for sample in samples]
    return Loaded(suite, samples, digest(asked, 16))


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


def tasks(models: Sequence[Model], loaded: Sequence[Loaded], repeats: int) -> Iterator[Task]:
    """Everything to be answered in one phase, made as it is taken.

    One model after the other, so that engines which batch by adapter have full batches.
    """
    for item in loaded:
        for model in models:
            for sample in item.samples:
                for repeat in range(repeats):
                    yield Task(model, item, sample, repeat)


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


async def answer_sample(task: Task, asker: Asker, desk: Desk) -> dict[str, Any]:
    """All turns, verdicts and checks of one sample, scored: a line of the sample log."""
    suite, sample = task.loaded.suite, task.sample
    answers: tuple[Answer, ...] = ()
    turns: list[dict[str, Any]] = []
    try:
        while len(turns) < _MAX_TURNS and (requests := suite.ask(sample, answers)):
            new = await _ask_all(asker, task, requests)
            turns.append({"requests": [_shown(r) for r in requests], "answers": _plain(new)})
            answers += new
    except RequestFailed as lost:  # this request alone: counted, never scored
        return log_line(task, turns, Score(None, "infra", reason=str(lost)))
    outcomes = tuple([await desk.checker.run(check) for check in suite.checks(sample, answers)])
    try:
        verdicts = await desk.verdicts(task, answers)
    except RequestFailed as lost:
        return log_line(task, turns, Score(None, "judge_missing", reason=str(lost)))
    score = settle(suite, sample, answers, verdicts, outcomes)
    return log_line(task, turns, score, verdicts)


async def _ask_all(asker: Asker, task: Task, requests: tuple[Request, ...]) -> tuple[Answer, ...]:
    asked = (asker.ask(task.model, request, task.repeat) for request in requests)
    return tuple(await asyncio.gather(*asked))


def log_line(
    task: Task, turns: Sequence[Mapping[str, Any]], score: Score, verdicts: Sequence[Answer] = ()
) -> dict[str, Any]:
    """One line of the sample log (docs/formats.md)."""
    first = turns[0]["requests"] if turns else []
    return {
        "sample_id": task.sample.id,
        "repeat": task.repeat,
        "prompt_hash": digest(first, 16),
        "turns": list(turns),
        "extracted": score.extracted,
        "value": score.value,
        "metrics": dict(score.metrics),
        "status": score.status,
        "reason": score.reason,
        "verdicts": _plain(verdicts),
    }


def suite_protocol(item: Loaded, job: EvalJob) -> dict[str, str]:
    """What must agree between two columns of this suite before they are compared."""
    return {
        "suite": f"{item.suite.name} {item.suite.version}",
        "prompts": item.prompts,
        "decoding": canonical(asdict(item.suite.decoding)),
        "seed": str(job.seed),
        "repeats": str(job.repeats),
    }


def write_logs(
    folder: RunFolder,
    model: Model,
    item: Loaded,
    lines: list[dict[str, Any]],
    protocol: Mapping[str, str],
) -> None:
    """The sample log, sorted, and its summary beside it."""
    suite = item.suite
    lines = sorted(lines, key=lambda line: (line["sample_id"], line["repeat"]))
    with replacing(folder.sample_log(model.name, suite.name)) as file:
        file.writelines(canonical(line) + "\n" for line in lines)
    scores = [_score(line) for line in lines]
    names = (line["sample_id"] for line in lines)
    summary = {
        "suite": suite.name,
        "headline": suite.headline,
        "metrics": metrics_of(suite, zip(names, scores, strict=True)),
        "statuses": dict(sorted(Counter(score.status for score in scores).items())),
        "protocol": dict(sorted(protocol.items())),
        "tokens": sum(a["tokens"] for n in lines for t in n["turns"] for a in t["answers"]),
    }
    write_json(folder.summary(model.name, suite.name), summary)


def _score(line: Mapping[str, Any]) -> Score:
    return Score(line["value"], line["status"], line["extracted"], line["reason"], line["metrics"])


def _shown(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if request.messages:
        shown["messages"] = [asdict(message) for message in request.messages]
    if request.text is not None:
        shown["text"] = request.text
    if request.prefix:
        shown["prefix"] = request.prefix
    return shown


def _plain(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [asdict(answer) for answer in answers]
