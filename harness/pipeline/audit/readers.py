"""Which checkpoints of an evaluation read prompts alike, and how they read them in training."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.engines.options import longest
from harness.evaluate.client.engine_groups import spec_of
from harness.evaluate.client.rendering import Tokenizer, loader
from harness.pipeline.audit.job import AuditJob


@dataclass(frozen=True, slots=True)
class Reader:
    """Checkpoints that read prompts alike: by one tokenizer, template and longest context.

    Attributes:
        names: of the checkpoints.
        tokenizer: theirs.
        trained: the one that they were or will be trained with; the same object where that is the
            same, or where nothing is known of their training.
        templates: hashes of the chat template now, and in training where that is known; else "".
        longest: tokens of a prompt with its answer.
    """

    names: tuple[str, ...]
    tokenizer: Any
    trained: Any
    templates: tuple[str, str]
    longest: int


def readers(job: AuditJob) -> list[Reader]:
    """Checkpoints by how they read, in the order of the evaluation; none behind an endpoint.

    Raises:
        train.TrainError: a checkpoint has no tokenizer.
    """
    if job.evaluation.engine.remote:
        return []
    load = loader()
    alike: dict[tuple[str, str, int], Reader] = {}
    for name in job.evaluation.models:
        key, reader = _reader(job, name, load)
        alike[key] = _together(alike[key], reader) if key in alike else reader
    return list(alike.values())


def _reader(
    job: AuditJob, name: str, load: Callable[[Path], Tokenizer]
) -> tuple[tuple[str, str, int], Reader]:
    from train.model.adapters import tokenizer_folder

    base, folder = job.home(name)
    now = load(tokenizer_folder(base, folder))
    training = job.training.get(name)
    known = training is not None and training.base.is_dir()
    home = tokenizer_folder(training.base, training.adapter) if training and known else None
    then = now if home is None else load(home)
    most = longest(replace(spec_of(job.evaluation.engine), base=base))
    trained = now.itself if then.signature == now.signature else then.itself
    templates = (now.template, then.template if known else "")
    return (
        (now.signature, then.signature, most),
        Reader((name,), now.itself, trained, templates, most),
    )


def _together(one: Reader, other: Reader) -> Reader:
    """Two that read alike; what is known of the training of either is known."""
    now, then = one.templates
    return replace(one, names=one.names + other.names, templates=(now, then or other.templates[1]))
