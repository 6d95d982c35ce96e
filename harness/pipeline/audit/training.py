"""The questions of an evaluation that occur in the prompts its checkpoints are trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.data.sampling.job import SampleJob
from harness.data.sampling.prompts import prompts_of
from harness.evaluate.suites.library import SuiteLibrary
from harness.pipeline.audit.job import AuditJob
from harness.pipeline.audit.overlap import Overlap, Question, extract_questions, find_overlaps
from harness.pipeline.audit.prompts import SuiteAudit, text_of
from train.data.groups import read_groups
from train.data.sources import is_hub_name
from train.errors import DataError

#: Data that is read before every evaluation; more takes longer than anyone wants to wait.
_QUICK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class TrainingOverlap:
    """One source of training prompts compared with the questions of all suites.

    Attributes:
        names: of the checkpoints that are trained on it.
        prompts: the number of training prompts; None where they were not compared.
        reason: why they were not compared, else "".
        postponed: True where the reason is that it takes long.
        overlaps: suite -> sample id -> what the prompts hold of it.
    """

    names: tuple[str, ...]
    data: str
    prompts: int | None = None
    reason: str = ""
    postponed: bool = False
    overlaps: Mapping[str, Mapping[str, Overlap]] = field(default_factory=dict)


def compare_training(
    job: AuditJob, suites: Sequence[SuiteAudit], library: SuiteLibrary, *, quick: bool
) -> list[TrainingOverlap]:
    """Compare each source of training prompts with the questions of all suites.

    If `quick`, sources on the hub and large ones are left out.
    """
    sources: dict[tuple[str, int | None], list[str]] = {}
    for name, training in job.training.items():
        if name in job.evaluation.models:
            key = (training.config.data, training.config.rows)
            sources.setdefault(key, []).append(name)
    questions = {suite.suite.name: _questions(suite) for suite in suites} if sources else {}
    compared: list[TrainingOverlap] = []
    for (data, rows), names in sources.items():
        source = TrainingOverlap(tuple(names), data)
        if reason := _takes_long(data) if quick else "":
            compared.append(replace(source, reason=reason, postponed=True))
            continue
        try:
            count, prompts = _read(data, rows, job.sampled.get(data), library)
        except DataError as error:  # a finished checkpoint can be evaluated without its data
            compared.append(replace(source, reason=str(error)))
            continue
        overlaps = {suite: find_overlaps(items, prompts) for suite, items in questions.items()}
        compared.append(replace(source, prompts=count, overlaps=overlaps))
    return compared


def _questions(suite: SuiteAudit) -> list[Question]:
    """Return the questions of the samples that are evaluated, without the frame of their stratum.

    The frame is what all samples of the suite share, evaluated or not.
    """
    parts: dict[str, list[tuple[str, str]]] = {}
    for sample in suite.all_samples:
        text = "\n".join(text_of(request) for request in suite.suite.ask(sample, ()))
        parts.setdefault(suite.suite.sampling.stratum(sample), []).append((sample.id, text))
    chosen = {sample.id for sample in suite.samples}
    return [q for part in parts.values() for q in extract_questions(part) if q.name in chosen]


def _read(
    data: str, rows: int | None, sampled: SampleJob | None, library: SuiteLibrary
) -> tuple[int, list[tuple[str, str]]]:
    """Return the number of training prompts, and the users' turns in them: `file:row` and text.

    The prompts of data that is still to be sampled are known already.
    """
    if sampled is not None and not Path(data).is_file():
        prompts, source = prompts_of(sampled.section, library), sampled.section.prompts
        return len(prompts), [
            (f"{Path(source).name}:{prompt.id}", message.content)
            for prompt in prompts
            for message in prompt.request.messages
            if message.role == "user"
        ]
    groups, _ = read_groups(data, rows)
    turns = ((group.source, *turn) for group in groups for turn in group.messages)
    return len(groups), [(name, text) for name, role, text in turns if role == "user"]


def _takes_long(data: str) -> str:
    """Return why reading a source takes long; "" where it does not."""
    if is_hub_name(data):
        return "it is on the hub"
    path = Path(data)
    files = path.rglob("*") if path.is_dir() else (path,)
    size = sum(file.stat().st_size for file in files if file.is_file())
    return f"it has {size / 2**20:,.0f} MiB" if size > _QUICK_BYTES else ""
