"""Answers that checkpoints gave on their own prompts' way on, read back from the journal."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.requests import Request
from eval_suites.scores import Score
from harness.evaluate.client.answers import answer_of
from harness.evaluate.client.job import EvalJob
from harness.evaluate.client.loading import Loaded
from harness.evaluate.client.reading import Read, read
from harness.evaluate.client.sample_log import log_line, turn
from harness.evaluate.suites.kl_ratios import measured
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder
from train.data.tokens import TokenGroup

_NO_ROOM = Score(None, "ungraded", reason="the prompt leaves no room for a response")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A prompt with one checkpoint's responses.

    Attributes:
        sample_id: the suite's.
        request: what was asked.
        prompt: its token ids.
        bodies: what the journal has of each repeat.
    """

    sample_id: str
    request: Request
    prompt: tuple[int, ...]
    bodies: tuple[Mapping[str, Any], ...]

    @property
    def group(self) -> TokenGroup | None:
        """Prompt and responses as training has them; None where there was no room for any.

        The rewards mean nothing here.
        """
        responses = tuple(tuple(body["token_ids"]) for body in self.bodies)
        if not all(responses):
            return None
        return TokenGroup(self.prompt, responses, (0.0,) * len(responses), self.sample_id)

    def lines(self, policy: Sequence[float], reference: Sequence[float]) -> list[dict[str, Any]]:
        """Lines of a sample log, one a repeat, from log-probabilities (nats) of each response."""
        scores = [_NO_ROOM] * len(self.bodies)
        if self.group is not None:
            cut = [body["finish_reason"] == "length" for body in self.bodies]
            sizes = map(len, self.group.responses)
            rows = zip(policy, reference, sizes, cut, strict=True)
            scores = [measured(log_p, log_r, size, cut=cut) for log_p, log_r, size, cut in rows]
        return [
            log_line(self.sample_id, repeat, [turn([self.request], [answer_of(body)])], score)
            for repeat, (body, score) in enumerate(zip(self.bodies, scores, strict=True))
        ]


@dataclass(frozen=True, slots=True)
class Column:
    """One checkpoint on one suite."""

    model: str
    item: Loaded
    protocol: Mapping[str, str]
    drawn: tuple[Drawn, ...]


async def draw(job: EvalJob, loaded: Sequence[Loaded], report: Reporter) -> list[Column]:
    """Every checkpoint's answers: all from the journal, unless it lost some.

    Raises:
        UserError, EngineDied: as for an evaluation, should an answer be missing.
    """
    found = []
    with Journal(job.journal) as journal:
        async for one in read(job, loaded, journal, RunFolder(job.run).kl, report):
            drawn = await asyncio.gather(*(_drawn(one, s, job.repeats) for s in one.item.samples))
            found.append(Column(one.model.name, one.item, one.protocol, tuple(drawn)))
    return found


async def _drawn(one: Read, sample: Any, repeats: int) -> Drawn:
    (request,) = one.item.suite.ask(sample, ())
    bodies = await one.client.bodies(one.model, request, range(repeats))
    prompt = one.model.render(request).token_ids or ()
    return Drawn(sample.id, request, prompt, tuple(bodies[k] for k in range(repeats)))
