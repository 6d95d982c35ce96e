"""Checkpoints of an evaluation by how they read prompts, now and in their training."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.engines.options import EngineSpec, longest
from harness.evaluate.client.rendering import Tokenizer, loader
from harness.pipeline.audit.job import AuditJob


@dataclass(frozen=True, slots=True)
class Reader:
    """Checkpoints with one tokenizer, chat template and longest context.

    Attributes:
        names: of the checkpoints.
        tokenizer: theirs.
        trained: the tokenizer of their training; the same object where it is equal, or where
            nothing is known of the training.
        templates: hashes of the chat template now, and in training where that is known; else "".
        longest: tokens of a prompt with its answer.
    """

    names: tuple[str, ...]
    tokenizer: Any
    trained: Any
    templates: tuple[str, str]
    longest: int


def readers(job: AuditJob) -> list[Reader]:
    """Return the checkpoints by how they read, in the order of the evaluation.

    There are none behind an endpoint, which renders by itself.

    Raises:
        train.TrainError: a checkpoint has no tokenizer.
    """
    if job.evaluation.engine.remote:
        return []
    load = loader()
    alike: dict[tuple[str, str, int], Reader] = {}
    for name in job.evaluation.models:
        key, reader = _reader(job, name, load)
        alike[key] = _merged(alike[key], reader) if key in alike else reader
    return list(alike.values())


def _reader(
    job: AuditJob, name: str, load: Callable[[Path], Tokenizer]
) -> tuple[tuple[str, str, int], Reader]:
    from train.model.adapters import tokenizer_folder

    base, folder = job.home(name)
    now = load(tokenizer_folder(base, folder))
    training = job.training.get(name)
    if training is not None and training.base.is_dir():
        then = load(tokenizer_folder(training.base, training.adapter))
        templates = (now.template, then.template)
    else:
        then, templates = now, (now.template, "")
    context = longest(EngineSpec(job.evaluation.engine, base))
    trained = now.itself if then.signature == now.signature else then.itself
    key = (now.signature, then.signature, context)
    return key, Reader((name,), now.itself, trained, templates, context)


def _merged(reader: Reader, other: Reader) -> Reader:
    """Return two that read alike as one; the training of either is known of both."""
    now, then = reader.templates
    templates = (now, then or other.templates[1])
    return replace(reader, names=reader.names + other.names, templates=templates)
