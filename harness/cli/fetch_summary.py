"""What `nca data fetch` prints: a line a file, and what became of all."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.data.fetch.fetch import Done
from harness.errors import UserError


def line(one: Done) -> str:
    """State, path, size in kB, seconds and licence of one file; why, where it failed."""
    if one.state == "failed":
        return f"{one.state:<9}{one.error}"
    size = f"{one.size / 1000:,.1f} kB"
    return f"{one.state:<9}{one.entry.path}  {size}  {one.seconds:.1f} s  {one.entry.licence}"


def summary(done: Sequence[Done], folder: Path) -> str:
    """How many files there are in each state, their size and the time they took."""
    counts = Counter(one.state for one in done)
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    size, seconds = sum(one.size for one in done), sum(one.seconds for one in done)
    return f"{len(done)} files at {folder}: {states}; {size / 1e6:.1f} MB, {seconds:.1f} s"


def refuse_failed(done: Sequence[Done]) -> None:
    """End with an error where a file is not there.

    Raises:
        UserError: at least one failed; the message is that of the first.
    """
    failed = [one.error for one in done if one.state == "failed"]
    if failed:
        more = f" (and {len(failed) - 1} more, above)" if len(failed) > 1 else ""
        raise UserError(f"{failed[0]}{more}")
