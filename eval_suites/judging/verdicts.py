"""Read a judge's verdicts: ratings, winners of pairs, label probabilities, rankings.

Two readings stand side by side. `official_*` is upstream's rule, which takes the first token of
the right form, also one that the judge quotes from the judged answer. Ours takes the last one and
checks its range. What cannot be read is None, never a number.
"""

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

Winner = Literal["A", "B", "tie"]

#: FastChat: the first number in double brackets, else the first in single ones.
_OFFICIAL_RATINGS = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))
_RATING = re.compile(r"\[\[\s*(-?\d+(?:\.\d*)?)\s*\]\]")
_WINNER = re.compile(r"\[\[\s*([ABC])\s*\]\]")
_WINNERS: Mapping[str, Winner] = {"A": "A", "B": "B", "C": "tie"}
_FENCE = re.compile(r"```[a-zA-Z]*\n(.*?)```", re.DOTALL)


def official_rating(text: str) -> float | None:
    """FastChat's rating: the first `[[n]]`, else the first `[n]`, of whatever size."""
    for pattern in _OFFICIAL_RATINGS:
        if found := pattern.search(text):
            return float(found[1])
    return None


def rating(text: str, least: float = 1.0, most: float = 10.0) -> float | None:
    """The last `[[n]]` of a reply; None where there is none, or it is out of range."""
    found = _RATING.findall(text)
    if not found:
        return None
    value = float(found[-1])
    return value if least <= value <= most else None


def official_winner(text: str) -> Winner | None:
    """FastChat's winner: `[[A]]` anywhere, else `[[B]]` anywhere, else `[[C]]`, a tie."""
    for letter, winner in _WINNERS.items():
        if f"[[{letter}]]" in text:
            return winner
    return None


def winner(text: str) -> Winner | None:
    """The last `[[A]]`, `[[B]]` or `[[C]]` (a tie) of a reply."""
    found = _WINNER.findall(text)
    return _WINNERS[found[-1]] if found else None


def label_preference(
    top: Sequence[tuple[str, float]], first: str = "m", second: str = "M"
) -> float | None:
    """Preference from the log-probabilities of two labels, as AlpacaEval 2.0 weighs it.

    A label that is not among the most likely tokens counts as impossible, which is upstream's
    rule; it says something only where the other label is there.

    Args:
        top: most likely tokens at one place, with their natural-log probabilities.
        first: label of the output that was shown first.
        second: of the other one.

    Returns:
        2 - p, where p is the first label's share of both: 1 prefers the first output, 2 the
        second. None without either label.
    """
    found = {token: logprob for token, logprob in top if token in (first, second)}
    if not found or any(math.isnan(logprob) for logprob in found.values()):
        return None
    highest = max(found.values())
    if highest == -math.inf:
        return None
    weights = {token: math.exp(logprob - highest) for token, logprob in found.items()}
    return 2.0 - weights.get(first, 0.0) / sum(weights.values())


def official_ranking(text: str) -> float | None:
    """AlpacaEval 1.0's preference: the rank, 1 or 2, that the reply's list gives `model_1`.

    The whole reply must be a Python literal, as upstream wants it.
    """
    ranks = _ranks(text)
    if ranks is None or ranks[0] not in (1, 2):
        return None
    return float(ranks[0])


def ranking(text: str) -> float | None:
    """As `official_ranking`, also from a code block or behind prose, if both ranks are there.

    The last list of the reply counts. Ranks must be 1 and 2, one each.
    """
    fenced = _FENCE.findall(text)
    inner = fenced[-1] if fenced else text
    start, end = inner.rfind("["), inner.rfind("]")
    ranks = _ranks(inner[start : end + 1]) if 0 <= start < end else None
    return float(ranks[0]) if ranks in ((1, 2), (2, 1)) else None


def _ranks(text: str) -> tuple[object, object] | None:
    """What a list of dicts says of `model_1` and `model_2`, the first of each; None for less."""
    try:
        found = ast.literal_eval(text.strip())
        ranked = {one["model"]: one["rank"] for one in reversed(list(found))}
    except (ValueError, TypeError, KeyError, SyntaxError, RecursionError, MemoryError):
        return None
    if "model_1" not in ranked:
        return None
    return ranked["model_1"], ranked.get("model_2")
