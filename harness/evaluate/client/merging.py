"""Adapters that an engine cannot serve: merged into a checkpoint for as long as it is asked."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.engines.base import Engine
from harness.engines.registry import make
from harness.evaluate.client.engine_groups import EngineGroup

_PREFIX = ".merged-"


@contextmanager
def engine_factory(
    group: EngineGroup, folder: Path, note: Callable[[str], None]
) -> Iterator[Callable[[], Engine]]:
    """Return a function that makes the group's engine; its first call merges an adapter if need be.

    Args:
        group: models of one engine.
        folder: of the evaluation stage, held by this process alone; a merged checkpoint lies in
            it until the block ends (or, after a kill, until the next run).
        note: receives a line where an adapter is merged, and why.
    """
    merging = group.merging
    if merging is None:
        yield group.make
        return
    _sweep(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_PREFIX) as scratch:
        yield lambda: _merged(group, *merging, Path(scratch) / "checkpoint", note)


def _merged(
    group: EngineGroup, name: str, adapter: Path, why: str, out: Path, note: Callable[[str], None]
) -> Engine:
    from train.model.loading import merge

    base = group.spec.base
    if base is not None and not out.exists():
        note(f"engine {group.spec.settings.name} cannot serve adapter {name} ({why}): merging it")
        merge(adapter, base, out)
    return make(replace(group.spec, base=out))


def _sweep(folder: Path) -> None:
    """Remove the merged checkpoints that a killed run left."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_PREFIX}*"):
        shutil.rmtree(left)
