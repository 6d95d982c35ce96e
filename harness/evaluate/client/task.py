"""One sample of one suite for one model, and the turns that it takes."""

import asyncio
from dataclasses import dataclass
from typing import Any

from eval_suites.suite import Answers, Suite
from harness.evaluate.client.answers import turn
from harness.evaluate.client.cached_client import CachedClient, Model
from harness.progress.throughput import Key

#: The most turns that a suite may ask of a model.
MAX_TURNS = 64


@dataclass(frozen=True, slots=True)
class Task:
    """One sample of one suite for one model, with all its repeats."""

    model: Model
    suite: Suite[Any]
    sample: Any
    repeats: int

    @property
    def key(self) -> Key:
        """The names of the suite and the checkpoint that its score is part of."""
        return self.suite.name, self.model.name


async def ask_turns(
    client: CachedClient,
    task: Task,
    repeat: int,
    turns: list[dict[str, Any]],
    answers: Answers = (),
) -> Answers:
    """Ask for the further turns of a sample; return all answers.

    Args:
        client: asks.
        task: the sample.
        repeat: of the sample.
        turns: those so far, as a sample log has them; each new one is appended when it is there.
        answers: of these.

    Raises:
        RequestFailed: an answer is lost; `turns` has those before it.
    """
    while len(turns) < MAX_TURNS and (requests := task.suite.ask(task.sample, answers)):
        asking = (client.ask(task.model, request, repeat) for request in requests)
        replies = tuple(await asyncio.gather(*asking))
        turns.append(turn(requests, replies))
        answers += replies
    return answers
