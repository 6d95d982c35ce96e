"""`nca journal`: commands that look at the journal of answers and change it."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import RUNS, AsJsonOption, RunsOption, command

app = typer.Typer(
    help="Look at the journal of answers, check it, prune it, or add another.", no_args_is_help=True
)


@command(app, "show")
def show_journal(runs: RunsOption = RUNS, as_json: AsJsonOption = False) -> None:
    """Print its size, its content, and how often entries were reused."""
    from harness.cli import journal_summary

    journal_summary.show(runs, as_json=as_json)


@command(app, "verify")
def verify_journal(
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged entries aside; end runs first.")
    ] = False,
    runs: RunsOption = RUNS,
    as_json: AsJsonOption = False,
) -> None:
    """Check every entry's checksum and every page; exit code 1 if damage is left."""
    from harness.cli import journal_summary

    journal_summary.verify(runs, repair=repair, as_json=as_json)


@command(app, "prune")
def prune_journal(
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Entries that were set aside as damaged.")
    ] = False,
    unused: Annotated[
        bool, typer.Option("--unused", help="Entries that were never reused.")
    ] = False,
    origin: Annotated[
        str | None,
        typer.Option("--origin", help="Entries given by this: part of a line of `show`."),
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="answer or check.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be removed, and remove nothing.")
    ] = False,
    runs: RunsOption = RUNS,
    as_json: AsJsonOption = False,
) -> None:
    """Remove entries that match all of the given --unused, --origin and --kind."""
    from harness.cli import journal_summary
    from harness.storage.journal.care import Choice

    choice = Choice(kind, origin, unused=unused, quarantine=damaged)
    journal_summary.remove(runs, choice, dry_run=dry_run, as_json=as_json)


@command(app, "merge")
def merge_journals(
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER...", help="Journals, or folders of runs.")
    ],
    runs: RunsOption = RUNS,
    as_json: AsJsonOption = False,
) -> None:
    """Add the entries of other journals after a check; existing entries stay."""
    from harness.cli import journal_summary

    journal_summary.absorb(runs, others, as_json=as_json)
