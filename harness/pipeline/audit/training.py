"""Which questions of an evaluation stand in the prompts that its checkpoints are trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.sampling.job import SampleJob
from harness.data.sampling.prompts import Prompt as ToSample
from harness.data.sampling.prompts import prompts_of
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.overlap import Overlap, Prompt, Question, overlaps, questions
from harness.pipeline.audit.prompts import Asked, text_of
from train.data import hub
from train.data.group import Group
from train.data.groups import read_groups
from train.errors import DataError

#: Data that is looked at before every evaluation; more takes longer than anyone wants to wait.
_QUICK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Comparison:
    """One source of training prompts beside all suites.

    Attributes:
        names: of the checkpoints that are trained on it.
        data: the source.
        prompts: how many training prompts were read; None where they were not looked at.
        reason: why not, else "".
        postponed: they were not looked at because that takes long.
        found: suite -> sample id -> what the prompts hold of it.
    """

    names: tuple[str, ...]
    data: str
    prompts: int | None
    reason: str
    postponed: bool
    found: Mapping[str, Mapping[str, Overlap]]


def comparisons(job: AuditJob, asked: Sequence[Asked], *, quick: bool) -> list[Comparison]:
    """Each source of training prompts beside all suites.

    Args:
        job: the audit's.
        asked: its suites.
        quick: leave out what is on the hub or large.
    """
    sources: dict[tuple[str, int | None], list[str]] = {}
    for name, training in job.training.items():
        if name in job.evaluation.models:
            key = (training.config.data, training.config.rows)
            sources.setdefault(key, []).append(name)
    if not sources:
        return []
    wanted = {one.suite.name: questions_of(one) for one in asked}
    return [
        _comparison(tuple(names), data, rows, wanted, job.sampled.get(data), quick=quick)
        for (data, rows), names in sources.items()
    ]


def questions_of(asked: Asked) -> list[Question]:
    """The questions of the samples that are evaluated, each without the frame of its stratum.

    The frame is what all samples of the suite share, evaluated or not.
    """
    parts: dict[str, list[Prompt]] = {}
    for sample in asked.all:
        text = "\n".join(text_of(request) for request in asked.suite.ask(sample, ()))
        parts.setdefault(asked.suite.sampling.stratum(sample), []).append(Prompt(sample.id, text))
    chosen = {sample.id for sample in asked.samples}
    return [q for prompts in parts.values() for q in questions(prompts) if q.name in chosen]


def _comparison(
    names: tuple[str, ...],
    data: str,
    rows: int | None,
    wanted: Mapping[str, Sequence[Question]],
    sampled: SampleJob | None,
    *,
    quick: bool,
) -> Comparison:
    if long := _takes_long(data) if quick else "":
        return Comparison(names, data, None, long, postponed=True, found={})
    try:
        count, prompts = _read(data, rows, sampled)
    except DataError as error:  # a finished checkpoint can be evaluated without its data
        return Comparison(names, data, None, str(error), postponed=False, found={})
    found = {suite: overlaps(asked, prompts) for suite, asked in wanted.items()}
    return Comparison(names, data, count, "", postponed=False, found=found)


def _read(data: str, rows: int | None, sampled: SampleJob | None) -> tuple[int, list[Prompt]]:
    """How many training prompts there are, and what users say in them.

    What is still to be sampled is known by its prompts already.
    """
    if sampled is not None and not Path(data).is_file():
        asked = prompts_of(sampled.section, sampled.data_dir)
        return len(asked), list(_asked(asked, Path(sampled.section.prompts).name))
    groups, _ = read_groups(data, rows)
    return len(groups), list(_prompts(groups))


def _asked(prompts: Sequence[ToSample], source: str) -> Iterator[Prompt]:
    for prompt in prompts:
        for message in prompt.request.messages:
            if message.role == "user":
                yield Prompt(f"{source}:{prompt.id}", message.content)


def _takes_long(data: str) -> str:
    """Why looking at a source takes long; "" where it does not."""
    if hub.is_name(data):
        return "it is on the hub"
    path = Path(data)
    files = path.rglob("*") if path.is_dir() else (path,)
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"it has {size / 2**20:,.0f} MiB" if size > _QUICK_BYTES else ""


def _prompts(groups: Sequence[Group]) -> Iterator[Prompt]:
    """What users say in training prompts, a turn at a time."""
    for group in groups:
        for role, content in group.messages:
            if role == "user":
                yield Prompt(group.source, content)
