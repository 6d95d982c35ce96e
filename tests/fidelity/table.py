"""The table of docs/explanation/fidelity.md."""

from collections.abc import Mapping

from .held import Held
from .runner import Found

HEAD = (
    "| suite | samples | gold scores 1 | twin scores 0 | exceptions |\n"
    "| --- | ---: | ---: | ---: | --- |"
)

#: Why a suite without gold has no counts.
JUDGED = "scored by a judge: compared with stored verdicts"


def row(held: Held, found: Found) -> str:
    """A suite's counts and its exceptions with their reasons."""
    right, wrong = (found.samples - len(ids) for ids in (found.golds, found.twins))
    return _line(held.suite, *(f"{one:,}" for one in (found.samples, right, wrong)), _said(held))


def without(name: str, reason: str) -> str:
    """A suite of which nothing can be said, and why."""
    return _line(name, "–", "–", "–", reason)


def _said(held: Held) -> str:
    parts = [*_reasons("gold", held.golds), *_reasons("twin", held.twins), held.note]
    return "; ".join(part for part in parts if part) or "none"


def _reasons(what: str, known: Mapping[str, str]) -> list[str]:
    """One text for each reason, with the ids that have it."""
    ids: dict[str, list[str]] = {}
    for name, reason in known.items():
        ids.setdefault(reason, []).append(name)
    return [f"{what} {', '.join(names)}: {reason}" for reason, names in ids.items()]


def _line(name: str, *cells: str) -> str:
    return f"| `{name}` | {' | '.join(cells)} |"
