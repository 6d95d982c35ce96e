"""The KL stage: a checkpoint's own answers, scored by it and by its reference.

Both are loaded in fp32, one after the other, and compute log-probabilities in one form
(`train.model.logprobs`): an engine's own are rounded, and rounded otherwise for each batch. Results
stay in the cache that training's references are in, so a killed stage goes on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval_suites.requests import Request
from eval_suites.scores import Score
from harness.errors import RunFailed
from harness.evaluate.client.answers import Line, Spool, answer_of, log_line, turn
from harness.evaluate.client.cached_client import CachedClient
from harness.evaluate.client.engine_groups import base_of
from harness.evaluate.client.job import EvalJob, KlJob
from harness.evaluate.client.loading import load_suites
from harness.evaluate.client.tasks import CheckpointAnswers, Task, read_answers
from harness.evaluate.suites.measured import KL, score_response
from harness.progress.events import Reporter
from harness.storage.journal.entries import Journal
from harness.storage.run_folder import RunFolder
from train.data.tokens import TokenGroup
from train.model.logprobs import Form, attention_kernel, choose_form
from train.trainer.reference import ReferenceSource, reference_logps

_DTYPE = "float32"
_NO_ROOM = Score(None, "ungraded", reason="the prompt leaves no room for a response")
#: Checkpoint, suite and sample id.
Place = tuple[str, str, str]
Logps = dict[Place, tuple[float, ...]]
Rows = list[tuple[Place, TokenGroup]]


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """A prompt with one checkpoint's responses: `bodies` has the journal entry of each repeat."""

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
            scores = [
                score_response(p, r, len(body["token_ids"]), cut=body["finish_reason"] == "length")
                for p, r, body in zip(policy, reference, self.bodies, strict=True)
            ]
        return [
            log_line(self.sample_id, repeat, [turn([self.request], [answer_of(body)])], score)
            for repeat, (body, score) in enumerate(zip(self.bodies, scores, strict=True))
        ]


def run(job: KlJob, report: Reporter) -> None:
    """Measure every checkpoint of an evaluation on its `kl:` suites; write logs and summaries.

    Raises:
        train.TrainError: a model cannot be loaded.
        RunFailed: policy and reference cannot be scored alike.
        UserError, EngineDied: as for the evaluation, should an answer be missing in the journal.
    """
    draws = asyncio.run(draws_of(job.evaluation, report))
    rows: dict[str, Rows] = {model: [] for model in job.evaluation.models}
    for checkpoint in draws:
        for sample in checkpoint.samples:
            if (group := sample.group) is not None:
                place = (checkpoint.model, checkpoint.item.suite.name, sample.sample_id)
                rows[checkpoint.model].append((place, group))
    policy, forms = _by_policy(job, rows, report)
    reference = _by_reference(job, rows, forms, report)
    _write(job, draws, policy, reference)


async def draws_of(job: EvalJob, report: Reporter) -> list[CheckpointAnswers[DrawnSample]]:
    """Return the responses that checkpoints drew on the suites of `kl:`."""
    loaded, folder = load_suites(job, prefix=f"{KL}:"), RunFolder(job.run).kl
    with Journal(job.journal) as journal:
        return await read_answers(job, loaded, journal, folder, report, _read_draws)


async def _read_draws(client: CachedClient, task: Task) -> DrawnSample:
    (request,) = task.suite.ask(task.sample, ())
    bodies = await client.bodies(task.model, request, range(task.repeats))
    prompt = task.model.render(request).token_ids or ()
    drawn = tuple(bodies[repeat] for repeat in range(task.repeats))
    return DrawnSample(task.sample.id, request, prompt, drawn)


def _by_policy(
    job: KlJob, rows: Mapping[str, Rows], report: Reporter
) -> tuple[Logps, dict[str, Form]]:
    """Score each checkpoint's responses by itself; return the form of each computation, too."""
    logps: Logps = {}
    forms: dict[str, Form] = {}
    for model, folder in job.evaluation.models.items():
        if own := rows[model]:
            fingerprint = job.evaluation.fingerprints[model]
            values, forms[model] = _score(
                job, Path(folder), fingerprint, own, "tree", f"policy {model}", report
            )
            logps |= values
    return logps, forms


def _by_reference(
    job: KlJob, rows: Mapping[str, Rows], forms: Mapping[str, Form], report: Reporter
) -> Logps:
    """Score all responses by the reference, in the form of each checkpoint's own scores."""
    logps: Logps = {}
    folder, fingerprint = job.reference, job.reference_fingerprint
    for form in sorted(set(forms.values())):
        alike = [row for name in forms if forms[name] == form for row in rows[name]]
        values, actual = _score(job, folder, fingerprint, alike, form, "reference", report)
        if actual != form:
            raise RunFailed(
                f"{job.reference}: cannot be scored in the form {form}, as the checkpoints are: "
                "name a reference of their architecture"
            )
        logps |= values
    return logps


def _score(
    job: KlJob, folder: Path, fingerprint: str, rows: Rows, form: Form, phase: str, report: Reporter
) -> tuple[Logps, Form]:
    """Return summed log-probabilities (nats), in a plainer form where the model allows no other."""

    def progress(done: int, total: int) -> None:
        report({"event": "progress", "phase": phase, "done": done, "total": total})

    model, groups = _load(folder), [group for _, group in rows]
    form = choose_form(model, groups, form)
    source = ReferenceSource(fingerprint, _DTYPE, attention_kernel(model), form)
    sums, _ = reference_logps(model, groups, source, job.cache, job.batch, progress)
    return {place: values for (place, _), values in zip(rows, sums, strict=True)}, form


def _load(folder: Path) -> Any:
    from train.model.adapters import load_adapter
    from train.model.loading import load_base

    base = Path(base_of(str(folder)))
    model = load_base(base, _DTYPE)
    if base == folder:
        return model
    return load_adapter(model, base, folder, trainable=False).eval()


def _write(
    job: KlJob, draws: Sequence[CheckpointAnswers[DrawnSample]], policy: Logps, reference: Logps
) -> None:
    folder = RunFolder(job.evaluation.run)
    with Spool(folder.evaluation) as spool:
        for checkpoint in draws:
            model, suite = checkpoint.model, checkpoint.item.suite
            for sample in checkpoint.samples:
                place = (model, suite.name, sample.sample_id)
                for line in sample.lines(policy.get(place, ()), reference.get(place, ())):
                    spool.add(model, suite.name, line)
            protocol = {**checkpoint.protocol, "reference": job.reference_fingerprint}
            spool.write(folder, model, suite, protocol)
