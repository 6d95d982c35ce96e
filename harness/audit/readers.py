"""Which checkpoints of an evaluation read prompts alike, and how they read them in training."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.audit.job import AuditJob
from harness.engines.base import longest
from harness.evaluate.columns import spec_of, tokenizer_of
from harness.runs import digest, file_digest

_FILES = ("tokenizer", "chat_template", "special_tokens", "added_tokens", "vocab", "merges")


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


@dataclass(frozen=True, slots=True)
class _Tokenizer:
    """A tokenizer with hashes of how it reads, and of its chat template ("" without one)."""

    itself: Any
    signature: str
    template: str


def readers(job: AuditJob) -> list[Reader]:
    """Checkpoints by how they read, in the order of the evaluation; none behind an endpoint.

    Raises:
        train.TrainError: a checkpoint has no tokenizer.
    """
    if job.evaluation.engine.remote:
        return []
    load = _loader()
    alike: dict[tuple[str, str, int], Reader] = {}
    for name in job.evaluation.models:
        key, reader = _reader(job, name, load)
        alike[key] = _together(alike[key], reader) if key in alike else reader
    return list(alike.values())


def _reader(
    job: AuditJob, name: str, load: Callable[[Path], _Tokenizer]
) -> tuple[tuple[str, str, int], Reader]:
    from train.adapters import tokenizer_home

    base, folder = job.home(name)
    now = load(tokenizer_home(base, folder))
    training = job.training.get(name)
    known = training is not None and training.base.is_dir()
    home = tokenizer_home(training.base, training.adapter) if training and known else None
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


def _loader() -> Callable[[Path], _Tokenizer]:
    """Loads each tokenizer once, however many folders hold its files."""
    loaded: dict[str, _Tokenizer] = {}

    def load(home: Path) -> _Tokenizer:
        files = sorted(file for file in home.glob("*") if file.name.startswith(_FILES))
        key = digest([[file.name, file_digest(file)] for file in files if file.is_file()])
        if key not in loaded:
            loaded[key] = _described(tokenizer_of(str(home), str(home)))
        return loaded[key]

    return load


def _described(tokenizer: Any) -> _Tokenizer:
    # Files that differ may say the same: what saved them adds facts of its own.
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = sorted(tokenizer.get_vocab().items()) if backend is None else backend.to_str()
    template = getattr(tokenizer, "chat_template", None)
    signature = digest([type(tokenizer).__name__, rules, tokenizer.special_tokens_map, template])
    return _Tokenizer(tokenizer, signature, digest(template, 16) if template else "")
