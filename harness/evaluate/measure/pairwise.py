"""The duel stage: checkpoints' answers to the same prompts, judged against each other.

Each prompt is a game of two checkpoints, judged in both orders; replies are journalled like any
verdict, so a killed stage asks for none twice. A checkpoint's log holds its games against the
baseline; the baseline's own value is a half by definition. All games of all pairs, and strengths
where there are more than two checkpoints, go to a file of their own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from eval_suites.judging import pairwise
from eval_suites.judging.mt_bench import load_prompts
from eval_suites.judging.pairwise import PairwiseSample
from eval_suites.requests import Answer
from eval_suites.scores import Score
from harness.errors import RecipeError
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import Loaded, load
from harness.evaluate.client.queue import for_each
from harness.evaluate.client.sample_log import Spool, log_line
from harness.evaluate.client.task import Task
from harness.evaluate.judge.budget import used
from harness.evaluate.judge.judge import Judge, open_judge
from harness.evaluate.measure.bradley_terry import with_intervals
from harness.evaluate.measure.games import Game, pairings, record
from harness.evaluate.measure.pairwise_answers import Answered, Column, answered
from harness.evaluate.measure.pairwise_job import PairwiseJob
from harness.evaluate.suites.pairwise import PREFIX, dialogue
from harness.progress.events import Reporter
from harness.recipe.schema import JudgeChoice
from harness.storage.atomic_files import write_json
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder, suite_file

_HALF = Score(0.5, reason="the baseline itself: a half by definition", metrics={"win_rate": 0.5})


@dataclass(frozen=True, slots=True)
class Played:
    """A game with the judge's word on it."""

    game: Game
    score: Score
    replies: tuple[Answer, ...]


def run(job: PairwiseJob, report: Reporter) -> None:
    """Play all games of an evaluation's `head_to_head:` suites; write logs and summaries.

    Raises:
        RecipeError: prompts that two checkpoints cannot be compared on.
        EngineUnavailable, BudgetSpent, EngineDied: as for any judge; verdicts so far are kept.
    """
    asyncio.run(_run(job, report))


async def _run(job: PairwiseJob, report: Reporter) -> None:
    asked = job.evaluation
    names = [name for name in asked.suites if name.startswith(f"{PREFIX}:")]
    loaded = [load(name, asked.suites[name], asked) for name in names]
    with Journal(asked.journal) as journal:
        columns = await answered(asked, loaded, journal, report)

        def starting(what: str) -> None:
            report(_note(f"starting {what}"))

        choice, known = _judge_of(asked), asked.judge_fingerprint
        async with open_judge(choice, known, asked.seed, journal, starting) as judge:
            for item in loaded:
                own = {one.model: one for one in columns if one.item is item}
                played = await _play(job, item, own, judge, report)
                _write(job, own, played, judge)
            report(_note(used(judge.budget)))


def _judge_of(job: EvalJob) -> JudgeChoice:
    if job.judge is None:
        raise RecipeError("head_to_head: needs a judge: name one with --judge (evaluate.judge)")
    return job.judge


async def _play(
    job: PairwiseJob, item: Loaded, columns: Mapping[str, Column], judge: Judge, report: Reporter
) -> list[Played]:
    """All games on one suite, in the order of pairs and samples."""
    pairs = pairings(list(columns), job.baseline, everyone=job.everyone)
    places = list(product(pairs, item.samples, range(job.evaluation.repeats)))
    found: dict[int, Played] = {}
    templates = load_prompts(job.evaluation.data_dir)
    least = 2 * len(places) * judge.repeats
    report(
        _note(
            f"{item.suite.name}: {len(places):,} games, each judged in both orders: at least "
            f"{least:,} requests, those in the journal cost nothing"
        )
    )

    async def one(number: int) -> None:
        (first, second), sample, repeat = places[number]
        both = [columns[name].found[sample.id, repeat] for name in (first, second)]
        asked = dialogue(item.suite, sample, both[0].answers, templates)
        task = Task(judge.model, pairwise.SUITE, PairwiseSample(sample.id, asked), 1)
        score, replies = await judge.score(task, both[0].answers + both[1].answers, ())
        found[number] = Played(_game(sample.id, repeat, first, second, score), score, replies)
        report(_progress(len(found), len(places)))

    await for_each(iter(range(len(places))), _width(job.evaluation), one)
    return [found[number] for number in range(len(places))]


def _width(job: EvalJob) -> int:
    """Games at once: each asks for at least two verdicts."""
    return max(1, _judge_of(job).in_flight // 2)


def _note(text: str) -> dict[str, Any]:
    return {"event": "note", "text": text}


def _progress(done: int, total: int) -> dict[str, Any]:
    return {"event": "progress", "phase": "judging games", "done": done, "total": total}


def _game(sample_id: str, repeat: int, first: str, second: str, score: Score) -> Game:
    metrics = score.metrics
    return Game(
        sample_id,
        repeat,
        first,
        second,
        score.value,
        metrics.get("official_win_rate"),
        metrics.get("consistency"),
        score.reason,
    )


def _write(
    job: PairwiseJob, columns: Mapping[str, Column], played: Sequence[Played], judge: Judge
) -> None:
    """A log a checkpoint, with its games against the baseline; and the file of all games."""
    folder = RunFolder(job.evaluation.run)
    against = {
        (p.game.first, p.game.sample_id, p.game.repeat): p
        for p in played
        if p.game.second == job.baseline
    }
    with Spool(folder.evaluation) as spool:
        for name, column in columns.items():
            suite = column.item.suite
            for (sample_id, repeat), own in column.found.items():
                one = against.get((name, sample_id, repeat))
                spool.add(name, suite.name, _line(sample_id, repeat, own, one))
            protocol = {**column.protocol, "against": job.baseline}
            protocol |= judge.protocol((pairwise.SUITE.name, judge.model.name))
            spool.write(folder, name, suite, protocol)
    (item,) = {column.item.suite.name for column in columns.values()}
    write_json(folder.pairwise / f"{suite_file(item)}.json", _told(job, list(columns), played))


def _line(sample_id: str, repeat: int, own: Answered, one: Played | None) -> dict[str, Any]:
    score, replies = (_HALF, ()) if one is None else (one.score, one.replies)
    return log_line(sample_id, repeat, own.turns, score, replies)


def _told(job: PairwiseJob, names: Sequence[str], played: Sequence[Played]) -> dict[str, Any]:
    """Everything about the games of one suite that tables may stand on."""
    games = [one.game for one in played]
    pairs = pairings(names, job.baseline, everyone=job.everyone)
    records = [
        {"first": first, "second": second, **asdict(record(own, first))}
        for first, second in pairs
        if (own := [g for g in games if (g.first, g.second) == (first, second)])
    ]
    rated = with_intervals(games, names, job.baseline, job.evaluation.seed)
    strengths = None if rated is None else {name: asdict(one) for name, one in rated.items()}
    return {
        "baseline": job.baseline,
        "records": records,
        "strengths": strengths,
        "games": [asdict(game) for game in games],
    }
