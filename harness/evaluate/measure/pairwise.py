"""The pairwise stage: checkpoints' answers to the same prompts, judged against each other.

Each prompt is a game of two checkpoints, judged in both orders; replies are journalled like any
verdict, so a killed stage asks for none twice. A checkpoint's log holds its games against the
baseline; the baseline's own value is a half by definition. All games of all pairs, and strengths
where there are more than two checkpoints, go to a file of their own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

from eval_suites.judging.mt_bench import DialogueSample, load_prompts
from eval_suites.judging.pairwise import SUITE
from eval_suites.scores import Score
from eval_suites.suite import Answers
from harness.errors import RecipeError
from harness.evaluate.client.answers import Spool, log_line
from harness.evaluate.client.cached_client import CachedClient
from harness.evaluate.client.job import PairwiseJob
from harness.evaluate.client.loading import LoadedSuite, load_suites
from harness.evaluate.client.tasks import CheckpointAnswers, Task, ask_turns, for_each, read_answers
from harness.evaluate.judge.budget import describe_usage
from harness.evaluate.judge.judge import Judge, open_judge
from harness.evaluate.measure.games import Game, pairings, record, with_intervals
from harness.evaluate.suites.measured import PAIRWISE, dialogue
from harness.progress.events import PhaseProgress, Reporter, note_to
from harness.storage.atomic_files import write_json
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder, suite_file

_HALF = Score(0.5, reason="the baseline itself: a half by definition", metrics={"win_rate": 0.5})


#: One sample's answers in each repeat (one a turn), and its turns as a sample log has them.
Repeats = tuple[tuple[Answers, list[dict[str, Any]]], ...]
#: The answers of checkpoints to one suite, by name.
ByCheckpoint = Mapping[str, CheckpointAnswers[Repeats]]
#: A game with its score and the judge's replies.
JudgedGame = tuple[Game, Score, Answers]


def run(job: PairwiseJob, report: Reporter) -> None:
    """Judge all games of an evaluation's `head_to_head:` suites; write logs and summaries.

    Raises:
        RecipeError: prompts that two checkpoints cannot be compared on, or no judge.
        EngineUnavailable, BudgetSpent, EngineDied: as for any judge; verdicts so far are kept.
    """
    asyncio.run(_run(job, report))


async def _run(job: PairwiseJob, report: Reporter) -> None:
    evaluation, choice = job.evaluation, job.evaluation.judge
    if choice is None:
        raise RecipeError("head_to_head: needs a judge: name one with --judge (evaluate.judge)")
    loaded, folder = load_suites(evaluation, prefix=f"{PAIRWISE}:"), RunFolder(evaluation.run)
    note = note_to(report)
    with Journal(evaluation.journal) as journal:
        answers = await read_answers(
            evaluation, loaded, journal, folder.pairwise, report, _read_repeats
        )
        async with open_judge(
            choice, evaluation.judge_fingerprint, evaluation.seed, journal, note
        ) as judge:
            width = max(1, choice.in_flight // 2)  # a game asks for at least two verdicts at once
            for item in loaded:
                own = {row.model: row for row in answers if row.item is item}
                games = await _judge_games(job, item, own, judge, width, report)
                _write(job, item, own, games, judge)
            note(describe_usage(judge.budget))


async def _read_repeats(client: CachedClient, task: Task) -> Repeats:
    turns: list[list[dict[str, Any]]] = [[] for _ in range(task.repeats)]
    asking = (ask_turns(client, task, repeat, own) for repeat, own in enumerate(turns))
    return tuple(zip(await asyncio.gather(*asking), turns, strict=True))


async def _judge_games(
    job: PairwiseJob,
    item: LoadedSuite,
    answers: ByCheckpoint,
    judge: Judge,
    width: int,
    report: Reporter,
) -> list[JudgedGame]:
    """Return all games on one suite, in the order of pairs and samples."""
    pairs = pairings(list(answers), job.baseline, everyone=job.everyone)
    places = list(product(pairs, enumerate(item.samples), range(job.evaluation.repeats)))
    note_to(report)(
        f"{item.suite.name}: {len(places):,} games, each judged in both orders: at least "
        f"{2 * len(places) * judge.repeats:,} requests, those in the journal cost nothing"
    )
    progress = PhaseProgress(report, "judging games", len(places))
    judged: dict[int, JudgedGame] = {}
    templates = load_prompts(job.evaluation.data_dir)

    async def judge_game(number: int) -> None:
        (first, second), (row, sample), repeat = places[number]
        ours, theirs = (answers[name].samples[row][repeat][0] for name in (first, second))
        questions = dialogue(item.suite, sample, ours, templates)
        task = Task(judge.model, SUITE, DialogueSample(sample.id, questions), 1)
        score, replies = await judge.score(task, ours + theirs, ())
        official, agree = map(score.metrics.get, ("official_win_rate", "consistency"))
        names = (sample.id, repeat, first, second)
        game = Game(*names, score.value, official, agree, score.reason)
        judged[number] = game, score, replies
        progress.step()

    await for_each(iter(range(len(places))), width, judge_game)
    return [judged[number] for number in range(len(places))]


def _write(
    job: PairwiseJob,
    item: LoadedSuite,
    answers: ByCheckpoint,
    judged: Sequence[JudgedGame],
    judge: Judge,
) -> None:
    """Write a log for each checkpoint, with its games against the baseline, and all games."""
    folder, suite = RunFolder(job.evaluation.run), item.suite
    against_baseline = {
        (game.first, game.sample_id, game.repeat): (score, replies)
        for game, score, replies in judged
        if game.second == job.baseline
    }
    with Spool(folder.evaluation) as spool:
        for name, checkpoint in answers.items():
            for sample, repeats in zip(item.samples, checkpoint.samples, strict=True):
                for repeat, (_, turns) in enumerate(repeats):
                    place = (name, sample.id, repeat)
                    score, replies = against_baseline.get(place, (_HALF, ()))
                    line = log_line(sample.id, repeat, turns, score, replies)
                    spool.add(name, suite.name, line)
            protocol = {**checkpoint.protocol, "against": job.baseline}
            protocol |= judge.protocol((SUITE.name, judge.model.name))
            spool.write(folder, name, suite, protocol)
    summary = _summary(job, list(answers), [game for game, *_ in judged])
    write_json(folder.pairwise / f"{suite_file(suite.name)}.json", summary)


def _summary(job: PairwiseJob, names: Sequence[str], games: Sequence[Game]) -> dict[str, Any]:
    """Return the records of all pairs, the strengths and the games of one suite."""
    pairs = pairings(names, job.baseline, everyone=job.everyone)
    records = [
        {"first": first, "second": second, **asdict(record(own, first))}
        for first, second in pairs
        if (own := [game for game in games if (game.first, game.second) == (first, second)])
    ]
    strengths = with_intervals(games, names, job.baseline, job.evaluation.seed)
    return {
        "baseline": job.baseline,
        "records": records,
        "strengths": strengths and {name: asdict(value) for name, value in strengths.items()},
        "games": [asdict(game) for game in games],
    }
