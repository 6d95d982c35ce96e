"""The table of docs/explanation/fidelity.md."""

from collections.abc import Mapping

from tests.suite_cases.cases import GoldCases

from .runner import Disagreements

HEAD = (
    "| suite | samples | gold scores 1 | twin scores 0 | exceptions |\n"
    "| --- | ---: | ---: | ---: | --- |"
)

#: The remark on a suite without gold.
JUDGED = "scored by a judge: compared with stored verdicts"


def row(gold: GoldCases, result: Disagreements) -> str:
    """Return a suite's counts and its exceptions with their reasons."""
    right, wrong = (result.samples - len(ids) for ids in (result.golds, result.twins))
    counts = (f"{count:,}" for count in (result.samples, right, wrong))
    return _line(gold.suite, *counts, _exceptions(gold))


def without(name: str, reason: str) -> str:
    """Return the row of a suite without counts, and why."""
    return _line(name, "–", "–", "–", reason)


def _exceptions(gold: GoldCases) -> str:
    parts = [*_reasons("gold", gold.golds), *_reasons("twin", gold.twins), gold.note]
    return "; ".join(part for part in parts if part) or "none"


def _reasons(kind: str, exceptions: Mapping[str, str]) -> list[str]:
    """Return one text for each reason, with the ids that have it."""
    ids: dict[str, list[str]] = {}
    for name, reason in exceptions.items():
        ids.setdefault(reason, []).append(name)
    return [f"{kind} {', '.join(names)}: {reason}" for reason, names in ids.items()]


def _line(name: str, *cells: str) -> str:
    return f"| `{name}` | {' | '.join(cells)} |"
