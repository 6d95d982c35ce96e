"""The responses that checkpoints drew for the KL measurement, read back from the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_suites.requests import Request
from eval_suites.scores import Score
from harness.evaluate.client.answers import Line, answer_of, log_line, turn
from harness.evaluate.client.cached_client import CachedClient
from harness.evaluate.client.task import Task
from harness.evaluate.suites.kl_ratios import score_response
from train.data.tokens import TokenGroup

_NO_ROOM = Score(None, "ungraded", reason="the prompt leaves no room for a response")


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """A prompt with one checkpoint's responses.

    Attributes:
        sample_id: the suite's.
        request: of the suite.
        prompt: its token ids.
        bodies: the journal entry of each repeat.
    """

    sample_id: str
    request: Request
    prompt: tuple[int, ...]
    bodies: tuple[Mapping[str, Any], ...]

    @property
    def group(self) -> TokenGroup | None:
        """The prompt and responses as training has them; None where there was no room for any.

        The rewards mean nothing here.
        """
        responses = tuple(tuple(body["token_ids"]) for body in self.bodies)
        if not all(responses):
            return None
        return TokenGroup(self.prompt, responses, (0.0,) * len(responses), self.sample_id)

    def lines(self, policy: Sequence[float], reference: Sequence[float]) -> list[Line]:
        """Return a line of a sample log for each repeat, from log-probabilities (nats)."""
        scores = [_NO_ROOM] * len(self.bodies)
        if self.group is not None:
            cut = [body["finish_reason"] == "length" for body in self.bodies]
            sizes = map(len, self.group.responses)
            rows = zip(policy, reference, sizes, cut, strict=True)
            scores = [
                score_response(log_p, log_r, size, cut=cut) for log_p, log_r, size, cut in rows
            ]
        return [
            log_line(self.sample_id, repeat, [turn([self.request], [answer_of(body)])], score)
            for repeat, (body, score) in enumerate(zip(self.bodies, scores, strict=True))
        ]


async def read_draws(client: CachedClient, task: Task) -> DrawnSample:
    """Return one checkpoint's responses to one prompt, as `read_answers` reads them."""
    (request,) = task.suite.ask(task.sample, ())
    bodies = await client.bodies(task.model, request, range(task.repeats))
    prompt = task.model.render(request).token_ids or ()
    return DrawnSample(
        task.sample.id, request, prompt, tuple(bodies[k] for k in range(task.repeats))
    )
