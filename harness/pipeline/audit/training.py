"""The questions of an evaluation that occur in the prompts its checkpoints are trained on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.data.sampling.job import SampleJob
from harness.data.sampling.prompts import Prompt as SamplingPrompt
from harness.data.sampling.prompts import prompts_of
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.overlap import (
    Overlap,
    Prompt,
    Question,
    extract_questions,
    find_overlaps,
)
from harness.pipeline.audit.prompts import SuiteRequests, text_of
from train.data.groups import read_groups
from train.data.row_formats import Group
from train.data.sources import is_hub_name
from train.errors import DataError

#: Data that is read before every evaluation; more takes longer than anyone wants to wait.
_QUICK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class TrainingOverlap:
    """One source of training prompts compared with the questions of all suites.

    Attributes:
        names: of the checkpoints that are trained on it.
        data: the source.
        prompts: the number of training prompts; None where they were not compared.
        reason: why they were not compared, else "".
        postponed: True where the reason is that it takes long.
        overlaps: suite -> sample id -> what the prompts hold of it.
    """

    names: tuple[str, ...]
    data: str
    prompts: int | None
    reason: str
    postponed: bool
    overlaps: Mapping[str, Mapping[str, Overlap]]


def compare_training(
    job: AuditJob, suites: Sequence[SuiteRequests], *, quick: bool
) -> list[TrainingOverlap]:
    """Compare each source of training prompts with the questions of all suites.

    If `quick`, sources on the hub and large ones are left out.
    """
    sources: dict[tuple[str, int | None], list[str]] = {}
    for name, training in job.training.items():
        if name in job.evaluation.models:
            key = (training.config.data, training.config.rows)
            sources.setdefault(key, []).append(name)
    if not sources:
        return []
    questions = {requests.suite.name: _questions(requests) for requests in suites}
    return [
        _compare(tuple(names), data, rows, questions, job.sampled.get(data), quick=quick)
        for (data, rows), names in sources.items()
    ]


def _questions(requests: SuiteRequests) -> list[Question]:
    """Return the questions of the samples that are evaluated, without the frame of their stratum.

    The frame is what all samples of the suite share, evaluated or not.
    """
    parts: dict[str, list[Prompt]] = {}
    suite = requests.suite
    for sample in requests.all_samples:
        text = "\n".join(text_of(request) for request in suite.ask(sample, ()))
        parts.setdefault(suite.sampling.stratum(sample), []).append(Prompt(sample.id, text))
    chosen = {sample.id for sample in requests.samples}
    return [q for part in parts.values() for q in extract_questions(part) if q.name in chosen]


def _compare(
    names: tuple[str, ...],
    data: str,
    rows: int | None,
    questions: Mapping[str, Sequence[Question]],
    sampled: SampleJob | None,
    *,
    quick: bool,
) -> TrainingOverlap:
    if long := _takes_long(data) if quick else "":
        return TrainingOverlap(names, data, None, long, postponed=True, overlaps={})
    try:
        count, prompts = _read(data, rows, sampled)
    except DataError as error:  # a finished checkpoint can be evaluated without its data
        return TrainingOverlap(names, data, None, str(error), postponed=False, overlaps={})
    overlaps = {suite: find_overlaps(items, prompts) for suite, items in questions.items()}
    return TrainingOverlap(names, data, count, "", postponed=False, overlaps=overlaps)


def _read(data: str, rows: int | None, sampled: SampleJob | None) -> tuple[int, list[Prompt]]:
    """Return the number of training prompts, and the users' turns in them.

    The prompts of data that is still to be sampled are known already.
    """
    if sampled is not None and not Path(data).is_file():
        prompts = prompts_of(sampled.section, sampled.data_dir)
        return len(prompts), list(_sampling_turns(prompts, Path(sampled.section.prompts).name))
    groups, _ = read_groups(data, rows)
    return len(groups), list(_training_turns(groups))


def _sampling_turns(prompts: Sequence[SamplingPrompt], source: str) -> Iterator[Prompt]:
    for prompt in prompts:
        for message in prompt.request.messages:
            if message.role == "user":
                yield Prompt(f"{source}:{prompt.id}", message.content)


def _training_turns(groups: Sequence[Group]) -> Iterator[Prompt]:
    for group in groups:
        for role, content in group.messages:
            if role == "user":
                yield Prompt(group.source, content)


def _takes_long(data: str) -> str:
    """Return why reading a source takes long; "" where it does not."""
    if is_hub_name(data):
        return "it is on the hub"
    path = Path(data)
    files = path.rglob("*") if path.is_dir() else (path,)
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"it has {size / 2**20:,.0f} MiB" if size > _QUICK_BYTES else ""
