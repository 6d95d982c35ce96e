"""The output of `nca data fetch`: a line for each file, and the counts of all."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from harness.data.fetch.fetch import Done
from harness.errors import UserError


def line(file: Done) -> str:
    """Return the line of a file: state, path, size, seconds and licence, or the error."""
    if file.state == "failed":
        return f"{file.state:<9}{file.error}"
    size = f"{file.size / 1000:,.1f} kB"
    return f"{file.state:<9}{file.entry.path}  {size}  {file.seconds:.1f} s  {file.entry.licence}"


def summary(done: Sequence[Done], folder: Path) -> str:
    """Return the line of counts: files in each state, their size and the seconds they took."""
    counts = Counter(file.state for file in done)
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    size, seconds = sum(file.size for file in done), sum(file.seconds for file in done)
    return f"{len(done)} files at {folder}: {states}; {size / 1e6:.1f} MB, {seconds:.1f} s"


def refuse_failed(done: Sequence[Done]) -> None:
    """End with an error where a file is not there.

    Raises:
        UserError: at least one failed; the message is that of the first.
    """
    failed = [file.error for file in done if file.state == "failed"]
    if failed:
        more = f" (and {len(failed) - 1} more, above)" if len(failed) > 1 else ""
        raise UserError(f"{failed[0]}{more}")
