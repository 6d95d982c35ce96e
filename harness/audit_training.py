"""Which questions of an evaluation stand in the prompts that its checkpoints are trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.audit import Asked, text_of
from harness.audit_job import AuditJob
from harness.overlap import Overlap, Prompt, Question, overlaps, questions
from train import hub
from train.data import read_groups
from train.group import Group

#: Data that is looked at before every evaluation; more takes longer than anyone wants to wait.
_QUICK_BYTES = 64 * 2**20
GONE = "no longer there"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One source of training prompts beside all suites.

    Attributes:
        names: of the checkpoints that are trained on it.
        data: the source.
        prompts: how many training prompts were read; None where they were not looked at.
        reason: why not, else "".
        found: suite -> sample id -> what the prompts hold of it.
    """

    names: tuple[str, ...]
    data: str
    prompts: int | None
    reason: str
    found: Mapping[str, Mapping[str, Overlap]]


def comparisons(job: AuditJob, asked: Sequence[Asked], *, quick: bool) -> list[Comparison]:
    """Each source of training prompts beside all suites.

    Args:
        job: the audit's.
        asked: its suites.
        quick: leave out what is on the hub or large.

    Raises:
        train.DataError: a source cannot be read.
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
        _comparison(tuple(names), data, rows, wanted, _left_out(data, quick=quick))
        for (data, rows), names in sources.items()
    ]


def questions_of(asked: Asked) -> list[Question]:
    """The questions of the samples that are evaluated, each without the frame of its stratum.

    The frame is what all samples of the suite share, evaluated or not.
    """
    parts: dict[str, list[Prompt]] = {}
    for sample in asked.all:
        text = "\n".join(text_of(request) for request in asked.suite.ask(sample, ()))
        parts.setdefault(asked.suite.stratum(sample), []).append(Prompt(sample.id, text))
    chosen = {sample.id for sample in asked.samples}
    return [q for prompts in parts.values() for q in questions(prompts) if q.name in chosen]


def _left_out(data: str, *, quick: bool) -> str:
    """Why a source is not looked at; "" where it is."""
    if hub.is_name(data):
        return "on the hub" if quick else ""
    path = Path(data)
    if not path.exists():
        return GONE
    files = path.rglob("*") if path.is_dir() else (path,)
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"{size / 2**20:,.0f} MiB" if quick and size > _QUICK_BYTES else ""


def _comparison(
    names: tuple[str, ...],
    data: str,
    rows: int | None,
    wanted: Mapping[str, Sequence[Question]],
    reason: str,
) -> Comparison:
    if reason:
        return Comparison(names, data, None, reason, {})
    groups, _ = read_groups(data, rows)
    prompts = list(_prompts(groups))
    found = {suite: overlaps(asked, prompts) for suite, asked in wanted.items()}
    return Comparison(names, data, len(groups), "", found)


def _prompts(groups: Sequence[Group]) -> Iterator[Prompt]:
    """What users say in training prompts, a turn at a time."""
    for group in groups:
        for role, content in group.messages:
            if role == "user":
                yield Prompt(group.source, content)
