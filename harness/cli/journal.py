"""`nca journal`: commands that look at the journal of answers and change it."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option, Typer

from harness.cli import options
from harness.cli.options import RUNS, command
from harness.errors import RunFailed

if TYPE_CHECKING:
    from harness.storage.journal.care import Choice, Part, Pruned
    from harness.storage.journal.check import Health

app = Typer(
    help="Look at the journal of answers, check it, prune it, or add another.", no_args_is_help=True
)


@command(app, "show")
def show_journal(runs: options.Runs = RUNS, as_json: options.AsJson = False) -> None:
    """Print its size, its content, and how often entries were reused."""
    from harness.storage.journal.care import survey
    from harness.storage.journal.file import FILE

    contents = survey(runs / FILE)
    if as_json:
        _print_json({**asdict(contents), "path": str(contents.path)})
        return
    unused = f", {_size(contents.free)} of it unused (`nca journal prune`)" if contents.free else ""
    print(f"journal: {contents.path}, {_size(contents.bytes)}{unused}")
    print(*_part_lines(contents.parts), sep="\n")
    print(f"set aside as damaged: {contents.quarantined}")


@command(app, "verify")
def verify_journal(
    repair: Annotated[
        bool, Option("--repair", help="Set damaged entries aside; end runs first.")
    ] = False,
    runs: options.Runs = RUNS,
    as_json: options.AsJson = False,
) -> None:
    """Check every entry's checksum and every page; exit code 1 if damage is left."""
    from harness.storage.journal.check import check
    from harness.storage.journal.file import FILE

    path = runs / FILE
    health = check(path, repair=repair)
    if as_json:
        _print_json({**asdict(health), "path": str(path), "sound": health.sound})
    else:
        print(*_health_lines(path, health), sep="\n")
    if not health.sound:
        raise RunFailed(
            f"{path}: damaged; `nca journal verify --repair` sets aside what is, and it is asked "
            "again when it is needed"
        )


@command(app, "prune")
def prune_journal(
    damaged: Annotated[
        bool, Option("--damaged", help="Entries that were set aside as damaged.")
    ] = False,
    unused: Annotated[bool, Option("--unused", help="Entries that were never reused.")] = False,
    origin: Annotated[
        str | None, Option(help="Entries given by this: part of a line of `show`.")
    ] = None,
    kind: Annotated[str | None, Option(help="answer or check.")] = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Print what would be removed, and remove nothing.")
    ] = False,
    runs: options.Runs = RUNS,
    as_json: options.AsJson = False,
) -> None:
    """Remove entries that match all of the given --unused, --origin and --kind."""
    from harness.storage.journal.care import Choice, prune
    from harness.storage.journal.file import FILE

    choice = Choice(kind, origin, unused=unused, quarantine=damaged)
    path = runs / FILE
    pruned = prune(path, choice, dry_run=dry_run)
    if as_json:
        _print_json({**asdict(pruned), "path": str(path), "dry_run": dry_run})
    else:
        print(*_pruned_lines(path, choice, pruned, dry_run=dry_run), sep="\n")


@command(app, "merge")
def merge_journals(
    others: Annotated[
        list[Path], Argument(metavar="OTHER...", help="Journals, or folders of runs.")
    ],
    runs: options.Runs = RUNS,
    as_json: options.AsJson = False,
) -> None:
    """Add the entries of other journals after a check; existing entries stay."""
    from harness.storage.journal.care import merge
    from harness.storage.journal.file import FILE

    for merged in merge(runs / FILE, others):
        if as_json:
            _print_json({**asdict(merged), "source": str(merged.source)})
            continue
        lost = f", {merged.damaged} damaged ones left out" if merged.damaged else ""
        torn = ", entries on damaged pages lost" if merged.unreadable else ""
        print(f"{merged.source}: {merged.new:,} new, {merged.present:,} known already{lost}{torn}")


def _print_json(value: dict[str, Any]) -> None:
    import json

    print(json.dumps(value, ensure_ascii=False))


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


def _part_lines(parts: "Iterable[Part]") -> Iterator[str]:
    """Yield a line for each kind and origin, the columns as wide as they need to be."""
    rows = [("kind", "entries", "size", "found again", "times", "given by")]
    for part in parts:
        counts = (f"{part.entries:,}", _size(part.bytes), f"{part.reused:,}", f"{part.times:,}")
        rows.append((part.kind, *counts, part.origin or "not known (older journal)"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for kind, *numbers, origin in rows:
        aligned = map(str.rjust, numbers, widths[1:5])
        yield "  ".join((kind.ljust(widths[0]), *aligned, origin))


def _health_lines(path: Path, health: "Health") -> Iterator[str]:
    yield f"{path}: {health.intact:,} entries are as they were stored, {health.damaged:,} damaged"
    if health.quarantined:
        yield f"set aside as damaged before: {health.quarantined:,}"
    if health.unreadable or health.pages:
        more = f" (and {len(health.pages) - 1} more)" if len(health.pages) > 1 else ""
        complaint = f": {health.pages[0].splitlines()[-1]}{more}" if health.pages else ""
        yield f"pages of the file are damaged{complaint}; entries on them are lost"
    if health.repaired:
        yield "mended: damaged entries are set aside, what can be read is kept"


def _pruned_lines(
    path: Path, choice: "Choice", pruned: "Pruned", *, dry_run: bool
) -> Iterator[str]:
    would = "would be removed" if dry_run else "removed"
    if choice.entries:
        if pruned.parts:
            yield from _part_lines(pruned.parts)
        total, size = sum(p.entries for p in pruned.parts), sum(p.bytes for p in pruned.parts)
        yield f"{would}: {total:,} entries, {_size(size)}"
    if choice.quarantine:
        yield f"{would}: {pruned.quarantined:,} set aside as damaged"
    if dry_run:
        return
    yield f"{path}: {_size(pruned.bytes_before)} before, {_size(pruned.bytes_after)} now"
    if pruned.why_large:
        yield f"it could not be made smaller ({pruned.why_large}); new entries take the room"
