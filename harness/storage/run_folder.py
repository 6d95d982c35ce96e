"""The run folder: the places of everything of a run, and the keys of finished stages.

runs/<recipe>-<key>/
    recipe.resolved.yaml  result.json  table.{md,tex,csv}  likelihood.{md,tex,csv}  figures/
    sample/<sample>/{resolved.json, rows.jsonl, provenance.yaml, done.json, stage.log}
    train/<checkpoint>/{resolved.json, steps.jsonl, speed.jsonl, checkpoint/, done.json, stage.log}
    audit/{resolved.json, done.json}
    kl/{the same}
    head_to_head/{the same, <suite>.json}
    eval/{resolved.json, speed.jsonl, done.json, stage.log}
    eval/<checkpoint>/<suite>.jsonl and <suite>.json

Each stage's folder also has `made.json`: what it was made by (harness/storage/provenance.py); while
it works, `progress.json`: how far it is (harness/progress/progress_file.py).

Beside the run folders lie `journal.sqlite` and `cache/` (reference log-probabilities), which all
runs share.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.storage.atomic_files import TEMPORARY, read_json

_RESOLVED = "resolved.json"
#: In a stage's folder: what it was made by.
MADE = "made.json"


def pending_job(folder: Path) -> Path:
    """Return a name of its own for a stage's job, until the stage holds its folder's lock."""
    return folder / f".{_RESOLVED}.{uuid.uuid4().hex}{TEMPORARY}"


def read_job(resolved: Path, *, first: bool) -> Any:
    """Return the job of a stage, or None where there is nothing to read.

    Args:
        resolved: a JSON file; one with a `pending_job` name is renamed to `resolved.json`.
        first: True if this process holds the folder's lock, so that it may rename.
    """
    if not resolved.name.startswith(f".{_RESOLVED}."):
        return read_json(resolved)
    lasting = resolved.with_name(_RESOLVED)
    if first:
        resolved.replace(lasting)
    job = read_json(resolved)
    return read_json(lasting) if job is None else job  # the first process was quicker


def clear_temporary(folder: Path) -> None:
    """Remove what killed writers left below a stage's folder; only for who holds its lock."""
    for left in folder.rglob(f".*{TEMPORARY}"):
        # This one is written before the lock is asked for: another command may be at it.
        if f".{_RESOLVED}." not in left.name:
            left.unlink(missing_ok=True)


def suite_file(name: str) -> str:
    """Return a suite's file stem: variants hold a colon, which file systems and URLs dislike."""
    return name.replace(":", "-")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of one run."""

    path: Path

    @property
    def result(self) -> Path:
        """The result file."""
        return self.path / "result.json"

    @property
    def report(self) -> Path:
        """The first page of its report."""
        return self.path / "report" / "index.html"

    @property
    def resolved(self) -> Path:
        """The recipe as it was understood."""
        return self.path / "recipe.resolved.yaml"

    def train(self, checkpoint: str) -> Path:
        """Folder of a training stage."""
        return self.path / "train" / checkpoint

    def checkpoint(self, checkpoint: str) -> Path:
        """Folder of a trained checkpoint: weights or adapter, tokenizer, chat template."""
        return self.train(checkpoint) / "checkpoint"

    def sample(self, name: str) -> Path:
        """Folder of a sampling stage."""
        return self.path / "sample" / name

    @property
    def evaluation(self) -> Path:
        """Folder of the evaluation stage."""
        return self.path / "eval"

    @property
    def kl(self) -> Path:
        """Folder of the KL stage."""
        return self.path / "kl"

    @property
    def pairwise(self) -> Path:
        """Folder of the stage that settles `head_to_head:`."""
        return self.path / "head_to_head"

    @property
    def audit(self) -> Path:
        """Folder of the audit before training."""
        return self.path / "audit"

    @property
    def tracking(self) -> Path:
        """Folder of the tracking stage."""
        return self.path / "tracking"

    def sample_log(self, checkpoint: str, suite: str) -> Path:
        """Return the sample log of one checkpoint on one suite."""
        return self.evaluation / checkpoint / f"{suite_file(suite)}.jsonl"

    def summary(self, checkpoint: str, suite: str) -> Path:
        """Return the file of metrics, statuses and protocol beside the sample log."""
        return self.evaluation / checkpoint / f"{suite_file(suite)}.json"


def is_done(folder: Path, key: str) -> bool:
    """Return True if the stage in this folder was finished with these very inputs."""
    done = read_json(folder / "done.json")
    return isinstance(done, Mapping) and done.get("key") == key
