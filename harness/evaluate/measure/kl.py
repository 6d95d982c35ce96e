"""The KL stage: a checkpoint's own answers, scored by it and by its reference.

Both are loaded in fp32, one after the other, and compute log-probabilities in one form
(`train.model.logprobs`): an engine's own are rounded, and rounded otherwise for each batch. What
was computed stays in the cache that training's references are in, so a killed stage goes on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import RunFailed
from harness.evaluate.client.loading import load
from harness.evaluate.client.sample_log import Spool
from harness.evaluate.measure.kl_draws import Column, draw
from harness.evaluate.measure.kl_job import KlJob
from harness.evaluate.measure.kl_scorer import Scorer
from harness.evaluate.suites.kl import PREFIX
from harness.progress.events import Reporter
from harness.storage.run_folder import RunFolder
from train.data.tokens import TokenGroup
from train.model.logprobs import Form

#: Log-probabilities by the sample's place: checkpoint, suite, sample id.
Logps = dict[tuple[str, str, str], tuple[float, ...]]
Rows = list[tuple[tuple[str, str, str], TokenGroup]]


def run(job: KlJob, report: Reporter) -> None:
    """Measure every checkpoint of an evaluation on its `kl:` suites; write logs and summaries.

    Raises:
        train.TrainError: a model cannot be loaded.
        RunFailed: policy and reference cannot be scored alike.
        UserError, EngineDied: as for the evaluation, should an answer be missing in the journal.
    """
    asked = job.evaluation
    names = [name for name in asked.suites if name.startswith(f"{PREFIX}:")]
    loaded = [load(name, asked.suites[name], asked) for name in names]
    columns = asyncio.run(draw(asked, loaded, report))
    policy, forms = _by_policy(job, columns, report)
    reference = _by_reference(job, columns, forms, report)
    _write(job, columns, policy, reference)


def _rows(columns: Sequence[Column], model: str) -> Rows:
    """What there is of one checkpoint to score."""
    return [
        ((model, column.item.suite.name, one.sample_id), group)
        for column in columns
        for one in column.drawn
        if column.model == model and (group := one.group) is not None
    ]


def _by_policy(
    job: KlJob, columns: Sequence[Column], report: Reporter
) -> tuple[Logps, dict[str, Form]]:
    """What each checkpoint makes of its own responses, and in which form it was computed."""
    found: Logps = {}
    forms: dict[str, Form] = {}
    for model, folder in job.evaluation.models.items():
        if rows := _rows(columns, model):
            weights = job.evaluation.fingerprints[model]
            scorer = Scorer(Path(folder), weights, job.cache, job.batch)
            values, forms[model] = _scored(scorer, rows, "tree", f"policy {model}", report)
            found |= values
    return found, forms


def _by_reference(
    job: KlJob, columns: Sequence[Column], forms: Mapping[str, Form], report: Reporter
) -> Logps:
    """What the reference makes of all responses, in the form of each checkpoint's own."""
    found: Logps = {}
    scorer = Scorer(job.reference, job.reference_fingerprint, job.cache, job.batch)
    for form in sorted(set(forms.values())):
        rows = [row for name in forms if forms[name] == form for row in _rows(columns, name)]
        values, had = _scored(scorer, rows, form, "reference", report)
        if had != form:
            raise RunFailed(
                f"{job.reference}: cannot be scored in the form {form}, as the checkpoints are: "
                "name a reference of their architecture"
            )
        found |= values
    return found


def _scored(
    scorer: Scorer, rows: Rows, wanted: Form, phase: str, report: Reporter
) -> tuple[Logps, Form]:
    def progress(done: int, total: int) -> None:
        report({"event": "progress", "phase": phase, "done": done, "total": total})

    sums, form = scorer.scored([group for _, group in rows], wanted, progress)
    return {key: values for (key, _), values in zip(rows, sums, strict=True)}, form


def _write(job: KlJob, columns: Sequence[Column], policy: Logps, reference: Logps) -> None:
    folder = RunFolder(job.evaluation.run)
    with Spool(folder.evaluation) as spool:
        for column in columns:
            suite = column.item.suite
            for one in column.drawn:
                key = (column.model, suite.name, one.sample_id)
                for line in one.lines(policy.get(key, ()), reference.get(key, ())):
                    spool.add(column.model, suite.name, line)
            protocol = {**column.protocol, "reference": job.reference_fingerprint}
            spool.write(folder, column.model, suite, protocol)
