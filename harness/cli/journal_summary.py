"""The output of `nca journal`; `harness.storage.journal.care` does the work."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.errors import RunFailed
from harness.storage.journal.care import Choice, Part, Pruned, merge, prune, survey
from harness.storage.journal.check import Health, check
from harness.storage.journal.file import FILE


def show(runs: Path, *, as_json: bool) -> None:
    """Print the size, the entries by kind and origin, and how often they were used again."""
    contents = survey(runs / FILE)
    if as_json:
        _json({**asdict(contents), "path": str(contents.path)})
        return
    unused = f", {_size(contents.free)} of it unused (`nca journal prune`)" if contents.free else ""
    print(f"journal: {contents.path}, {_size(contents.bytes)}{unused}")
    print("\n".join(_part_lines(contents.parts)))
    print(f"set aside as damaged: {contents.quarantined}")


def verify(runs: Path, *, repair: bool, as_json: bool) -> None:
    """Verify every checksum and every page, and print the outcome.

    Raises:
        RunFailed: damage was found and not mended.
    """
    path = runs / FILE
    health = check(path, repair=repair)
    if as_json:
        _json({**asdict(health), "path": str(path), "sound": health.sound})
    else:
        print("\n".join(_health_lines(path, health)))
    if not health.sound:
        raise RunFailed(
            f"{path}: damaged; `nca journal verify --repair` sets aside what is, and it is asked "
            "again when it is needed"
        )


def remove(runs: Path, choice: Choice, *, dry_run: bool, as_json: bool) -> None:
    """Remove entries, and print what went or would go."""
    path = runs / FILE
    done = prune(path, choice, dry_run=dry_run)
    if as_json:
        _json({**asdict(done), "path": str(path), "dry_run": dry_run})
    else:
        print("\n".join(_pruned_lines(path, choice, done, dry_run=dry_run)))


def absorb(runs: Path, others: Sequence[Path], *, as_json: bool) -> None:
    """Merge journals, and print a line for each."""
    for merged in merge(runs / FILE, others):
        if as_json:
            _json({**asdict(merged), "source": str(merged.source)})
            continue
        lost = f", {merged.damaged} damaged ones left out" if merged.damaged else ""
        torn = ", entries on damaged pages lost" if merged.unreadable else ""
        print(f"{merged.source}: {merged.new:,} new, {merged.present:,} known already{lost}{torn}")


def _json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False))


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


def _part_lines(parts: Iterable[Part]) -> Iterator[str]:
    """Yield a line for each kind and origin, the columns as wide as they need to be."""
    headings = ("kind", "entries", "size", "found again", "times", "given by")
    rows = [headings, *(_cells(part) for part in parts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        numbers = (cell.rjust(width) for cell, width in zip(row[1:5], widths[1:5], strict=True))
        yield "  ".join((row[0].ljust(widths[0]), *numbers, row[5]))


def _cells(part: Part) -> tuple[str, ...]:
    numbers = (f"{part.entries:,}", _size(part.bytes), f"{part.reused:,}")
    return (part.kind, *numbers, f"{part.times:,}", part.origin or "not known (older journal)")


def _health_lines(path: Path, health: Health) -> Iterator[str]:
    yield f"{path}: {health.intact:,} entries are as they were stored, {health.damaged:,} damaged"
    if health.quarantined:
        yield f"set aside as damaged before: {health.quarantined:,}"
    if health.unreadable or health.pages:
        more = f" (and {len(health.pages) - 1} more)" if len(health.pages) > 1 else ""
        complaint = f": {health.pages[0].splitlines()[-1]}{more}" if health.pages else ""
        yield f"pages of the file are damaged{complaint}; entries on them are lost"
    if health.repaired:
        yield "mended: damaged entries are set aside, what can be read is kept"


def _pruned_lines(path: Path, choice: Choice, done: Pruned, *, dry_run: bool) -> Iterator[str]:
    would = "would be removed" if dry_run else "removed"
    if choice.entries:
        if done.parts:
            yield from _part_lines(done.parts)
        total, size = sum(p.entries for p in done.parts), sum(p.bytes for p in done.parts)
        yield f"{would}: {total:,} entries, {_size(size)}"
    if choice.quarantine:
        yield f"{would}: {done.quarantined:,} set aside as damaged"
    if dry_run:
        return
    yield f"{path}: {_size(done.bytes_before)} before, {_size(done.bytes_after)} now"
    if done.why_large:
        yield f"it could not be made smaller ({done.why_large}); new entries take the room"
